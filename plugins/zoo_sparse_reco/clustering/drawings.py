"""Measures of clusterings by class, and how well fragments of a size are found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from zoo.api import Drawing, Evaluation
from zoo_sparse_reco.drawings.classes import bars
from zoo_sparse_reco.drawings.styles import Style, legend, overall
from zoo_sparse_reco.metrics.fragments import NOT_CLUSTERED

__all__ = ["against_fragment_size", "measures_by_class"]

Floats = NDArray[np.float64]

_MEASURES = ("ARI", "AMI", "efficiency", "purity")
_EDGES = np.array([1, 3, 6, 10, 20, 40, 80, 160, 320, 640, 1280, 1e6])
_LAST = 2560.0  # where the last bin is drawn to


def measures_by_class(
    evaluations: Sequence[Evaluation], styles: Mapping[str, Style], names: Sequence[str]
) -> Drawing | None:
    """ARI, AMI, efficiency and purity of the fragments of each class; ``None`` of no class."""
    classes = [
        name
        for name in names
        if name != NOT_CLUSTERED
        and any(
            np.isfinite(found[f"{name} fragment ARI"].number.value)
            for one in evaluations
            if f"{name} fragment ARI" in (found := overall(one))
        )
    ]
    if not classes:
        return None
    figure = Figure(figsize=(8.4, 5.4), layout="constrained")
    places = figure.subplots(2, 2, sharex=True)
    data: dict[str, Floats] = {}
    for place, measure in zip(places.ravel(), _MEASURES, strict=True):
        for number, one in enumerate(evaluations):
            found = overall(one)
            wanted = [f"fragment {measure}", *(f"{name} fragment {measure}" for name in classes)]
            points = [found[name] for name in wanted]
            shift = 0.7 * ((number + 0.5) / len(evaluations) - 0.5)
            where = np.arange(len(points), dtype=np.float64) + shift
            bars(place, where, points, styles[one.model], joined=False)
            data |= {
                f"{one.model}: {measure} [%]": np.array([p.number.value for p in points]),
                f"{one.model}: {measure}, low": np.array([p.low for p in points]),
                f"{one.model}: {measure}, high": np.array([p.high for p in points]),
            }
        place.set_xticks(np.arange(len(classes) + 1), ["all", *classes])
        place.set(ylabel=f"{measure} [%]", xlim=(-0.5, len(classes) + 0.5))
        place.grid(axis="y", alpha=0.3)
    legend(figure, [styles[one.model] for one in evaluations], points=True)
    return Drawing(
        name="by-class",
        caption="Means over events of the adjusted Rand index, the adjusted mutual information, "
        "the efficiency and the purity of fragments, of all classes together and of each true "
        "class alone; bars are 95 % intervals over events. The rows of the table are "
        f"{', '.join(['all', *classes])}.",
        figure=figure,
        data=data,
    )


def against_fragment_size(
    evaluations: Sequence[Evaluation], styles: Mapping[str, Style], names: Sequence[str]
) -> Drawing | None:
    """Mean efficiency of true fragments in bins of their size; ``None`` where there are none."""
    told = [one for one in evaluations if one.rows is not None and _kinds(one).size]
    if not told:
        return None
    classes = np.unique(np.concatenate([_kinds(one) for one in told])).astype(int)
    figure = Figure(figsize=(8.4, 0.8 + 2.4 * -(-len(classes) // 2)), layout="constrained")
    places = figure.subplots(-(-len(classes) // 2), 2, squeeze=False, sharex=True, sharey=True)
    shown = np.append(_EDGES[:-1], _LAST)
    data: dict[str, Floats] = {"from [voxels]": _EDGES[:-1], "below [voxels]": _EDGES[1:]}
    for place, kind in zip(places.ravel(), classes, strict=False):
        for one in told:
            mean, count = _means(one, kind)
            place.stairs(mean, shown, baseline=None, **styles[one.model].line)
            data[f"{one.model}: {names[kind]} [%]"] = mean
            data[f"{one.model}: {names[kind]} [fragments]"] = count
        place.set(xscale="log", ylim=(0, 103), title=names[kind])
        place.grid(alpha=0.3)
    for place in places.ravel()[len(classes) :]:
        place.axis("off")
    for place in places[-1]:
        place.set_xlabel("voxels of the true fragment")
    for place in places[:, 0]:
        place.set_ylabel("efficiency [%]")
    legend(figure, [styles[one.model] for one in told], points=False)
    return Drawing(
        name="fragment-size",
        caption="Mean share of a true fragment that is in one found fragment, against its size, by "
        "class; the last bin holds all larger ones.",
        figure=figure,
        data=data,
    )


def _kinds(evaluation: Evaluation) -> NDArray[np.float32]:
    assert evaluation.rows is not None
    kinds: NDArray[np.float32] = evaluation.rows["fragment_class"].values
    return kinds


def _means(evaluation: Evaluation, kind: int) -> tuple[Floats, Floats]:
    """Mean efficiency in per cent, and fragments, in each bin of their size."""
    assert evaluation.rows is not None
    chosen = _kinds(evaluation) == kind
    size = evaluation.rows["fragment_size"].values[chosen]
    found = evaluation.rows["fragment_found"].values[chosen].astype(np.float64)
    count = np.histogram(size, _EDGES)[0].astype(np.float64)
    total = np.histogram(size, _EDGES, weights=found)[0]
    return np.divide(100 * total, count, out=np.full(len(count), np.nan), where=count > 0), count
