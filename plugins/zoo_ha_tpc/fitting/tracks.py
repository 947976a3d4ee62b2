"""From pads to tracks: first arc, clusters, positions, arc with scattering, start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from zoo.api import Table
from zoo_ha_tpc.fitting.calibration import (
    Calibration,
    features,
    offset_bins,
    qualities,
)
from zoo_ha_tpc.fitting.circles import CURVATURE_PER_TESLA, Arcs
from zoo_ha_tpc.fitting.clusters import Clusters, clusters_of
from zoo_ha_tpc.fitting.ends import oriented
from zoo_ha_tpc.fitting.first_pass import first_arcs
from zoo_ha_tpc.fitting.images import Grid, Images, images_of
from zoo_ha_tpc.fitting.parameters import parameters_at
from zoo_ha_tpc.fitting.positions import Top, top_of
from zoo_ha_tpc.fitting.robust import Matter, Points, RobustFit, robust_fit
from zoo_ha_tpc.fitting.starts import AT_BORDER_MM, border_of, start_features
from zoo_ha_tpc.fitting.times import Drift
from zoo_ha_tpc.fitting.track_fits import FittedClusters, TrackFits
from zoo_ha_tpc.physics.pad_plane import PadPlane

__all__ = ["Tracks", "fit_tracks", "in_parts", "reconstruct"]

Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

_AT_ONCE = 256  # tracks; their images take about 10 MB
_ENOUGH = 5  # clusters that a curvature needs


@dataclass(frozen=True)
class Tracks:
    """Everything about N tracks while they are fitted, padded to M clusters.

    Attributes:
        clusters: As found.
        top: Their tops.
        expected: Their categories, int64 (N, M).
        quality: Their qualities, int64 (N, M).
        features: What corrections are sums of, (N, M, FEATURES).
        correction_mm: Part of the positions, along the normal of the track, (N, M).
        points: Positions and errors.
        fit: Arcs with and without scattering.
        first_at_border: Whether the first pad is at the border of the plane, bool (N,).
    """

    clusters: Clusters
    top: Top
    expected: IntArray
    quality: IntArray
    features: Array
    correction_mm: Array
    points: Points
    fit: RobustFit
    first_at_border: BoolArray


def fit_tracks(
    plane: PadPlane,
    samples: Table,
    calibration: Calibration | None = None,
    matter: Matter | None = None,
    refine: Callable[[Images, Tracks], Tracks] | None = None,
) -> TrackFits:
    """Fit a track to the pads of each sample.

    Args:
        plane: Where the pads lie.
        samples: With ``hit_row``, ``hit_column``, ``hit_charge``, and ``hit_time`` if there is one.
        calibration: Of the positions; default: that of no training.
        matter: Particle and gas; default: muons in the gas of the detector.
        refine: Makes better tracks of hits and fitted tracks; default: they stay as they are.

    Raises:
        DataError: A hit lies outside the plane.
    """
    calibration, matter = calibration or Calibration(), matter or Matter()
    parts, order = in_parts(samples)
    grid = Grid(plane)
    answers = []
    for part in parts:
        images = images_of(grid, part)
        tracks = reconstruct(images, calibration, matter)
        if refine is not None:
            tracks = refine(images, tracks)
        answers.append(_answer(plane, tracks, calibration))
    return _taken(_joined(answers), np.argsort(order, kind="stable"))


def in_parts(samples: Table) -> tuple[list[Table], IntArray]:
    """Samples in parts of like size, which need less padding; and the order that they are in."""
    order = np.argsort(samples["hit_row"].lengths, kind="stable")
    cuts = range(_AT_ONCE, len(order), _AT_ONCE)
    return [samples.take(part) for part in np.split(order, cuts)], order


def reconstruct(images: Images, calibration: Calibration, matter: Matter) -> Tracks:
    """Clusters and fits of the tracks of some images."""
    plane = images.grid.plane
    arcs, near, first_at_border = _first(images, matter.drift)
    clusters = clusters_of(images, arcs, near)
    expected = calibration.categories(clusters)
    bend, bend_error = calibration.bend[expected], calibration.bend_error[expected]
    top = top_of(clusters, calibration.charges, bend, bend_error)
    quality = qualities(clusters, top)
    functions = features(clusters, top, bend, bend_error)
    correction = (functions * calibration.corrections[expected, quality]).sum(2)
    across = top.offset * clusters.pitch_mm + correction / np.maximum(clusters.squareness, 0.5)
    points = Points(
        clusters.z_mm + across * np.cos(clusters.across),
        clusters.y_mm + across * np.sin(clusters.across),
        calibration.errors_mm[expected, quality, offset_bins(top)],
        clusters.present,
    )
    fit = robust_fit(points, arcs, plane.field_tesla, matter)
    return Tracks(
        clusters, top, expected, quality, functions, correction, points, fit, first_at_border
    )


def _first(images: Images, drift: Drift | None) -> tuple[Arcs, BoolArray, BoolArray]:
    """First arcs in the direction of flight, hits near them, whether they start at the border."""
    plane = images.grid.plane
    arcs, near = first_arcs(images)
    path, distance = arcs.place(images.z_mm, images.y_mm)
    length, told = np.where(near, path, 0.0).max(1), None
    if drift is not None:
        leading = near & (np.abs(distance) < min(plane.z.pitch_mm, plane.y.pitch_mm) / 2)
        told = drift.along(path, images.time_ns, leading, length)
    turned, at_border = oriented(plane, arcs, length, told)
    return turned, near, at_border


def _answer(plane: PadPlane, tracks: Tracks, calibration: Calibration) -> TrackFits:
    """The parameters where each track starts, with errors, and its clusters."""
    fit = tracks.fit.scattered
    first = np.where(tracks.clusters.present[:, 0], fit.path_mm[:, 0], 0.0)
    kind, at_border = tracks.clusters.kind[:, 0], tracks.first_at_border
    behind = (start_features(tracks.clusters) * calibration.starts[kind]).sum(1)
    way, border = border_of(plane, fit, first, at_border)
    found = parameters_at(
        fit,
        path_mm=first - np.where(at_border, way, behind),
        along_error_mm=np.where(at_border, AT_BORDER_MM, calibration.start_errors_mm[kind]),
        border=border,
        per_unit=CURVATURE_PER_TESLA * plane.field_tesla,
    )
    number = tracks.fit.used.sum(1)
    path = np.where(tracks.fit.used, fit.path_mm, np.nan)
    return TrackFits(
        **found.parameters(),
        length_mm=np.where(number > 0, _span(path), 0.0),
        good=number >= _ENOUGH,
        clusters=_flat(tracks),
    )


def _span(path: Array) -> Array:
    highest = np.where(np.isnan(path), -np.inf, path).max(1)
    return np.asarray(highest - np.where(np.isnan(path), np.inf, path).min(1))


def _flat(tracks: Tracks) -> FittedClusters:
    """The clusters of all tracks one after another."""
    clusters, present = tracks.clusters, tracks.clusters.present
    path = tracks.fit.scattered.path_mm
    return FittedClusters(
        offsets=np.concatenate([[0], np.cumsum(present.sum(1))]).astype(np.int64),
        z_mm=tracks.points.z_mm[present],
        y_mm=tracks.points.y_mm[present],
        along_mm=(path - path[:, :1])[present],
        residual_mm=tracks.fit.plain.distance_mm[present],
        error_mm=tracks.points.error_mm[present],
        charge=clusters.charges[:, :, 1:4].sum(2)[present],
        charges=clusters.charges[present],
        offset=tracks.top.offset[present],
        slope=clusters.slant[present],
        kind=clusters.kind[present],
        used=tracks.fit.used[present],
        time_ns=clusters.time_ns[present],
    )


def _joined(parts: list[TrackFits]) -> TrackFits:
    """Several answers as one."""
    clusters = [part.clusters for part in parts]
    lengths = np.concatenate([np.diff(one.offsets) for one in clusters])
    columns = {
        one.name: np.concatenate([getattr(part, one.name) for part in clusters])
        for one in fields(FittedClusters)
        if one.name != "offsets"
    }
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return TrackFits(
        **{
            one.name: np.concatenate([getattr(part, one.name) for part in parts])
            for one in fields(TrackFits)
            if one.name != "clusters"
        },
        clusters=FittedClusters(offsets=offsets, **columns),
    )


def _taken(fits: TrackFits, index: IntArray) -> TrackFits:
    """The tracks of ``index``, in its order."""
    old = fits.clusters.offsets
    lengths = np.diff(old)[index]
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    chosen = np.repeat(old[:-1][index] - offsets[:-1], lengths) + np.arange(offsets[-1])
    columns = {
        one.name: getattr(fits.clusters, one.name)[chosen]
        for one in fields(FittedClusters)
        if one.name != "offsets"
    }
    return TrackFits(
        **{
            one.name: getattr(fits, one.name)[index]
            for one in fields(TrackFits)
            if one.name != "clusters"
        },
        clusters=FittedClusters(offsets=offsets, **columns),
    )
