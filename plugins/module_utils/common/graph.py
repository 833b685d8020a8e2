# SPDX-License-Identifier: Apache-2.0
"""Run work in dependency order, in parallel where nothing depends on each other."""

from __future__ import annotations

import collections
import concurrent.futures
import graphlib
import typing as t


class CycleError(ValueError):
    """Items depend on each other in a circle; the message names them."""


def order(dependencies: t.Mapping[str, t.Iterable[str]]) -> list[str]:
    """Return the items so that each comes after what it depends on; unknown dependencies are ignored.

    Raises:
        CycleError: if there is no such order.
    """
    sorter = _sorter(dependencies)
    found: list[str] = []
    while sorter.is_active():
        ready = sorter.get_ready()
        found += ready
        sorter.done(*ready)
    return found


def run(dependencies: t.Mapping[str, t.Iterable[str]], work: t.Callable[[str], bool | None], parallel: int) -> None:
    """Call *work* for each item once all it depends on returned True; at most *parallel* at a time.

    An item that depends on one whose work returned False is skipped. One whose work returned None could not be done yet: it is tried again
    after others have ended, until none is left that could make place for it.

    Raises:
        CycleError: if items depend on each other in a circle.
    """
    sorter = _sorter(dependencies)
    running: dict[concurrent.futures.Future[bool | None], tuple[str, int]] = {}
    postponed: collections.deque[str] = collections.deque()
    ended = 0
    again: list[str] = []
    with concurrent.futures.ThreadPoolExecutor(max_workers=parallel) as pool:
        while True:
            running |= {pool.submit(work, item): (item, ended) for item in [*sorter.get_ready(), *again]}
            if not running:
                return
            finished, _pending = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED)
            results = [(*running.pop(future), future.result()) for future in finished]
            places = sum(1 for _item, _since, result in results if result is not None)
            ended += places
            sorter.done(*(item for item, _since, result in results if result))
            # another may have ended while it was being tried
            again = [item for item, since, result in results if result is None and since < ended]
            postponed += (item for item, since, result in results if result is None and since == ended)
            again += [postponed.popleft() for _place in range(min(places, len(postponed)))]


def _sorter(dependencies: t.Mapping[str, t.Iterable[str]]) -> graphlib.TopologicalSorter[str]:
    known = {item: [other for other in others if other in dependencies] for item, others in dependencies.items()}
    sorter = graphlib.TopologicalSorter(known)
    try:
        sorter.prepare()
    except graphlib.CycleError as error:
        # it lists each item before the one that depends on it
        raise CycleError(" -> ".join(reversed(error.args[1]))) from error
    return sorter
