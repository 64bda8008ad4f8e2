# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import configparser
import stat

import ansible_test_home
import pytest


@pytest.mark.parametrize(
    ("listing", "expected"),
    [
        ("", {}),
        ("global.index-url='https://example.org/simple'\n", {"index-url": "https://example.org/simple"}),
        (":env:.timeout='9'\nglobal.timeout='1'\ninstall.timeout='5'\n", {"timeout": "9"}),
        ("global.timeout='1'\ninstall.timeout='5'\n", {"timeout": "5"}),
        ("global.find-links='/a\\n/b'\n", {"find-links": "/a\n/b"}),
        ("freeze.timeout='9'\n", {}),
        (":env:.config-file='/etc/pip.conf'\nglobal.a='x=y'\n", {"config-file": "/etc/pip.conf", "a": "x=y"}),
    ],
)
def test_pip_configuration_prefers_the_more_specific_section(listing, expected):
    assert ansible_test_home.pip_configuration(listing) == expected


def test_write_pip_conf_makes_a_file_that_only_its_owner_can_read(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "https://user:100%25@example.org/simple")

    path = tmp_path / "pip" / "pip.conf"
    ansible_test_home.write_pip_conf(path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    written = configparser.RawConfigParser()
    written.read(path)
    assert written["global"]["index-url"] == "https://user:100%25@example.org/simple"


def test_get_pip_name_is_the_file_name_that_ansible_test_expects():
    assert ansible_test_home.get_pip_name().startswith("get_pip_2")
