# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS Organizations: one function a call. PRIVATE to the collection.

Every function takes a botocore client of the service ``organizations`` and raises botocore's errors.
"""

from __future__ import annotations

import json
from typing import Any


def effective_chatbot_policy(client: Any) -> dict[str, Any] | None:
    """Return the effective chat applications policy of the caller's account, or None if there is none.

    Its shape: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_chatbot_syntax.html
    """
    try:
        answer = client.describe_effective_policy(PolicyType="CHATBOT_POLICY")
    except (
        client.exceptions.AWSOrganizationsNotInUseException,
        client.exceptions.EffectivePolicyNotFoundException,
    ):
        return None
    content: dict[str, Any] = json.loads(answer["EffectivePolicy"]["PolicyContent"])
    return content
