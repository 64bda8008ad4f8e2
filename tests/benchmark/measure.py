# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the playbook and other tools side by side on the emulator, and write what each costs to results/."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import measured_run
import profile_table
import simulated
import tables
from measured_run import Cost

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
RESULTS = HERE / "results"
PLAYBOOK = ROOT / "playbooks" / "securityhub_slack.yml"
DOCTOR = ROOT / "playbooks" / "securityhub_slack_doctor.yml"
URL = f"http://127.0.0.1:{os.environ['EMULATOR_PORT']}"
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
OWN_ACCOUNT = "111111111111"
SIGNED_IN = {"AWS_ACCESS_KEY_ID": OWN_ACCOUNT, "AWS_SECRET_ACCESS_KEY": "emulator"}
PEERS_ACCOUNTS = 200_000_000_000
PEERS = {
    "cdk": "cdk deploy --all",
    "sceptre": "sceptre launch",
    "module": "amazon.aws.cloudformation, a task a host",
    "module-loop": "amazon.aws.cloudformation, in a loop",
    "xargs": "aws cloudformation deploy, xargs -P17",
    "loop": "aws cloudformation deploy, one by one",
}
ONE_BY_ONE = ("module-loop", "loop")  # their time is proportional to the number of targets
WORKSPACE = {"SlackTeamId": "T0123456789", "SlackTeamName": "acme"}
LATENCY = 50  # milliseconds a call
STACK_SECONDS = 40  # of a first deployment
STABLE_SECONDS = 12  # of a resource, so that the four of a stack take most of a minute, as users report of rules
NAME = "securityhub-slack"
REGIONS = [
    "us-east-1",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
]


def ask(method: str, path: str, given: Any = None) -> Any:
    """Return the answer of the emulator's control API."""
    body = None if given is None else json.dumps(given).encode()
    request = urllib.request.Request(f"{URL}/_emulator/{path}", data=body, method=method)
    with DIRECT.open(request, timeout=120) as answer:
        return json.load(answer)


def measured(command: list[str], given: dict[str, str], folder: Path) -> Cost:
    """Run *command* with *given* in its environment, and return its cost. Print its output if it fails."""
    ask("DELETE", "requests")
    environment = {
        **measured_run.environment_without_settings(),
        "AWS_ENDPOINT_URL": URL,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "*",
        **given,
    }
    cost = measured_run.run(command, environment, folder)
    if cost.ended:
        print(f"{' '.join(command)[:200]} {cost.ended}:\n{(folder / 'log').read_text()[-3000:]}", file=sys.stderr)
    return replace(cost, calls=len(ask("GET", "requests")))


def succeeded(cost: Cost) -> Cost:
    """Return the cost of a run that succeeded. Raises SystemExit if it did not."""
    if cost.ended:
        sys.exit("This must not fail, and what is measured after it would mean nothing.")
    return cost


class Fleet:
    """A number of targets: 17 Regions of each account. The first account needs no role."""

    def __init__(self, targets: int, folder: Path) -> None:
        chunks = [min(len(REGIONS), targets - start) for start in range(0, targets, len(REGIONS))]
        numbers = [OWN_ACCOUNT] if len(chunks) == 1 else [f"{100_000_000_000 + index}" for index in range(len(chunks))]
        self.targets = targets
        self.folder = folder
        self.accounts = [
            {
                "id": number,
                "role_arn": f"arn:aws:iam::{number}:role/deploy" if len(chunks) > 1 else "",
                "regions": REGIONS[:chunk],
            }
            for number, chunk in zip(numbers, chunks)
        ]
        self.world = {number: {"hubs": "all", "workspaces": [WORKSPACE]} for number in numbers}
        (folder / "accounts.json").write_text(json.dumps(self.accounts))
        empty = {"name": "Do nothing", "hosts": "all", "connection": "local", "gather_facts": False}
        (folder / "empty.yml").write_text(json.dumps([empty]))
        self._inventory("before", "CRITICAL")
        self._inventory("after", "HIGH")
        (folder / "empty.json").write_text(json.dumps({"all": {"hosts": {}}}))
        self._plugin("securityhub_regions.yml")
        self._plugin("cached.securityhub_regions.yml", cache=True, cache_plugin="jsonfile", cache_connection="cache")

    def _inventory(self, name: str, severity_of_the_last: str) -> None:
        hosts: dict[str, dict] = {}
        for account in self.accounts:
            for region in account["regions"]:
                host = f"{account['id']}.{region}" if account["role_arn"] else region
                hosts[host] = {"securityhub_slack_role_arn": account["role_arn"]} if account["role_arn"] else {}
        last = list(hosts)[-1]
        hosts[last] = {**hosts[last], "securityhub_slack_minimum_severity": severity_of_the_last}
        variables = {
            "securityhub_slack_endpoint_url": URL,
            "securityhub_slack_workspace_id": WORKSPACE["SlackTeamId"],
            "securityhub_slack_channel_id": "C0123456789",
        }
        (self.folder / f"{name}.json").write_text(json.dumps({"all": {"hosts": hosts, "vars": variables}}))

    def _plugin(self, name: str, **options: Any) -> None:
        accounts = [
            {"name": account["id"], "regions": account["regions"]}
            | ({"role_arn": account["role_arn"]} if account["role_arn"] else {})
            for account in self.accounts
        ]
        given = {"plugin": "secops.securityhub.securityhub_regions", "endpoint_url": URL, "accounts": accounts}
        (self.folder / name).write_text(json.dumps({**given, **options}))

    def inventory(self, name: str) -> Cost:
        """Read the hosts of an inventory of the plugin."""
        return succeeded(measured(["ansible-inventory", "-i", name, "--list"], SIGNED_IN, self.folder))

    def without_hosts(self) -> Cost:
        """Run the playbook on an empty inventory, which it must refuse."""
        cost = measured(["ansible-playbook", "-i", "empty.json", str(PLAYBOOK)], SIGNED_IN, self.folder)
        return replace(cost, ended="" if cost.ended else "did not fail")

    def profile(self, py_spy: Path, rounds: int) -> list[tuple[str, float]]:
        """Run the playbook some times, and return where its CPU time goes."""
        # At a higher rate, py-spy would miss more of the times in which many threads run.
        sampler = [str(py_spy), "record", "--gil", "--subprocesses", "--full-filenames", "--rate=100"]
        playbook = ["ansible-playbook", "-i", "before.json", str(PLAYBOOK)]
        stacks = ""
        for _round in range(rounds):
            succeeded(measured([*sampler, "--format=raw", "--output=stacks", "--", *playbook], SIGNED_IN, self.folder))
            stacks += (self.folder / "stacks").read_text()
        return profile_table.shares(stacks)

    def playbook(self, *arguments: str, inventory: str = "before", playbook: Path = PLAYBOOK) -> Cost:
        """Run a playbook."""
        command = ["ansible-playbook", "-i", f"{inventory}.json", str(playbook), *arguments]
        return succeeded(measured(command, SIGNED_IN, self.folder))

    def bare(self) -> Cost:
        """Run the bare script."""
        command = [sys.executable, str(HERE / "bare.py"), URL, "accounts.json"]
        return succeeded(measured(command, SIGNED_IN, self.folder))


class Peers:
    """Other tools, which find all stacks of as many other accounts unchanged."""

    def __init__(self, fleet: Fleet, commands: Path, cdk: Path) -> None:
        self.folder = fleet.folder
        self.commands = commands
        self.cdk_modules = cdk
        self.regions = {f"{PEERS_ACCOUNTS + index}": item["regions"] for index, item in enumerate(fleet.accounts)}
        self.places = [(account, region) for account, regions in self.regions.items() for region in regions]
        self._sign_in()
        self._deploy(fleet.accounts[0])
        self._playbook()
        self._sceptre()
        self._cdk()

    def _sign_in(self) -> None:
        """Write a profile for each account, which all tools use to sign in."""
        keys = "aws_access_key_id = {0}\naws_secret_access_key = emulator\nregion = us-east-1\n"
        profiles = [f"[profile {account}]\n{keys.format(account)}" for account in self.regions]
        (self.folder / "aws_config").write_text("\n".join(profiles))

    def _deploy(self, example: dict[str, Any]) -> None:
        import boto3

        def client(account: str, region: str) -> Any:
            return boto3.client(
                "cloudformation",
                region_name=region,
                endpoint_url=URL,
                aws_access_key_id=account,
                aws_secret_access_key="emulator",
            )

        template = client(example["id"], REGIONS[0]).get_template(StackName=NAME)["TemplateBody"]
        text = template if isinstance(template, str) else json.dumps(template)
        (self.folder / "template.json").write_text(text)
        for account, region in self.places:
            client(account, region).create_stack(StackName=NAME, TemplateBody=text)

    def _playbook(self) -> None:
        targets = {f"{account}.{region}": {"account": account, "region": region} for account, region in self.places}
        variables = {"ansible_python_interpreter": sys.executable}
        inventory = {"all": {"hosts": targets, "vars": variables}}
        (self.folder / "module.json").write_text(json.dumps(inventory))
        self._play("module.yml", "all", self._task(""))
        self._play("module-loop.yml", "localhost", {**self._task("item."), "loop": list(targets.values())})

    def _task(self, prefix: str) -> dict[str, Any]:
        """Return a task of amazon.aws.cloudformation; *prefix*: of the variables for account and Region."""
        options = {
            "stack_name": NAME,
            "profile": f"{{{{ {prefix}account }}}}",
            "region": f"{{{{ {prefix}region }}}}",
            "template": str(self.folder / "template.json"),
        }
        return {"name": "Deploy the stack", "amazon.aws.cloudformation": options}

    def _play(self, name: str, hosts: str, task: dict[str, Any]) -> None:
        play = {"name": "Deploy", "hosts": hosts, "connection": "local", "gather_facts": False, "tasks": [task]}
        (self.folder / name).write_text(json.dumps([play]))

    def _sceptre(self) -> None:
        project = self.folder / "sceptre"
        (project / "config").mkdir(parents=True)
        (project / "templates").mkdir()
        (project / "templates" / "template.json").write_text((self.folder / "template.json").read_text())
        (project / "config" / "config.yaml").write_text("project_code: benchmark\nregion: us-east-1\n")
        template = {"path": "template.json", "type": "file"}
        for account, region in self.places:
            stack = {"template": template, "stack_name": NAME, "profile": account, "region": region}
            (project / "config" / f"{account}-{region}.yaml").write_text(json.dumps(stack))

    def _cdk(self) -> None:
        project = self.folder / "cdk"
        shutil.copytree(HERE / "cdk", project)
        (project / "node_modules").symlink_to(self.cdk_modules)

    def run(self, name: str) -> Cost:
        """Run the tool of this name in PEERS."""
        runs: dict[str, Callable[[], Cost]] = {
            "cdk": self.cdk,
            "sceptre": self.sceptre,
            "module": partial(self.module, "module.yml"),
            "module-loop": partial(self.module, "module-loop.yml"),
            "xargs": partial(self.shell, len(REGIONS)),
            "loop": partial(self.shell, 1),
        }
        return runs[name]()

    def module(self, play: str) -> Cost:
        """Run amazon.aws.cloudformation."""
        return self._measured("ansible-playbook", "-i", "module.json", play, "--forks", "20")

    def sceptre(self) -> Cost:
        """Run sceptre launch."""
        return self._measured(str(self.commands / "sceptre"), "--dir", "sceptre", "launch", "-y", ".")

    def cdk(self) -> Cost:
        """Run cdk deploy: one app for each account in turn, all stacks of an account in parallel."""
        deploy = "node node_modules/aws-cdk/bin/cdk deploy --all --concurrency 17 --require-approval never --ci"
        lines = [
            f"REGIONS={','.join(regions)} {deploy} --profile {account}" for account, regions in self.regions.items()
        ]
        return self._measured("bash", "-ec", "cd cdk\n" + "\n".join(lines))

    def shell(self, parallel: int) -> Cost:
        """Run aws cloudformation deploy for each stack, so many in parallel."""
        deploy = (
            f"{self.commands}/aws cloudformation deploy --no-fail-on-empty-changeset --stack-name {NAME} "
            "--template-file template.json"
        )
        places = "\n".join(f"--profile {account} --region {region}" for account, region in self.places)
        (self.folder / "places").write_text(f"{places}\n")
        return self._measured("bash", "-c", f"xargs -a places -P{parallel} -L1 {deploy}")

    def _measured(self, *command: str) -> Cost:
        environment = {
            "AWS_CONFIG_FILE": str(self.folder / "aws_config"),
            "CDK_DISABLE_CLI_TELEMETRY": "true",
            "STACK": NAME,
            "TEMPLATE": str(self.folder / "template.json"),
        }
        return measured([*command], environment, self.folder)


@dataclass(frozen=True)
class Row:
    """One line of the table: medians of its runs."""

    what: str
    runs: tuple[Cost, ...]

    def median(self, of: str) -> float:
        """Return the median of one figure."""
        return statistics.median(getattr(run, of) for run in self.runs)

    @property
    def ended(self) -> str:
        """Return why a run did not succeed; an empty string if all did."""
        return next((run.ended for run in self.runs if run.ended), "")


def side_by_side(rounds: int, commands: dict[str, Callable[[], Cost]]) -> list[Row]:
    """Run all *commands* in turn, *rounds* times, so that other load of the machine affects all of them."""
    runs: dict[str, list[Cost]] = {what: [] for what in commands}
    for number in range(rounds):
        for what, take_part in commands.items():
            cost = take_part()
            runs[what].append(cost)
            print(f"round {number + 1}, {what}: {cost.wall:.2f} s {cost.ended}".rstrip(), file=sys.stderr)
    return [Row(what, tuple(costs)) for what, costs in runs.items()]


def once(what: str, take_part: Callable[[], Cost]) -> Row:
    """Return the row of a run that cannot be repeated."""
    return side_by_side(1, {what: take_part})[0]


def begin(fleet: Fleet) -> None:
    """Let the emulator have the accounts of the fleet, and nothing deployed."""
    ask("POST", "reset", {})
    ask("POST", "world", {"accounts": fleet.world})
    ask("POST", "faults", [{"latency_ms": LATENCY}])


def compare(fleet: Fleet, rounds: int, variants: tuple[str, str], switches: dict[str, Any]) -> list[Row]:
    """Return the rows of the runs of a fleet in two variants, in turn. *switches*: of the emulator, for all runs."""
    begin(fleet)
    ask("POST", "switches", switches)
    runs: dict[str, tuple[str, str]] = {
        "first deployment": ("before", "present"),
        "no change": ("before", "present"),
        "one target changed": ("after", "present"),
        "removal": ("after", "absent"),
    }
    rows: dict[str, Row] = {}
    for number in range(rounds):
        # Each variant begins every other round, so that a change of the machine's load affects both.
        for variant in variants if number % 2 == 0 else reversed(variants):
            commands = {f"{what}, {variant}": partial(_run, fleet, variant, *run) for what, run in runs.items()}
            for row in side_by_side(1, commands):
                rows[row.what] = Row(row.what, (*(rows[row.what].runs if row.what in rows else ()), *row.runs))
    return list(rows.values())


def _run(fleet: Fleet, variant: str, inventory: str, state: str) -> Cost:
    """Return the cost of a run under request rates, whose token buckets are full then, or in a deployment mode."""
    if variant in tables.RATES:
        ask("POST", "switches", {"request_quotas": variant})
    mode = variant if variant in tables.MODES else tables.STANDARD
    given = {"securityhub_slack_state": state, "securityhub_slack_deployment_mode": mode}
    return fleet.playbook("-e", json.dumps(given), inventory=inventory)


def measure(fleet: Fleet, peers: list[str], commands: Path, cdk: Path, rounds: int) -> list[Row]:
    """Return all rows, from the first deployment to the removal."""
    begin(fleet)
    ask("POST", "stacks", {"seconds": STACK_SECONDS})
    first = once(f"playbook, first deployment, stacks of {STACK_SECONDS} s", fleet.playbook)
    ask("POST", "stacks", {"seconds": 0})
    runs: dict[str, Callable[[], Cost]] = {
        tables.NO_CHANGE: fleet.playbook,
        tables.BARE: fleet.bare,
        tables.EMPTY: partial(fleet.playbook, playbook=fleet.folder / "empty.yml"),
        "playbook, check mode": partial(fleet.playbook, "--check"),
        "playbook, --syntax-check": partial(fleet.playbook, "--syntax-check"),
        "playbook, empty inventory": fleet.without_hosts,
        "doctor": partial(fleet.playbook, playbook=DOCTOR),
        "inventory plugin": partial(fleet.inventory, "securityhub_regions.yml"),
        "inventory plugin, cached": partial(fleet.inventory, "cached.securityhub_regions.yml"),
    }
    fleet.inventory("cached.securityhub_regions.yml")
    alone: list[Row] = []
    if peers:
        others = Peers(fleet, commands, cdk)
        runs |= {PEERS[name]: partial(others.run, name) for name in peers if name != "loop"}
        rows = side_by_side(rounds, runs)
        if "loop" in peers:
            alone = [once(PEERS["loop"], partial(others.run, "loop"))]
    else:
        rows = side_by_side(rounds, runs)
    changed = once("playbook, one target changed", lambda: fleet.playbook(inventory="after"))
    removal = once("playbook, removal", lambda: fleet.playbook("-e", "securityhub_slack_state=absent"))
    return [*rows, *alone, changed, first, removal]


def profile(fleet: Fleet, py_spy: Path, rounds: int) -> dict[str, Any]:
    """Return where the CPU time of a run without changes goes."""
    begin(fleet)
    fleet.playbook()
    rows = [{"what": what, "share": round(share, 3)} for what, share in fleet.profile(py_spy, rounds)]
    about = {"targets": fleet.targets, "python": platform.python_version(), "day": time.strftime("%Y-%m-%d")}
    return {**about, "rows": rows}


def growth(folder: Path) -> dict[str, Any]:
    """Return what reading, planning and reporting cost by the number of targets (growth.py)."""
    fleet = Fleet(2 * len(REGIONS), folder)  # two accounts, so that each has a role
    begin(fleet)
    fleet.playbook()
    command = [sys.executable, str(HERE / "growth.py"), URL, fleet.accounts[0]["id"], *REGIONS]
    environment = {**os.environ, **SIGNED_IN, "PYTHONPATH": str(ROOT / ".ansible" / "collections")}
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def result(rows: list[Row], targets: int) -> dict[str, Any]:
    """Return the results as tables.py reads them: medians of seconds, MiB and calls."""
    return {
        "targets": targets,
        "latency_ms": LATENCY,
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "day": time.strftime("%Y-%m-%d"),
        "rows": [
            {
                "what": row.what,
                "runs": len(row.runs),
                **{figure: round(row.median(figure), 2) for figure in ("wall", "cpu", "memory", "calls")},
                **({"ended": row.ended} if row.ended else {}),
            }
            for row in rows
        ],
    }


def main() -> None:
    """Measure, write the table and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--targets", type=int, default=len(REGIONS), help="accounts of 17 regions each (default: 17)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each command (default: 3)")
    parser.add_argument(
        "--peers",
        nargs="*",
        choices=PEERS,
        metavar="PEER",
        help=f"which of {', '.join(PEERS)} (default: all; with several accounts not {' and '.join(ONE_BY_ONE)})",
    )
    parser.add_argument(
        "--quotas",
        action="store_true",
        help="only compare runs without and with the request rates of AWS (tests/emulator/quotas.yml)",
    )
    parser.add_argument(
        "--modes",
        action="store_true",
        help=f"only compare the deployment modes; a resource takes {STABLE_SECONDS} s until it is stable",
    )
    parser.add_argument(
        "--growth",
        action="store_true",
        help="only measure the work of the collection itself for 17 to 17,000 targets, with calls answered at once",
    )
    parser.add_argument(
        "--simulate",
        action="store_true",
        help="only measure the playbook securityhub_slack_simulate over files of 1,000 to 1,000,000 findings",
    )
    parser.add_argument("--profile", action="store_true", help="only show where the CPU time of a run goes")
    parser.add_argument("--commands", type=Path, required=True, help="folder of the commands aws and sceptre")
    parser.add_argument("--cdk", type=Path, required=True, help="folder of the npm packages of the AWS CDK")
    options = parser.parse_args()
    peers = options.peers
    if peers is None:
        peers = [name for name in PEERS if name not in ONE_BY_ONE or options.targets <= len(REGIONS)]
    RESULTS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        if options.growth:
            grown = growth(Path(folder))
            (RESULTS / "growth.json").write_text(f"{json.dumps(grown, indent=2)}\n")
            print(tables.growth(grown))
            return
        if options.simulate:
            simulation = simulated.run(Path(folder), REGIONS)
            (RESULTS / "simulate.json").write_text(f"{json.dumps(simulation, indent=2)}\n")
            print(tables.simulate(simulation))
            return
        fleet = Fleet(options.targets, Path(folder))
        if options.profile:
            profiled = profile(fleet, options.commands / "py-spy", options.rounds)
            (RESULTS / f"profile-{options.targets}.json").write_text(f"{json.dumps(profiled, indent=2)}\n")
            print(tables.profile(profiled))
            return
        name, table = str(options.targets), tables.costs
        if options.quotas:
            name, table = f"quotas-{name}", tables.quotas
            rows = compare(fleet, options.rounds, tables.RATES, {})
        elif options.modes:
            name, table = f"modes-{name}", tables.modes
            rows = compare(fleet, options.rounds, tables.MODES, {"cloudformation_stabilization": STABLE_SECONDS})
        else:
            rows = measure(fleet, peers, options.commands, options.cdk, options.rounds)
    found = result(rows, options.targets)
    (RESULTS / f"{name}.json").write_text(f"{json.dumps(found, indent=2)}\n")
    print(table(found))


if __name__ == "__main__":
    main()
