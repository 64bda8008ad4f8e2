# `make demo` runs the collection on this machine; `make test` runs everything that CI checks.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
BIN := .venv/bin
PATH_OF_CALLER := $(PATH)
# ansible-test takes a pyenv shim for a Python even where that version is not installed, so shims are left out.
export PATH := $(CURDIR)/$(BIN):$(shell tr : '\n' <<<"$$PATH" | grep -v '/shims$$' | paste -sd:)
export ANSIBLE_HOME := $(CURDIR)/.ansible/home
# Where an image sets this, each run would compile the collection, the emulator and the tests again.
unexport PYTHONDONTWRITEBYTECODE
# In this order, the longest first, two processes are busy until the end.
CHECKS := integration sanity lint molecule build docs
PIP_INSTALL := $(BIN)/python tests/setup/pip_install.py

.PHONY: help setup setup-dev emulator-venv chromium collected demo test checks lint sanity unit unit-pure integration \
  acceptance build docs molecule versions mutants sessions lock clean

help:  ## show the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 24

setup: .venv/run.stamp  ## install ansible-core, boto3 and amazon.aws below this folder
setup-dev: .venv/dev.stamp
emulator-venv: .cache/emulator/venv/stamp
chromium: .cache/chromium/stamp

.venv/bin/python:
	@echo "Creating .venv"
	@PATH="$(PATH_OF_CALLER)" tests/setup/venv "$(PYTHON)" .venv

.venv/run.stamp: tests/setup/locks/run.txt tests/setup/lay_out_collections.py | .venv/bin/python
	@echo "Installing ansible-core and boto3 into .venv (1 minute)"
	@$(PIP_INSTALL) -r tests/setup/locks/run.txt
	@$(BIN)/python tests/setup/lay_out_collections.py
	@touch $@

.venv/dev.stamp: tests/setup/locks/dev.txt .venv/run.stamp
	@echo "Installing linters, molecule and pytest into .venv (2 minutes)"
	@$(PIP_INSTALL) -r tests/setup/locks/dev.txt
	@touch $@

.cache/emulator/venv/stamp: tests/setup/locks/emulator.txt | .venv/bin/python
	@echo "Installing the AWS emulator into .cache/emulator/venv (1 minute)"
	@tests/setup/venv $(BIN)/python .cache/emulator/venv
	@.cache/emulator/venv/bin/python tests/setup/pip_install.py -r tests/setup/locks/emulator.txt
	@touch $@

.cache/chromium/stamp: tests/setup/chromium/package-lock.json tests/setup/chromium/install | .venv/dev.stamp
	@echo "Installing Chromium into .cache/chromium (1 minute)"
	@tests/setup/chromium/install
	@touch $@

collected: setup-dev
	@# pytest keeps the tests that it has compiled, which all workers would do at the same time. `unit` reports errors.
	@$(BIN)/pytest --collect-only -q >/dev/null || true

demo: setup emulator-venv  ## deploy to 17 regions of a local AWS and show which messages arrive
	@tests/demo/demo

test:  ## run everything that CI checks
	@$(MAKE) --no-print-directory --jobs=2 chromium emulator-venv collected
	@# The unit tests run until the end. While they wait for stacks and channels, two checks at a time run beside them.
	@echo "Running the unit tests and all checks (10 minutes), with the output of each when it ends"
	@$(MAKE) --no-print-directory --jobs=3 --output-sync=target unit $(CHECKS)

checks:  ## run everything but the unit tests
	@$(MAKE) --no-print-directory --jobs=2 chromium emulator-venv
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target $(CHECKS)

lint: setup-dev  ## check code, YAML, templates, docs, licenses and changelog
	@tests/run/lint

sanity: setup-dev  ## run ansible-test sanity, without ignore files
	@tests/run/ansible-test sanity

unit: setup-dev emulator-venv chromium  ## run all unit tests
	@# Runs of playbooks wait for stacks and channels most of the time, so there are three workers for each of two cores.
	@$(BIN)/pytest -n 6 --dist worksteal

unit-pure: setup-dev  ## run the unit tests that need neither emulator nor playbook
	@$(BIN)/pytest -n 2 -m pure

integration: setup-dev emulator-venv  ## run ansible-test integration against the emulator
	@tests/run/integration

acceptance: setup-dev  ## prove the collection on a real AWS account (settings: tests/acceptance/settings.yml)
	@tests/run/acceptance

build: setup-dev emulator-venv  ## build the tarball, check its content and use it from another folder
	@tests/run/build

docs: setup-dev  ## build the documentation site in docs/build/html
	@tests/run/docs

molecule: setup-dev emulator-venv  ## run the shipped playbooks against the emulator
	@tests/run/molecule

versions: emulator-venv  ## run unit and sanity tests on each ansible-core whose Python is installed
	@PATH="$(PATH_OF_CALLER)" tests/run/versions

mutants: setup-dev emulator-venv  ## check that the tests fail for each mutation of tests/mutants
	@tests/run/mutants

sessions: setup-dev emulator-venv chromium  ## record docs/sessions again: terminal sessions and screenshots
	@tests/run/sessions

lock: setup-dev  ## update the locked requirements, with hashes, to the newest that requirements*.txt allow
	@tests/setup/lock --upgrade

clean:  ## remove what make has set up
	rm -rf .venv .ansible .cache .pytest_cache .mypy_cache .ruff_cache docs/build tests/output
