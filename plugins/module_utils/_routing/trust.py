# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which findings have texts that AWS alone writes, as clauses: pure. PRIVATE to the collection.

Whoever may import findings in a member account chooses their ID, title, links and resources, but not their product:
accounts import under their default product and those of partners, and only AWS under product/aws/...
(https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_BatchImportFindings.html). So the ID, the control and the
link of a finding of an AWS service have the form that the service documents.

Its title and its resources can still contain names that others chose, such as that of an alarm. Mentions and links with
a text of their own take < in Slack and ]( in Teams. Security Hub itself writes the titles of controls, and the other
services below report resources whose names cannot contain them.
"""

from __future__ import annotations

from .clauses import Clause
from .conditions import NEVER
from .conditions import SUFFIX
from .conditions import WILDCARD
from .conditions import Condition
from .conditions import any_of
from .conditions import none_of
from .fields import Path
from .policy import Policy
from .policy import Scope

CONTROLS = ("/aws/securityhub",)
# Their IDs are ARNs that end in hexadecimal digits. Those of Access Analyzer, for example, contain names of resources.
SERVICES = ("/aws/guardduty", "/aws/inspector", "/aws/macie")
MARKUP = ("*<*", "*](*")


def clauses(policy: Policy, scope: Scope, *, trusted: bool) -> tuple[Clause, ...]:
    """Return the clauses that hold for findings whose texts are trusted, or those that hold for all others."""
    fields = policy.fields
    controls, services = _products(policy, scope)
    product, title, resource = fields.product, fields.title, fields.resource_copy
    if trusted:
        found: list[Clause] = [((product, any_of((*controls, *services), SUFFIX)),)] if controls or services else [()]
        if controls and resource:
            found.append(_either((product, any_of(services, SUFFIX)), (resource, none_of(MARKUP, WILDCARD))))
        if services:
            found.append(_either((product, any_of(controls, SUFFIX)), (title, none_of(MARKUP, WILDCARD))))
        return tuple(found)
    absent = fields.is_optional(product)
    in_resource = [(resource, any_of(MARKUP, WILDCARD, absent=True))] if resource else []
    in_title = (title, any_of(MARKUP, WILDCARD, fields.is_optional(title)))
    of_controls = ((product, none_of(controls, SUFFIX, absent)), *in_resource)
    of_services = ((product, none_of(services, SUFFIX, absent)), in_title)
    return (*((of_controls,) if controls else ()), *((of_services,) if services else ()))


def _either(*conditions: tuple[Path, Condition]) -> Clause:
    return tuple((path, condition) for path, condition in conditions if condition != NEVER)


def _products(policy: Policy, scope: Scope) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return CONTROLS and SERVICES without those that an event pattern cannot tell apart together with the policy.

    A pattern compares a field once: it cannot say "the title contains < and does not begin with S3", nor "a product
    that ends in /aws/macie, but not this one".
    """
    suppressions = [
        item for one in (policy, *(linked for _region, linked in scope.linked)) for item in one.suppressions
    ]
    whole = [arn for item in suppressions for arn in item.product_arns if arn.startswith("arn:")]

    def distinct(products: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(end for end in products if not any(arn.endswith(end) for arn in whole))

    by_title = any(item.title_prefixes for item in suppressions)
    return distinct(CONTROLS), () if by_title else distinct(SERVICES)
