"""``zoo calo resolution`` without the command line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zoo.api import UsageError, write_atomically, write_drawings
from zoo_calo.digi.electronics import Electronics
from zoo_calo.digi.levels import Level, levels
from zoo_calo.drawings.resolution import resolutions
from zoo_calo.fidelity.samples import generated_for, grid_at, showers_at

__all__ = ["REFERENCE", "ResolutionJob", "lines", "run_resolution", "write"]

REFERENCE = "reference"
Found = Mapping[str, Mapping[str, Level]]


@dataclass(frozen=True, kw_only=True)
class ResolutionJob:
    """What a user asks for.

    Attributes:
        data: The reference: ``SOURCE:PATH`` or a file.
        training: Other showers of it, which calibrate.
        models: Ids, runs or model files; each generates a shower for each of the reference.
        showers: Generated showers: ``SOURCE:PATH`` or files.
        electronics: Of the digitisation.
        limit: Showers of each sample at most.
        device: Where networks compute.
    """

    data: str
    training: str
    models: tuple[str, ...] = ()
    showers: tuple[str, ...] = ()
    electronics: Electronics = field(default_factory=Electronics)
    limit: int | None = None
    device: str = "cpu"

    def told(self, found: Found) -> dict[str, Any]:
        """What was asked and found, as JSON values."""
        return {
            "data": self.data,
            "training": self.training,
            "electronics": self.electronics.model_dump(mode="json"),
            "samples": {
                name: {level: one.told() for level, one in of.items()} for name, of in found.items()
            },
        }


def run_resolution(job: ResolutionJob, tell: Callable[[str], None]) -> dict[str, dict[str, Level]]:
    """Sample -> level (``sim``, ``digi``) -> what it shows; the first sample is the reference.

    Raises:
        UsageError: If two samples have one name.
        DataError: If grids differ or there are too few showers.
        WeightsError, PluginError: As :func:`zoo.api.load`.
    """
    names = (REFERENCE, *job.models, *job.showers)
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError("named twice", where=twice, remedy="name every sample once")
    grid = grid_at(job.data)
    training = showers_at(job.training, grid, None, tell)
    samples = {REFERENCE: showers_at(job.data, grid, job.limit, tell)}
    for model in job.models:
        samples[model] = generated_for(
            samples[REFERENCE],
            model,
            data=job.data,
            training=job.training,
            device=job.device,
            tell=tell,
        )
    for path in job.showers:
        samples[path] = showers_at(path, grid, job.limit, tell)
    return {
        name: levels(training, showers, grid, job.electronics) for name, showers in samples.items()
    }


def lines(found: Found) -> Iterator[str]:
    """A table for people: response and resolution of every sample, level and energy."""
    width = max(len(name) for name in found)
    yield (
        f"{'sample':{width}}  level  energy [GeV]  showers  mean90 / E       rms90 / mean90 [%]  "
        "Gaussian: mean / E  width / mean [%]"
    )
    for name, of in found.items():
        for level, one in of.items():
            for point in one.points:
                near, core = point.mean90, point.gaussian
                yield (
                    f"{name:{width}}  {level:5}  {point.energy:12.3g}  {point.showers:7}  "
                    f"{near.mean:.4f} +- {near.mean_error:.4f}  {100 * near.resolution:18.2f}  "
                    f"{core.mean:18.4f}  {100 * core.resolution:16.2f}"
                )
    for name, of in found.items():
        for level, one in of.items():
            a, b = one.terms
            yield f"{name:{width}}  {level:5}  {100 * a:.1f} %/sqrt(E) and {100 * b:.1f} %"


def write(job: ResolutionJob, found: Found, folder: Path) -> None:
    """``results.json`` and the figure.

    Raises:
        UsageError: If the folder cannot be written.
    """
    write_drawings([resolutions(found)], folder)
    write_atomically(folder / "results.json", json.dumps(job.told(found), indent=2) + "\n")
