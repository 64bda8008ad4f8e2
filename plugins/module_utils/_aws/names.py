# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How AWS names regions and accounts; for fullmatch. PRIVATE to the collection."""

from __future__ import annotations

import re

REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-\d+", re.ASCII)
ACCOUNT_ID = re.compile(r"\d{12}", re.ASCII)
