# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import unicodedata

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._aws.sanitize import sanitize
from ansible_collections.secops.securityhub.plugins.module_utils._aws.sanitize import sanitize_all
from ansible_collections.secops.securityhub.plugins.module_utils._aws.sanitize import sanitize_line
from hypothesis import given
from hypothesis import strategies as st

# Half a pair of surrogates too, which JSON may hold.
ANY_TEXT = st.text(st.characters(), max_size=50)
SEEN = ("L", "M", "N", "P", "S", "Zs")
JSON = st.recursive(ANY_TEXT | st.integers() | st.booleans() | st.none(), lambda item: st.lists(item, max_size=3))


@given(ANY_TEXT)
def test_sanitized_text_is_printable(text):
    shown = sanitize(text)
    assert not any(unicodedata.category(char).startswith(("C", "Zl", "Zp")) for char in shown if char != "\n")
    assert shown.encode().decode() == shown
    assert len(shown) == len(text)


@given(ANY_TEXT)
def test_printable_text_is_kept(text):
    seen = "".join(char for char in text if unicodedata.category(char).startswith(SEEN) or char == "\n")
    assert sanitize(seen) == seen


@given(ANY_TEXT)
def test_a_line_is_one(text):
    assert len(sanitize_line(text).splitlines()) <= 1


@given(JSON)
def test_a_value_keeps_its_shape(value):
    assert sanitize_all(sanitize_all(value)) == sanitize_all(value)
    assert sanitize_all([value, {"\x1b": value}]) == [sanitize_all(value), {"\x1b": sanitize_all(value)}]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("  indented, à 20 % \U0001f600", "  indented, à 20 % \U0001f600"),
        ("\x1b]0;owned\x07\x9b31m", "?]0;owned??31m"),
        ("a\u202eb\u2066c\u2028d\ud800", "a?b?c?d?"),
        ("a\tb\rc\x00", "a?b?c?"),
        ("a\nb", "a\nb"),
    ],
)
def test_inert(text, shown):
    assert sanitize(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [("  indented", "  indented"), ("  a\r\nb\tc", "  a? b?c"), ("\x1b[31m\nred", "?[31m red"), ("", ""), ("\n", " ")],
)
def test_inert_line(text, shown):
    assert sanitize_line(text) == shown


def test_texts_inside_lists_and_dictionaries_are_sanitized_and_keys_stay():
    given = {"key\x1b": ["a\x1b", ("b\x1b", 1, None)]}
    assert sanitize_all(given) == {"key\x1b": ["a?", ["b?", 1, None]]}
