# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep what botocore reads and computes for each session in memory, which takes longer than most tests."""

from __future__ import annotations

import functools
import inspect
from typing import Any

from botocore import hooks
from botocore import regions
from botocore.client import ClientCreator
from botocore.hooks import EventAliaser
from botocore.loaders import JSONFileLoader
from botocore.loaders import Loader
from botocore.model import ServiceModel


def keep_in_memory() -> None:
    """Let all sessions of this process share what depends on botocore's code and data files only."""
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
    one_word = {alias for alias in hooks.EVENT_ALIASES if "." not in alias}
    several = [alias for alias in hooks.EVENT_ALIASES if "." in alias]
    # botocore compares an event with all 200 aliases, one after the other; hardly any has one.
    EventAliaser._alias_event_name = lambda _self, event: (
        event
        if one_word.isdisjoint(event.split(".")) and not any(alias in event for alias in several)
        else name_of(event)
    )
    hooks.accepts_kwargs = accepts_kwargs
    share_models()


def accepts_kwargs(function: Any) -> Any:
    """Return whether a function takes any keyword, as botocore finds out from the function's signature."""
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    return code.co_flags & inspect.CO_VARKEYWORDS if code else inspect.getfullargspec(function).varkw


def share_models() -> None:
    """Read each service's model and rules of endpoints, and make the methods of its clients, once."""
    create_methods, endpoint_provider = ClientCreator._create_methods, regions.EndpointProvider
    # By the identity of what a data file contains, which stays in memory.
    models: dict[int, ServiceModel] = {}
    methods: dict[int, dict[str, Any]] = {}
    providers: dict[int, Any] = {}

    def shared_model(self: ClientCreator, service_name: str, api_version: str | None = None) -> ServiceModel:
        data = self._loader.load_service_model(service_name, "service-2", api_version=api_version)
        if id(data) not in models:
            models[id(data)] = ServiceModel(data, service_name=service_name)
        return models[id(data)]

    def shared_methods(self: ClientCreator, service_model: ServiceModel) -> dict[str, Any]:
        if id(service_model) not in methods:
            methods[id(service_model)] = create_methods(self, service_model)
        return dict(methods[id(service_model)])

    def shared_provider(ruleset_data: dict, partition_data: dict, excluded_params: Any = None) -> Any:
        if id(ruleset_data) not in providers:
            providers[id(ruleset_data)] = endpoint_provider(ruleset_data, partition_data, excluded_params)
        return providers[id(ruleset_data)]

    ClientCreator._load_service_model = shared_model
    ClientCreator._create_methods = shared_methods
    regions.EndpointProvider = shared_provider
