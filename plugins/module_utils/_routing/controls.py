# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings about global resources: which of them every Region reports. PRIVATE to the collection.

Source: "Suggested controls to disable in Security Hub CSPM",
https://docs.aws.amazon.com/securityhub/latest/userguide/controls-to-disable.html, read on 2026-11-23.
"""

from __future__ import annotations

SOURCE = "https://docs.aws.amazon.com/securityhub/latest/userguide/controls-to-disable.html"
READ_ON = "2026-11-23"

# The same failure is found again in every Region: sent by the owner Region only.
# Never a prefix such as "IAM.": IAM.28 (external access analyzer) is a control of each Region.
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

# Checked in one Region only (us-east-1; GlobalAccelerator.1 in us-west-2), so they arrive once as they are.
SINGLE_REGION = (
    "CloudFront.1",
    "CloudFront.3",
    "CloudFront.4",
    "CloudFront.5",
    "CloudFront.6",
    "CloudFront.7",
    "CloudFront.8",
    "CloudFront.9",
    "CloudFront.10",
    "CloudFront.12",
    "CloudFront.13",
    "CloudFront.15",
    "CloudFront.16",
    "GlobalAccelerator.1",
    "Route53.2",
    "WAF.1",
    "WAF.6",
    "WAF.7",
    "WAF.8",
)

# GuardDuty processes CloudTrail's global service events in every Region it is enabled in
# (https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_data-sources.html#cloudtrail_global). Such a finding names
# the called service. STS and S3, which that page lists too, are also called in one Region alone: a finding about them
# is left in, since an alarm that comes twice is better than one that is lost.
GLOBAL_SERVICES = ("cloudfront.amazonaws.com", "iam.amazonaws.com", "route53.amazonaws.com")

# Every Region's analyzer reports these (https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-resources.html).
GLOBAL_RESOURCE_TYPES = ("AwsIamRole", "AwsIamUser")
