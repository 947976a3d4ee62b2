"""Calibration from tracks: the fit and its constants in turn.

What a position lacks is told by the other clusters of its track, so no truth is needed for it: the
distance from the fitted track, enlarged by what the position itself pulled the track towards it, is
regressed on the features of the cluster. Where tracks start, only the truth tells.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from zoo.api import Table
from zoo_ha_tpc.fitting.calibration import (
    CATEGORIES,
    FEATURES,
    FORMS,
    OFFSETS,
    QUALITIES,
    WIDTHS,
    Calibration,
    offset_bins,
    widening,
)
from zoo_ha_tpc.fitting.images import Grid, images_of
from zoo_ha_tpc.fitting.robust import Matter
from zoo_ha_tpc.fitting.starts import start_features
from zoo_ha_tpc.fitting.tracks import Tracks, in_parts, reconstruct
from zoo_ha_tpc.physics.pad_plane import PadPlane

__all__ = ["calibrated"]

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

_LONG = 15  # clusters of a track that is trusted to tell where they should lie
_ENOUGH = 300  # clusters that constants are fitted to; fewer leave them as they are
_ENOUGH_STARTS = 50
_STIFF = 10.0  # clusters' worth of a prior of no correction of 1 mm per unit of a feature
_NORMAL_68 = 0.9945  # 68 % of a standard normal lie within it
_SMALLEST_MM = 0.05
_SAME_START_MM, _SAME_WAY = 40.0, 0.3  # a truth that the fit found, not one of the other end


def calibrated(
    plane: PadPlane, samples: Table, calibration: Calibration, matter: Matter, passes: int
) -> Calibration:
    """Constants fitted to samples with truth, from given ones.

    Args:
        plane: Where the pads lie.
        samples: Hits, and ``z_ini``, ``y_ini``, ``phi``.
        calibration: Where to begin.
        matter: Particle and gas.
        passes: How often tracks and constants are fitted in turn.
    """
    grid = Grid(plane)
    parts, _ = in_parts(samples)
    for number in range(passes + 1):
        fitted = [reconstruct(images_of(grid, part), calibration, matter) for part in parts]
        known = _Known.of(fitted)
        if number:  # errors are those of positions as corrected by the pass before
            calibration = replace(calibration, errors_mm=_errors(known, calibration))
        if number < passes:
            calibration = replace(_with_bends(known, calibration), corrections=_corrections(known))
            calibration = replace(calibration, width_edges=_width_edges(fitted, calibration))
    starts = [_start_rows(tracks, part) for tracks, part in zip(fitted, parts, strict=True)]
    rows = {name: np.concatenate([one[name] for one in starts]) for name in starts[0]}
    return _with_starts(rows, calibration)


@dataclass(frozen=True)
class _Known:
    """Clusters on long tracks, K in all: what is known of each."""

    form: IntArray
    width: IntArray
    quality: IntArray
    offset_bin: IntArray
    bend: Array
    clear: NDArray[np.bool_]
    features: Array
    lack_mm: Array
    pull: Array

    @classmethod
    def of(cls, fitted: list[Tracks]) -> _Known:
        parts = [_known(tracks) for tracks in fitted]
        return cls(**{name: np.concatenate([part[name] for part in parts]) for name in parts[0]})

    def groups(self) -> Iterator[tuple[int, int, IntArray]]:
        """Form, quality, and the clusters that have both."""
        key = self.form * QUALITIES + self.quality
        order = np.argsort(key, kind="stable")
        cuts = np.searchsorted(key[order], np.arange(1, FORMS * QUALITIES))
        for number, group in enumerate(np.split(order, cuts)):
            if len(group) >= _ENOUGH:
                yield number // QUALITIES, number % QUALITIES, group

    def by_width(self, form: int, group: IntArray) -> Iterator[tuple[int, IntArray]]:
        """Category, and the clusters of the group that have it; too few: the whole group."""
        for width in range(WIDTHS):
            one = group[self.width[group] == width]
            yield form * WIDTHS + width, one if len(one) >= _ENOUGH else group


def _known(tracks: Tracks) -> dict[str, Array]:
    fit, error = tracks.fit.scattered, tracks.points.error_mm
    chosen = tracks.fit.used & (tracks.fit.used.sum(1) >= _LONG)[:, None]
    # Without the cluster itself the track would lie further away by this factor.
    own = np.clip(fit.residual_variance / error**2, 0, 0.8)
    distance = fit.residual_mm / (1 - own)
    charges = tracks.clusters.charges[:, :, 1:4]
    logs = np.log(np.maximum(charges, 1.0))
    columns = {
        "form": tracks.expected // WIDTHS,
        "width": tracks.expected % WIDTHS,
        "quality": tracks.quality,
        "offset_bin": offset_bins(tracks.top),
        "bend": logs[:, :, 0] + logs[:, :, 2] - 2 * logs[:, :, 1],
        "clear": charges.min(2) > 0,
        "features": tracks.features,
        "lack_mm": tracks.correction_mm - distance,
        "pull": fit.residual_mm / (error * np.sqrt(1 - own)),
    }
    return {name: column[chosen] for name, column in columns.items()}


def _with_bends(known: _Known, calibration: Calibration) -> Calibration:
    """Middle and width of the second derivative where both neighbours saw charge."""
    usual, usual_error = calibration.usual_bend.copy(), calibration.usual_bend_error.copy()
    bend, error = calibration.bend.copy(), calibration.bend_error.copy()
    for form, quality, group in known.groups():
        if quality == 0:
            usual[form], usual_error[form] = _spread(known.bend[group])
            for category, one in known.by_width(form, group):
                bend[category], error[category] = _spread(known.bend[one])
    return replace(
        calibration, usual_bend=usual, usual_bend_error=usual_error, bend=bend, bend_error=error
    )


def _spread(values: Array) -> tuple[float, float]:
    low, middle, high = np.quantile(values, [0.16, 0.5, 0.84])
    return float(middle), float(max((high - low) / 2, 0.05 * abs(middle)))


def _width_edges(fitted: list[Tracks], calibration: Calibration) -> Array:
    """Quantiles of the widening: as many tracks in each class."""
    form = [tracks.expected // WIDTHS for tracks in fitted]
    wide = [
        widening(tracks.clusters, calibration.usual_bend[one], calibration.usual_bend_error[one])[
            tracks.fit.used.sum(1) >= _LONG
        ]
        for tracks, one in zip(fitted, form, strict=True)
    ]
    return np.asarray(np.quantile(np.concatenate(wide), np.arange(1, WIDTHS) / WIDTHS))


def _corrections(known: _Known) -> Array:
    """Least squares of what each position lacks, by category and quality."""
    found = np.zeros((CATEGORIES, QUALITIES, FEATURES))
    for form, quality, group in known.groups():
        for category, one in known.by_width(form, group):
            design = known.features[one]
            normal = design.T @ design + _STIFF * np.eye(FEATURES)
            found[category, quality] = np.linalg.solve(normal, design.T @ known.lack_mm[one])
    return found


def _errors(known: _Known, calibration: Calibration) -> Array:
    """Errors as they are, times the width of their pulls."""
    found = calibration.errors_mm.copy()
    for form, quality, group in known.groups():
        for category, some in known.by_width(form, group):
            for bin_ in range(OFFSETS):
                one = some[known.offset_bin[some] == bin_]
                width = _width(known.pull[one if len(one) >= _ENOUGH else some])
                found[category, quality, bin_] *= width
    return np.maximum(found, _SMALLEST_MM)


def _width(pulls: Array) -> float:
    return float(np.quantile(np.abs(pulls), 0.68)) / _NORMAL_68


def _start_rows(tracks: Tracks, samples: Table) -> Mapping[str, Array]:
    """How far behind their first clusters tracks began, where found the right way round."""
    fit = tracks.fit.scattered
    z, y, phi = (samples[name].astype(np.float64) for name in ("z_ini", "y_ini", "phi"))
    path, distance = fit.arcs.place(z[:, None], y[:, None])
    behind = fit.path_mm[:, 0] - path[:, 0]
    found = (
        tracks.clusters.present[:, 0] & ~tracks.first_at_border & (tracks.fit.used.sum(1) >= _LONG)
    )
    found &= (np.abs(behind) < _SAME_START_MM) & (np.abs(distance[:, 0]) < _SAME_START_MM)
    found &= np.abs(np.sin((fit.arcs.phi - phi) / 2)) < _SAME_WAY
    columns = {
        "kind": tracks.clusters.kind[:, 0],
        "behind": behind,
        "features": start_features(tracks.clusters),
    }
    return {name: column[found] for name, column in columns.items()}


def _with_starts(rows: Mapping[str, Array], calibration: Calibration) -> Calibration:
    """Least squares by kind of the first cluster."""
    starts, errors = calibration.starts.copy(), calibration.start_errors_mm.copy()
    for kind in range(len(starts)):
        one = rows["kind"] == kind
        if one.sum() >= _ENOUGH_STARTS:
            design, behind = rows["features"][one], rows["behind"][one]
            starts[kind] = np.linalg.lstsq(design, behind)[0]
            errors[kind] = max(_width(behind - design @ starts[kind]), _SMALLEST_MM)
    return replace(calibration, starts=starts, start_errors_mm=errors)
