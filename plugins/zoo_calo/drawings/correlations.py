"""Linear correlations of twelve variables of showers: reference, models, differences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from zoo.api import Drawing
from zoo_calo.drawings.styles import Shown, shortened
from zoo_calo.observables.numbers import CORRELATED, CORRELATED_LABELS, correlated

__all__ = ["correlation_matrices", "pearson"]

Array = NDArray[np.float64]

_SHOWN = 3
_FEWEST = 20


def pearson(one: Shown) -> Array:
    """(12, 12), of the variables of :data:`zoo_calo.observables.numbers.CORRELATED`.

    Empty showers are left out; NaN where a variable does not vary (the energy, if there is one).
    """
    c = one.columns
    values = correlated(c["moments"], c["visible"], one.energy, c["hits"], c["thirds"])
    kept = values[np.isfinite(values).all(1)]
    if len(kept) < 2:
        return np.full((len(CORRELATED),) * 2, np.nan)
    centred = kept - kept.mean(0)
    spread = np.sqrt(np.mean(centred**2, axis=0))
    varies = spread > 1e-6 * np.abs(kept).max(0)
    scaled = np.divide(centred, spread, out=np.full_like(centred, np.nan), where=varies)
    found: Array = scaled.T @ scaled / len(kept)
    return found


def correlation_matrices(reference: Shown, models: Sequence[Shown]) -> Drawing | None:
    """Matrices, and differences to the reference; ``None`` of too few showers."""
    if len(reference.energy) < _FEWEST or not models:
        return None
    shown = list(models[:_SHOWN])
    truth = pearson(reference)
    figure = Figure(figsize=(1.0 + 4.6 * (1 + len(shown)), 9.0), layout="constrained")
    axes = figure.subplots(2, 1 + len(shown), squeeze=False)
    image = _matrix(axes[0, 0], truth, "reference", 1.0)
    axes[1, 0].axis("off")
    order = np.indices(truth.shape).reshape(2, -1).astype(np.float64)
    data = {"row": order[0], "column": order[1], "reference": truth.ravel()}
    lines, difference = [], None
    for place, one in enumerate(shown, start=1):
        found = pearson(one)
        off = found - truth
        _matrix(axes[0, place], found, shortened(one.label, 34), 1.0)
        difference = _matrix(axes[1, place], off, "model - reference", 0.5)
        known = off[np.isfinite(off)]
        largest = float(np.abs(known).max()) if len(known) else float("nan")
        size = float(np.sqrt((known**2).sum()))
        lines.append(f"{one.label}:\n  largest {largest:.3f}, Frobenius {size:.2f}")
        data[one.label] = found.ravel()
    axes[1, 0].text(0.0, 0.95, "differences\n\n" + "\n".join(lines), va="top", fontsize=9)
    figure.colorbar(image, ax=axes[0], label="correlation", pad=0.01, aspect=30)
    if difference is not None:
        figure.colorbar(difference, ax=axes[1], label="difference", pad=0.01, aspect=30)
    return Drawing(
        name="correlations",
        caption="Linear correlations between first and second moments along x, y and layers, "
        "visible energy, energy of the particle, hits, and the shares of the thirds of the layers; "
        f"in this order: {', '.join(CORRELATED)}. Below, less those of the reference.",
        figure=figure,
        data=data,
    )


def _matrix(axes: Axes, values: Array, title: str, limit: float) -> AxesImage:
    image = axes.imshow(values, cmap="RdBu_r", vmin=-limit, vmax=limit)
    places = range(len(CORRELATED_LABELS))
    axes.set_xticks(places, CORRELATED_LABELS, rotation=90, fontsize=7.5)
    axes.set_yticks(places, CORRELATED_LABELS, fontsize=7.5)
    axes.set_title(title, fontsize=9.5)
    for row, column in np.argwhere(np.isfinite(values)):
        value = values[row, column]
        colour = "white" if abs(value) > 0.7 * limit else "black"
        text = f"{value:.2f}".replace("0.", ".")
        axes.text(column, row, text, ha="center", va="center", fontsize=5, color=colour)
    return image
