# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep what botocore reads and computes for each session in memory, which takes longer than most tests."""

from __future__ import annotations

import functools

from botocore.hooks import EventAliaser
from botocore.loaders import JSONFileLoader
from botocore.loaders import Loader


def keep_in_memory() -> None:
    """Let all sessions of this process share data files, the names of all services, and the new names of old events."""
    load_file = functools.lru_cache(maxsize=None)(JSONFileLoader().load_file)
    JSONFileLoader.load_file = lambda _self, path: load_file(path)
    list_services = Loader.list_available_services

    @functools.cache
    def services(folder: str, kind: str) -> list[str]:
        return list_services(Loader([folder], include_default_search_paths=False), kind)

    Loader.list_available_services = lambda self, kind: sorted(
        {name for folder in self.search_paths for name in services(folder, kind)}
    )

    name_of = functools.cache(EventAliaser(None)._alias_event_name)
    EventAliaser._alias_event_name = lambda _self, event: name_of(event)
