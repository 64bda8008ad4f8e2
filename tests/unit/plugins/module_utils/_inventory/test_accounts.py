# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime

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
def test_wants_regions_that_are_listed_and_not_excluded(regions, exclude, wanted, unwanted):
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
        (None, "accounts is not a list of dictionaries"),
        ([], "accounts is not a list of dictionaries"),
        ("prod", "accounts is not a list of dictionaries"),
        (["prod"], "accounts is not a list of dictionaries"),
        (
            [{"name": "prod", "rolearn": ROLE}],
            "account prod has the unknown key 'rolearn'. Use one of name, profile, role_arn",
        ),
        (
            [{"name": 111111111111}],
            "name of account 111111111111 is not a string. Put it in quotes.",
        ),
        ([{"name": "a", "profile": ["p"]}], "profile of account a is not a string"),
        ([{"name": "all"}], "'all' is not a valid account name"),
        ([{"name": "a b"}], "'a b' is not a valid account name"),
        ([{"name": "prod:&x"}], "'prod:&x' is not a valid account name"),
        ([{"name": "!prod"}], "'!prod' is not a valid account name"),
        ([{"name": "{{ 1 }}"}], "'{{ 1 }}' is not a valid account name"),
        ([{"name": "prod\n"}], "is not a valid account name"),
        ([{"name": "a"}, {}], "account 2 has no name"),
        ([{"name": "a"}, {"name": "a"}], "Several accounts are named 'a'"),
        ([{"name": "a-b"}, {"name": "a.b"}], "The accounts 'a-b' and 'a.b' would share a group"),
        (
            [{"role_arn": "securityhub-slack"}],
            "role_arn of account 1 is 'securityhub-slack', which is not the ARN of a role",
        ),
        ([{"role_arn": "arn:aws:iam::22222222222:role/x"}], "which is not the ARN of a role"),
        ([{"external_id": "x"}], "account 1 has external_id but no role_arn"),
        ([{"session_name": "jane"}], "account 1 has session_name but no role_arn"),
        (
            [{"role_arn": ROLE, "session_name": "two words"}],
            "session_name of account 1 is 'two words'. Use 2 to 64 letters",
        ),
        ([{"role_arn": ROLE, "external_id": "two words"}], "external_id of account 1 is invalid. Use 2 to 1224"),
        (
            [{"regions": ["EU-WEST-1"]}],
            "regions of account 1 has 'EU-WEST-1', which is neither a region nor a pattern",
        ),
        ([{"regions": [["eu-west-1"]]}], "regions of account 1 has a value that is not a string"),
        ([{"exclude": [7]}], "exclude of account 1 has a value that is not a string"),
        ([{"variables": ["x"]}], "variables of account 1 is not a dictionary"),
        ([{"region_variables": ["x"]}], "region_variables of account 1 is not a dictionary"),
        (
            [{"region_variables": {"eu-west-1": "HIGH"}}],
            "eu-west-1 in region_variables of account 1 is not a dictionary",
        ),
        ([{"region_variables": {"eu west": {}}}], "region_variables of account 1 has 'eu west'"),
    ],
)
def test_reports_problems_of_accounts(accounts, sentence):
    found = problems({**DEFAULTS, "accounts": accounts})
    assert len(found) == 1
    assert sentence in found[0]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"regions": ["eu west"]}, "regions of the file has 'eu west'"),
        ({"exclude": ["{{ x }}"]}, "exclude of the file has '{{ x }}'"),
        ({"region_variables": {"eu-west-1": ["x"]}}, "eu-west-1 in region_variables of the file is not a dictionary"),
    ],
)
def test_reports_problems_of_the_file(options, sentence):
    (found,) = problems({**DEFAULTS, **options})
    assert sentence in found


def test_reports_all_problems_together():
    found = problems(
        {**DEFAULTS, "regions": ["X"], "accounts": [{"name": "a b"}, {"role_arn": "x", "external_id": "y"}]}
    )
    assert len(found) == 3


def test_the_cache_key_depends_on_everything_that_decides_the_regions_and_on_nothing_else():
    environment = {"AWS_PROFILE": "one"}
    base = of({"name": "a", "role_arn": ROLE, "external_id": "secret"}).cache_key(environment)
    renamed = of({"name": "b", "role_arn": ROLE, "variables": {"x": 1}}).cache_key(environment)
    assert renamed == base
    others = [
        of({}).cache_key(environment),
        of({"role_arn": ROLE, "regions": ["eu-*"]}).cache_key(environment),
        of({"role_arn": ROLE, "exclude": ["eu-*"]}).cache_key(environment),
        of({"role_arn": ROLE, "endpoint_url": "http://x"}).cache_key(environment),
        of({"role_arn": ROLE, "profile": "p"}).cache_key(environment),
        of({"role_arn": ROLE}).cache_key({"AWS_PROFILE": "two"}),
        of({"role_arn": ROLE}).cache_key({"AWS_ACCESS_KEY_ID": "111111111111"}),
    ]
    assert len({base, *others}) == 1 + len(others)


def test_the_cache_key_has_no_hash_of_an_external_id():
    with_id = of({"role_arn": ROLE, "external_id": "secret"})
    assert with_id.cache_key({}) == of({"role_arn": ROLE, "external_id": "another"}).cache_key({})
    assert with_id.cache_key({}) == of({"role_arn": ROLE}).cache_key({})


# https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
@pytest.mark.parametrize(
    "variable",
    [
        "AWS_PROFILE",
        "AWS_DEFAULT_PROFILE",
        "AWS_ACCESS_KEY_ID",
        "AWS_ROLE_ARN",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT",
        "AWS_CONFIG_FILE",
        "AWS_SHARED_CREDENTIALS_FILE",
        "HOME",
        "AWS_ENDPOINT_URL",
    ],
)
def test_the_cache_key_depends_on_each_variable_that_decides_the_account(variable):
    assert of({}).cache_key({variable: "one"}) != of({}).cache_key({variable: "two"})
    assert of({}).cache_key({variable: "one"}) != of({}).cache_key({})


@pytest.mark.parametrize(
    "variable", ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN"]
)
def test_the_cache_key_has_no_hash_of_a_secret(variable):
    assert of({}).cache_key({variable: "one"}) == of({}).cache_key({variable: "two"})


def test_with_a_profile_the_credentials_of_the_environment_do_not_matter():
    account = of({"profile": "p"})
    assert account.cache_key({"AWS_PROFILE": "one"}) == account.cache_key({"AWS_PROFILE": "two"})
    assert account.cache_key({"AWS_ROLE_ARN": "one"}) == account.cache_key({"AWS_ROLE_ARN": "two"})
    # But the files that define the profile do.
    assert account.cache_key({"AWS_CONFIG_FILE": "one"}) != account.cache_key({"AWS_CONFIG_FILE": "two"})


SECRET = "a-password"


@pytest.mark.parametrize(
    "external_id",
    [[SECRET], {SECRET: 1}, {"a": SECRET}, SECRET.encode(), (SECRET,), f"{SECRET} with spaces", [[SECRET]]],
    ids=repr,
)
def test_no_problem_shows_an_external_id_whatever_its_type(external_id):
    for entry in (
        {"role_arn": ROLE, "external_id": external_id},
        {"external_id": external_id},
        {"role_arn": "no-role", "external_id": external_id},
        {"profile": {"external_id": external_id}},
        {"regions": {"external_id": external_id}},
        {"regions": [{"external_id": external_id}]},
        {"exclude": [[external_id]]},
        {"variables": [external_id]},
        {"region_variables": {"eu-west-1": [external_id]}},
    ):
        found = problems({**DEFAULTS, "accounts": [entry]})
        assert found
        assert SECRET not in " ".join(found)


@pytest.mark.parametrize("external_id", [123456789012, 1.5, True, datetime.date(2024, 5, 6)], ids=repr)
def test_an_external_id_that_is_not_a_string_is_not_shown(external_id):
    (found,) = problems({**DEFAULTS, "accounts": [{"role_arn": ROLE, "external_id": external_id}]})
    assert found == "external_id of account 1 is not a string. Put it in quotes."


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
def test_any_file_is_either_rejected_with_sentences_or_read(accounts, regions, variables, region_variables):
    file = {
        **DEFAULTS,
        "accounts": accounts,
        "regions": regions,
        "variables": variables,
        "region_variables": region_variables,
    }
    found = problems(file)
    assert all(isinstance(sentence, str) and ". " in sentence for sentence in found)
    if not found:
        for account in accounts_of(file):
            account.wants("eu-west-1")
            account.variables_in("eu-west-1")
            account.cache_key({})
