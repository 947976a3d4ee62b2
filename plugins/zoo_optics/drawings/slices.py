"""Slices through the map of a sensor: visibility, ratio to the truth, gradient and its error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, LogNorm, Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from zoo.api import Drawing
from zoo_optics.drawings.styles import shortened
from zoo_optics.physics.detector import Detector
from zoo_optics.profiles import probe_of

__all__ = ["MapSlice", "map_slices", "slice_points"]

Array = NDArray[np.float64]

_CELLS = 60  # along the longer side
_OFF = 0.5  # the ratio's colours reach from 1 less this to 1 more this


@dataclass(frozen=True)
class MapSlice:
    """What one sensor sees of the points of a slice.

    Attributes:
        visibility: (nz, nx).
        slope: (nz, nx, 3), gradient of its logarithm, 1/cm; NaN where there is none.
    """

    visibility: Array
    slope: Array

    @property
    def steepness(self) -> Array:
        """Length of the gradient, (nz, nx)."""
        length: Array = np.linalg.norm(self.slope, axis=2)
        return length

    def off(self, truth: MapSlice) -> Array:
        """Relative error of the gradient, (nz, nx); one that is missing counts as flat."""
        found = np.where(np.isfinite(self.slope), self.slope, 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            error: Array = np.linalg.norm(found - truth.slope, axis=2) / truth.steepness
        return error


def slice_points(detector: Detector, margin_cm: float) -> Array:
    """Middles of a grid in the plane of x and z through the probe sensor, (nz, nx, 3), cm.

    Args:
        detector: Names the sensor, see :func:`zoo_optics.profiles.probe_of`.
        margin_cm: From the walls.
    """
    low, high = detector.volume.low + margin_cm, detector.volume.high - margin_cm
    size = (high - low)[[0, 2]]
    cells = np.maximum(1, np.rint(_CELLS * size / size.max())).astype(int)
    x, z = (
        low[axis] + (high - low)[axis] * (np.arange(count) + 0.5) / count
        for axis, count in zip((0, 2), cells, strict=True)
    )
    y = np.clip(detector.sensors.position_cm[probe_of(detector), 1], low[1], high[1])
    across, up = np.meshgrid(x, z)
    return np.stack([across, np.full_like(across, y), up], axis=2)


def map_slices(
    detector: Detector, places: Array, truth: MapSlice, found: Mapping[str, MapSlice]
) -> Drawing:
    """Rows: visibility, over the truth, gradient, its error. Columns: the truth and every model.

    Args:
        detector: For the place of the sensor.
        places: As of :func:`slice_points`.
        truth: In closed form.
        found: By model.
    """
    columns = 1 + len(found)
    figure = Figure(figsize=(1.4 + 1.9 * columns, 14.0), layout="constrained")
    axes = figure.subplots(4, columns, squeeze=False, sharex=True, sharey=True)
    rows = _rows(truth, found)
    sensor = detector.sensors.position_cm[probe_of(detector)]
    data: dict[str, Array] = {
        f"{name} [cm]": places[..., axis].ravel() for axis, name in enumerate("xyz")
    }
    for line, (label, colours, values) in zip(axes, rows, strict=True):
        for one, (name, value) in zip(line, values.items(), strict=True):
            if value is None:
                one.axis("off")
                continue
            _panel(one, places, value, colours)
            one.plot(sensor[0], sensor[2], "k+", markersize=8)
            data[f"{name} {label}"] = value.ravel()
        mappable = ScalarMappable(norm=colours[1], cmap=colours[0])
        figure.colorbar(mappable, ax=line, label=label, pad=0.01, aspect=30, extend="both")
        line[0].set_ylabel("z [cm]")
    for one, name in zip(axes[0], ("true", *found), strict=True):
        one.set_title(shortened(name, 20), fontsize=8.5)
    for one in axes[3]:
        one.set_xlabel("x [cm]")
    for one in axes[:, 1]:  # the column of the truth is empty in every other row
        one.tick_params(labelleft=True)
    return Drawing(
        name="map-slices",
        caption=f"What the sensor at the cross sees of the plane through it at y = "
        f"{places[0, 0, 1]:.0f} cm: visibility, its ratio to the true one, the length of the "
        "gradient of log v, and the relative error of that gradient.",
        figure=figure,
        data=data,
    )


_Colours = tuple[Colormap, Normalize]
_Row = tuple[str, _Colours, dict[str, Array | None]]


def _rows(truth: MapSlice, found: Mapping[str, MapSlice]) -> list[_Row]:
    top, steep = float(truth.visibility.max()), truth.steepness
    dim = max(float(np.min(truth.visibility, initial=top, where=truth.visibility > 0)), top / 1e4)
    steepest = float(np.nanpercentile(steep, 99)) if np.isfinite(steep).any() else 1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = {name: one.visibility / truth.visibility for name, one in found.items()}
    return [
        (
            "visibility",
            (colormaps["magma"], LogNorm(dim, top)),
            {"true": truth.visibility, **{name: one.visibility for name, one in found.items()}},
        ),
        (
            "ratio",
            (colormaps["RdBu_r"], Normalize(1 - _OFF, 1 + _OFF)),
            {"true": None, **ratios},
        ),
        (
            "gradient [1/cm]",
            (colormaps["viridis"], Normalize(0, steepest)),
            {"true": steep, **{name: one.steepness for name, one in found.items()}},
        ),
        (
            "gradient error",
            (colormaps["magma_r"], LogNorm(0.03, 3)),
            {"true": None, **{name: one.off(truth) for name, one in found.items()}},
        ),
    ]


def _panel(axes: Axes, places: Array, values: Array, colours: _Colours) -> None:
    axes.pcolormesh(
        places[0, :, 0],
        places[:, 0, 2],
        values,
        cmap=colours[0],
        norm=colours[1],
        shading="nearest",
        rasterized=True,
    )
