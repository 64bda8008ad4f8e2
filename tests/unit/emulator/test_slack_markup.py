# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the inbox page shows Slack's markup (https://docs.slack.dev/messaging/formatting-message-text)."""

from __future__ import annotations

import re

import pytest
from ansible_collections.secops.securityhub.tests.emulator.slack_markup import rendered
from hypothesis import given
from hypothesis import strategies as st

LINK = '<a href="{0}" target="_blank" rel="noreferrer">{1}</a>'


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("*3 CRITICAL* open", "<b>3 CRITICAL</b> open"),
        ("_a_ and ~b~", "<i>a</i> and <s>b</s>"),
        ("*_both_*", "<b><i>both</i></b>"),
        ("2*3*4 is snake_case_name * 5", "2*3*4 is snake_case_name * 5"),
        ("`*code*` *bold*", "<code>*code*</code> <b>bold</b>"),
        ("*a `b` c*", "<b>a <code>b</code> c</b>"),
        ("```x\n*y*```", "<pre>x\n*y*</pre>"),
        ("see https://aws.amazon.com/a_b_c?d", "see " + LINK.format(*["https://aws.amazon.com/a_b_c?d"] * 2)),
        ("<https://a.example?b=1&amp;c>", LINK.format(*["https://a.example?b=1&amp;c"] * 2)),
        ("<https://evil.example|the console>", LINK.format("https://evil.example", "the console")),
        ("<!channel> <@U012AB3CD> <!subteam^SAZ94GDB8>",
         '<span class="mention">@channel</span> <span class="mention">@U012AB3CD</span> '
         '<span class="mention">@SAZ94GDB8</span>'),
        ("<script>alert(1)</script> &lt;b&gt; &amp;", "&lt;script&gt;alert(1)&lt;/script&gt; &lt;b&gt; &amp;"),
        ("<javascript:alert(1)|x>", "&lt;javascript:alert(1)|x&gt;"),
    ],
)  # fmt: skip
def test_markup_is_shown_as_slack_shows_it(text, shown):
    assert rendered(text) == shown


@given(st.text(alphabet="*_~`<>&|\\\"'\0 !@#ax:/;.\n"))
def test_no_text_breaks_out(text):
    """Only the elements of markup are there, and each is closed."""
    tags = re.findall(r"<(/?)(\w+)([^<>]*)>", rendered(text))
    assert {tag for _slash, tag, _more in tags} <= {"b", "i", "s", "code", "pre", "a", "span"}
    assert rendered(text).count("<") == len(tags)
    opened = []
    for slash, tag, _more in tags:
        if slash:
            assert opened.pop() == tag
        else:
            opened.append(tag)
    assert opened == []
