"""The light of one flash against the distance of the sensors: tables, networks, truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from zoo.api import Drawing, Evaluation, Table
from zoo_optics.drawings.styles import legend, strokes_of
from zoo_optics.physics.detector import Detector

__all__ = ["curve"]

Array = NDArray[np.float64]

_BINS = 24


def curve(
    detector: Detector,
    samples: Table,
    charges: Mapping[str, NDArray[np.float32]],
    row: int,
    evaluations: Sequence[Evaluation],
) -> Drawing:
    """Mean visibility of the sensors by distance, and its ratio to the truth.

    Args:
        detector: The sensors.
        samples: ``charge``, ``photons``, ``position``, and ``expected`` where it is known; else the
            charges seen stand for the truth.
        charges: Expected charge by model, float32 (sensors,).
        row: The sample.
        evaluations: Of the models, for their colours.
    """
    known = "expected" in samples
    truth = samples["expected" if known else "charge"][row].astype(np.float64)
    photons = float(samples["photons"][row])
    way = detector.sensors.position_cm - samples["position"][row].astype(np.float64)
    distance = np.linalg.norm(way, axis=1)
    edges = np.linspace(distance.min(), distance.max() * 1.0001, _BINS + 1)
    where = np.clip(np.searchsorted(edges, distance, side="right") - 1, 0, _BINS - 1)
    sensors = np.bincount(where, minlength=_BINS)
    filled = sensors > 0
    middle = ((edges[1:] + edges[:-1]) / 2)[filled]

    def mean(charge: Array) -> Array:
        total: Array = np.bincount(where, charge, _BINS)[filled] / sensors[filled]
        return total / photons

    figure = Figure(figsize=(8.4, 6.2), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[1.4, 1])
    name = "true" if known else "seen"
    data: dict[str, Array] = {"distance [cm]": middle, name: mean(truth)}
    strokes = strokes_of(evaluations)
    for model, charge in charges.items():
        data[model] = mean(charge.astype(np.float64))
        above.plot(middle, data[model], **strokes[model])
        with np.errstate(divide="ignore", invalid="ignore"):
            data[f"{model} ratio"] = data[model] / data[name]
        below.plot(middle, data[f"{model} ratio"], **strokes[model])
    above.plot(middle, data[name], color="gold", linewidth=3.5, zorder=0, label=name)
    below.axhline(1, color="0.7", linewidth=0.8, zorder=0)
    above.set(ylabel="mean visibility", yscale="log")
    below.set(ylabel=f"over {name} one", xlabel="distance to the sensor [cm]", ylim=(0.5, 1.5))
    for axes in (above, below):
        axes.grid(alpha=0.3)
    legend(figure)
    return Drawing(
        name=f"curve-{row + 1}",
        caption=f"The flash of display {row + 1}: mean visibility of the sensors at each distance, "
        f"and its ratio to the {name} one.",
        figure=figure,
        data=data,
    )
