# SPDX-License-Identifier: Apache-2.0
"""``python -m tests.bench [GROUP ...]``: measure, compare with the budgets and with the figures in ``tests/bench/figures.json``.

Figures are those of two cores of a virtual machine; on another machine keep your own before you compare.
"""

from __future__ import annotations

import argparse
import pathlib

from tests.bench import cloud, figures, journal, memory, model, ssh

_COMMITTED = pathlib.Path(__file__).with_name("figures.json")
_MEASURED = pathlib.Path(__file__).parents[2] / "artifacts" / "bench.json"
#: What can be measured, by name. Each takes the arguments of the command line.
_GROUPS = {"model": model.measure, "journal": journal.measure, "ssh": ssh.measure, "cloud": cloud.measure, "memory": memory.measure}
#: What is measured if nothing is named: the figures of the cloud have those of its memory.
_BY_DEFAULT = ("model", "journal", "cloud")


def main() -> None:
    """Measure, print a table, and say what got worse."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure, compare with the figures before.")
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"one of {', '.join(_GROUPS)}; without one: {', '.join(_BY_DEFAULT)}")
    parser.add_argument("--keep-images", action="store_true", help="cloud: do not build the images from nothing")
    parser.add_argument("--whole", action="store_true", help="model: make that of all hosts, for the memory; this takes half an hour")
    parser.add_argument("--save", action="store_true", help=f"write the figures into {_COMMITTED.name}, to be committed")
    args = parser.parse_args()
    unknown = sorted({*args.groups} - _GROUPS.keys())
    if unknown:
        parser.error(f"no such group: {', '.join(unknown)}; the groups are: {', '.join(_GROUPS)}")
    former, measured = figures.read(_COMMITTED), []
    for name in args.groups or _BY_DEFAULT:
        measured += _GROUPS[name](args)
    print(figures.table(measured, former))
    for line in figures.worse(measured, former):
        print(f"WORSE  {line}")
    _MEASURED.parent.mkdir(exist_ok=True)
    figures.write(_MEASURED, measured)
    if args.save:
        figures.write(_COMMITTED, measured)


if __name__ == "__main__":
    main()
