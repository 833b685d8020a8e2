# SPDX-License-Identifier: Apache-2.0
"""Figures of a measurement, and how they compare with the budgets and with the figures in ``figures.json``."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import typing as t

#: A figure that grew by more than this is worse; a smaller difference is noise.
TOLERANCE = 0.2


@dataclasses.dataclass(frozen=True)
class Figure:
    """One measurement. Less is better; ``budget`` is None where there is none."""

    name: str
    value: float
    unit: str
    budget: float | None = None

    @property
    def verdict(self) -> str:
        """How the value compares with the budget."""
        if self.budget is None:
            return ""
        return "within" if self.value <= self.budget else f"missed by {self.value - self.budget:.2g} {self.unit}"


def change(figure: Figure, former: t.Mapping[str, float]) -> float | None:
    """Return by which part a figure is greater than the former one; None if there is none to compare with."""
    before = former.get(figure.name)
    return figure.value / before - 1 if before else None


def worse(figures: t.Iterable[Figure], former: t.Mapping[str, float]) -> list[str]:
    """Return a line for each figure that is worse than the former one by more than the tolerance."""
    changes = ((figure, change(figure, former)) for figure in figures)
    return [
        f"{figure.name}: {figure.value:.4g} {figure.unit}, was {former[figure.name]:.4g}: {part:+.0%}"
        for figure, part in changes
        if part is not None and part > TOLERANCE
    ]


def table(figures: t.Iterable[Figure], former: t.Mapping[str, float]) -> str:
    """Return the figures as text."""
    figures = list(figures)
    width = max(len(figure.name) for figure in figures)
    rows = [f"{'':{width}} {'measured':>12}  {'before':>10}  {'budget':>10}"]
    for figure in figures:
        budget = "" if figure.budget is None else f"{figure.budget:g} {figure.unit}"
        before = f"{former[figure.name]:.4g}" if figure.name in former else ""
        rows.append(f"{figure.name:{width}} {figure.value:>8.4g} {figure.unit:3}  {before:>10}  {budget:>10}  {figure.verdict}".rstrip())
    return "\n".join(rows)


def read(path: pathlib.Path) -> dict[str, float]:
    """Return the figures of a file by name."""
    return {item["name"]: item["value"] for item in json.loads(path.read_text(encoding="utf-8"))} if path.exists() else {}


def write(path: pathlib.Path, figures: t.Iterable[Figure]) -> None:
    """Write figures into a file; those that it has of others stay."""
    kept = {item["name"]: item for item in json.loads(path.read_text(encoding="utf-8"))} if path.exists() else {}
    kept |= {figure.name: {"name": figure.name, "value": float(f"{figure.value:.4g}"), "unit": figure.unit} for figure in figures}
    rows = ",\n".join(f"  {json.dumps(item)}" for item in kept.values())
    path.write_text(f"[\n{rows}\n]\n", encoding="utf-8")
