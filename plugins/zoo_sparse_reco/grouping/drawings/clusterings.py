"""How alike groups are to the true ones, event by event, and with how much there is in an event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from zoo.api import BinnedNumber, Drawing, Evaluation
from zoo_sparse_reco.drawings.styles import Style, legend
from zoo_sparse_reco.grouping.judging.clusters import MEASURES
from zoo_sparse_reco.grouping.stages import STAGES

__all__ = ["against_interactions", "distributions", "stages_told"]

Floats = NDArray[np.float64]

_SHOWN = ("ari", "efficiency", "purity")
_EDGES = np.linspace(0, 100, 41)


def stages_told(evaluations: Sequence[Evaluation]) -> tuple[str, ...]:
    """Stages that a network tells; without one, those that anything tells."""
    networks = [one for one in evaluations if one.role == "model"]
    for some in (networks, evaluations):
        found = tuple(
            stage.name
            for stage in STAGES
            if any(np.isfinite(_values(one, f"{stage.name}_ari")).any() for one in some)
        )
        if found:
            return found
    return ()


def distributions(
    evaluations: Sequence[Evaluation], styles: Mapping[str, Style], stages: Sequence[str]
) -> Drawing:
    """Histograms over events of ARI, efficiency and purity over voxels, a row a stage."""
    figure = Figure(figsize=(9.2, 0.6 + 2.7 * len(stages)), layout="constrained")
    places = figure.subplots(len(stages), len(_SHOWN), sharey=True, squeeze=False)
    data: dict[str, Floats] = {"from [%]": _EDGES[:-1], "to [%]": _EDGES[1:]}
    for line, stage in zip(places, stages, strict=True):
        for place, name in zip(line, _SHOWN, strict=True):
            label = f"{stage} {MEASURES[name]}"
            for one in evaluations:
                values = 100 * _values(one, f"{stage}_{name}")
                known = np.clip(values[np.isfinite(values)], 0, 100)
                if not len(known):
                    continue
                share = 100 * np.histogram(known, _EDGES)[0] / len(known)
                look = {k: v for k, v in styles[one.model].line.items() if k != "marker"}
                place.stairs(share, _EDGES, **look)
                data[f"{one.model}: {label} [% of events]"] = share
            place.set(xlabel=f"{label} [%]", yscale="log", xlim=(0, 100), ylim=(None, 130))
            place.grid(alpha=0.3)
        line[0].set_ylabel("events [%]")
    legend(figure, [styles[one.model] for one in evaluations], points=False)
    return Drawing(
        name="groups",
        caption="Events by how well their groups agree with the true ones, over voxels: adjusted "
        "Rand index (below 0, in the first bin: worse than chance), mean share of a true group "
        "that is in one found group, mean share of a found group that is of one true one.",
        figure=figure,
        data=data,
    )


def against_interactions(
    evaluations: Sequence[Evaluation], styles: Mapping[str, Style], stages: Sequence[str]
) -> Drawing | None:
    """Mean ARI in bins of true interactions; ``None`` where there are no bins."""
    panels = {stage: _binned(evaluations, f"{stage} ARI") for stage in stages}
    panels = {stage: found for stage, found in panels.items() if found}
    if not panels:
        return None
    figure = Figure(figsize=(1 + 3.6 * len(panels), 3.6), layout="constrained")
    places = figure.subplots(1, len(panels), squeeze=False)[0]
    data: dict[str, Floats] = {}
    for place, (stage, found) in zip(places, panels.items(), strict=True):
        for number, (model, points) in enumerate(found.items()):
            data |= _panel(place, points, styles[model], f"{model}: {stage} ARI", number)
        place.set(xlabel="true interactions", ylabel=f"{stage} ARI [%]")
        place.grid(alpha=0.3)
    legend(figure, [styles[one.model] for one in evaluations], points=True)
    return Drawing(
        name="against-interactions",
        caption="Mean adjusted Rand index over voxels against how many interactions are in an "
        "event; bars are 95 % intervals over events.",
        figure=figure,
        data=data,
    )


def _panel(
    place: Axes, points: Sequence[BinnedNumber], style: Style, name: str, number: int
) -> dict[str, Floats]:
    middle = np.array([(one.lower + one.upper - 1) / 2 for one in points])
    value, low, high = (
        np.array(values)
        for values in (
            [one.number.value for one in points],
            [one.low for one in points],
            [one.high for one in points],
        )
    )
    bars = np.nan_to_num(np.maximum(np.stack([value - low, high - value]), 0))
    place.errorbar(middle + 0.06 * number, value, yerr=bars, capsize=2, **style.points)
    return {
        f"{name}: from": np.array([one.lower for one in points]),
        f"{name}: to": np.array([one.upper for one in points]),
        f"{name} [%]": value,
        f"{name}: low": low,
        f"{name}: high": high,
    }


def _binned(evaluations: Sequence[Evaluation], name: str) -> dict[str, list[BinnedNumber]]:
    found = {
        one.model: [
            point
            for point in one.numbers
            if point.column == "interactions"
            and point.number.name == name
            and np.isfinite(point.number.value)
        ]
        for one in evaluations
    }
    return {model: points for model, points in found.items() if points}


def _values(evaluation: Evaluation, column: str) -> Floats:
    """Over voxels, of each event."""
    assert evaluation.rows is not None  # those without rows are not drawn
    values: Floats = evaluation.rows[column][:, 0]
    return values
