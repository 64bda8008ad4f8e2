# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proves that patterns together forward exactly what a policy says, each finding by exactly one of them.

Patterns and policy name finitely many texts, prefixes, suffixes and wildcards. So the texts of a field fall into
finitely many classes that they tell apart; classes() finds all of them, with one text of each. A finding is then a
choice of one class for each field, and z3 looks for a finding for which patterns and policy differ. The policy is
encoded here once more, from the documentation; nothing is taken from the compiler or from reference.py.

A finding has two resources, which may be alike, and in OCSF two pieces of evidence. That proves it for any number: of
the findings about which patterns and policy differ, one has at most two. The policy forwards a finding because of one
resource, and so does a pattern. So what is lost is lost with that resource alone, what is sent against the policy with
the one that a pattern matches, and what is sent twice with the two that two patterns match. (In OCSF, keep those that
have a type, or if there are none, an ID. What holds for resources holds for evidence.)
A finding has one vulnerability, as those of Inspector have.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Callable
from collections.abc import Iterable
from typing import Any

import z3
from ansible_collections.secops.securityhub.plugins.module_utils._routing import controls
from ansible_collections.secops.securityhub.plugins.module_utils._routing.matcher import alternatives_of
from ansible_collections.secops.securityhub.plugins.module_utils._routing.operators import fits_value
from ansible_collections.secops.securityhub.plugins.module_utils._routing.operators import is_missing
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import Policy
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import Scope
from ansible_collections.secops.securityhub.plugins.module_utils._routing.safety import registered

Pattern = dict[str, Any]
# A text of a class, None for a missing field.
Text = "str | None"
Glob = tuple[str, ...]

STAR = "*any*"
OTHER = "\N{SNOWMAN}"

ASFF = {
    "state": "RecordState",
    "status": "Workflow.Status",
    "compliance": "Compliance.Status",
    "severity": "Severity.Label",
    "control": "Compliance.SecurityControlId",
    "account": "AwsAccountId",
    "region": "Region",
    "product": "ProductArn",
    "title": "Title",
    "service": "Action.AwsApiCallAction.ServiceName",
    "type": "Resources.Type",
    "id": "Resources.Id",
    "tag": "Resources.Tags.",
    "copy": "ProductFields.Resources:0/Id",
    "epss": "Vulnerabilities.EpssScore",
    "exploit": "Vulnerabilities.ExploitAvailable",
    "fix": "Vulnerabilities.FixAvailable",
}
OCSF = {
    "state": "activity_name",
    "status": "status",
    "compliance": "compliance.status",
    "severity": "severity",
    "control": "compliance.control",
    "account": "cloud.account.uid",
    "region": "cloud.region",
    "product": "metadata.product.uid",
    "title": "finding_info.title",
    "service": "evidences.api.service.name",
    "type": "resources.type",
    "id": "resources.uid",
    "tag": "none",
    "copy": "none",
    "epss": "vulnerabilities.cve.epss.score",
    "exploit": "vulnerabilities.is_exploit_available",
    "fix": "vulnerabilities.is_fix_available",
}
OPTIONAL = {
    "asff": ("compliance", "control", "service", "tag", "copy", "epss", "exploit", "fix"),
    "ocsf": ("state", "compliance", "control", "service", "product", "title", "type", "id", "epss", "exploit", "fix"),
}
# What messages trust: the products, and what a name must not contain.
CONTROLS = ("/aws/securityhub",)
SERVICES = ("/aws/guardduty", "/aws/inspector", "/aws/macie")
MARKUP = ("<", "](")
# Fields of a list, and the elements that a finding has of each.
LISTS = ("Resources", "resources", "evidences")
ELEMENTS = (0, 1)
MISSING = {"exists": False}
GLOBAL_TYPES = ("AwsIamRole", "AwsIamUser", "AWS::IAM::Role", "AWS::IAM::User")


def globs_of(values: Iterable[Any]) -> set[Glob]:
    """Return the texts, prefixes, suffixes and wildcards in the value list of a pattern."""
    found = {tuple(value) for value in values if isinstance(value, str)}
    for operator, operand in (item for value in values if isinstance(value, dict) for item in value.items()):
        for item in operand if isinstance(operand, list) else [operand]:
            if isinstance(item, dict):
                found |= globs_of([item])
            elif isinstance(item, str) and operator in GLOBS:
                found.add(GLOBS[operator](item))
    return found


def _wildcard(text: str) -> Glob:
    pieces = re.findall(r"\\.|[^\\]", text, re.DOTALL)
    return tuple(STAR if piece == "*" else piece[-1] for piece in pieces)


GLOBS: dict[str, Callable[[str], Glob]] = {
    "prefix": lambda text: (*text, STAR),
    "suffix": lambda text: (STAR, *text),
    "wildcard": _wildcard,
    "anything-but": tuple,
}


# The drawn policies name the same few values.
@functools.lru_cache(maxsize=4096)
def classes(globs: frozenset[Glob]) -> list[str]:
    """Return one text for each set of *globs* that a text can match together, by running all of them in parallel."""
    ordered = sorted(globs)
    alphabet = sorted({char for glob in ordered for char in glob if char != STAR} | {OTHER})

    def closed(positions: Iterable[tuple[int, int]]) -> frozenset[tuple[int, int]]:
        found = set(positions)
        todo = list(found)
        while todo:
            number, position = todo.pop()
            skipped = (number, position + 1)
            if position < len(ordered[number]) and ordered[number][position] == STAR and skipped not in found:
                found.add(skipped)
                todo.append(skipped)
        return frozenset(found)

    start = closed((number, 0) for number in range(len(ordered)))
    texts = {start: ""}
    examples: dict[frozenset[int], str] = {}
    todo = [start]
    while todo:
        state, todo = todo[0], todo[1:]
        accepted = frozenset(number for number, position in state if position == len(ordered[number]))
        # An empty text is not a value of any of these fields.
        if texts[state]:
            examples.setdefault(accepted, texts[state])
        for char in alphabet:
            stepped = closed(
                (number, position if ordered[number][position] == STAR else position + 1)
                for number, position in state
                if position < len(ordered[number]) and ordered[number][position] in (STAR, char)
            )
            if stepped not in texts or not texts[stepped]:
                texts[stepped] = texts[state] + char
                todo.append(stepped)
    return sorted(examples.values())


# Formulas, of which those that always or never hold are Booleans of Python: telling z3 takes longer than solving.


def all_of(*formulas: Any) -> Any:
    """Return the formula that all *formulas* hold."""
    found = [formula for formula in formulas if formula is not True]
    return False if any(formula is False for formula in found) else z3.And(found) if found else True


def any_of(*formulas: Any) -> Any:
    """Return the formula that one of *formulas* holds."""
    found = [formula for formula in formulas if formula is not False]
    return True if any(formula is True for formula in found) else z3.Or(found) if found else False


def negated(formula: Any) -> Any:
    """Return the formula that *formula* does not hold."""
    return not formula if isinstance(formula, bool) else z3.Not(formula)


class Proof:
    """A finding with unknown fields, and formulas over it."""

    def __init__(self, patterns: Iterable[Pattern], policy: Policy, scope: Scope, region: str | None) -> None:
        self.scope, self.policy = scope, policy
        self.names = OCSF if policy.finding_format == "ocsf" else ASFF
        self.alternatives = [
            [
                {name[len("detail.findings.") :]: values for name, values in one.items() if name.startswith("detail.f")}
                for one in registered(alternatives_of(pattern))
            ]
            for pattern in patterns
        ]
        self.policies = [policy, *(linked for _region, linked in scope.linked)]
        globs = self._globs()
        self.texts = {name: self._texts(name, found) for name, found in globs.items()}
        if region is not None:
            self.texts[self.names["region"]] = [region]
        self.unknown: dict[tuple[str, int], Any] = {}
        self._conditions: dict[tuple[str, str, int], Any] = {}
        self._held: dict[tuple[str, int, tuple[int, ...]], Any] = {}
        self.ranges: list[Any] = []

    def _globs(self) -> dict[str, set[Glob]]:
        """Return all globs that patterns or policies name, by field."""
        names = self.names
        found: dict[str, set[Glob]] = {name: set() for key, name in names.items() if key != "tag"}
        for key in ("title", "copy"):
            found[names[key]] |= {(STAR, *text, STAR) for text in MARKUP}
        for alternative in (one for each in self.alternatives for one in each):
            for name, values in alternative.items():
                found.setdefault(name, set()).update(globs_of(values))
        words = {"state": ("ACTIVE", "Close"), "status": ("NEW", "New"), "service": controls.GLOBAL_SERVICES}
        words |= {"compliance": ("FAILED", "WARNING", "Fail", "Warning"), "type": GLOBAL_TYPES}
        words |= {"severity": tuple(self._severities()), "control": controls.REPEATING}
        words["region"] = (self.scope.region, self.scope.global_findings_region, *dict(self.scope.linked))
        for policy in self.policies:
            words["account"] = (
                *words.get("account", ()),
                *policy.account_ids,
                *policy.other_channels_account_ids,
            )
        words |= {"exploit": ("NO",), "fix": ("NO",)}
        for key, texts in words.items():
            found[names[key]] |= {tuple(text) for text in texts if text}
        found[names["product"]] |= {(STAR, *end) for end in ("/aws/access-analyzer", *CONTROLS, *SERVICES)}
        found[names["epss"]] |= self._decimals()
        for suppression in (item for policy in self.policies for item in policy.suppressions):
            for key, values in (
                ("control", suppression.control_ids),
                ("account", suppression.account_ids),
                ("region", suppression.regions),
                ("type", suppression.resource_types),
            ):
                found[names[key]] |= {tuple(text) for text in values}
            found[names["title"]] |= {(*text, STAR) for text in suppression.title_prefixes}
            found[names["id"]] |= {
                tuple(STAR if char == "*" else char for char in text) for text in suppression.resource_ids
            }
            found[names["product"]] |= {
                tuple(text) if text.startswith("arn:") else (STAR, *re.sub(r"^:?product(v2)?", "", text))
                for text in suppression.product_arns
            }
            for key, values in suppression.resource_tags:
                found.setdefault(names["tag"] + key, set()).update(tuple(text) for text in values)
        return found

    def _decimals(self) -> set[Glob]:
        """Return how decimals begin as texts: with one digit, and with two where a policy tells them apart."""
        wholes = ("0.", *(f"{policy.minimum_epss:.2f}"[:3] for policy in self.policies))
        exact = {tuple(whole) for whole in wholes}
        return exact | {(*whole, str(digit), STAR) for whole in wholes for digit in range(10)}

    def _numbers(self, name: str) -> list[Any]:
        """Return one number for each range that patterns or policies tell apart."""
        lists = [one[name] for each in self.alternatives for one in each if name in one]
        named = {item["numeric"][1] for values in lists for item in values if "numeric" in item}
        return sorted({0.0, *named, *(policy.minimum_epss for policy in self.policies)})

    def _severities(self) -> Iterable[str]:
        for label in ("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL"):
            yield from (label, label.capitalize())
        yield "Fatal"

    def _texts(self, name: str, globs: set[Glob]) -> list[Any]:
        # Patterns also name fields that every finding has, to tell two alternatives apart.
        other = "tag" if name.startswith(self.names["tag"]) else ""
        key = next((key for key, value in self.names.items() if value == name), other)
        optional: list[str | None] = [None] if key in OPTIONAL[self.policy.finding_format] else []
        is_ocsf = self.policy.finding_format == "ocsf"
        if key == "epss" and not is_ocsf:
            return [*self._numbers(name), *optional]
        if key in ("exploit", "fix") and is_ocsf:
            return [True, False, *optional]
        return [*classes(frozenset(globs)), *optional]

    def holds(self, name: str, predicate: Callable[[str | None], bool], element: int = 0) -> Any:
        """Return the formula that *predicate* holds for the text of a field."""
        indexes = tuple(index for index, text in enumerate(self.texts[name]) if predicate(text))
        if len(indexes) in (0, len(self.texts[name])):
            return bool(indexes)
        if (name, element) not in self.unknown:
            bits = (len(self.texts[name]) - 1).bit_length()
            unknown = self.unknown[name, element] = z3.BitVec(f"{name}#{element}", bits)
            self.ranges.append(z3.ULE(unknown, len(self.texts[name]) - 1))
        held = (name, element, indexes)
        if held not in self._held:
            self._held[held] = z3.Or([self.unknown[name, element] == index for index in indexes])
        return self._held[held]

    def is_matched(self, alternatives: list[dict[str, list[Any]]]) -> Any:
        """Return the formula that one of *alternatives* of a pattern matches."""
        conditions = [{(name, repr(values)) for name, values in one.items()} for one in alternatives]
        shared = {name for name, _values in set.intersection(*conditions) if name.split(".")[0] not in LISTS}
        scalar = all_of(*(self._has(name, alternatives[0][name]) for name in sorted(shared)))
        if scalar is False:
            return False
        rests = [{name: values for name, values in one.items() if name not in shared} for one in alternatives]
        return all_of(scalar, any_of(*map(self._is_fitting, rests)))

    def _is_fitting(self, alternative: dict[str, list[Any]]) -> Any:
        by_list: dict[str, list[str]] = {}
        for name in sorted(alternative):
            first = name.split(".")[0]
            by_list.setdefault(first if first in LISTS else "", []).append(name)
        scalar = all_of(*(self._has(name, alternative[name]) for name in by_list.pop("", [])))
        if scalar is False:
            return False
        return all_of(scalar, *(self._is_element_fitting(names, alternative, None) for names in by_list.values()))

    def _is_element_fitting(self, names: list[str], alternative: dict[str, list[Any]], chosen: int | None) -> Any:
        """Return the formula that the fields *names* of a list match in one element, as event-ruler looks for it.

        It compares fields in the order of their names. A field that has one of the texts chooses the element for those
        after it; a field is missing if no element has it, or not the chosen one.
        """
        if not names:
            return True
        (name, *others), elements = names, ELEMENTS if chosen is None else (chosen,)
        present = [value for value in alternative[name] if not is_missing(value)]
        cases = [
            all_of(self._has(name, present, element), self._is_element_fitting(others, alternative, element))
            for element in elements
        ]
        if present != alternative[name]:
            missing = (self._has(name, [MISSING], element) for element in elements)
            cases.append(all_of(*missing, self._is_element_fitting(others, alternative, chosen)))
        return any_of(*cases)

    def _has(self, name: str, values: list[Any], element: int = 0) -> Any:
        """Return the formula that a field has one of *values* of a pattern."""
        condition = (name, repr(values), element)
        if condition not in self._conditions:
            self._conditions[condition] = self.holds(
                name,
                lambda text: any(is_missing(item) if text is None else fits_value(item, text) for item in values),
                element,
            )
        return self._conditions[condition]

    def is_forwarded(self) -> Any:
        """Return the formula that the documented policy forwards the finding from this bus."""
        scope, region = self.scope, self.names["region"]
        if not scope.forwards_linked:
            formula = self._is_sent(self.policy, scope.region == scope.global_findings_region)
            own = self.holds(region, lambda text: text == scope.region)
            return all_of(formula, own) if scope.only_own else formula
        linked = {name: policy for name, policy in scope.linked if name != scope.region}
        cases = []
        for text in self.texts[region]:
            policy = linked.get(text or "", self.policy)
            formula = self._is_sent(policy, text == scope.global_findings_region)
            cases.append(all_of(self.holds(region, lambda other, text=text: other == text), formula))
        return any_of(*cases)

    def is_trusted(self) -> Any:
        """Return the formula that AWS alone writes the texts of the finding, as far as a pattern can tell."""
        names = self.names
        suppressions = [item for policy in self.policies for item in policy.suppressions]
        whole = [arn for item in suppressions for arn in item.product_arns if arn.startswith("arn:")]

        def product(ends: tuple[str, ...]) -> Any:
            told = tuple(end for end in ends if not any(arn.endswith(end) for arn in whole))
            return self.holds(names["product"], lambda text: text is not None and bool(told) and text.endswith(told))

        def plain(key: str) -> Any:
            return self.holds(names[key], lambda text: text is not None and not any(sign in text for sign in MARKUP))

        by_title = any(item.title_prefixes for item in suppressions)
        of_service = False if by_title else all_of(product(SERVICES), plain("title"))
        has_copy = self.policy.finding_format == "asff"
        of_control = all_of(product(CONTROLS), plain("copy")) if has_copy else product(CONTROLS)
        return any_of(of_service, of_control)

    def _is_sent(self, policy: Policy, in_global_findings_region: bool) -> Any:
        names, ocsf = self.names, policy.finding_format == "ocsf"
        labels = {label.capitalize() if ocsf else label for label in policy.severities}
        if "Critical" in labels:
            labels.add("Fatal")
        conditions = [
            self.holds(names["state"], lambda text: text != "Close" if ocsf else text == "ACTIVE"),
            self.holds(names["status"], lambda text: text == ("New" if ocsf else "NEW")),
            self.holds(
                names["compliance"],
                lambda text: text in ((None, "Fail", "Warning") if ocsf else (None, "FAILED", "WARNING")),
            ),
            self.holds(names["severity"], lambda text: text in labels),
        ]
        if policy.account_ids:
            conditions.append(self.holds(names["account"], lambda text: text in policy.account_ids))
        conditions.append(self.holds(names["account"], lambda text: text not in policy.other_channels_account_ids))
        conditions.append(self._is_vulnerable(policy))
        counted = []
        for element in ELEMENTS:
            kept = [negated(self._is_suppressed(item, element)) for item in policy.suppressions]
            if not in_global_findings_region:
                kept += [negated(formula) for formula in self._is_global(policy, element)]
            counted.append(all_of(self._counts(element), *kept))
        return all_of(*conditions, any_of(*counted))

    def _counts(self, element: int) -> Any:
        """Return the formula that a resource counts: one without a type if none has one, and the same for the ID."""

        def has(key: str, at: int) -> Any:
            return self.holds(self.names[key], lambda text: text is not None, at)

        no_type, no_id = (negated(any_of(*(has(key, at) for at in ELEMENTS))) for key in ("type", "id"))
        return any_of(has("type", element), all_of(no_type, any_of(has("id", element), no_id)))

    def _is_vulnerable(self, policy: Policy) -> Any:
        """Return the formula that the finding is not of Inspector, or denies nothing that the policy asks."""

        def is_enough(value: Any) -> bool:
            if isinstance(value, str):
                begins = re.match(r"0\.[0-9]{1,2}", value)
                highest = "" if re.fullmatch(r"0\.[0-9]+", value) else "9"
                return begins is None or (begins[0] + highest)[:4] >= f"{policy.minimum_epss:g}"
            return bool(value >= policy.minimum_epss)

        asked = {
            "epss": is_enough if policy.minimum_epss else None,
            "exploit": (lambda value: value not in ("NO", False)) if policy.exploit_available else None,
            "fix": (lambda value: value not in ("NO", False)) if policy.fix_available else None,
        }
        other = self.holds(self.names["product"], lambda text: text is None or not text.endswith("/aws/inspector"))
        met = [
            self.holds(self.names[key], lambda value, is_met=is_met: value is None or is_met(value))
            for key, is_met in asked.items()
            if is_met
        ]
        return any_of(other, all_of(*met))

    def _is_suppressed(self, item: Any, element: int) -> Any:
        names = self.names

        def is_product(text: str | None) -> bool:
            return text is not None and any(
                text == value if value.startswith("arn:") else text.endswith(re.sub(r"^:?product(v2)?", "", value))
                for value in item.product_arns
            )

        def is_resource(text: str | None) -> bool:
            expressions = (".*".join(map(re.escape, value.split("*"))) for value in item.resource_ids)
            return text is not None and any(re.fullmatch(one, text, re.DOTALL) for one in expressions)

        criteria = [
            (item.control_ids, "control", lambda text: text in item.control_ids),
            (item.account_ids, "account", lambda text: text in item.account_ids),
            (item.regions, "region", lambda text: text in item.regions),
            (item.resource_types, "type", lambda text: text in item.resource_types),
            (item.product_arns, "product", is_product),
            (item.resource_ids, "id", is_resource),
            (item.title_prefixes, "title", lambda text: text is not None and text.startswith(item.title_prefixes)),
        ]
        formulas = [self._of(key, predicate, element) for given, key, predicate in criteria if given]
        for key, values in item.resource_tags:
            formulas.append(self.holds(names["tag"] + key, lambda text, values=values: text in values, element))
        return all_of(*formulas)

    def _of(self, key: str, predicate: Callable[[str | None], bool], element: int) -> Any:
        """Return the formula that *predicate* holds for a field of the finding, or of one resource."""
        return self.holds(self.names[key], predicate, element if key in ("type", "id") else 0)

    def _is_global(self, policy: Policy, element: int) -> list[Any]:
        names = self.names

        def product(end: str) -> Any:
            return self.holds(names["product"], lambda text: text is not None and text.endswith(end))

        formulas = {
            "controls": self.holds(names["control"], lambda text: text in controls.REPEATING),
            "guardduty": all_of(product("/aws/guardduty"), self._calls_global_services_only()),
            "access_analyzer": all_of(
                product("/aws/access-analyzer"),
                self.holds(names["type"], lambda text: text in self._global_types(), element),
            ),
        }
        return [formulas[kind] for kind in policy.deduplicate_global]

    def _calls_global_services_only(self) -> Any:
        name = self.names["service"]
        pieces = ELEMENTS if name.split(".", maxsplit=1)[0] in LISTS else (0,)
        is_any = any_of(*(self.holds(name, lambda text: text is not None, piece) for piece in pieces))
        allowed = (None, *controls.GLOBAL_SERVICES)
        return all_of(is_any, *(self.holds(name, lambda text: text in allowed, piece) for piece in pieces))

    def _global_types(self) -> tuple[str, ...]:
        return GLOBAL_TYPES if self.policy.finding_format == "ocsf" else GLOBAL_TYPES[:2]


def counterexample(
    patterns: Iterable[Pattern],
    policy: Policy,
    scope: Scope,
    trusted: bool | None = None,
    region: str | None = None,
) -> dict[str, str | None] | None:
    """Return the fields of a finding that *patterns* forward never or twice against the policy; None if none exists.

    *trusted*: only findings whose texts are trusted are to be forwarded, or only the others. *region*: of the finding.
    """
    proof = Proof(patterns, policy, scope, region)
    matched = [proof.is_matched(alternatives) for alternatives in proof.alternatives]
    is_meant = True if trusted is None else proof.is_trusted() == trusted
    expected = all_of(proof.is_forwarded(), is_meant)
    twice = [all_of(one, other) for one, other in itertools.combinations(matched, 2)]
    wrong = any_of(all_of(expected, negated(any_of(*matched))), all_of(negated(expected), any_of(*matched)), *twice)
    if wrong is False:
        return None
    solver = z3.SolverFor("QF_FD")
    solver.add(*proof.ranges, wrong)
    result = solver.check()
    assert result != z3.unknown
    if result == z3.unsat:
        return None
    model = solver.model()
    return {
        f"{name}#{element}": proof.texts[name][model.eval(variable, model_completion=True).as_long()]
        for (name, element), variable in proof.unknown.items()
    }
