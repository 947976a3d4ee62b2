"""Clusters of the classical fit as inputs of a network: padded, in numbers of order one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo_ha_tpc.config import ClusterNetConfig
from zoo_ha_tpc.fitting import FittedClusters, TrackFits
from zoo_ha_tpc.physics.pad_plane import PadPlane

__all__ = [
    "cluster_inputs",
    "feature_count",
    "feature_names",
    "summary_count",
    "summary_names",
]

Array = NDArray[np.float64]

_FULL_SCALE = np.log1p(4095.0)  # of a 12-bit converter
_PADS = 5
_RESIDUAL_MM = 1.0
_FURTHEST = 5.0  # mm; a residual beyond tells no more
_PATH_MM = 800.0
_TIME_NS = 1000.0


def feature_names(config: ClusterNetConfig) -> tuple[str, ...]:
    """Features of a cluster; a direct network sees nothing that a fit has found."""
    pads = tuple(f"log charge {number}" for number in range(_PADS))
    names = ("z", "y", "column", "row", "diagonal", "log charge", *pads)
    if config.times:
        names += ("time",)
    if config.start == "direct":
        return names
    return (*names, "offset", "slope", "along", "residual", "log error", "used")


def summary_names(config: ClusterNetConfig) -> tuple[str, ...]:
    """Features of a track."""
    names = ("log clusters", "log charge", "first z", "first y", "last z", "last y")
    if config.start == "direct":
        return names
    return (*names, "length", "good", "sin phi", "cos phi")


def feature_count(config: ClusterNetConfig) -> int:
    """F."""
    return len(feature_names(config))


def summary_count(config: ClusterNetConfig) -> int:
    """G."""
    return len(summary_names(config))


def cluster_inputs(
    fits: TrackFits, plane: PadPlane, config: ClusterNetConfig
) -> Mapping[str, NDArray[np.float32]]:
    """``clusters`` (N, M, F), ``present`` (N, M), ``summary`` (N, G), float32.

    M is the number of clusters of the longest track, at least 1; places beyond a track's own
    clusters are zero.
    """
    clusters: FittedClusters = fits.clusters
    counts = np.diff(clusters.offsets)
    track = np.repeat(np.arange(len(counts)), counts)
    place = np.arange(len(track)) - clusters.offsets[:-1][track]
    flat = _features(clusters, track, len(counts), plane, config)
    padded = np.zeros((len(counts), max(1, counts.max(initial=0)), flat.shape[1]), np.float32)
    padded[track, place] = flat
    present = np.arange(padded.shape[1]) < counts[:, None]
    return {
        "clusters": padded,
        "present": present.astype(np.float32),
        "summary": _summary(fits, padded, counts, config),
    }


def _features(
    clusters: FittedClusters,
    track: NDArray[np.intp],
    tracks: int,
    plane: PadPlane,
    config: ClusterNetConfig,
) -> NDArray[np.float32]:
    """(C, F), in the order of :func:`feature_names`."""
    kind = np.asarray(clusters.kind)
    columns = [
        2 * clusters.z_mm / plane.z.length_mm - 1,
        2 * clusters.y_mm / plane.y.length_mm,
        *(kind == number for number in range(3)),
        _logarithm(clusters.charge),
        *_logarithm(clusters.charges).T,
    ]
    if config.times:
        columns.append(_times(np.asarray(clusters.time_ns, np.float64), track, tracks))
    if config.start != "direct":
        middle = _means(clusters.along_mm, track, tracks)[track]
        columns += [
            clusters.offset,
            clusters.slope,
            (clusters.along_mm - middle) / _PATH_MM,
            np.clip(clusters.residual_mm, -_FURTHEST, _FURTHEST) / _RESIDUAL_MM,
            np.log(np.maximum(clusters.error_mm, 1e-3)),
            clusters.used,
        ]
    found: NDArray[np.float32] = np.stack(columns, 1).astype(np.float32)
    return found


def _summary(
    fits: TrackFits,
    padded: NDArray[np.float32],
    counts: NDArray[np.int64],
    config: ClusterNetConfig,
) -> NDArray[np.float32]:
    """(N, G), in the order of :func:`summary_names`."""
    number = np.arange(len(counts))
    first, last = padded[:, 0], padded[number, np.maximum(counts - 1, 0)]
    charge = padded[:, :, 5].sum(1) / np.maximum(counts, 1)
    columns = [np.log1p(counts) / 5, charge, first[:, 0], first[:, 1], last[:, 0], last[:, 1]]
    if config.start != "direct":
        length = np.asarray(fits.length_mm) / (2 * _PATH_MM)
        columns += [length, fits.good, np.sin(fits.phi), np.cos(fits.phi)]
    found: NDArray[np.float32] = np.stack(columns, 1).astype(np.float32)
    return found


def _logarithm(charge: NDArray[Any]) -> Array:
    found: Array = np.log1p(np.maximum(np.asarray(charge, np.float64), 0)) / _FULL_SCALE
    return found


def _times(times: Array, track: NDArray[np.intp], tracks: int) -> Array:
    """Times less the mean of the track; 0 where unknown."""
    known = np.isfinite(times)
    filled = np.where(known, times, 0)
    mean = np.bincount(track, filled, tracks) / np.maximum(np.bincount(track, known, tracks), 1)
    found: Array = np.where(known, (filled - mean[track]) / _TIME_NS, 0)
    return found


def _means(values: Array, track: NDArray[np.intp], tracks: int) -> Array:
    counts = np.maximum(np.bincount(track, minlength=tracks), 1)
    found: Array = np.bincount(track, values, tracks) / counts
    return found
