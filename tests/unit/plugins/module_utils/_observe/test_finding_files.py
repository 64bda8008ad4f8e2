# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings of files: every shape, cut anywhere, gives the same findings as reading the file whole."""

from __future__ import annotations

import json
import tracemalloc

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._aws.errors import UserError
from ansible_collections.secops.securityhub.plugins.module_utils._observe import finding_files
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
# Other keys than those of findings and of answers, whose values have a type.
KEYS = st.text().map("x{}".format)
FINDINGS = st.lists(st.dictionaries(KEYS, JSON, max_size=3).map(lambda more: {**more, "ProductArn": "arn"}))
SHAPES = {
    "list": json.dumps,
    "indented": lambda found: json.dumps(found, indent=2, ensure_ascii=False),
    "answer": lambda found: json.dumps({"Findings": found, "NextToken": "x", "Other": [1, {"a": "]"}]}, indent=4),
    "last": lambda found: json.dumps({"NextToken": None, "Findings": found}),
    "lines": lambda found: "\r\n".join(json.dumps(one) for one in found),
    "pages": lambda found: "\n".join(json.dumps({"Findings": [one]}) for one in found),
    "lists": lambda found: " ".join(json.dumps([one, one][:1]) for one in found) + "\n\n",
}


def read(path, monkeypatch=None, characters=0):
    if characters:
        monkeypatch.setattr(finding_files, "CHARACTERS", characters)
    return list(finding_files.read([str(path)]))


@pytest.mark.parametrize("shape", SHAPES)
@given(found=FINDINGS, characters=st.integers(1, 60))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_shape_gives_the_findings_wherever_the_file_is_cut(tmp_path, monkeypatch, shape, found, characters):
    path = tmp_path / "findings.json"
    text = SHAPES[shape](found)
    if not text.strip():  # an empty file is not valid JSON
        return
    path.write_text(text, encoding="utf-8", newline="")
    assert read(path, monkeypatch, characters) == found


def test_one_finding_a_folder_and_several_paths(tmp_path):
    one, other = {"ProductArn": "a"}, {"finding_info": {}}
    (tmp_path / "b.json").write_text(json.dumps(other))
    (tmp_path / "a.json").write_text(json.dumps(one))
    (tmp_path / "c.txt").write_text("not read")
    assert list(finding_files.read([str(tmp_path), str(tmp_path / "a.json")])) == [one, other, one]


WRONG = {
    "": "Expecting value: line 1 column 1",
    "hello": "Expecting value: line 1 column 1",
    "\x00": "Expecting value: line 1 column 1",
    '[\n{"ProductArn": "a"},\n  {"ProductArn" "a"}]': "Expecting ':' delimiter: line 3 column 17",
    '[{"ProductArn": "a"}\n{"ProductArn": "a"}]': "Expecting ',' or ']': line 2 column 1",
    '[\n{"ProductArn": "a"},\n{"ProductArn": "': "Unterminated string starting at: line 3 column 16",
    '{"Findings": [{"ProductArn": "a"}]': "Expecting ',' or '}': line 1 column 35",
    '{"ProductArn": "a"} x': "Expecting value: line 1 column 21",
    "[" * 100_000: "maximum recursion depth",
}


@pytest.mark.parametrize("text", WRONG, ids=range(len(WRONG)))
@pytest.mark.parametrize("characters", [1, 7, 1 << 20])
def test_a_mistake_is_located_in_the_file(tmp_path, monkeypatch, text, characters):
    path = tmp_path / "findings.json"
    path.write_text(text)
    with pytest.raises(UserError) as failure:
        read(path, monkeypatch, characters)
    assert f"{path} is not valid JSON ({WRONG[text]}" in str(failure.value)
    assert "JSON Lines" in str(failure.value)


OTHER = (
    *("1", "[[]]", '[{"a": 1}]', '{"a": 1e999}', '{"Findings": 1}', '[{"ProductArn": "a"}, null]'),
    *('{"finding_info": "x"}', '{"ProductArn": "x", "Resources": "x"}', '{"ProductArn": "x", "Resources": ["x"]}'),
)


@pytest.mark.parametrize("text", OTHER)
def test_other_content_is_refused(tmp_path, text):
    path = tmp_path / "findings.json"
    path.write_text(text)
    with pytest.raises(UserError, match="contains something that is not a finding"):
        read(path)


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "findings.json"
    with pytest.raises(UserError, match=r"findings\.json cannot be read: No such file"):
        finding_files.read([str(path)])  # before anything is simulated
    with pytest.raises(UserError, match=r"has no \.json files"):
        finding_files.read([str(tmp_path)])
    path.write_bytes(b'[{"ProductArn": "\xff"}]')
    with pytest.raises(UserError, match=r"is not valid JSON .*utf-8"):
        read(path)


@pytest.mark.parametrize("end", ["]", ""])
def test_memory_does_not_grow_with_the_file(tmp_path, monkeypatch, end):
    monkeypatch.setattr(finding_files, "CHARACTERS", 10_000)

    def peak(number):
        path = tmp_path / "findings.json"
        # Without an end, or with a mistake in the first finding: neither is a reason to keep the rest.
        wrong = "" if end else '{"ProductArn" 1}, '
        path.write_text("[" + wrong + ",".join(['{"ProductArn": "' + "x" * 500 + '"}'] * number) + end)
        tracemalloc.start()
        try:
            assert sum(1 for _finding in finding_files.read([str(path)])) == number
        except UserError:
            assert not end
        finally:
            memory = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        return memory

    # A thread that an earlier test has left may take memory, too, for a moment.
    assert any(peak(10_000) < 1.2 * peak(1_000) < 500_000 for _attempt in range(3))
