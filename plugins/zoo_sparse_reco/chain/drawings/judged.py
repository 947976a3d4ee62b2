"""Figures of a judgement: energies, vertices, kinds, pile-up, and events beside their truth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from zoo.api import Drawing, Ragged, Table
from zoo_sparse_reco.chain.data import Data
from zoo_sparse_reco.chain.judging.judge import Judged, JudgeJob, paired
from zoo_sparse_reco.chain.judging.numbers import confusion, pairs_of
from zoo_sparse_reco.chain.judging.rows import LEVELS
from zoo_sparse_reco.drawings.displays import display
from zoo_sparse_reco.drawings.views import CLASS, event_of
from zoo_sparse_reco.physics.labels import Pid, Semantic, class_names

__all__ = ["judged_drawings"]

Array = NDArray[np.float64]

_SHOWER, _TRACK = "#0072b2", "#d55e00"
_NAMES = [pid.name.lower() for pid in Pid]
_PLACES = ("point_x", "point_y", "point_z")
_PILED = (
    "particle ARI",
    "interaction ARI",
    "particles found",
    "interactions found",
    "interactions right",
)


def judged_drawings(judged: Judged, job: JudgeJob, displays: int = 2) -> Iterator[Drawing]:
    """All figures.

    Args:
        judged: The judgement.
        job: What was judged.
        displays: Events that are shown, those with most interactions.
    """
    yield _energies(judged)
    yield _vertices(judged)
    yield _kinds(judged)
    if len(judged.told["by interactions"]) > 1:
        yield _pile_up(judged.told)
    yield from _events(judged, job, displays)


def _energies(judged: Judged) -> Drawing:
    true, track = pairs_of(judged.rows, "energy_true"), pairs_of(judged.rows, "track")
    contained = pairs_of(judged.rows, "contained")
    figure = Figure(figsize=(9.0, 3.6), layout="constrained")
    places = figure.subplots(1, 3, sharex=True, sharey=True)
    columns: dict[str, Any] = {"true energy [MeV]": true, "track": track, "contained": contained}
    for place, (title, energy, chosen, colour) in zip(
        places,
        (
            ("showers, sum", "energy_sum", ~track & contained, _SHOWER),
            ("tracks, sum", "energy_sum", track & contained, _TRACK),
            ("tracks, range", "energy_range", track & contained, _TRACK),
        ),
        strict=True,
    ):
        found = pairs_of(judged.rows, energy)
        columns[f"{energy} [MeV]"] = found
        known = chosen & (true > 0) & (found > 0)
        place.scatter(true[known], found[known], s=7, color=colour, alpha=0.6, linewidths=0)
        ends = [1.0, 5000.0]
        place.plot(ends, ends, color="0.5", linewidth=0.8)
        place.set(xscale="log", yscale="log", xlim=ends, ylim=ends, xlabel="true energy [MeV]")
        place.set_title(f"{title}: {int(known.sum())}", fontsize=9.5)
        place.grid(alpha=0.3)
    places[0].set_ylabel("energy found [MeV]")
    return Drawing(
        name="energies",
        caption="Kinetic energies of contained particles that match a true one, by the sum over "
        "their voxels and by range.",
        figure=figure,
        data=columns,
    )


def _vertices(judged: Judged) -> Drawing:
    apart = np.concatenate([row.vertex_apart for row in judged.rows])
    apart = apart[np.isfinite(apart)]
    figure = Figure(figsize=(5.2, 3.6), layout="constrained")
    place = figure.subplots()
    edges = np.geomspace(0.05, 500, 41)
    place.hist(np.clip(apart, edges[0], edges[-1]), edges.tolist(), color=_SHOWER, histtype="step")
    if len(apart):
        within = float(np.quantile(apart, 0.68))
        place.axvline(within, color="0.4", linestyle="--", linewidth=1)
        place.set_title(f"68 % within {within:.2f} voxels", fontsize=9.5)
    place.set(xscale="log", xlabel="distance of vertices [voxel]", ylabel="matched interactions")
    return Drawing(
        name="vertices",
        caption=f"Distance of found and true vertices of {len(apart)} matched interactions.",
        figure=figure,
        data={"distance [voxel]": np.sort(apart)},
    )


def _kinds(judged: Judged) -> Drawing:
    counts = confusion(judged.rows)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    columns: dict[str, Any] = {
        "true": np.repeat(np.arange(len(_NAMES)), len(_NAMES)),
        "found": np.tile(np.arange(len(_NAMES)), len(_NAMES)),
        "particles": counts.ravel(),
    }
    figure = Figure(figsize=(4.8, 4.2), layout="constrained")
    place = figure.subplots()
    place.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        if count:
            colour = "white" if share[row, column] > 0.6 else "black"
            place.text(column, row, str(count), ha="center", va="center", color=colour, fontsize=8)
    place.set_xticks(range(len(_NAMES)), _NAMES, rotation=30, fontsize=8.5)
    place.set_yticks(range(len(_NAMES)), _NAMES, fontsize=8.5)
    place.set(xlabel="found", ylabel="true")
    return Drawing(
        name="kinds",
        caption="Kinds of matched particles; colours are shares of a row.",
        figure=figure,
        data=columns,
    )


def _pile_up(told: Mapping[str, Any]) -> Drawing:
    binned = told["by interactions"]
    labels = [f"{one['least']}-{one['most']}" for one in binned]
    figure = Figure(figsize=(6.0, 3.8), layout="constrained")
    place = figure.subplots()
    columns: dict[str, Any] = {
        "least interactions": np.array([one["least"] for one in binned]),
        "events": np.array([one["events"] for one in binned]),
    }
    for name in _PILED:
        values = [one["numbers"][name]["value"] for one in binned]
        columns[name] = np.array([np.nan if one is None else one for one in values], np.float64)
        place.plot(range(len(binned)), columns[name], marker="o", markersize=4, label=name)
    place.set_xticks(range(len(binned)), labels)
    place.set(xlabel="true interactions of an event", ylim=(0, 1.02))
    place.grid(alpha=0.3)
    place.legend(fontsize=8.5, frameon=False)
    return Drawing(
        name="pile-up",
        caption="Agreement with the truth by the number of interactions of an event.",
        figure=figure,
        data=columns,
    )


def _events(judged: Judged, job: JudgeJob, displays: int) -> Iterator[Drawing]:
    """Those with most interactions, by class and by the clusters whose truth is known."""
    order = np.argsort([-row.interactions for row in judged.rows], kind="stable")[:displays]
    wanted = set(order.tolist())
    data = Data(job.data)
    names = class_names(data.grid.scheme)
    for number, (truth, row, reco, at) in enumerate(paired(job.reco, data)):
        if number not in wanted or not len(truth["voxel_x"][row]):
            continue
        sample = truth.take([row])
        known = tuple(level for level, column in LEVELS.items() if column in sample)
        event = event_of(
            sample.with_columns({level: sample[LEVELS[level]] for level in known}),
            {"reconstructed": _as_prediction(reco, at)},
            0,
            known,
        )
        yield display(event, data.grid, names, f"event-{number + 1}", (CLASS, *known))


def _as_prediction(reco: Table, at: int) -> Table:
    """Classes, clusters, and starts of all particles and ends of tracks as points."""
    one = reco.take([at])
    semantic = one["particles/semantic"].values
    track = semantic == Semantic.TRACK
    start, end = one["particles/start"].values, one["particles/end"].values
    points: dict[str, Any] = {
        **dict(zip(_PLACES, np.concatenate([start, end[track]]).T, strict=True)),
        "point_semantic": np.concatenate([semantic, semantic[track]]),
        "point_end": np.repeat([0, 1], [len(semantic), track.sum()]),
    }
    return Table(
        {
            "id": one.ids,
            "semantic": one["voxels/semantic"],
            **{level: one[f"voxels/{level}"] for level in LEVELS},
            **{name: Ragged.of([values]) for name, values in points.items()},
        }
    )
