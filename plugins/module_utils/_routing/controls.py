# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which findings about global resources appear in every Region. PRIVATE to the collection.

Source: "Suggested controls to disable in Security Hub CSPM",
https://docs.aws.amazon.com/securityhub/latest/userguide/controls-to-disable.html, read on 2026-11-23.
"""

from __future__ import annotations

# Every Region reports the same failure again. Never a prefix such as "IAM.": IAM.28 (external access analyzer) is a
# control of each Region. Controls that AWS evaluates in one Region only (CloudFront.*, Route53.2, WAF.1 ...) are not
# listed either: no other Region reports them.
REPEATING = (
    "Account.1",
    "Account.2",
    "IAM.1",
    "IAM.2",
    "IAM.3",
    "IAM.4",
    "IAM.5",
    "IAM.6",
    "IAM.7",
    "IAM.8",
    "IAM.9",
    "IAM.10",
    "IAM.11",
    "IAM.12",
    "IAM.13",
    "IAM.14",
    "IAM.15",
    "IAM.16",
    "IAM.17",
    "IAM.18",
    "IAM.19",
    "IAM.21",
    "IAM.22",
    "IAM.24",
    "IAM.25",
    "IAM.26",
    "IAM.27",
    "KMS.1",
    "KMS.2",
)

# GuardDuty processes CloudTrail's global service events in every Region in which it is enabled
# (https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_data-sources.html#cloudtrail_global). Such a finding names
# the called service. That page lists STS and S3 too, but they are also called in a single Region: findings about them
# are not treated as global, because a duplicate message is better than a lost one.
GLOBAL_SERVICES = ("cloudfront.amazonaws.com", "iam.amazonaws.com", "route53.amazonaws.com")

# Every Region's analyzer reports these (https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-resources.html).
GLOBAL_RESOURCE_TYPES = ("AwsIamRole", "AwsIamUser")
