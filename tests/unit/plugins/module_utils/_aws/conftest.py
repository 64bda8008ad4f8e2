# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The environment in which the tests of the AWS plumbing act: an emulator, one account, no files of the person."""

from __future__ import annotations

import pytest

ACCOUNT = "111111111111"
SECRET = "not-for-any-eyes"
CONFIG = f"""
[profile other]
aws_access_key_id = 222222222222
aws_secret_access_key = {SECRET}
region = eu-west-1

[profile china]
aws_access_key_id = 333333333333
aws_secret_access_key = {SECRET}
region = cn-north-1

[profile empty]
region = eu-west-1
"""


@pytest.fixture
def environment(monkeypatch, tmp_path, emulator):
    (tmp_path / "config").write_text(CONFIG)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_ENDPOINT_URL", emulator.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCOUNT)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
