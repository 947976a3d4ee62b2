"""What the loss compares with: classes, ghosts, and points that voxels are to propose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from zoo.api import Ragged, Table
from zoo_sparse_reco.config import PointLoss, UResNetConfig, UResNetPpnConfig
from zoo_sparse_reco.physics.labels import GHOST
from zoo_sparse_reco.points.fragments import places_of
from zoo_sparse_reco.sparse.tables import Level

__all__ = [
    "class_targets",
    "point_fields",
    "point_targets",
    "track_classes",
]

Targets = dict[str, Any]

_POINTS = frozenset({"point_x", "point_y", "point_z", "point_semantic"})
_TRACKS = {"spine": (1,), "hip-mip": (0, 1)}


def track_classes(scheme: str) -> tuple[int, ...]:
    """Classes of particles that end somewhere, not only start."""
    return _TRACKS[scheme]


def point_fields(config: UResNetPpnConfig) -> frozenset[str]:
    """Fields of a sample that :func:`point_targets` reads."""
    fields = _POINTS | ({"point_end"} if config.ends else set())
    return fields | ({"particle", "point_particle"} if config.points.same_particle else set())


def class_targets(
    semantic: Ragged, config: UResNetConfig, class_weights: Mapping[str, NDArray[np.float64]]
) -> Targets:
    """Of each voxel its class and how much it counts; 0: not at all.

    Ghosts and voxels of unknown class have no class, those of unknown class are not known to be
    ghosts or none.

    Args:
        semantic: -1 to 5.
        config: ``ghosts``, ``dice``.
        class_weights: ``semantic`` (5,) and ``ghost`` (2,).

    Returns:
        ``semantic`` int64 (V,) and ``semantic_weight`` float32 (V,); ``ghost`` and ``ghost_weight``
        likewise if the network has that head; ``lengths`` int64 (N,), the voxels of each event, if
        the loss wants them; ``counts``, sums of the weights by name.
    """
    label = semantic.values.astype(np.int64)
    targets: Targets = {"counts": {}}
    _weighted(targets, "semantic", label, (label >= 0) & (label != GHOST), class_weights)
    if config.ghosts:
        _weighted(targets, "ghost", (label == GHOST).astype(np.int64), label >= 0, class_weights)
    if config.dice:
        targets["lengths"] = semantic.lengths.astype(np.int64)
    return targets


def _weighted(
    targets: Targets,
    name: str,
    label: NDArray[np.int64],
    known: NDArray[np.bool_],
    class_weights: Mapping[str, NDArray[np.float64]],
) -> None:
    label = np.where(known, label, 0)
    weight = np.where(known, class_weights[name][label], 0.0)
    targets[name] = label
    targets[f"{name}_weight"] = weight.astype(np.float32)
    targets["counts"][name] = float(weight.sum())


def point_targets(
    samples: Table, config: UResNetPpnConfig, levels: Sequence[Level], tracks: Sequence[int]
) -> Targets:
    """Which voxels are to propose points, and which (arXiv:2006.14745, section II).

    A voxel is to propose the nearest of the true points that lie within the radius of its middle
    and belong to its particle. On coarser levels a voxel is to score where any of its children is.

    Args:
        samples: With the places of voxels, ``semantic`` and :func:`point_fields`.
        config: ``points``, ``ends``, ``scored``.
        levels: Of the batch.
        tracks: Classes whose points are starts or ends; of others no end is learnt.

    Returns:
        ``point_score_L`` int64 (N_L,) 0 or 1 for each level L that scores; of the A voxels that
        are to propose ``anchor`` int64 (A,), their rows, ``offset`` float32 (A, 3) in voxels,
        ``type`` int64 (A,) and, if ends are learnt, ``end`` int64 (A,), -1 where there is none to
        learn; ``counts`` of all these.
    """
    anchor, point = _assigned(samples, config.points)
    place = np.stack([samples[f"point_{axis}"].values for axis in "xyz"], 1).astype(np.float64)
    offset = place[point] - (places_of(samples)[anchor] + 0.5)
    semantic = samples["point_semantic"].values[point].astype(np.int64)
    targets: Targets = {
        "anchor": anchor.astype(np.int64),
        "offset": offset.astype(np.float32).reshape(-1, 3),
        "type": semantic,
    }
    counts = {"offset": 3.0 * len(anchor), "type": float(len(anchor))}
    if config.ends:
        end = samples["point_end"].values[point].astype(np.int64)
        targets["end"] = np.where(np.isin(semantic, tracks), end, -1)
        counts["end"] = float((targets["end"] >= 0).sum())
    proposing = np.zeros(len(levels[0].events), np.int64)
    proposing[anchor] = 1
    for number in range(max(config.scored) + 1):
        if number:
            proposing = _pooled(proposing, levels[number - 1], len(levels[number].events))
        if number in config.scored:
            name = f"point_score_{number}"
            targets[name] = proposing
            positive = int(proposing.sum())
            counts[name] = len(proposing) - positive + config.points.positive_weight * positive
    return {**targets, "counts": counts}


def _assigned(samples: Table, settings: PointLoss) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Voxels that are to propose a point, in their order, and the point of each."""
    column, points = samples["voxel_x"], samples["point_x"]
    event = np.repeat(np.arange(samples.rows), column.lengths)
    event_of_point = np.repeat(np.arange(samples.rows), points.lengths)
    if not (len(event) and len(event_of_point)):
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    # A fourth coordinate keeps events further apart than the radius.
    apart = 2 * settings.radius + 1
    middle = np.column_stack([places_of(samples) + 0.5, apart * event])
    place = np.column_stack(
        [*(samples[f"point_{axis}"].values for axis in "xyz"), apart * event_of_point]
    ).astype(np.float64)
    pairs = KDTree(place).sparse_distance_matrix(
        KDTree(middle), settings.radius, output_type="ndarray"
    )
    point, voxel, distance = pairs["i"], pairs["j"], pairs["v"]
    chosen = (distance < settings.radius) & (samples["semantic"].values[voxel] != GHOST)
    if settings.same_particle:
        chosen &= _same_particle(samples, voxel, point)
    voxel, point, distance = voxel[chosen], point[chosen], distance[chosen]
    order = np.lexsort((point, distance, voxel))
    found, first = np.unique(voxel[order], return_index=True)
    return found, point[order][first]


def _same_particle(
    samples: Table, voxel: NDArray[np.intp], point: NDArray[np.intp]
) -> NDArray[np.bool_]:
    """Whether they belong together; points of unknown particles belong to any voxel."""
    of_point = samples["point_particle"].values[point]
    same: NDArray[np.bool_] = (of_point == samples["particle"].values[voxel]) | (of_point < 0)
    return same


def _pooled(mask: NDArray[np.int64], finer: Level, count: int) -> NDArray[np.int64]:
    """The largest of the children of each voxel of the next coarser level."""
    pooled = np.zeros(count, np.int64)
    assert finer.parent is not None  # only the coarsest level has none, and it does not score
    pooled[finer.parent[mask > 0]] = 1
    return pooled
