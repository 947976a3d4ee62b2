"""A map of the light that one sensor sees, from the flashes of a slab through it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, LogNorm, Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from zoo.api import Drawing, Evaluation
from zoo_optics.drawings.styles import shortened
from zoo_optics.physics.detector import Detector

__all__ = ["probe_map"]

Array = NDArray[np.float64]

_SLAB = 0.25  # of the half width of the volume, on either side of the sensor
_FEWEST = 40  # flashes; with fewer in the slab all are shown
_OFF = 0.5  # the ratio's colours reach from 1 less this to 1 more this


def probe_map(detector: Detector, probe: int, evaluations: Sequence[Evaluation]) -> Drawing:
    """Visibility by place in the plane of x and z: true, by every model, and their ratios.

    Args:
        detector: Has the sensor.
        probe: Its number, see :func:`zoo_optics.profiles.probe_of`.
        evaluations: With rows.
    """
    measured = [(one.model, one.rows) for one in evaluations if one.rows is not None]
    place = measured[0][1]["place"]
    sensor = detector.sensors.position_cm[probe]
    shown = _slab(detector, sensor[1], place)
    truth = measured[0][1]["probe_true"][shown]
    found = {name: rows["probe"][shown] for name, rows in measured}
    x, z = place[shown, 0], place[shown, 2]
    columns = 1 + len(found)
    figure = Figure(figsize=(1.2 + 2.4 * columns, 6.0), layout="constrained")
    axes = figure.subplots(2, columns, squeeze=False, sharex=True, sharey=True)
    positive = truth[truth > 0]
    top = float(positive.max()) if positive.size else 1.0
    bright = (colormaps["magma"], LogNorm(max(float(positive.min(initial=top)), top / 1e4), top))
    off = (colormaps["RdBu_r"], Normalize(1 - _OFF, 1 + _OFF))
    data: dict[str, Array] = {"x [cm]": x, "y [cm]": place[shown, 1], "z [cm]": z, "true": truth}
    _points(axes[0, 0], x, z, truth, bright)
    axes[0, 0].set_title("true", fontsize=9)
    axes[1, 0].axis("off")
    for column, (name, values) in enumerate(found.items(), start=1):
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = values / truth
        _points(axes[0, column], x, z, values, bright)
        _points(axes[1, column], x, z, ratio, off)
        axes[0, column].set_title(shortened(name, 24), fontsize=9)
        data |= {name: values, f"{name} ratio": ratio}
    for one in (*axes[0], *axes[1, 1:]):
        one.plot(sensor[0], sensor[2], "k+", markersize=8)
    axes[0, 0].set_ylabel("z [cm]")
    for one in axes[1, 1:]:
        one.set_xlabel("x [cm]")
    for line, label, (colours, scale) in ((0, "visibility", bright), (1, "ratio", off)):
        mappable = ScalarMappable(norm=scale, cmap=colours)
        figure.colorbar(mappable, ax=axes[line], label=label, pad=0.01, aspect=30, extend="both")
    return Drawing(
        name="map",
        caption=f"What the sensor at the cross ({sensor[1]:.0f} cm along y) sees of flashes "
        "in the slab of y around it, one point a flash: true, by every model, and over the truth.",
        figure=figure,
        data=data,
    )


def _slab(detector: Detector, y: float, place: Array) -> NDArray[np.intp]:
    """Flashes whose y is near the sensor's; all where those are too few."""
    volume = detector.volume
    width = _SLAB * float(volume.high[1] - volume.low[1]) / 2
    near = np.flatnonzero(np.abs(place[:, 1] - y) <= width)
    return near if len(near) >= _FEWEST else np.arange(len(place))


def _points(
    axes: Axes, x: Array, z: Array, values: Array, colours: tuple[Colormap, Normalize]
) -> None:
    size = float(np.clip(6000 / max(len(x), 1), 3, 60))
    axes.scatter(x, z, c=values, s=size, cmap=colours[0], norm=colours[1], linewidths=0)
    axes.grid(alpha=0.2)
