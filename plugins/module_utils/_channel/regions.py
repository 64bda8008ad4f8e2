# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The regions whose topics Amazon Q Developer in chat applications subscribes to. PRIVATE to the collection."""

from __future__ import annotations

# https://docs.aws.amazon.com/chatbot/latest/adminguide/chatbot-regions.html, read on 2026-11-28. What happens to a
# topic of another region is not documented: AWS may refuse the channel configuration as a whole, or deliver nothing.
SUPPORTED = frozenset(
    {
        *("us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "ca-west-1", "mx-central-1", "sa-east-1"),
        *("eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2"),
        *("eu-west-3", "il-central-1", "me-central-1", "me-south-1", "af-south-1", "ap-east-1", "ap-south-1"),
        *("ap-south-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-southeast-1", "ap-southeast-2"),
        *("ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-7"),
    }
)
