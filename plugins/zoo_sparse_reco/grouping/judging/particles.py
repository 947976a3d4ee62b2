"""What nodes are: primaries, kinds of particles, momenta, vertices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Number, Ragged, Table
from zoo_sparse_reco.grouping.judging.told import Told
from zoo_sparse_reco.grouping.stages import Stage
from zoo_sparse_reco.grouping.truth import NodeTruth, momenta_of, types_of, vertices_of
from zoo_sparse_reco.metrics.numbers import f1_name, mean_known, percent, ratio, voxel_distance
from zoo_sparse_reco.physics.labels import Pid
from zoo_sparse_reco.within_events import offsets_of

__all__ = [
    "PID_CONFUSION",
    "PID_NAMES",
    "measure_particles",
    "measure_primaries",
    "particle_numbers",
    "primary_numbers",
]

PID_CONFUSION = "pid_confusion"
"""Row column, float64 (N, 6, 6): particles of each true (rows) and predicted kind."""

PID_NAMES = tuple(pid.name.lower() for pid in Pid)

VERTEX_NEAR = 5.0
"""Voxels within which a vertex is found."""

Floats = NDArray[np.float64]


def measure_primaries(
    predictions: Table, told: Told, truth: NodeTruth, stage: Stage
) -> dict[str, Floats]:
    """``STAGE_primary_right`` of ``STAGE_primary_count``, (N,).

    Of showers, counted are predicted groups with a true primary fragment, and right are those whose
    most likely fragment is one. Of interactions, counted are particles that are known to come from
    the vertex or not, and right are those for which the likelier answer is true.
    """
    events = len(told.event)
    right, count = np.zeros(events), np.zeros(events)
    if "node_primary_score" in predictions and stage.name != "track":
        score = predictions["node_primary_score"].values[told.row].astype(np.float64)
        event, correct = (
            _first_fragments(told, truth, score)
            if stage.name == "shower"
            else _from_vertex(told, truth, score)
        )
        right = np.bincount(event, correct, minlength=events).astype(np.float64)
        count = np.bincount(event, minlength=events).astype(np.float64)
    return {f"{stage.name}_primary_right": right, f"{stage.name}_primary_count": count}


def measure_particles(
    samples: Table, predictions: Table, told: Told, truth: NodeTruth
) -> dict[str, Any]:
    """Row columns ``pid_confusion`` and, ragged, of particles whose truth is known.

    ``momentum_true`` and ``momentum_found``, MeV/c, ``vertex_distance`` of primaries, voxels, all
    float32.
    """
    unknown = np.full(len(told.row), np.nan)
    true, found, distance = unknown, unknown, unknown
    known, judged = np.zeros(len(told.row), bool), np.zeros(len(told.row), bool)
    if "node_momentum" in predictions and "particle_momentum" in samples:
        true = momenta_of(samples, truth)
        found = predictions["node_momentum"].values[told.row]
        known = true > 0
    if "node_vertex" in predictions and "interaction_vertex" in samples:
        place = vertices_of(samples, told.nodes)
        away = predictions["node_vertex"].values[told.row] - place
        distance = np.nan_to_num(np.linalg.norm(away, axis=1), nan=np.inf)
        judged = np.isfinite(place).all(axis=1) & (truth.primary == 1)
    return {
        PID_CONFUSION: _confusion(samples, predictions, told),
        "momentum_true": _ragged(true, known, told),
        "momentum_found": _ragged(found, known, told),
        "vertex_distance": _ragged(distance, judged, told),
    }


def primary_numbers(rows: Table, stage: Stage) -> Iterator[Number]:
    """The share of right primaries."""
    if stage.name != "track":
        right, count = (rows[f"{stage.name}_primary_{name}"].sum() for name in ("right", "count"))
        yield percent(f"{stage.name} primary accuracy", ratio(right, count))


def particle_numbers(rows: Table) -> Iterator[Number]:
    """Of kinds accuracy, macro F1 and F1 of each; of momenta bias and resolution; of vertices."""
    matrix = rows[PID_CONFUSION].sum(axis=0)
    right, true, called = np.diagonal(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    f1 = np.where(true > 0, ratio(2 * right, true + called), np.nan)
    yield percent("PID accuracy", ratio(right.sum(), true.sum()))
    yield percent("PID macro F1", mean_known(f1))
    for number, name in enumerate(PID_NAMES):
        yield percent(f1_name(name), f1[number])
        yield percent(f"{name} accuracy", ratio(right[number], true[number]))
    true_momentum = rows["momentum_true"].values.astype(np.float64)
    error = rows["momentum_found"].values / true_momentum - 1
    low, middle, high = np.quantile(error, (0.16, 0.5, 0.84)) if len(error) else np.full(3, np.nan)
    yield Number(
        name="momentum bias",
        value=100 * float(middle),
        unit="%",
        better="zero",
        margin=1.0,
        absolute=True,
    )
    yield Number(name="momentum resolution", value=50 * float(high - low), unit="%")
    distance = rows["vertex_distance"].values
    some = len(distance) > 0
    middle_distance = float(np.median(distance)) if some else np.nan
    yield voxel_distance(
        "vertex distance, median", middle_distance if np.isfinite(middle_distance) else np.nan
    )
    near = float(np.mean(distance <= VERTEX_NEAR)) if some else np.nan
    yield percent(f"vertices within {VERTEX_NEAR:g}", near)


def _confusion(samples: Table, predictions: Table, told: Told) -> Floats:
    """(N, 6, 6), of particles whose kind is known."""
    found = np.zeros((len(told.event), len(Pid), len(Pid)))
    if "node_pid_score" in predictions and "pid" in samples:
        true = types_of(samples, told.nodes)
        known = true >= 0
        called = predictions["node_pid_score"].values[told.row][known].argmax(axis=1)
        np.add.at(found, (told.nodes.event[known], true[known], called), 1.0)
    return found


def _first_fragments(told: Told, truth: NodeTruth, score: Floats) -> tuple[Any, Any]:
    width = int(told.node_group.max(initial=-1)) + 1
    key, group = np.unique(told.nodes.event * width + told.node_group, return_inverse=True)
    true = truth.primary == 1
    has = np.bincount(group, true, minlength=len(key)) > 0
    # The most likely of each group; what is no number is the least likely.
    order = np.lexsort((-np.nan_to_num(score, nan=-1.0), group))
    _, first = np.unique(group[order], return_index=True)
    chosen = order[first]
    kept = has[group[chosen]]
    return told.nodes.event[chosen][kept], true[chosen][kept]


def _from_vertex(told: Told, truth: NodeTruth, score: Floats) -> tuple[Any, Any]:
    known = truth.primary >= 0
    correct = ((score > 0.5) == (truth.primary == 1)) & np.isfinite(score)
    return told.nodes.event[known], correct[known]


def _ragged(values: NDArray[Any], known: NDArray[np.bool_], told: Told) -> Ragged:
    counts = np.bincount(told.nodes.event[known], minlength=len(told.event))
    offsets = offsets_of(counts)
    return Ragged(values[known].astype(np.float32), offsets)
