"""Event displays: wires from left to right and time upwards, as in LArTPC publications."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure, SubFigure
from numpy.typing import NDArray

from zoo.api import Drawing, Table
from zoo_dnn_roi.drawings.styles import Style, shortened
from zoo_dnn_roi.metrics import SUPPORT

__all__ = ["display"]

Float64Array = NDArray[np.float64]
Float32Array = NDArray[np.float32]

_MARGIN = (15, 120)  # wires, ticks around true charge in a display
_TICKS = 800  # pixels of a display along time; more ticks are averaged
_MIP_PEAK = 3000.0  # e-/tick, the scale of a display without true charge
_ANGLE, _ENERGY = "theta_xz", "shower_energy"
_DECONVOLVED = "deconvolved, no regions"


def display(
    samples: Table,
    charges: Mapping[str, Float32Array],
    row: int,
    styles: Mapping[str, Style],
) -> Drawing:
    """One sample: truth, deconvolved charge and that of every model, and their profiles by wire.

    Args:
        samples: ``truth``, ``decon_charge``, ``plane``, and where they have them ``theta_xz``,
            ``shower_energy``, ``vertex_wire`` and ``vertex_tick``.
        charges: Charge by model, float32 (wires, ticks), electrons per tick.
        row: The sample.
        styles: Of the models.
    """
    truth = samples["truth"][row]
    wires, ticks = _box(truth)
    whole = {"truth": truth, _DECONVOLVED: samples["decon_charge"][row], **charges}
    images = {label: image[wires, ticks] for label, image in whole.items()}
    name, title = _title(samples, row)
    columns = 2 if len(images) in (2, 4) else 3 if len(images) < 8 else 4
    height = (2.9 if columns < 4 else 2.5) * -(-len(images) // columns)
    figure = Figure(figsize=(9.0, height + 2.8), layout="constrained")
    figure.suptitle(title)
    halves = figure.subfigures(2, 1, squeeze=False, height_ratios=[height, 2.6])
    _images(halves[0, 0], images, columns, (wires.start, ticks.start), _vertex(samples, row))
    wire = np.arange(wires.start, wires.stop, dtype=np.float64)
    profiles = {label: image.sum(1, dtype=np.float64) for label, image in images.items()}
    _profile(halves[1, 0].subplots(), wire, profiles, styles)
    return Drawing(
        name=f"display-{row + 1}-{name}",
        caption="Charge on the (wire, tick) plane around the true charge, one colour scale for "
        "all, the cross at the vertex of a shower; below, charge summed over these ticks. The "
        "table holds the charge of every wire.",
        figure=figure,
        data={"wire": wire} | {f"{label} [e-]": charge for label, charge in profiles.items()},
    )


def _title(samples: Table, row: int) -> tuple[str, str]:
    plane = "UVW"[int(samples["plane"][row])]
    angle = float(samples[_ANGLE][row]) if _ANGLE in samples else float("nan")
    if np.isnan(angle):
        return f"{plane}-cosmics", f"plane {plane}, cosmics"
    name, title = f"{plane}-{abs(angle):.0f}deg", rf"plane {plane}, $\theta_{{xz}}$ = {angle:.0f}°"
    energy = float(samples[_ENERGY][row]) if _ENERGY in samples else float("nan")
    if np.isnan(energy):
        return name, title
    return f"{name}-{energy:.0f}MeV", f"{title}, electron of {energy:.0f} MeV"


def _vertex(samples: Table, row: int) -> tuple[float, float] | None:
    """Wire and tick of a shower's vertex as the axes of an image have them."""
    if "vertex_wire" not in samples or np.isnan(samples["vertex_wire"][row]):
        return None
    return float(samples["vertex_wire"][row]) - 0.5, float(samples["vertex_tick"][row])


def _box(truth: Float32Array) -> tuple[slice, slice]:
    """Wires and ticks around true charge; everything where there is none."""
    found = []
    for axis, margin in zip((1, 0), _MARGIN, strict=True):
        size = truth.shape[1 - axis]
        where = np.flatnonzero((truth > SUPPORT).any(axis=axis))
        start, stop = (where[0], where[-1] + 1) if len(where) else (0, size)
        found.append(slice(max(int(start) - margin, 0), min(int(stop) + margin, size)))
    return found[0], found[1]


def _images(
    figure: SubFigure,
    images: Mapping[str, Float32Array],
    columns: int,
    first: tuple[int, int],
    vertex: tuple[float, float] | None,
) -> None:
    truth = images["truth"]
    top = float(np.percentile(truth[truth > 0], 99)) if (truth > 0).any() else _MIP_PEAK
    colours = colormaps["magma_r"].with_extremes(under="white")
    scale = Normalize(0.02 * top, top)
    lines = -(-len(images) // columns)
    axes = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
    for place in axes.ravel()[len(images) :]:
        place.axis("off")
    for place in axes.ravel()[max(len(images) - columns, 0) : len(images)]:
        place.tick_params(labelbottom=True)
        place.set_xlabel("wire")
    for place, (name, image) in zip(axes.ravel(), images.items(), strict=False):
        step = -(-image.shape[1] // _TICKS)
        whole = image[:, : image.shape[1] // step * step]
        coarse = whole.reshape(len(whole), -1, step).mean(axis=2)
        left, low = first[0] - 0.5, first[1]
        extent = (left, left + len(image), low, low + whole.shape[1])
        place.imshow(
            coarse.T,
            origin="lower",
            aspect="auto",
            extent=extent,
            cmap=colours,
            norm=scale,
            interpolation="nearest",
        )
        place.set_title(shortened(name, 100 // columns), fontsize=8.5)
        if vertex is not None:
            place.plot(*vertex, "+", color="#0072b2", markersize=8, markeredgewidth=1.2)
            place.set(xlim=extent[:2], ylim=extent[2:])
    for place in axes[:, 0]:
        place.set_ylabel("tick (0.5 µs)")
    bar = ScalarMappable(norm=scale, cmap=colours)
    figure.colorbar(bar, ax=axes, label="charge [e$^-$/tick]", extend="both", pad=0.01, aspect=35)


def _profile(
    axes: Axes,
    wire: Float64Array,
    profiles: Mapping[str, Float64Array],
    styles: Mapping[str, Style],
) -> None:
    axes.step(
        wire, profiles["truth"] / 1000, where="mid", label="truth", color="gold", linewidth=3.5
    )
    for name, style in styles.items():
        axes.step(
            wire,
            profiles[name] / 1000,
            where="mid",
            label=shortened(style.label, 40),
            linewidth=1.1,
            markersize=3.5,
            markevery=max(len(wire) // 8, 1),
            **style.strokes,
        )
    axes.set(xlabel="wire", ylabel="charge [ke$^-$]", xlim=(wire[0] - 0.5, wire[-1] + 0.5))
    axes.legend(fontsize=8, ncols=3, loc="lower left", bbox_to_anchor=(0, 1), frameon=False)
    axes.grid(alpha=0.25)
