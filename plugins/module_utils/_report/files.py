# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the files of this collection begin, by which it knows those it may overwrite: pure. PRIVATE to the collection."""

from __future__ import annotations

from .._stack import stack_set_resource

GENERATOR = "secops.securityhub"
PAGE = f"<!DOCTYPE html>\n<!-- {GENERATOR} -->\n"
DOCUMENT = f'{{\n  "generator": "{GENERATOR}",\n'
EXPORT = f'{{\n  "AWSTemplateFormatVersion": "2010-09-09",\n  "Description": "{stack_set_resource.DESCRIPTION}",\n'
BEGINNINGS = (PAGE, DOCUMENT, EXPORT)
LONGEST = max(map(len, BEGINNINGS))


def is_ours(beginning: str) -> bool:
    """Tell whether the first characters of a file, LONGEST or all, are those of an empty file or of one of ours."""
    return not beginning or beginning.startswith(BEGINNINGS)
