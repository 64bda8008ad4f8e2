# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The frame of an HTML page that needs no network and no script: pure. PRIVATE to the collection."""

from __future__ import annotations

from html import escape

from .files import PAGE
from .page_style import CSS


def page(title: str, summary: str, parts: list[str], playbook: str) -> str:
    """Return a page; its security policy forbids scripts. *title* and *summary* are texts, *parts* are HTML."""
    body = "\n".join(part for part in parts if part)
    return (
        f'{PAGE}<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{CSS}</style>\n</head>\n<body>\n<main>\n"
        f'<header>\n<p class="kicker">Security Hub findings in chat</p>\n<h1>{escape(title)}</h1>\n'
        f'<p class="soft">{escape(summary)}</p>\n</header>\n{body}\n'
        f"<footer>Created by the playbook secops.securityhub.{playbook}, which changed nothing in AWS.</footer>\n"
        "</main>\n</body>\n</html>\n"
    )
