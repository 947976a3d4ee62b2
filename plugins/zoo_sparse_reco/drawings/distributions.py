"""Distributions over points and events: distances, measures of clusterings; ghosts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from zoo.api import Drawing, Evaluation
from zoo_sparse_reco.drawings.styles import Style, legend, overall
from zoo_sparse_reco.metrics.numbers import ratio
from zoo_sparse_reco.metrics.points import FAR, NEAR, SIDES
from zoo_sparse_reco.metrics.segmentation import CONFUSION
from zoo_sparse_reco.physics.labels import GHOST

__all__ = [
    "SHARE_BINS",
    "draw_shares",
    "ghosts",
    "label_shares",
    "measures_of_fragments",
    "point_distances",
]

Floats = NDArray[np.float64]

_DISTANCES = np.geomspace(0.05, 200, 121)
_EDGES = np.linspace(0, 100, 41)
SHARE_BINS: Mapping[str, Floats] = {"from [%]": _EDGES[:-1], "to [%]": _EDGES[1:]}
"""Bins of histograms of shares, as columns."""

_TITLES = {"true": "true points", "found": "predicted points"}
_MEASURES = (("ari", "adjusted Rand index"), ("efficiency", "efficiency"), ("purity", "purity"))
_EVENTS = 400  # dots of single events in the figure of ghosts, at most


def point_distances(
    evaluations: Sequence[Evaluation], styles: Mapping[str, Style]
) -> Drawing | None:
    """Share of points with a partner within a distance; ``None`` where nobody tells points."""
    told = [one for one in evaluations if one.rows is not None and one.rows["points_told"].any()]
    if not told:
        return None
    figure = Figure(figsize=(8.4, 3.7), layout="constrained")
    places = figure.subplots(1, len(SIDES), sharey=True)
    data: dict[str, Floats] = {"distance [voxel]": _DISTANCES}
    for place, side in zip(places, SIDES, strict=True):
        for one in told:
            assert one.rows is not None
            distance = np.sort(one.rows[f"{side}_point_distance"].values.astype(np.float64))
            within = np.searchsorted(distance, _DISTANCES, side="right")
            share = 100 * ratio(within, np.full(within.shape, len(distance)))
            place.plot(_DISTANCES, share, **styles[one.model].line)
            data[f"{one.model}: {_TITLES[side]} [%]"] = share
        for cut in (NEAR, FAR):
            place.axvline(cut, color="0.6", linewidth=0.8, linestyle=":")
            place.text(cut, 2, f" {cut:g}", color="0.4", fontsize=8)
        place.set(xscale="log", xlabel="distance [voxel]", ylim=(0, 101), title=_TITLES[side])
        place.grid(alpha=0.3)
    places[0].set_ylabel("share within that distance [%]")
    legend(figure, [styles[one.model] for one in told], points=False)
    return Drawing(
        name="point-distances",
        caption="Share of the points with a partner within a distance: of true points a predicted "
        "one (how many are found), of predicted points a true one (how many are right). Dotted "
        "lines are at 3 and 10 voxels.",
        figure=figure,
        data=data,
    )


def measures_of_fragments(
    evaluations: Sequence[Evaluation], styles: Mapping[str, Style]
) -> Drawing | None:
    """Histograms over events of ARI, efficiency and purity; ``None`` where they are not known."""
    found = {
        one.model: {
            key: 100 * one.rows[f"fragment_{key}"][:, 0]
            for key, _ in _MEASURES
            if np.isfinite(one.rows[f"fragment_{key}"][:, 0]).any()
        }
        for one in evaluations
        if one.rows is not None
    }
    found = {model: values for model, values in found.items() if values}
    if not found:
        return None
    figure = Figure(figsize=(9.2, 3.4), layout="constrained")
    places = figure.subplots(1, len(_MEASURES), sharey=True)
    data: dict[str, Floats] = dict(SHARE_BINS)
    for place, (key, label) in zip(places, _MEASURES, strict=True):
        for model, values in found.items():
            if key not in values:
                continue
            share = draw_shares(place, values[key], styles[model])
            data[f"{model}: {label} [% of events]"] = share
        label_shares(place, label)
    places[0].set_ylabel("events [%]")
    legend(figure, [styles[model] for model in found], points=False)
    return Drawing(
        name="fragments",
        caption="Events by how well their fragments agree with the true ones: adjusted Rand index "
        "(below 0, in the first bin: worse than chance), mean share of a true fragment that is "
        "found in one piece, mean share of a found fragment that is of one true one.",
        figure=figure,
        data=data,
    )


def draw_shares(place: Axes, values: Floats, style: Style) -> Floats:
    """How many per cent of the events are in each of :data:`SHARE_BINS`, drawn and returned.

    Args:
        place: Where to.
        values: Of events, per cent; one at least is finite. Those below 0 are in the first bin.
        style: Of the model.
    """
    known = np.clip(values[np.isfinite(values)], 0, 100)
    share: Floats = 100 * np.histogram(known, _EDGES)[0] / len(known)
    place.stairs(share, _EDGES, **style.line)
    return share


def label_shares(place: Axes, label: str) -> None:
    """The axes of what :func:`draw_shares` has drawn of all models."""
    place.set(xlabel=f"{label} [%]", yscale="log", xlim=(0, 100), ylim=(None, 130))
    place.grid(alpha=0.3)


def ghosts(evaluations: Sequence[Evaluation], styles: Mapping[str, Style]) -> Drawing | None:
    """Efficiency and purity of ghosts; ``None`` where there are none."""
    names = ("ghost efficiency", "ghost purity")
    found = {one.model: [overall(one).get(name) for name in names] for one in evaluations}
    shown = {
        model: (one, other)
        for model, (one, other) in found.items()
        if one and other and np.isfinite([one.number.value, other.number.value]).all()
    }
    if not shown:
        return None
    figure = Figure(figsize=(5.2, 4.6), layout="constrained")
    place = figure.subplots()
    data: dict[str, Floats] = {}
    for one in evaluations:
        if one.model not in shown or one.rows is None:
            continue
        counts, style = one.rows[CONFUSION], styles[one.model]
        right = counts[:, GHOST, GHOST]
        shares = [
            100 * ratio(right, counts[:, GHOST].sum(axis=1)),
            100 * ratio(right, counts[:, :, GHOST].sum(axis=1)),
        ]
        place.plot(
            *(share[:_EVENTS] for share in shares), ".", color=style.line["color"], alpha=0.2, ms=3
        )
        points = shown[one.model]
        low_high = [
            [[max(p.number.value - p.low, 0)], [max(p.high - p.number.value, 0)]] for p in points
        ]
        x, y = (point.number.value for point in points)
        look = {**style.points, "linestyle": "none", "markersize": 7}
        place.errorbar(x, y, xerr=low_high[0], yerr=low_high[1], capsize=2, **look)
        data |= {
            f"{one.model}: {name} [%]": share for name, share in zip(names, shares, strict=True)
        }
    place.set(xlabel="ghost efficiency [%]", ylabel="ghost purity [%]")
    place.grid(alpha=0.3)
    legend(figure, [styles[model] for model in shown], points=True, most=2)
    return Drawing(
        name="ghosts",
        caption="Share of the ghosts that are found, and share of what is called a ghost that is "
        "one, with 95 % intervals over events; dots are single events.",
        figure=figure,
        data=data,
    )
