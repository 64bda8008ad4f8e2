# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a channel adds to the custom messages about findings: mentions and links. Pure. PRIVATE to the collection.

They come from the role's variables. A finding fills in only the placeholders of links, after their host name, with
texts that AWS checks or writes (see _channel/message.py).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from typing import Any
from urllib.parse import quote

from .._routing.fields import SEVERITIES
from .._routing.policy import PREFIX

if TYPE_CHECKING:
    from .._routing.policy import Variables

MENTIONS = "mentions"
PORTAL_URL, PORTAL_ROLE = "access_portal_url", "access_portal_role"
# Each link with its words in the message.
LINKS = {"runbook_url": "Runbook", "ticket_url": "Create a ticket"}

# https://docs.slack.dev/messaging/formatting-message-text
TO_EVERYONE = ("here", "channel")
GROUP_ID = re.compile(r"S[A-Z0-9]{2,20}\Z", re.ASCII)
USER_ID = re.compile(r"[UW][A-Z0-9]{2,20}\Z", re.ASCII)
MENTIONS_AT_MOST = 5

# The placeholders of a link, and the variables of the message that they become. The texts of the last two are only
# known to be plain if AWS has written them.
PLACEHOLDERS = {
    "{severity}": "<severity>",
    "{account_id}": "<account>",
    "{region}": "<region>",
    "{control}": "<control>",
    "{finding_id}": "<id>",
}
OF_AWS = ("{control}", "{finding_id}")
LONGEST_LINK = 500
HOST = r"https://[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]{1,5})?"
LINK = re.compile(rf"{HOST}(?:[/?#](?:[A-Za-z0-9._~:/?#@!&()*+,;=%-]|{'|'.join(map(re.escape, PLACEHOLDERS))})*)?\Z")
PORTAL = re.compile(rf"{HOST}(?:/[A-Za-z0-9._~/-]*)?\Z")
# https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_CreatePermissionSet.html
PERMISSION_SET = re.compile(r"[A-Za-z0-9+=,.@_-]{1,32}\Z", re.ASCII)
CONSOLE = "https://<region>.console.aws.amazon.com/securityhub"
DESTINATIONS = {
    "asff": f"{CONSOLE}/home?region=<region>#/findings",
    "ocsf": f"{CONSOLE}/v2/home?region=<region>#/findings",
}


def mentions_of(variables: Variables) -> dict[str, tuple[str, ...]]:
    """Return the severities that have the same mentions, by the text of these; all severities, also without any."""
    given = variables.get(PREFIX + MENTIONS) or {}
    found: dict[str, tuple[str, ...]] = {}
    for severity in reversed(SEVERITIES):
        text = " ".join(map(_mention, _listed(given.get(severity))))
        found[text] = (*found.get(text, ()), severity)
    return found


def mentioned(variables: Variables) -> dict[str, tuple[str, ...]]:
    """Return whom messages of each severity mention, as the variables name them."""
    given = variables.get(PREFIX + MENTIONS) or {}
    return {severity: tuple(map(str, _listed(listed))) for severity, listed in given.items()}


def links_of(variables: Variables, finding_format: str, *, trusted: bool) -> tuple[str, ...]:
    """Return the links for messages about findings of a format: each with its words.

    *trusted*: the texts of the findings are trusted.
    """
    found = []
    portal, role = (str(variables.get(PREFIX + name) or "") for name in (PORTAL_URL, PORTAL_ROLE))
    if portal:
        destination = quote(DESTINATIONS[finding_format], safe="<>")
        found.append(
            f"Sign in to the account: {portal.rstrip('/')}/#/console?account_id=<account>&role_name={quote(role)}"
            f"&destination={destination}"
        )
    for name, words in LINKS.items():
        link = variables.get(PREFIX + name) or ""
        if link and (trusted or not any(placeholder in link for placeholder in OF_AWS)):
            for placeholder, variable in PLACEHOLDERS.items():
                link = link.replace(placeholder, variable)
            found.append(f"{words}: {link}")
    return tuple(found)


def is_set(variables: Variables) -> list[str]:
    """Return the names of the variables that add something."""
    return [name for name in (MENTIONS, PORTAL_URL, PORTAL_ROLE, *LINKS) if variables.get(PREFIX + name)]


def problems(variables: Variables) -> list[str]:
    """Return what is wrong with the mentions and links in *variables*, each as a sentence with its remedy."""
    return [
        *_mention_problems(variables.get(PREFIX + MENTIONS) or {}),
        *_portal_problems(*(str(variables.get(PREFIX + name) or "") for name in (PORTAL_URL, PORTAL_ROLE))),
        *(problem for name in LINKS for problem in _link_problems(name, str(variables.get(PREFIX + name) or ""))),
    ]


def _mention_problems(given: dict[str, Any]) -> list[str]:
    found = [
        f"{PREFIX}{MENTIONS} has the key {severity!r}. Use {', '.join(reversed(SEVERITIES))}."
        for severity in given
        if severity not in SEVERITIES
    ]
    for severity, listed in given.items():
        wrong = [item for item in _listed(listed) if not _mention(item)]
        found += [
            f"{PREFIX}{MENTIONS} has {item!r} for {severity}. Use here, channel, or the ID of a Slack user group "
            f"(S...) or user (U...)."
            for item in wrong
        ]
        if len(_listed(listed)) > MENTIONS_AT_MOST:
            found.append(
                f"{PREFIX}{MENTIONS} has {len(_listed(listed))} mentions for {severity}. Use up to {MENTIONS_AT_MOST}, "
                f"or a user group."
            )
    return found


def _portal_problems(url: str, role: str) -> list[str]:
    found = []
    if bool(url) != bool(role):
        missing = PORTAL_ROLE if url else PORTAL_URL
        found.append(f"{PREFIX}{missing} is not set. A link through the access portal needs both URL and role.")
    if url and (not PORTAL.match(url) or len(url) > LONGEST_LINK):
        found.append(
            f"{PREFIX}{PORTAL_URL} is {url!r}. Use the URL of the AWS access portal, such as "
            f"https://example.awsapps.com/start."
        )
    if role and not PERMISSION_SET.match(role):
        found.append(f"{PREFIX}{PORTAL_ROLE} is {role!r}. Use the name of a permission set, such as SecurityAudit.")
    return found


def _link_problems(name: str, link: str) -> list[str]:
    if not link or (LINK.match(link) and len(link) <= LONGEST_LINK):
        return []
    return [
        f"{PREFIX}{name} is {link!r}. Use an https URL of up to {LONGEST_LINK} characters, in which other characters "
        f"than letters, digits and ._~:/?#@!&()*+,;=- are encoded as % and two digits. After the host name, it can "
        f"contain {', '.join(PLACEHOLDERS)}."
    ]


def _mention(text: Any) -> str:
    """Return a mention in Slack's markup, '' for a text that is none."""
    if text in TO_EVERYONE:
        return f"<!{text}>"
    if isinstance(text, str) and GROUP_ID.match(text):
        return f"<!subteam^{text}>"
    return f"<@{text}>" if isinstance(text, str) and USER_ID.match(text) else ""


def _listed(given: Any) -> list[Any]:
    return given if isinstance(given, list) else [] if given is None else [given]
