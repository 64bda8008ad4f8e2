# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of mutants fits the code. tests/run/mutants checks that the tests kill them."""

from __future__ import annotations

import pytest
from ansible_collections.secops.securityhub.tests.mutants import run


@pytest.mark.parametrize("mutant", run.mutants(), ids=str)
def test_the_list_fits_the_code(mutant):
    source = (run.ROOT / mutant.file).read_text(encoding="utf-8")
    assert mutant.mutated(source) != source
    assert [test for test in mutant.tests if not (run.ROOT / test.partition("::")[0]).exists()] == []


def test_text_that_is_there_twice_is_refused():
    with pytest.raises(ValueError, match="2 times, not once"):
        run.Mutant("a.py", "x", "y", ()).mutated("x = x")
