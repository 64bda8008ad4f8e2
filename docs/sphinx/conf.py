# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sphinx configuration of the documentation site; tests/run/docs builds it."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.util import logging

project = title = html_title = html_short_title = "secops.securityhub"
project_copyright = "Contributors to the secops.securityhub project"
extensions = ["sphinx_antsibull_ext"]
pygments_style = "ansible"
highlight_language = "YAML+Jinja"
html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["narrow.css"]
# The options of modules follow the theme, which is dark where the reader's system is.
antsibull_ext_color_scheme = "default-autodark"
html_show_sphinx = False
html_use_index = False
html_copy_source = False
default_role = "any"
nitpicky = True

ANSIBLE = "https://docs.ansible.com/projects/ansible/latest"
# Labels outside of this site that antsibull-docs refers to. Intersphinx would need the network to resolve them.
EXTERNAL_LABELS = {
    "action_plugins": f"{ANSIBLE}/plugins/action.html",
    "ansible_configuration_settings": f"{ANSIBLE}/reference_appendices/config.html",
    "common_return_values": f"{ANSIBLE}/reference_appendices/common_return_values.html",
}
PLUGIN = re.compile(r"ansible_collections\.(?!secops\.)(\w+)\.(\w+)\.(\w+_[a-z]+)")

# Links lead to files, so that they work on GitHub; the site has pages for these.
PAGES = {
    r"(\w+)\.rst": r"docsite/\1",
    r"\.\./\.\./\.\./roles/(\w+)/README\.md": r"\1_role",
    r"\.\./\.\./\.\./plugins/modules/(\w+)\.py": r"\1_module",
    r"\.\./\.\./\.\./plugins/inventory/(\w+)\.py": r"\1_inventory",
}


def external_url(kind: str, target: str) -> str:
    """Return the URL of a reference to the documentation of Ansible, or an empty string."""
    if kind == "envvar" and target.startswith("ANSIBLE_"):
        return f"{ANSIBLE}/reference_appendices/config.html#envvar-{target}"
    plugin = PLUGIN.fullmatch(target)
    return f"{ANSIBLE}/collections/{'/'.join(plugin.groups())}.html" if plugin else EXTERNAL_LABELS.get(target, "")


def resolve_external_reference(_app: Any, _env: Any, node: Any, content: Any) -> nodes.reference | None:
    """Link a reference to the documentation of Ansible. Other unresolved references remain errors."""
    url = external_url(node["reftype"], node["reftarget"])
    return nodes.reference("", "", content, internal=False, refuri=url) if url else None


def remove_contents(_app: Any, doctree: nodes.document) -> None:
    """Remove the tables of contents of antsibull-docs and of the guides: the theme has one beside each page."""
    for topic in [found for found in doctree.findall(nodes.topic) if "contents" in found["classes"]]:
        topic.parent.remove(topic)
    for title in doctree.findall(nodes.title):
        title.attributes.pop("refid", None)  # the entry in the table


def page_of(path: str) -> str:
    """Return the page that the site has for a file, or an empty string."""
    return next((re.sub(pattern, page, path) for pattern, page in PAGES.items() if re.fullmatch(pattern, path)), "")


def lead_to_pages(app: Any, doctree: nodes.document, page: str) -> None:
    """Let links to files lead to their pages."""
    for link in doctree.findall(nodes.reference):
        path, mark, heading = link.get("refuri", "").partition("#")
        target = page_of(path)
        if target and target not in app.env.found_docs:
            logging.getLogger(__name__).warning("there is no page %s", target, location=link)
        if target:
            link["internal"] = True
            link["refuri"] = f"{app.builder.get_relative_uri(page, target)}{mark}{heading}"


def setup(app: Any) -> None:
    """Register the handlers of events."""
    app.connect("missing-reference", resolve_external_reference)
    app.connect("doctree-read", remove_contents)
    app.connect("doctree-resolved", lead_to_pages)
