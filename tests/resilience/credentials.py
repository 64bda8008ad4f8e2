# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many threads call AWS for many accounts through shared clients, with credentials that expire and faults of AWS.

Each request names the account that it is for: it creates a topic of that name. So the answer shows whose key signed it,
and afterward each account has only its own topic, even if an answer was lost.
"""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from ansible_collections.secops.securityhub.plugins.module_utils._aws import errors
from ansible_collections.secops.securityhub.plugins.module_utils._aws.clients import Clients
from ansible_collections.secops.securityhub.plugins.module_utils._aws.credentials import CredentialSource
from ansible_collections.secops.securityhub.tests.resilience.playbook import ACCOUNT
from ansible_collections.secops.securityhub.tests.resilience.playbook import expect
from ansible_collections.secops.securityhub.tests.unit import waiting
from ansible_collections.secops.securityhub.tests.unit.signing_in import START_URL
from ansible_collections.secops.securityhub.tests.unit.signing_in import Home
from botocore.credentials import SSOProvider

# An equal share of them signs in with a role, with IAM Identity Center and with a program.
ACCOUNTS = tuple(str(200_000_000_000 + number) for number in range(40))
REGIONS = ("eu-west-1", "us-east-1", "ap-northeast-1")
THREADS = 64
SESSION_SECONDS = 2
FAULTS = (
    {"throttle": 0.03, "errors": 0.03, "resets": 0.03, "lost": 0.03, "latency_ms": 3, "jitter_ms": 20},
    {"services": ["sts", "awsssoportal"], "errors": 0.2, "spike_ms": 500, "spikes": 0.1},
)
TOKEN = "sso-token"


def sources(emulator: Any, home: Home) -> dict[str, CredentialSource]:
    """Return where the credentials of each account come from, and write the files of its profiles."""
    home.sso_token(START_URL, TOKEN)
    found = {}
    for number, account in enumerate(ACCOUNTS):
        if number % 3 == 0:
            role = f"arn:aws:iam::{account}:role/stress"
            found[account] = CredentialSource(role_arn=role, endpoint_url=emulator.url)
            continue
        found[account] = CredentialSource(profile=f"of-{account}", endpoint_url=emulator.url)
        sso = (
            f"sso_start_url = {START_URL}\nsso_region = {REGIONS[0]}\nsso_account_id = {account}\nsso_role_name = Admin"
        )
        how = sso if number % 3 == 1 else f"credential_process = sh {_program(home.folder, account)}"
        home.config(f"[profile of-{account}]\nregion = {REGIONS[0]}\n{how}\n")
    return found


def _program(folder: Path, account: str) -> Path:
    """Write a program that prints keys which expire soon."""
    keys = {"Version": 1, "AccessKeyId": account, "SecretAccessKey": "a-secret-key", "Expiration": "ENDS"}
    ends = f"$(date -u -d '+{SESSION_SECONDS} seconds' +%Y-%m-%dT%H:%M:%SZ)"
    program = folder / f"{account}.sh"
    program.write_text(f"echo '{json.dumps(keys)}' | sed s/ENDS/{ends}/\n", encoding="utf-8")
    return program


@contextmanager
def environment(emulator: Any, folder: Path) -> Iterator[None]:
    """Have botocore read the files in *folder* and no others, and sign with the keys of ACCOUNT by default."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    given = {
        "HOME": str(folder),
        "AWS_ENDPOINT_URL": emulator.url,
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "a-secret-key",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    # botocore looks for the home directory when it is imported.
    tokens = patch.object(SSOProvider, "_SSO_TOKEN_CACHE_DIR", str(folder / ".aws" / "sso" / "cache"))
    with patch.dict(os.environ, {**kept, **given}, clear=True), tokens:
        yield


@dataclass
class Calls:
    """What the threads have seen. *elsewhere*: (account that a request named, account that answered)."""

    answered: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    elsewhere: list[tuple[str, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


def _create_topic(client: Any, name: str) -> str:
    """Create a topic, and return the account that it is in."""
    return str(client.create_topic(Name=name)["TopicArn"].split(":")[4])


def _thread(aws: Clients, known: dict[str, CredentialSource], calls: Calls, seed: int, enough: threading.Event) -> None:
    draw = random.Random(seed)
    while not enough.is_set():
        account, region = draw.choice(ACCOUNTS), draw.choice(REGIONS)
        try:
            owner = aws.call(known[account], region, "sns", _create_topic, account)
        except errors.failures() as error:
            with calls.lock:
                calls.failed[errors.code(error) or type(error).__name__] += 1
            continue
        with calls.lock:
            calls.answered[account] += 1
            if owner != account:
                calls.elsewhere.append((account, owner))


def stress(emulator: Any, folder: Path, seconds: float, seed: int = 1) -> str:
    """Call AWS for all accounts for some seconds, and until all sign-ins were renewed.

    Raises Broken if a key was used for another account than its own.
    """
    emulator.reset()
    permissions = {account: ["Admin"] for account in ACCOUNTS}
    emulator.sign_in(session_seconds=SESSION_SECONDS, sso_tokens={TOKEN: {"roles": permissions, "seconds": 8 * 3600}})
    emulator.faults(*FAULTS)
    calls = Calls()
    with environment(emulator, folder):
        known = sources(emulator, Home(folder, emulator))
        aws = Clients(THREADS)
        for account, source in known.items():
            aws.pin(source, account, REGIONS[0])
        enough = threading.Event()
        threads = [
            threading.Thread(target=_thread, args=(aws, known, calls, seed * 1000 + number, enough))
            for number in range(THREADS)
        ]
        for thread in threads:
            thread.start()
        try:
            time.sleep(seconds)
            waiting.until(lambda: not _missing(calls, _sign_ins(emulator.requests())))
        finally:
            enough.set()
            for thread in threads:
                thread.join()
    emulator.faults()
    requests = emulator.requests()
    _check(emulator, calls, requests)
    renewed = _sign_ins(requests)
    return f"{sum(calls.answered.values())} answers, {sum(calls.failed.values())} failures, sign-ins {dict(renewed)}"


def _sign_ins(requests: list[dict[str, Any]]) -> Counter[str]:
    return Counter(entry["operation"] for entry in requests if entry["service"] in ("sts", "awsssoportal"))


def _missing(calls: Calls, sign_ins: Counter[str]) -> str:
    """Return what the threads have not seen yet, or ''."""
    with calls.lock:
        silent = sorted(set(ACCOUNTS) - set(calls.answered))
    if silent:
        return f"no answer for {silent}"
    few = [name for name in ("AssumeRole", "GetRoleCredentials") if sign_ins[name] <= len(ACCOUNTS)]
    return f"no credentials were renewed with {' and '.join(few)}: {dict(sign_ins)}" if few else ""


def _check(emulator: Any, calls: Calls, requests: list[dict[str, Any]]) -> None:
    expect(not calls.elsewhere, f"requests were signed for another account: {calls.elsewhere[:5]}")
    missing = _missing(calls, _sign_ins(requests))
    expect(not missing, missing)
    unknown = {entry["account"] for entry in requests if entry["operation"] == "CreateTopic"} - {*ACCOUNTS}
    expect(not unknown, f"topics were created in {sorted(unknown)}")
    for account in (*ACCOUNTS, ACCOUNT):
        for region in REGIONS:
            topics = emulator.client("sns", region, account).list_topics()["Topics"]
            names = {topic["TopicArn"].rpartition(":")[2] for topic in topics}
            expect(names <= {account}, f"account {account} has the topics {sorted(names)}")
    expect(any(entry["status"] in (0, 400, 500, 503) for entry in requests), "no request failed")
