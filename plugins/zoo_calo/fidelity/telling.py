"""A judgement for people, and as files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from zoo.api import Drawing, write_atomically, write_drawings
from zoo_calo.fidelity.judge import Judgement

__all__ = ["lines", "write"]


def lines(found: Judgement) -> Iterator[str]:
    """A table of the observables, the measures with their errors, and the checks."""
    value, low, high = found.corrected
    yield f"showers: {found.showers[0]} of the reference, {found.showers[1]} generated"
    yield f"corrected JS of all six: {value:.3f} [{low:.3f}, {high:.3f}] (95 %)"
    yield f"{'observable':20}  JS raw   floor  corrected  separation"
    for name, one in found.six.items():
        numbers = f"{one.raw:6.3f}  {one.floor:6.3f}  {one.corrected:9.3f}  {one.separation:10.4f}"
        yield f"{name:20}  {numbers}"
    raw = sum(one.raw for one in found.six.values())
    floor = sum(one.floor for one in found.six.values())
    yield f"{'sum':20}  {raw:6.3f}  {floor:6.3f}"
    bias, width = found.bias_percent
    yield f"visible energy {bias:+.2f} %, its relative width {width:+.1f} % (mean90, rms90)"
    for name, distance in found.wasserstein.items():
        yield f"W1 of {name}: {distance:.3f} standard deviations"
    for name, judged in found.classifiers.items():
        budget = judged.budget
        text = f"2 x {budget['hidden']}, best of {budget['epochs']} epochs: {judged.epoch}"
        yield f"AUC {name}: {judged.auc:.4f} +- {judged.error:.4f} ({text})"
    for label, measured in (("FPD", found.fpd), ("KPD", found.kpd)):
        sizes = f"{measured.sizes[0]} to {measured.sizes[1]} showers"
        note = f"; fewer than published ones take: {sizes}" if measured.small else f"; {sizes}"
        yield (f"{label} x 1000: {1e3 * measured.value:.3g} +- {1e3 * measured.error:.2g}{note}")
    near = found.neighbourhood
    yield (
        f"precision {near.precision:.3f}, recall {near.recall:.3f}, density {near.density:.3f}, "
        f"coverage {near.coverage:.3f} (of one law {found.coverage:.3f})"
    )
    for finding in found.findings:
        yield f"[{finding.verdict}] {finding.name}: {finding.sentence}"


def write(told: dict[str, Any], drawings: Iterable[Drawing], folder: Path) -> None:
    """``results.json`` and the figures.

    Raises:
        UsageError: If the folder cannot be written.
    """
    write_drawings(drawings, folder)
    write_atomically(folder / "results.json", json.dumps(told, indent=2) + "\n")
