"""One flash on the unrolled wall: what was seen, what is expected, and how far apart they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LogNorm, Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from zoo.api import Drawing, Evaluation, Table
from zoo_optics.drawings.styles import shortened, strokes_of
from zoo_optics.metrics import SMALLEST, deviance
from zoo_optics.physics.detector import Cylinder, Detector

__all__ = ["display", "pulls", "unrolled"]

Array = NDArray[np.float64]

_DECADES = 3.5  # of charge that the colours span
_LARGEST_PULL = 4.0
_POINTS = 12_000.0  # area of all markers of a panel together, points squared


def display(
    detector: Detector,
    samples: Table,
    charges: Mapping[str, NDArray[np.float32]],
    row: int,
    evaluations: Sequence[Evaluation],
) -> Drawing:
    """Charges seen and expected by every model, their pulls, and how the pulls are distributed.

    Args:
        detector: The sensors.
        samples: ``charge``, ``photons`` and ``position``.
        charges: Expected charge by model, float32 (sensors,).
        row: The sample.
        evaluations: Of the models, for their colours.
    """
    seen = samples["charge"][row].astype(np.float64)
    means = {name: np.maximum(c.astype(np.float64), SMALLEST) for name, c in charges.items()}
    off = {name: pulls(seen, mean) for name, mean in means.items()}
    columns = 1 + len(charges)
    figure = Figure(figsize=(1.2 + 2.9 * columns, 6.6), layout="constrained")
    axes = figure.subplots(2, columns, squeeze=False)
    points, size = unrolled(detector), _POINTS / len(seen)
    top = max(float(seen.max()), *(float(mean.max()) for mean in means.values()), 1.0)
    scale = LogNorm(top * 10**-_DECADES, top)
    colours = colormaps["magma_r"].with_extremes(under="0.92")
    charge, pull = (colours, scale), (colormaps["RdBu_r"], Normalize(-_LARGEST_PULL, _LARGEST_PULL))
    # A logarithm leaves zeros out, and sensors with it: what saw nothing is grey like the dim ones.
    _panel(axes[0, 0], points, np.maximum(seen, SMALLEST), charge, size)
    axes[0, 0].set_title("seen", fontsize=9)
    for place, name in enumerate(charges, start=1):
        _panel(axes[0, place], points, means[name], charge, size)
        axes[0, place].set_title(shortened(name, 30), fontsize=9)
        _panel(axes[1, place], points, off[name], pull, size)
    for line, label in ((0, "charge [PE]"), (1, "pull")):
        figure.colorbar(
            axes[line, -1].collections[0], ax=axes[line], label=label, pad=0.01, aspect=30,
            extend="both",
        )  # fmt: skip
    _distribution(axes[1, 0], off, strokes_of(evaluations))
    start = ", ".join(f"{x:.0f}" for x in samples["position"][row])
    figure.suptitle(f"flash at ({start}) cm, {float(samples['photons'][row]):.3g} photons")
    return Drawing(
        name=f"display-{row + 1}",
        caption="A flash on the unrolled wall: photo-electrons seen, those expected, and the pull, "
        "the signed root of each sensor's deviance (red: more was seen than expected). Grey "
        "sensors saw less than the colours span; the histogram has the pulls of all sensors.",
        figure=figure,
        data={
            "sensor": np.arange(len(seen), dtype=np.float64),
            "across [cm]": points[:, 0],
            "up [cm]": points[:, 1],
            "seen [PE]": seen,
            **{f"{name} [PE]": mean for name, mean in means.items()},
            **{f"{name} pull": pull for name, pull in off.items()},
        },
    )


def pulls(seen: Array, mean: Array) -> Array:
    """The signed root of the Poisson deviance: near a normal deviate where much is expected."""
    value: Array = np.sign(seen - mean) * np.sqrt(deviance(seen, mean))
    return value


def unrolled(detector: Detector) -> Array:
    """Places of the sensors on a flat sheet, float64 (sensors, 2), cm.

    A cylinder's barrel is cut at the back, its caps lie above and below; of a box one sees along
    the axis in which its sensors spread least.
    """
    position, volume = detector.sensors.position_cm, detector.volume
    if not isinstance(volume, Cylinder):
        axes = np.delete(np.arange(3), np.ptp(position, axis=0).argmin())
        flat: Array = position[:, axes[::-1]]
        return flat
    radius, half = volume.radius_cm, volume.half_height_cm
    x, y, z = position.T
    radial = np.hypot(x, y)
    points = np.stack([radius * np.arctan2(y, x), z], axis=1)
    cap = half - np.abs(z) < radius - radial
    up = np.sign(z)
    lift = up * (half + 1.08 * radius)
    points[cap] = np.stack([y, lift - up * x], axis=1)[cap]
    return points


def _panel(
    axes: Axes,
    points: Array,
    values: Array,
    colours: tuple[Colormap, Normalize],
    size: float,
) -> None:
    order = np.argsort(np.abs(values))  # the brightest on top
    axes.scatter(
        points[order, 0],
        points[order, 1],
        c=values[order],
        s=float(np.clip(size, 0.5, 60)),
        cmap=colours[0],
        norm=colours[1],
        linewidths=0,
    )
    axes.set_aspect("equal")
    axes.set(xticks=[], yticks=[])


def _distribution(
    axes: Axes, off: Mapping[str, Array], strokes: Mapping[str, Mapping[str, Any]]
) -> None:
    edges = np.linspace(-_LARGEST_PULL, _LARGEST_PULL, 33)
    for place, (name, values) in enumerate(off.items()):
        axes.hist(
            np.clip(values, edges[0], edges[-1]),
            bins=edges.tolist(),
            histtype="step",
            color=strokes[name]["color"],
            linestyle=("-", "--", ":", "-.")[place % 4],
            label=shortened(name, 18),
        )
    axes.legend(fontsize=6.5, frameon=False)
    axes.set(xlabel="pull", ylabel="sensors", yscale="log")
    axes.grid(alpha=0.3)
