# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._aws.credentials import CredentialSource
from ansible_collections.secops.securityhub.plugins.module_utils._inventory.accounts import accounts_of
from ansible_collections.secops.securityhub.plugins.module_utils._inventory.accounts import problems
from hypothesis import given
from hypothesis import strategies as st

ROLE = "arn:aws:iam::222222222222:role/securityhub-slack"
DEFAULTS = {
    "accounts": [{}],
    "regions": ["enabled"],
    "exclude": [],
    "variables": {},
    "region_variables": {},
    "endpoint_url": None,
}


def of(entry, **options):
    """Return the account of a file with one entry."""
    file = {**DEFAULTS, **options, "accounts": [entry]}
    assert problems(file) == []
    return accounts_of(file)[0]


@pytest.mark.parametrize(
    ("regions", "exclude", "wanted", "unwanted"),
    [
        (["enabled"], [], ["eu-west-1", "xx-new-9"], []),
        (["eu-west-1"], [], ["eu-west-1"], ["eu-west-10", "eu-west-2"]),
        (["eu-*", "us-east-?"], [], ["eu-north-1", "us-east-1"], ["us-west-1", "ap-east-1"]),
        (["enabled"], ["me-*", "us-west-1"], ["us-west-2"], ["me-south-1", "us-west-1"]),
        (["eu-west-1"], ["eu-*"], [], ["eu-west-1"]),
        ("enabled", "me-*", ["eu-west-1"], ["me-south-1"]),
        ([], [], [], ["eu-west-1"]),
    ],
)
def test_wants_what_is_named_and_not_excluded(regions, exclude, wanted, unwanted):
    account = of({"regions": regions, "exclude": exclude})
    assert [region for region in [*wanted, *unwanted] if account.wants(region)] == wanted


def test_regions_of_an_account_replace_those_of_the_file():
    assert of({}, regions=["eu-*"], exclude=["eu-west-1"]).wants("eu-west-2")
    account = of({"regions": ["us-*"], "exclude": []}, regions=["eu-*"], exclude=["us-east-1"])
    assert account.wants("us-east-1")
    assert not account.wants("eu-west-2")


def test_variables_of_the_account_beat_those_of_the_file_and_regions_beat_the_rest_of_their_level():
    account = of(
        {
            "variables": {"c": "account", "d": "account"},
            "region_variables": {"ap-southeast-1": {"d": "account region"}},
        },
        variables={"a": "file", "b": "file", "c": "file", "d": "file"},
        region_variables={"ap-southeast-1": {"b": "file region", "c": "file region", "d": "file region"}},
    )
    assert account.variables_in("ap-southeast-1") == {
        "a": "file",
        "b": "file region",
        "c": "account",
        "d": "account region",
    }
    assert account.variables_in("eu-west-1") == {"a": "file", "b": "file", "c": "account", "d": "account"}


def test_of_several_patterns_the_later_one_wins():
    account = of({}, region_variables={"ap-*": {"level": "HIGH"}, "ap-southeast-1": {"level": "MEDIUM"}, "eu-*": None})
    assert account.variables_in("ap-southeast-1") == {"level": "MEDIUM"}
    assert account.variables_in("ap-south-1") == {"level": "HIGH"}
    assert account.variables_in("eu-west-1") == {}


def test_the_credentials_are_those_of_the_entry():
    entry = {"name": "prod", "profile": "p", "role_arn": ROLE, "external_id": "x-1"}
    assert of(entry, endpoint_url="http://one").source == CredentialSource("p", ROLE, "x-1", "http://one")
    named = of({**entry, "session_name": "jane@example.com"}).source
    assert named == CredentialSource("p", ROLE, "x-1", session_name="jane@example.com")
    assert of({"endpoint_url": "http://two"}, endpoint_url="http://one").source == CredentialSource(
        "", "", "", "http://two"
    )
    assert of({}).source == CredentialSource()


def test_an_empty_file_is_one_unnamed_account_with_all_its_regions():
    (account,) = accounts_of(DEFAULTS)
    assert account.name == ""
    assert account.wants("eu-west-1")


@pytest.mark.parametrize(
    ("accounts", "sentence"),
    [
        (None, "accounts must be a list"),
        ([], "accounts must be a list"),
        ("prod", "accounts must be a list"),
        (["prod"], "accounts must be a list"),
        ([{"name": "prod", "rolearn": ROLE}], "account prod has 'rolearn', which is none of name, profile, role_arn"),
        ([{"name": 111111111111}], "name of account 111111111111 is 111111111111, which is no text: put it in quotes"),
        ([{"name": "a", "profile": ["p"]}], "profile of account a is ['p'], which is no text"),
        ([{"name": "all"}], "'all' cannot be the name of an account"),
        ([{"name": "a b"}], "'a b' cannot be the name of an account"),
        ([{"name": "prod:&x"}], "'prod:&x' cannot be the name of an account"),
        ([{"name": "!prod"}], "'!prod' cannot be the name of an account"),
        ([{"name": "{{ 1 }}"}], "'{{ 1 }}' cannot be the name of an account"),
        ([{"name": "prod\n"}], "cannot be the name of an account"),
        ([{"name": "a"}, {}], "account 2 has no name"),
        ([{"name": "a"}, {"name": "a"}], "two accounts have the name 'a'"),
        ([{"name": "a-b"}, {"name": "a.b"}], "the accounts 'a-b' and 'a.b' would share one group"),
        (
            [{"role_arn": "securityhub-slack"}],
            "role_arn of account 1 is 'securityhub-slack', which is no ARN of a role",
        ),
        ([{"role_arn": "arn:aws:iam::22222222222:role/x"}], "which is no ARN of a role"),
        ([{"external_id": "x"}], "account 1 has an external_id but no role_arn"),
        ([{"session_name": "jane"}], "account 1 has a session_name but no role_arn"),
        (
            [{"role_arn": ROLE, "session_name": "two words"}],
            "session_name of account 1 is 'two words'. Use 2 to 64 letters",
        ),
        ([{"role_arn": ROLE, "external_id": "two words"}], "external_id of account 1 is invalid. Use 2 to 1224"),
        (
            [{"regions": ["EU-WEST-1"]}],
            "regions of account 1 holds 'EU-WEST-1', which is neither a region nor a pattern",
        ),
        ([{"regions": [["eu-west-1"]]}], "regions of account 1 holds ['eu-west-1']"),
        ([{"exclude": [7]}], "exclude of account 1 holds 7"),
        ([{"variables": ["x"]}], "variables of account 1 is no dictionary"),
        ([{"region_variables": ["x"]}], "region_variables of account 1 is no dictionary"),
        ([{"region_variables": {"eu-west-1": "HIGH"}}], "eu-west-1 in region_variables of account 1 is no dictionary"),
        ([{"region_variables": {"eu west": {}}}], "region_variables of account 1 holds 'eu west'"),
    ],
)
def test_names_what_is_wrong_with_the_accounts(accounts, sentence):
    found = problems({**DEFAULTS, "accounts": accounts})
    assert len(found) == 1
    assert sentence in found[0]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"regions": ["eu west"]}, "regions of the file holds 'eu west'"),
        ({"exclude": ["{{ x }}"]}, "exclude of the file holds '{{ x }}'"),
        ({"region_variables": {"eu-west-1": ["x"]}}, "eu-west-1 in region_variables of the file is no dictionary"),
    ],
)
def test_names_what_is_wrong_with_the_file(options, sentence):
    (found,) = problems({**DEFAULTS, **options})
    assert sentence in found


def test_names_everything_that_is_wrong_at_once():
    found = problems(
        {**DEFAULTS, "regions": ["X"], "accounts": [{"name": "a b"}, {"role_arn": "x", "external_id": "y"}]}
    )
    assert len(found) == 3


def test_the_search_key_tells_questions_apart_and_nothing_else():
    environment = {"AWS_PROFILE": "one"}
    base = of({"name": "a", "role_arn": ROLE, "external_id": "secret"}).search_key(environment)
    renamed = of({"name": "b", "role_arn": ROLE, "external_id": "secret", "variables": {"x": 1}}).search_key(
        environment
    )
    assert renamed == base
    others = [
        of({"role_arn": ROLE, "external_id": "other"}).search_key(environment),
        of({"role_arn": ROLE, "external_id": "secret", "regions": ["eu-*"]}).search_key(environment),
        of({"role_arn": ROLE, "external_id": "secret", "exclude": ["eu-*"]}).search_key(environment),
        of({"role_arn": ROLE, "external_id": "secret", "endpoint_url": "http://x"}).search_key(environment),
        of({"role_arn": ROLE, "external_id": "secret", "profile": "p"}).search_key(environment),
        of({"role_arn": ROLE, "external_id": "secret"}).search_key({"AWS_PROFILE": "two"}),
        of({"role_arn": ROLE, "external_id": "secret"}).search_key({"AWS_ACCESS_KEY_ID": "111111111111"}),
    ]
    assert len({base, *others}) == 1 + len(others)
    assert "secret" not in base


def test_with_a_profile_the_environment_does_not_matter():
    account = of({"profile": "p"})
    assert account.search_key({"AWS_PROFILE": "one"}) == account.search_key({"AWS_PROFILE": "two"})


YAML = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["prod", "eu-*", ROLE]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8) | st.integers(), inner, max_size=3),
    max_leaves=8,
)
ENTRY = st.dictionaries(
    st.sampled_from(
        [
            "name",
            "profile",
            "role_arn",
            "external_id",
            "session_name",
            "regions",
            "exclude",
            "variables",
            "region_variables",
        ]
    ),
    YAML,
)


@given(accounts=YAML | st.lists(ENTRY, max_size=3), regions=YAML, variables=YAML, region_variables=YAML)
def test_any_file_is_either_refused_in_sentences_or_read(accounts, regions, variables, region_variables):
    file = {
        **DEFAULTS,
        "accounts": accounts,
        "regions": regions,
        "variables": variables,
        "region_variables": region_variables,
    }
    found = problems(file)
    assert all((isinstance(sentence, str) and ": " in sentence) or "must be" in sentence for sentence in found)
    if not found:
        for account in accounts_of(file):
            account.wants("eu-west-1")
            account.variables_in("eu-west-1")
            account.search_key({})
