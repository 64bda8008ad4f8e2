# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sphinx configuration of the documentation site; tests/run/docs builds it."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes

project = title = html_short_title = "secops.securityhub"
project_copyright = "Contributors to the secops.securityhub project"
extensions = ["sphinx_antsibull_ext"]
pygments_style = "ansible"
highlight_language = "YAML+Jinja"
html_theme = "sphinx_ansible_theme"
html_show_sphinx = False
html_use_index = False
html_copy_source = False
default_role = "any"
nitpicky = True

ANSIBLE = "https://docs.ansible.com/projects/ansible/latest"
# What antsibull-docs refers to outside of this site. Intersphinx would need the network, and its day, to build.
ELSEWHERE = {
    "action_plugins": f"{ANSIBLE}/plugins/action.html",
    "ansible_configuration_settings": f"{ANSIBLE}/reference_appendices/config.html",
    "common_return_values": f"{ANSIBLE}/reference_appendices/common_return_values.html",
}
PLUGIN = re.compile(r"ansible_collections\.(?!secops\.)(\w+)\.(\w+)\.(\w+_[a-z]+)")


def address_elsewhere(kind: str, target: str) -> str:
    """Return where on the site of Ansible a reference leads to, or nothing."""
    if kind == "envvar" and target.startswith("ANSIBLE_"):
        return f"{ANSIBLE}/reference_appendices/config.html#envvar-{target}"
    plugin = PLUGIN.fullmatch(target)
    return f"{ANSIBLE}/collections/{'/'.join(plugin.groups())}.html" if plugin else ELSEWHERE.get(target, "")


def link_elsewhere(_app: Any, _env: Any, node: Any, content: Any) -> nodes.reference | None:
    """Resolve a reference that leads out of this site; one to this collection that leads nowhere stays an error."""
    address = address_elsewhere(node["reftype"], node["reftarget"])
    return nodes.reference("", "", content, internal=False, refuri=address) if address else None


def setup(app: Any) -> None:
    """Let Sphinx ask for what it does not find here."""
    app.connect("missing-reference", link_elsewhere)
