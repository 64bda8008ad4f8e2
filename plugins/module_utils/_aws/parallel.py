# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a function on many items concurrently, in threads. PRIVATE to the collection."""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any
from typing import Generic
from typing import TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Iterable

Item = TypeVar("Item")
Value = TypeVar("Value")

# Calls wait for the network, not for a core: all of 17 regions together, and enough for 1,700 targets.
THREADS = 64
SECONDS_WITHOUT_SIGNALS = 1.0


@dataclass(frozen=True)
class Outcome(Generic[Item, Value]):
    """The result of one item: *value*, or *error* if the work raised."""

    item: Item
    value: Value | None = None
    error: Exception | None = None


def each(work: Callable[[Item], Value], items: Iterable[Item]) -> list[Outcome[Item, Value]]:
    """Call *work* on every item, up to THREADS concurrently, and return the outcomes in the order of the items.

    The threads are daemons, so an interrupted run ends immediately and does not wait for running calls.
    """
    todo: queue.SimpleQueue[tuple[int, Item]] = queue.SimpleQueue()
    outcomes: dict[int, Outcome[Item, Value]] = {}
    numbered = list(enumerate(items))
    for pair in numbered:
        todo.put(pair)
    threads = [
        threading.Thread(target=_serve, args=(work, todo, outcomes), daemon=True)
        for _thread in range(min(THREADS, len(numbered)))
    ]
    try:
        for thread in threads:
            thread.start()
    except RuntimeError:  # the system, or the container, permits no more threads
        _serve(work, todo, outcomes)
    for thread in threads:
        # The system may give a signal to any thread. Python handles it in the main thread, but does not wake it for
        # that: without pauses, Ctrl-C would have no effect until a call is answered.
        while thread.is_alive():
            thread.join(SECONDS_WITHOUT_SIGNALS)
    lost = MemoryError("a thread ended for lack of memory")  # nothing else ends one without an outcome
    return [outcomes.get(index, Outcome(item, error=lost)) for index, item in numbered]


def values(work: Callable[[Item], Value], items: Iterable[Item]) -> list[Any]:
    """Return the values of each(). Raise the first failure."""
    outcomes = each(work, items)
    for outcome in outcomes:
        if outcome.error is not None:
            raise outcome.error
    return [outcome.value for outcome in outcomes]


def recovered(
    work: Callable[[Item], Value], items: Iterable[Item], failed: Callable[[Item, Exception], Value]
) -> list[Value]:
    """Return the values of each(); where *work* raised, what *failed* returns for the item and the error."""

    def attempt(item: Item) -> Value:
        try:
            return work(item)
        except Exception as error:  # one item's failure must not stop the others
            return failed(item, error)

    return values(attempt, items)


def _serve(
    work: Callable[[Item], Value],
    todo: queue.SimpleQueue[tuple[int, Item]],
    outcomes: dict[int, Outcome[Item, Value]],
) -> None:
    while True:
        try:
            index, item = todo.get_nowait()
        except queue.Empty:
            return
        try:
            outcomes[index] = Outcome(item, value=work(item))
        except Exception as error:  # one item's failure must not stop the others; the caller reports it
            outcomes[index] = Outcome(item, error=error)
