"""Confusion matrices: what share of each true class is called what."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from zoo.api import Drawing, Evaluation
from zoo_sparse_reco.drawings.styles import shortened
from zoo_sparse_reco.metrics.numbers import ratio
from zoo_sparse_reco.metrics.segmentation import CONFUSION
from zoo_sparse_reco.physics.labels import GHOST

__all__ = ["confusion_matrices", "draw_matrix"]

_COLUMNS = 3
_DARK = 0.55  # of the colour scale: text on it is white


def confusion_matrices(evaluations: Sequence[Evaluation], names: Sequence[str]) -> Drawing:
    """One matrix a model, in per cent of the voxels of each true class.

    Args:
        evaluations: Those with rows.
        names: Of the five classes.
    """
    counts = {
        one.model: one.rows[CONFUSION].sum(axis=0) for one in evaluations if one.rows is not None
    }
    ghosts = any(one[GHOST].any() or one[:, GHOST].any() for one in counts.values())
    labels = [*names, "ghost"] if ghosts else list(names)
    columns = min(len(counts), _COLUMNS)
    lines = -(-len(counts) // columns)
    figure = Figure(figsize=(0.7 + 3.1 * columns, 0.5 + 2.9 * lines), layout="constrained")
    places = figure.subplots(lines, columns, squeeze=False)
    data: dict[str, NDArray[np.float64]] = {}
    for place in places.ravel()[len(counts) :]:
        place.axis("off")
    for place, (model, matrix) in zip(places.ravel(), counts.items(), strict=False):
        shown = matrix[: len(labels), : len(labels)]
        shares = 100 * ratio(shown, matrix.sum(axis=1)[: len(labels), None])
        draw_matrix(place, shares, labels)
        place.set_title(shortened(model, 36), fontsize=9)
        for row, true in enumerate(labels):
            data[f"{model}: true {true} [%]"] = shares[row]
            data[f"{model}: true {true} [voxels]"] = shown[row]
    for place in places[:, 0]:
        place.set_ylabel("true class")
    for place in places.ravel()[max(len(counts) - columns, 0) : len(counts)]:
        place.set_xlabel("predicted class")
    return Drawing(
        name="confusions",
        caption="Of the voxels of each true class (a row), what per cent is called each class (a "
        "column); rows of classes that are not there are empty. The table has a column for each "
        f"true class, with predicted classes in the order {', '.join(labels)}.",
        figure=figure,
        data=data,
    )


def draw_matrix(place: Axes, shares: NDArray[np.float64], labels: Sequence[str]) -> None:
    """Per cent (n, n) with their numbers; NaN stays empty."""
    place.imshow(np.nan_to_num(shares), cmap="Blues", vmin=0, vmax=100, aspect="auto")
    places = np.arange(len(labels))
    place.set_xticks(places, labels, fontsize=7.5, rotation=35, ha="right")
    place.set_yticks(places, labels, fontsize=7.5)
    for (row, column), share in np.ndenumerate(shares):
        if np.isfinite(share):
            text = f"{share:.0f}" if share >= 9.95 or share == 0 else f"{share:.1f}"
            colour = "white" if share > 100 * _DARK else "black"
            place.text(column, row, text, ha="center", va="center", fontsize=7.5, color=colour)
