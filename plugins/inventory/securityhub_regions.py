# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: securityhub_regions
short_description: One host for each region of your AWS accounts, with the state of Security Hub
version_added: "1.0.0"
author:
  - The secops.securityhub maintainers (@secops)
description:
  - Creates an inventory host for each enabled region of one or more AWS accounts, for the playbooks of this
    collection. The next run includes new regions of AWS, and regions that an account opts in to, without a change to
    the file.
  - The file name must end in C(securityhub_regions.yml) or C(securityhub_regions.yaml).
  - Hosts are named C(<account>.<region>), for example C(prod.eu-west-1), or C(<region>) if the file has a single
    account without a name.
  - Each host is in the groups C(securityhub), C(account_<name>), C(region_<region>), C(partition_<partition>) and
    C(hub_<state>). Characters that Ansible does not allow in group names are replaced with underscores, for example in
    C(region_eu_west_1) and C(partition_aws_us_gov). For an account without a name, the account ID is used instead.
  - If the regions of an account cannot be read, for example because its role cannot be assumed, the account has a
    single host with the name of the account, which is in the groups C(securityhub), C(account_<name>) and
    C(hub_unknown). Its variable C(__securityhub_slack_account_error) has the cause and the fix, so that a playbook
    fails for this account only.
  - Regions in partitions without Amazon Q Developer in chat applications (AWS China, AWS GovCloud and others) are
    included like all others. The playbooks refuse them.
requirements:
  - python >= 3.10
  - botocore >= 1.44
extends_documentation_fragment:
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
notes:
  - "Host variables that are always set: C(securityhub_hub) (V(enabled), V(disabled) or V(unknown)) and
    C(securityhub_hub_reason) (why the state is unknown, otherwise empty)."
  - "Host variables of a region: C(securityhub_slack_region), C(securityhub_account_id) and C(securityhub_partition)."
  - "C(securityhub_account_id) is the default of C(securityhub_slack_account_id): a playbook refuses credentials that
    lead to another account than those of the inventory."
  - "Host variables for the role, if they are set for the account: C(securityhub_slack_profile),
    C(securityhub_slack_role_arn), C(securityhub_slack_external_id), C(securityhub_slack_session_name) and
    C(securityhub_slack_endpoint_url)."
  - "Variables from this file become host variables. They override group_vars, and are overridden by host_vars. Set
    variables that group_vars decide in group_vars only."
  - "The credentials need C(account:ListRegions) or C(ec2:DescribeRegions), and C(securityhub:DescribeHub)."
  - "Values that come from AWS are never evaluated as templates. O(accounts[].variables) and similar options can contain
    templates."
options:
  plugin:
    description: Marks the file as a file of this plugin.
    type: str
    required: true
    choices: [secops.securityhub.securityhub_regions]
  accounts:
    description:
      - The Security Hub administrator accounts. Member accounts are not needed, because the administrator accounts
        receive their findings.
      - By default, a single account without a name, with the credentials of the environment.
    type: list
    elements: dict
    default: [{}]
    suboptions:
      name:
        description:
          - The name of the account in host and group names. Letters, digits, hyphens, underscores and dots are allowed.
            Required if there are several accounts.
        type: str
      profile:
        description: A profile of C(~/.aws/config) that has credentials of the account, or that can assume its role.
        type: str
      role_arn:
        description: A role in the account. It is assumed once, not for each region.
        type: str
      external_id:
        description: The value of C(sts:ExternalId) that the role's trust policy requires. If it is encrypted with
          Ansible Vault, it stays encrypted in the inventory. It is never printed.
        type: str
      session_name:
        description: The name of the role session, which is visible in CloudTrail.
        type: str
        default: secops.securityhub
      endpoint_url:
        description: Overrides O(endpoint_url) for this account.
        type: str
      regions:
        description: Overrides O(regions) for this account.
        type: list
        elements: str
      exclude:
        description: Overrides O(exclude) for this account.
        type: list
        elements: str
      variables:
        description: Variables of all hosts of this account. They override O(variables) and O(region_variables).
        type: dict
      region_variables:
        description: The same as O(region_variables), for this account only. They override all others.
        type: dict
  regions:
    description:
      - V(enabled) for all regions, or a list of region names and patterns such as V(eu-*).
      - Only regions that the account has enabled and that have Security Hub are included.
    type: list
    elements: str
    default: [enabled]
  exclude:
    description: Names and patterns of regions to exclude, for example regions that a service control policy denies.
    type: list
    elements: str
    default: []
  variables:
    description: Variables of all hosts.
    type: dict
    default: {}
  region_variables:
    description:
      - Variables of the hosts in a region, by region name or pattern. They override O(variables).
      - If several patterns match a region, the later one wins.
    type: dict
    default: {}
  endpoint_url:
    description: Sends all calls to this URL instead of AWS, for example to an emulator.
    type: str
"""

EXAMPLES = r"""
# inventories/prod/securityhub_regions.yml: all regions of the account whose credentials are in the environment.
# The hosts are named eu-west-1, us-east-1, ...
---
plugin: secops.securityhub.securityhub_regions

# Three administrator accounts, all regions of two of them, and findings of Singapore from MEDIUM.
# The hosts are named prod.eu-west-1, stage.eu-west-1, ...
---
plugin: secops.securityhub.securityhub_regions
accounts:
  - name: prod
    profile: securityhub-prod
  - name: stage
    role_arn: arn:aws:iam::222222222222:role/securityhub-slack
    external_id: c0ffee
    variables:
      securityhub_slack_channel_id: C0STAGE0001
  - name: lab
    profile: securityhub-lab
    regions: [eu-*, us-east-1]
    exclude: [eu-south-*]
variables:
  securityhub_slack_workspace_id: T0SECOPS001
  securityhub_slack_channel_id: C0PROD00001
region_variables:
  ap-southeast-1:
    securityhub_slack_minimum_severity: MEDIUM

# Custom groups, and an inventory that is cached for an hour.
---
plugin: secops.securityhub.securityhub_regions
accounts:
  - name: prod
    profile: securityhub-prod
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/securityhub_regions
groups:
  europe: securityhub_slack_region.startswith('eu-')
keyed_groups:
  - key: securityhub_account_id
    prefix: id
"""

import os
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

from ansible.errors import AnsibleError
from ansible.errors import AnsibleParserError
from ansible.module_utils.basic import missing_required_lib
from ansible.parsing.vault import EncryptedString
from ansible.plugins.cache import BaseFileCacheModule
from ansible.plugins.inventory import BaseInventoryPlugin
from ansible.plugins.inventory import Cacheable
from ansible.plugins.inventory import Constructable

from ..module_utils._aws.clients import Clients
from ..module_utils._aws.sanitize import sanitize_line
from ..module_utils._aws.similar import did_you_mean
from ..module_utils._inventory.accounts import accounts_of
from ..module_utils._inventory.accounts import problems
from ..module_utils._inventory.discovery import THREADS
from ..module_utils._inventory.discovery import AccountFacts
from ..module_utils._inventory.discovery import Search
from ..module_utils._inventory.discovery import discover
from ..module_utils._inventory.hosts import hosts_of
from ..module_utils._inventory.hosts import warnings

if TYPE_CHECKING:
    from ansible.inventory.data import InventoryData
    from ansible.parsing.dataloader import DataLoader

    from ..module_utils._inventory.accounts import Account
    from ..module_utils._inventory.hosts import Host

FILE_NAMES = ("securityhub_regions.yml", "securityhub_regions.yaml")
EXTERNAL_ID = "securityhub_slack_external_id"
OPTIONS = ("accounts", "regions", "exclude", "variables", "region_variables", "endpoint_url")


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """Reads the file, and the regions from AWS or the cache; module_utils/_inventory makes hosts of them."""

    NAME = "secops.securityhub.securityhub_regions"

    def __init__(self) -> None:
        super().__init__()
        self._encrypted: dict[str, EncryptedString] = {}

    def verify_file(self, path: str) -> bool:
        """Return whether the file has one of the documented names."""
        return path.endswith(FILE_NAMES) and super().verify_file(path)

    def parse(self, inventory: InventoryData, loader: DataLoader, path: str, cache: bool = True) -> None:
        """Add the hosts to *inventory*. *cache*: false if the cache must be refreshed."""
        super().parse(inventory, loader, path, cache)
        if find_spec("botocore") is None:
            raise AnsibleParserError(missing_required_lib("botocore"))
        accounts = self._accounts(path)
        aws = Clients(connections=THREADS)
        facts = self._facts(aws, accounts, path, cache)
        for warning in warnings(accounts, facts, aws.available_regions("securityhub")):
            self.display.warning(sanitize_line(warning))
        for account, found in zip(accounts, facts):
            for host in hosts_of(account, found):
                self._add(host, self._encrypted.get(account.name))

    def _accounts(self, path: str) -> list[Account]:
        # Checked before Ansible checks the types: its errors show values, and with them external IDs.
        file = self.loader.load_from_file(path)
        found = problems(_decrypted(file)) if isinstance(file, dict) else []
        if found:
            raise AnsibleParserError(sanitize_line(" ".join(found)))
        config = self._read_config_data(path)
        unknown = [str(key) for key in config if not self.has_option(key)]
        if unknown:
            hints = "".join(did_you_mean(key, OPTIONS) for key in unknown)
            raise AnsibleParserError(
                sanitize_line(f"Unknown options in the file: {', '.join(unknown)}.{hints}")
                + f" For a list, run: ansible-doc -t inventory {self.NAME}"
            )
        options = {name: self.get_option(name) for name in OPTIONS}
        self._encrypted = _external_ids(options["accounts"])
        return accounts_of(_decrypted(options))

    def _facts(self, aws: Clients, accounts: list[Account], path: str, cache: bool) -> list[AccountFacts]:
        cached = self._cached(path) if cache else {}
        keys = [account.cache_key(os.environ) for account in accounts]
        missing = {
            key: Search(account.source, account.wants) for key, account in zip(keys, accounts) if key not in cached
        }
        fresh = dict(zip(missing, discover(aws, list(missing.values()))))
        facts = {key: fresh.get(key) or cached[key] for key in keys}
        # Accounts that could not be read are read again by the next run. A write restarts the cache timeout of all
        # accounts, so the cache is only written if there is something new.
        if any(not found.error for found in fresh.values()):
            self._keep(path, {key: found for key, found in facts.items() if not found.error})
        return [facts[key] for key in keys]

    def _cached(self, path: str) -> dict[str, AccountFacts]:
        if not self.get_option("cache"):
            return {}
        try:
            cached = self._cache.get(self.get_cache_key(path), {})
            return {key: AccountFacts.from_dict(facts) for key, facts in cached.items()}
        except (AnsibleError, AttributeError, KeyError, TypeError, ValueError):
            self.display.warning(
                "The inventory cache is damaged, not readable, or from another version of the collection, "
                "so all accounts are read again."
            )
            return {}

    def _keep(self, path: str, facts: dict[str, AccountFacts]) -> None:
        if self.get_option("cache"):
            self._cache[self.get_cache_key(path)] = {key: asdict(found) for key, found in facts.items()}

    def update_cache_if_changed(self) -> None:
        """Write the cache if it has changed. If it is a file, only its owner can read it."""
        super().update_cache_if_changed()
        plugin = self._cache._plugin
        if isinstance(plugin, BaseFileCacheModule):
            for key in self._cache:
                # Ansible makes the file readable for everyone, and adds prefixes to its name.
                for file in Path(plugin._cache_dir).glob(f"*{key}"):
                    file.chmod(0o600)

    def _add(self, host: Host, encrypted: EncryptedString | None) -> None:
        self.inventory.add_host(host.name)
        for group in host.groups:
            self.inventory.add_host(host.name, self.inventory.add_group(group))
        # A value that is encrypted in the file stays encrypted in the inventory, which is printed and stored in AWX.
        variables = {**host.variables, **({EXTERNAL_ID: encrypted} if encrypted is not None else {})}
        for name, value in variables.items():
            self.inventory.set_variable(host.name, name, value)
        strict = self.get_option("strict")
        self._set_composite_vars(self.get_option("compose"), variables, host.name, strict)
        self._add_host_to_composed_groups(self.get_option("groups"), variables, host.name, strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, host.name, strict)


def _external_ids(accounts: list[dict[str, Any]]) -> dict[str, EncryptedString]:
    """Return the external IDs that are encrypted in the file, by account name."""
    return {
        str(entry.get("name") or ""): entry["external_id"]
        for entry in accounts
        if isinstance(entry.get("external_id"), EncryptedString)
    }


def _decrypted(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options with decrypted values in the accounts."""
    accounts = options.get("accounts")
    if not isinstance(accounts, list):
        return options
    return {**options, "accounts": [_decrypted_account(entry) for entry in accounts]}


def _decrypted_account(entry: Any) -> Any:
    if not isinstance(entry, dict):
        return entry
    return {key: str(value) if isinstance(value, EncryptedString) else value for key, value in entry.items()}
