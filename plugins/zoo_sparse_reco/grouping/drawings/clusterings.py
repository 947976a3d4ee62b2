"""How alike groups are to the true ones, event by event, and with how much there is in an event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from zoo.api import BinnedNumber, Drawing, Evaluation
from zoo_sparse_reco.drawings.classes import bars, binned
from zoo_sparse_reco.drawings.distributions import SHARE_BINS, draw_shares, label_shares
from zoo_sparse_reco.drawings.styles import Style, legend
from zoo_sparse_reco.grouping.judging.clusters import MEASURES
from zoo_sparse_reco.grouping.stages import STAGES

__all__ = ["against_interactions", "distributions", "stages_told"]

Floats = NDArray[np.float64]

_SHOWN = ("ari", "efficiency", "purity")


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
    data: dict[str, Floats] = dict(SHARE_BINS)
    for line, stage in zip(places, stages, strict=True):
        for place, name in zip(line, _SHOWN, strict=True):
            label = f"{stage} {MEASURES[name]}"
            for one in evaluations:
                values = 100 * _values(one, f"{stage}_{name}")
                if np.isfinite(values).any():
                    share = draw_shares(place, values, styles[one.model])
                    data[f"{one.model}: {label} [% of events]"] = share
            label_shares(place, label)
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
    panels = {stage: binned(evaluations, f"{stage} ARI", "interactions") for stage in stages}
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
    bars(place, middle + 0.06 * number, points, style, joined=True)
    columns = {
        f"{name}: from": [one.lower for one in points],
        f"{name}: to": [one.upper for one in points],
        f"{name} [%]": [one.number.value for one in points],
        f"{name}: low": [one.low for one in points],
        f"{name}: high": [one.high for one in points],
    }
    return {column: np.array(values) for column, values in columns.items()}


def _values(evaluation: Evaluation, column: str) -> Floats:
    """Over voxels, of each event."""
    assert evaluation.rows is not None  # those without rows are not drawn
    values: Floats = evaluation.rows[column][:, 0]
    return values
