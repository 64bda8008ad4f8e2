# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guides can be read on GitHub, which knows docutils but not Sphinx, and their links lead somewhere."""

from __future__ import annotations

import re

import pytest
import yaml
from ansible_collections.secops.securityhub.tests.unit.docs import pages
from docutils import nodes

GUIDES = sorted((pages.ROOT / "docs" / "docsite" / "rst").glob("*.rst"))


def links(text: str) -> list[str]:
    """Return where the links of a guide lead, without those to web sites."""
    found = re.findall(r"`[^`]+<([^`<>]+)>`__?", text)
    return [link for link in found if "://" not in link]


def headings(text: str) -> set[str]:
    """Return the names of a guide's headings in links."""
    found = re.findall(r"^(.+)\n([=\-~^])\2+$", text, re.MULTILINE)
    return {nodes.make_id(heading) for heading, _line in found}


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.stem)
def test_a_guide_has_nothing_that_only_sphinx_knows(guide):
    text = guide.read_text(encoding="utf-8")
    assert re.findall(r":[a-z]+:`.*", text) == []
    assert re.findall(r"^ *\.\. (?:seealso|versionadded|toctree|tabs|rubric)::", text, re.MULTILINE) == []


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.stem)
def test_the_links_of_a_guide_lead_to_files_and_headings(guide):
    for link in links(guide.read_text(encoding="utf-8")):
        path, _mark, heading = link.partition("#")
        target = guide.parent / path
        assert target.is_file(), link
        assert not heading or heading in headings(target.read_text(encoding="utf-8")), link


def test_the_guides_have_links():
    assert sum(len(links(guide.read_text(encoding="utf-8"))) for guide in GUIDES) > 50


def test_the_index_on_github_is_that_of_the_site():
    folder = pages.ROOT / "docs" / "docsite"
    sections = yaml.safe_load((folder / "extra-docs.yml").read_text(encoding="utf-8"))["sections"]
    index = (folder / "rst" / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^## (.+)$|^\* \[(.+)\]\((\w+)\.rst\)$", index, re.MULTILINE)
    expected = []
    for section in sections:
        expected.append((section["title"], "", ""))
        for name in section["toctree"]:
            title = re.search(r"^(.+)\n=+$", (folder / "rst" / f"{name}.rst").read_text(encoding="utf-8"), re.MULTILINE)
            expected.append(("", title[1], name))
    assert listed == expected
