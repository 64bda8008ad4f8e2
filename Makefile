# `make demo` shows the collection at work on this machine; `make test` is all that CI runs.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
BIN := .venv/bin
PATH_OF_CALLER := $(PATH)
# Without the shims of pyenv: ansible-test takes the shim of a version that is not there for a Python.
export PATH := $(CURDIR)/$(BIN):$(shell tr : '\n' <<<"$$PATH" | grep -v '/shims$$' | paste -sd:)
PIP := -m pip install -qq --disable-pip-version-check
export ANSIBLE_HOME := $(CURDIR)/.ansible/home

.PHONY: help setup setup-dev emulator-venv demo test lint sanity unit build docs molecule versions clean

help:  ## show the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 24

setup: .venv/run.stamp  ## ansible-core, boto3, amazon.aws, below this folder
setup-dev: .venv/dev.stamp
emulator-venv: .cache/emulator/venv/stamp

.venv/bin/python:
	@PATH="$(PATH_OF_CALLER)" tests/setup/venv "$(PYTHON)" .venv

.venv/run.stamp: requirements.txt tests/setup/lay_out_collections.py | .venv/bin/python
	@echo "Setting up .venv: ansible-core and boto3 from PyPI"
	@$(BIN)/python $(PIP) -r requirements.txt
	@$(BIN)/python tests/setup/lay_out_collections.py
	@touch $@

.venv/dev.stamp: requirements-dev.txt tests/unit/requirements.txt .venv/run.stamp
	@echo "Setting up .venv: linters, molecule and pytest from PyPI"
	@$(BIN)/python $(PIP) -r requirements-dev.txt
	@touch $@

.cache/emulator/venv/stamp: tests/emulator/requirements.txt | .venv/bin/python
	@echo "Setting up the emulator: ministack in its own venv"
	@tests/setup/venv $(BIN)/python .cache/emulator/venv
	@.cache/emulator/venv/bin/python $(PIP) -r tests/emulator/requirements.txt
	@touch $@

demo: setup emulator-venv  ## 17 regions on a local AWS: see which messages arrive
	@tests/demo/demo

test: lint sanity unit build docs molecule  ## everything that CI checks

lint: setup-dev  ## code, YAML, templates, docs, licences, changelog
	@tests/lint

sanity: setup-dev  ## ansible-test sanity, without any ignore
	@tests/sanity

unit: setup-dev emulator-venv  ## the unit tests
	@$(BIN)/pytest -n 2

build: setup-dev emulator-venv  ## the tarball: what it holds, and its use from elsewhere
	@tests/build

docs: setup-dev  ## the documentation site, in docs/build/html
	@tests/docs

molecule: setup-dev emulator-venv  ## the shipped playbooks against the emulator
	@tests/molecule

versions: emulator-venv  ## unit and sanity on each ansible-core whose Python is here
	@PATH="$(PATH_OF_CALLER)" tests/versions

clean:  ## remove what make has set up
	rm -rf .venv .ansible .cache .pytest_cache .mypy_cache .ruff_cache docs/build tests/output
