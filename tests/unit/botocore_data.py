# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep botocore's data files in memory: each session reads them again, which takes longer than most tests."""

from __future__ import annotations

import functools

from botocore.loaders import JSONFileLoader


def keep_in_memory() -> None:
    """Let all sessions of this process share what one of them has read."""
    load_file = functools.lru_cache(maxsize=None)(JSONFileLoader().load_file)
    JSONFileLoader.load_file = lambda _self, path: load_file(path)
