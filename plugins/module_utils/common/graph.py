# SPDX-License-Identifier: Apache-2.0
"""Work in dependency order, side by side where nothing stands between."""

from __future__ import annotations

import concurrent.futures
import typing as t


class CycleError(ValueError):
    """Items wait for each other in a circle; the message names them."""


def order(dependencies: t.Mapping[str, t.Iterable[str]]) -> list[str]:
    """Return the items so that each comes after what it depends on; unknown dependencies are ignored.

    Raises:
        CycleError: if there is no such order.
    """
    done: list[str] = []
    path: list[str] = []

    def visit(item: str) -> None:
        if item in done:
            return
        if item in path:
            raise CycleError(" -> ".join([*path[path.index(item) :], item]))
        path.append(item)
        for other in dependencies[item]:
            if other in dependencies:
                visit(other)
        path.pop()
        done.append(item)

    for item in dependencies:
        visit(item)
    return done


def run(dependencies: t.Mapping[str, t.Iterable[str]], work: t.Callable[[str], bool], parallel: int) -> None:
    """Call *work* for each item once all it depends on returned True; at most *parallel* at a time.

    What depends on an item whose work returned False is left alone.
    """
    waiting = order(dependencies)
    done: set[str] = set()
    with concurrent.futures.ThreadPoolExecutor(max_workers=parallel) as pool:
        running: dict[concurrent.futures.Future[bool], str] = {}
        while True:
            ready = [item for item in waiting if all(other in done for other in dependencies[item] if other in dependencies)]
            for item in ready:
                waiting.remove(item)
                running[pool.submit(work, item)] = item
            if not running:
                return
            finished, _pending = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED)
            for future in finished:
                item = running.pop(future)
                if future.result():
                    done.add(item)
