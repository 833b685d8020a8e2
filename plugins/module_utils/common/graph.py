# SPDX-License-Identifier: Apache-2.0
"""Run work in dependency order, in parallel where nothing depends on each other."""

from __future__ import annotations

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


def run(dependencies: t.Mapping[str, t.Iterable[str]], work: t.Callable[[str], bool], parallel: int) -> None:
    """Call *work* for each item once all it depends on returned True; at most *parallel* at a time.

    An item that depends on one whose work returned False is skipped.

    Raises:
        CycleError: if items depend on each other in a circle.
    """
    sorter = _sorter(dependencies)
    running: dict[concurrent.futures.Future[bool], str] = {}
    with concurrent.futures.ThreadPoolExecutor(max_workers=parallel) as pool:
        while True:
            running |= {pool.submit(work, item): item for item in sorter.get_ready()}
            if not running:
                return
            finished, _pending = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED)
            done = [(running.pop(future), future.result()) for future in finished]
            sorter.done(*(item for item, succeeded in done if succeeded))


def _sorter(dependencies: t.Mapping[str, t.Iterable[str]]) -> graphlib.TopologicalSorter[str]:
    known = {item: [other for other in others if other in dependencies] for item, others in dependencies.items()}
    sorter = graphlib.TopologicalSorter(known)
    try:
        sorter.prepare()
    except graphlib.CycleError as error:
        # it lists each item before the one that depends on it
        raise CycleError(" -> ".join(reversed(error.args[1]))) from error
    return sorter
