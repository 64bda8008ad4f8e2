# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run Ansible commands in forks of a process that has imported everything they need: ansible_server.py SOCKET.

A run takes 0.3 s of CPU time that way instead of 1.3 s. Each fork reads Ansible's configuration again, from its own
environment and working directory, and is replaced by the real command if that changes where collections come from.
Runs do not wait for other writers of their channel, unless REAL_PAUSES is in their environment.
"""

from __future__ import annotations

import array
import atexit
import contextlib
import functools
import gc
import importlib
import inspect
import logging
import marshal
import os
import pkgutil
import selectors
import signal
import socket
import sys
import types
from pathlib import Path
from typing import Any

COLLECTIONS = os.environ.get("ANSIBLE_COLLECTIONS_PATH", "")
COLLECTION = "ansible_collections.secops.securityhub.plugins"
COMPILED = "secops_securityhub_plugins"  # the same, as the action plugins import it (plugin_utils/_compiled.py)
PLAYBOOKS, ROLES = "playbooks/*.yml", "roles/*/[dhmtv]*/main.yml"
PRELOADED = (
    "ansible.cli.inventory",
    "ansible.cli.playbook",
    "ansible.executor.task_queue_manager",
    "ansible.playbook.handler_task_include",
    "ansible.plugins.connection.local",
    "ansible.plugins.shell.sh",
    "ansible.plugins.strategy.linear",
    "boto3",
    "botocore.handlers",
    "botocore.retries.standard",
    "multiprocessing.popen_fork",
    "multiprocessing.synchronize",
)
PRELOADED_OF_COLLECTIONS = (
    "ansible_collections.amazon.aws.plugins.module_utils.modules",
    "ansible_collections.amazon.aws.plugins.module_utils.botocore",
    "ansible_collections.amazon.aws.plugins.plugin_utils.inventory",
)
SERVICES = (
    *("chatbot", "cloudformation", "cloudwatch", "events", "iam", "kms", "lambda", "organizations", "securityhub"),
    *("service-quotas", "sns", "sqs", "sts"),
)


# Other writers, for which a run waits before it reads its channel configuration again, are in few tests.
SETTLE_SECONDS = 0.01

# The modules that have Ansible's configuration. To look for them in each fork would copy half of the memory.
CONFIGURED: list[Any] = []


def preload() -> None:
    """Import what a run needs, and keep the documentation of Ansible's plugins and botocore's data in memory."""
    # Next to nothing of what is imported is garbage, but its collector would take a sixth of the time.
    gc.disable()
    keep_templates()
    for name in PRELOADED:
        importlib.import_module(name)
    from ansible import constants
    from ansible.config import manager
    from ansible.plugins import loader
    from ansible.utils.collection_loader import _collection_finder

    # Each fork reads the values of its configuration, but not their definitions.
    definitions = constants.config._base_defs
    manager.ConfigManager._read_config_yaml_file = lambda _self, _path: definitions
    keep_documentation()
    # Not those of variables: if that loader has been used, Ansible does not load host_group_vars any more.
    for kind in ("become", "cache", "callback", "connection", "inventory", "shell"):
        list(getattr(loader, f"{kind}_loader").all(class_only=True))
    rehearse()
    loader.init_plugin_loader()
    for name in PRELOADED_OF_COLLECTIONS:
        importlib.import_module(name)
    for folder in ("action", "module_utils", "plugin_utils"):
        package = importlib.import_module(f"{COLLECTION}.{folder}")
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            # The run that needs the module reports the error.
            with contextlib.suppress(ImportError):
                importlib.import_module(found.name)
    importlib.import_module(f"{COMPILED}.plugin_utils._targets").options()
    # Each fork configures its finder again.
    _collection_finder._AnsibleCollectionFinder._remove()
    keep_files()
    preload_botocore()
    CONFIGURED.extend(
        module for module in list(sys.modules.values()) if getattr(module, "config", None) is constants.config
    )
    # Otherwise the garbage collector of each fork would copy all this memory.
    gc.collect()
    gc.freeze()
    gc.enable()


def keep_templates() -> None:
    """Compile the templates in the defaults of Ansible's configuration once, not in each fork."""
    from ansible.config import manager

    environment = manager.NativeEnvironment()
    environment.from_string = functools.lru_cache(maxsize=None)(environment.from_string)
    manager.NativeEnvironment = lambda: environment


def keep_documentation() -> None:
    """Read the documentation of a plugin once, also if it has no options, which Ansible does not keep in mind."""
    from ansible.plugins.loader import PluginLoader

    load = PluginLoader._load_config_defs
    known: set[tuple[str, str, str]] = set()

    def load_once(self: Any, name: str, module: Any, path: str) -> None:
        key = (self.class_name, name, path)
        if key not in known:
            load(self, name, module, path)
            known.add(key)

    PluginLoader._load_config_defs = load_once


def rehearse() -> None:
    """Do what each run begins with, so that forks find its regular expressions, signatures and plugins in memory."""
    from ansible.cli.arguments import option_helpers
    from ansible.cli.inventory import InventoryCLI
    from ansible.cli.playbook import PlaybookCLI
    from ansible.inventory.manager import InventoryManager
    from ansible.parsing.dataloader import DataLoader
    from ansible.vars.clean import clean_facts

    option_helpers.inspect = types.SimpleNamespace(signature=functools.cache(inspect.signature))
    for command in (PlaybookCLI, InventoryCLI):
        command([command.__name__, "-i", "localhost,"]).init_parser()
    InventoryManager(DataLoader(), sources="localhost,").list_hosts("localhost:all")
    clean_facts({})


def keep_files() -> None:
    """Parse the files of playbooks and roles once. A fork changes its own copy only, and gets each file once."""
    from ansible.parsing.dataloader import DataLoader

    collection = Path(COLLECTIONS) / "ansible_collections" / "secops" / "securityhub"
    checkout = Path(__file__).resolve().parents[2]
    load, trusted = DataLoader.load_from_file, {"trusted_as_template": True}
    known = {
        str(path): load(DataLoader(), str(path), **trusted)
        for folder, names in ((checkout, PLAYBOOKS), (collection, PLAYBOOKS), (collection, ROLES))
        for path in folder.glob(names)
    }

    def load_kept(self: Any, file_name: str, *given: Any, **named: Any) -> Any:
        found = known.pop(self.path_dwim(file_name), None) if named == trusted and not given else None
        return load(self, file_name, *given, **named) if found is None else found

    DataLoader.load_from_file = load_kept


def preload_botocore() -> None:
    """Keep the data files that clients read in memory."""
    import boto3
    import botocore_data

    botocore_data.keep_in_memory()
    session = boto3.Session(aws_access_key_id="none", aws_secret_access_key="none", region_name="us-east-1")
    for service in SERVICES:
        client = session.client(service)
        client.can_paginate(next(iter(client.meta.method_to_api_mapping)))
        # Computes which codes of errors the service has.
        client.meta.service_model.shape_for_error_code("")


def configure() -> None:
    """Read Ansible's configuration as if this process had just imported Ansible."""
    from ansible import constants
    from ansible.utils import color
    from ansible.utils.display import Display

    old, collections = constants.config, constants.COLLECTIONS_PATHS
    importlib.reload(constants)
    if collections != constants.COLLECTIONS_PATHS:
        os.execv(sys.argv[0], sys.argv)
    constants.config._plugins.update(old._plugins)
    for module in CONFIGURED:
        module.config = constants.config
    # Looking every millisecond whether a task has ended takes a seventh of the CPU time of a run that waits.
    constants.DEFAULT_INTERNAL_POLL_INTERVAL = 0.01
    wanted = not constants.ANSIBLE_NOCOLOR and sys.stdout.isatty()
    color.ANSIBLE_COLOR = wanted or constants.ANSIBLE_FORCE_COLOR
    Display()._set_column_width()
    if constants.DEFAULT_LOG_PATH:
        log_to(constants.DEFAULT_LOG_PATH, constants.DEFAULT_LOG_FILTER)


def move_home(old: str, new: str) -> None:
    """Correct the paths below the home directory that botocore has computed when it was imported."""
    from botocore import credentials
    from botocore import tokens

    for provider in (credentials.SSOProvider, tokens.SSOTokenProvider):
        below = os.path.relpath(provider._SSO_TOKEN_CACHE_DIR, old)
        provider._SSO_TOKEN_CACHE_DIR = os.path.join(new, below)


def log_to(path: str, filtered: list[str]) -> None:
    """Log to a file as ansible.utils.display does when it is imported."""
    from ansible.utils import display

    layout = "%(asctime)s p=%(process)d u=%(user)s n=%(name)s %(levelname)s| %(message)s"
    logging.basicConfig(filename=path, level=logging.INFO, format=layout, force=True)
    for handler in logging.root.handlers:
        handler.addFilter(display.FilterBlackList(filtered))
        handler.addFilter(display.FilterUserInjector())
    display.logger = logging.getLogger("ansible")


def run(request: dict[str, Any], files: list[int]) -> None:
    """Turn this fork into the requested command. Does not return."""
    # A shell ignores SIGINT in background jobs.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.setsid()
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    home = os.path.expanduser("~")
    os.environ.clear()
    os.environ.update(request["environment"])
    move_home(home, os.path.expanduser("~"))
    os.chdir(request["folder"])
    sys.argv = request["arguments"]
    configure()
    if "REAL_PAUSES" not in os.environ:
        importlib.import_module(f"{COMPILED}.module_utils._channel.configuration").SETTLE_SECONDS = SETTLE_SECONDS
    name = os.path.basename(sys.argv[0]).removeprefix("ansible-")
    try:
        importlib.import_module(f"ansible.cli.{name}").main(sys.argv)
    except SystemExit as ended:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        # To destroy all that was imported takes as long as a short run.
        os._exit(int(ended.code or 0))


class Server:
    """Forks for each connection and answers it with the exit code. A client that goes away ends its run."""

    def __init__(self, path: str) -> None:
        self._parent = os.getppid()
        self._running: dict[int, socket.socket] = {}
        self._selector = selectors.DefaultSelector()
        self._listener = socket.socket(socket.AF_UNIX)
        # Clients connect as soon as the path exists, and between bind() and listen() they would be refused.
        self._listener.bind(f"{path}.new")
        self._listener.listen(64)
        os.rename(f"{path}.new", path)
        self._selector.register(self._listener, selectors.EVENT_READ)

    def serve(self) -> None:
        """Serve until the process that started this one has ended."""
        signal.signal(signal.SIGCHLD, lambda *_arguments: None)
        woken, waker = socket.socketpair()
        waker.setblocking(False)
        signal.set_wakeup_fd(waker.fileno())
        self._selector.register(woken, selectors.EVENT_READ)
        while os.getppid() == self._parent:
            for key, _events in self._selector.select(timeout=1):
                if key.fileobj is self._listener:
                    self._accept()
                elif key.fileobj is woken:
                    woken.recv(4096)
                else:
                    self._abandon(key.fileobj)
            self._reap()

    def _accept(self) -> None:
        connection, _address = self._listener.accept()
        request, files = receive(connection)
        pid = os.fork()
        if not pid:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self._selector.close()
            for inherited in (self._listener, connection, *self._running.values()):
                inherited.close()
            run(request, files)
        for file in files:
            os.close(file)
        self._running[pid] = connection
        self._selector.register(connection, selectors.EVENT_READ)

    def _reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    return
                connection = self._running.pop(pid)
                self._selector.unregister(connection)
                with connection, contextlib.suppress(OSError):
                    connection.sendall(str(os.waitstatus_to_exitcode(status)).encode())

    def _abandon(self, connection: Any) -> None:
        pid = next(pid for pid, other in self._running.items() if other is connection)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)


def receive(connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Return what ansible_client.py sends: the request, and its standard input, output and error."""
    size = array.array("i").itemsize * 3
    data, ancillary, _flags, _address = connection.recvmsg(65536, socket.CMSG_SPACE(size))
    files = array.array("i")
    files.frombytes(ancillary[0][2][:size])
    length, _newline, data = data.partition(b"\n")
    while len(data) < int(length):
        data += connection.recv(65536)
    return marshal.loads(data), list(files)


def main() -> None:
    """Serve on the socket named on the command line."""
    server = Server(sys.argv[1])
    preload()
    server.serve()


if __name__ == "__main__":
    main()
