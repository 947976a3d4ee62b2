"""Fragments: the connected pieces of particles, compared as clusterings of the same voxels.

Judged are the voxels whose true fragment is known, but for those of low energy, which nobody
clusters; once all of them, and once those of each true class alone. So all models are judged on the
same voxels, whatever they call them. A voxel that a model puts in no fragment is one by itself;
only the purity, a mean over the fragments that a model tells, leaves it out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zoo.api import Number, Table
from zoo_sparse_reco.clustering_measures import five_measures, overlaps_of_found
from zoo_sparse_reco.metrics.numbers import mean_known, percent, ratio

__all__ = [
    "MEASURES",
    "NOT_CLUSTERED",
    "fragment_numbers",
    "measure_fragments",
    "michel_numbers",
]

Floats = NDArray[np.float64]

MEASURES = ("ari", "ami", "efficiency", "purity", "sbd")
"""Row columns ``fragment_MEASURE``, float64 (N, 6): of all classes, and of each."""

NOT_CLUSTERED = "low-energy"
"""Class whose fragments are not judged."""

_SUMS = ("voxels", "in_best_found", "found_voxels", "in_best_true")
_LABELS = {"ari": "ARI", "ami": "AMI", "efficiency": "efficiency", "purity": "purity", "sbd": "SBD"}
_LOW_QUANTILE = 0.1
_MICHEL = ("michel_true", "michel_found", "michel_called", "michel_right")


def measure_fragments(samples: Table, predictions: Table, names: Sequence[str]) -> dict[str, Any]:
    """Row columns of measures and, for pooled ones, ``fragment_SUM`` of voxels, float64 (N, 6).

    ``voxels`` that are judged; those ``in_best_found``, the greatest overlap of their true fragment
    with one found; ``found_voxels``, that are in a found fragment; those ``in_best_true``.
    ``michel_true``, ``michel_found``, ``michel_called`` and ``michel_right`` (N,) count fragments
    of Michel electrons: true ones, those of them that are for more than half called Michel, found
    fragments called so, and those of them that are it for more than half.

    Args:
        samples: ``semantic`` and ``fragment``, where the source tells them.
        predictions: ``semantic``, and ``fragment`` where the model tells it.
        names: Of the five classes.
    """
    told = {"fragment", "semantic"} <= set(samples) and "fragment" in predictions
    michel = names.index("michel")
    clustered = np.array([name != NOT_CLUSTERED for name in names] + [False, False])
    rows = [
        _event(
            _Voxels(*(table[name][row] for table, name in _columns(samples, predictions))),
            clustered,
            michel,
        )
        if told
        else _NOTHING
        for row in range(samples.rows)
    ]
    return {name: np.array([one[name] for one in rows], np.float64) for name in _NOTHING}


def fragment_numbers(rows: Table, names: Sequence[str]) -> Iterator[Number]:
    """Means over events, and of all voxels together.

    Args:
        rows: What :func:`measure_fragments` gave.
        names: Of the five classes.
    """
    for measure in MEASURES:
        yield percent(f"fragment {_LABELS[measure]}", mean_known(rows[f"fragment_{measure}"][:, 0]))
    ari = rows["fragment_ari"][:, 0]
    known = ari[~np.isnan(ari)]
    low = np.quantile(known, _LOW_QUANTILE, method="inverted_cdf") if len(known) else np.nan
    yield percent("fragment ARI, lowest tenth", low)
    pooled = {name: rows[f"fragment_{name}"][:, 0].sum() for name in _SUMS}
    yield percent("pooled efficiency", ratio(pooled["in_best_found"], pooled["voxels"]))
    yield percent("pooled purity", ratio(pooled["in_best_true"], pooled["found_voxels"]))
    for number, name in enumerate(names, start=1):
        if name == NOT_CLUSTERED:
            continue
        for measure in MEASURES[:4]:
            mean = mean_known(rows[f"fragment_{measure}"][:, number])
            yield percent(f"{name} fragment {_LABELS[measure]}", mean)


def michel_numbers(rows: Table) -> Iterator[Number]:
    """How many Michel electrons are found, and how many of those called so are right.

    Args:
        rows: What :func:`measure_fragments` gave.
    """
    true, found, called, right = (rows[name].sum() for name in _MICHEL)
    yield percent("Michel electrons found", ratio(found, true))
    yield percent("Michel electrons right", ratio(right, called))


_NOTHING: Mapping[str, Any] = {
    **{f"fragment_{name}": [np.nan] * 6 for name in MEASURES},
    **{f"fragment_{name}": [0.0] * 6 for name in _SUMS},
    **dict.fromkeys(_MICHEL, 0.0),
}


class _Voxels(NamedTuple):
    """Of one event: class and fragment in truth, and as predicted, (voxels,)."""

    semantic: NDArray[Any]
    fragment: NDArray[Any]
    called: NDArray[Any]
    found: NDArray[Any]


def _columns(samples: Table, predictions: Table) -> list[tuple[Table, str]]:
    return [(table, name) for table in (samples, predictions) for name in ("semantic", "fragment")]


def _event(voxels: _Voxels, clustered: NDArray[np.bool_], michel: int) -> Mapping[str, Any]:
    """``clustered`` (7,): of each class, ghosts and the unknown whether fragments are judged."""
    judged = (voxels.fragment >= 0) & clustered[voxels.semantic]
    columns: dict[str, list[float]] = {name: [] for name in _NOTHING if "fragment" in name}
    for number in range(-1, len(clustered) - 2):
        chosen = judged if number < 0 else judged & (voxels.semantic == number)
        for name, value in _measures(voxels.fragment[chosen], voxels.found[chosen]).items():
            columns[f"fragment_{name}"].append(value)
    in_truth, is_called = voxels.semantic == michel, voxels.called == michel
    true = _majority(voxels.fragment, in_truth, is_called)
    right = _majority(voxels.found, is_called, in_truth)
    return {**columns, **dict(zip(_MICHEL, (*true, *right), strict=True))}


def _measures(true: NDArray[Any], found: NDArray[Any]) -> Mapping[str, float]:
    """Of the judged voxels (n,) of one event."""
    every, held = overlaps_of_found(true, found)
    in_best_found, in_best_true = every.best_overlaps()[0].sum(), held.best_overlaps()[1].sum()
    sums = (every.voxels, in_best_found, held.voxels, in_best_true)
    return {**five_measures(every, held), **dict(zip(_SUMS, map(float, sums), strict=True))}


def _majority(
    fragment: NDArray[Any], inside: NDArray[np.bool_], alike: NDArray[np.bool_]
) -> tuple[int, int]:
    """How many fragments voxels ``inside`` are of, and how many of these are mostly ``alike``."""
    chosen = inside & (fragment >= 0)
    if not chosen.any():
        return 0, 0
    _, number = np.unique(fragment[chosen], return_inverse=True)
    share = np.bincount(number, alike[chosen]) / np.bincount(number)
    return len(share), int(np.sum(share > 0.5))
