"""Calibration from tracks: the fit and its constants in turn.

What a position lacks is told by the other clusters of its track, so no truth is needed for it: the
distance from the fitted track, enlarged by what the position itself pulled the track towards it, is
regressed on the features of the cluster. Where tracks start, only the truth tells.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from zoo.api import Table
from zoo_ha_tpc.fitting.calibration import (
    CATEGORIES,
    FEATURES,
    OFFSETS,
    QUALITIES,
    Calibration,
    features,
    offset_bins,
)
from zoo_ha_tpc.fitting.images import Grid, images_of
from zoo_ha_tpc.fitting.robust import Matter
from zoo_ha_tpc.fitting.starts import START_CLASSES, border_mm, start_classes, start_features
from zoo_ha_tpc.fitting.tracks import Tracks, in_parts, reconstruct
from zoo_ha_tpc.physics.pad_plane import PadPlane

__all__ = ["calibrated"]

Array = NDArray[np.float64]

_LONG = 15  # clusters of a track that is trusted to tell where they should lie
_ENOUGH = 100  # clusters or tracks that a constant is fitted to; fewer leave it as it is
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
    for number in range(passes):
        fitted = [reconstruct(images_of(grid, part), calibration, matter) for part in parts]
        known = _Known.of(fitted)
        calibration = replace(calibration, **_bends(known), **_corrections(known))
        if number:  # errors of the positions as corrected by the pass before
            calibration = replace(calibration, errors_mm=_errors(known, calibration))
    fitted = [reconstruct(images_of(grid, part), calibration, matter) for part in parts]
    calibration = replace(calibration, errors_mm=_errors(_Known.of(fitted), calibration))
    starts = [_start_rows(plane, tracks, part) for tracks, part in zip(fitted, parts, strict=True)]
    rows = {name: np.concatenate([one[name] for one in starts]) for name in starts[0]}
    return replace(calibration, **_starts(rows, calibration))


@dataclass(frozen=True)
class _Known:
    """Clusters on long tracks, K in all: what is known of each."""

    category: NDArray[np.int64]
    quality: NDArray[np.int64]
    offset_bin: NDArray[np.int64]
    bend: Array
    clear: NDArray[np.bool_]
    features: Array
    lack_mm: Array
    error_mm: Array
    pull: Array

    @classmethod
    def of(cls, fitted: list[Tracks]) -> _Known:
        parts = [_known(tracks) for tracks in fitted]
        return cls(**{name: np.concatenate([part[name] for part in parts]) for name in parts[0]})


def _known(tracks: Tracks) -> dict[str, Array]:
    fit, error = tracks.fit.scattered, tracks.points.error_mm
    chosen = tracks.fit.used & (tracks.fit.used.sum(1) >= _LONG)[:, None]
    # Without the cluster itself the track would lie further away by this factor.
    own = np.clip(fit.residual_variance / error**2, 0, 0.8)
    distance = fit.residual_mm / (1 - own)
    charges = tracks.clusters.charges[:, :, 1:4]
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(charges)
        bend = logs[:, :, 0] + logs[:, :, 2] - 2 * logs[:, :, 1]
    columns = {
        "category": tracks.expected,
        "quality": tracks.quality,
        "offset_bin": offset_bins(tracks.top),
        "bend": bend,
        "clear": charges.min(2) > 0,
        "features": features(tracks.clusters, tracks.top),
        "lack_mm": tracks.correction_mm - distance,
        "error_mm": error,
        "pull": fit.residual_mm / (error * np.sqrt(1 - own)),
    }
    return {name: column[chosen] for name, column in columns.items()}


def _bends(known: _Known) -> dict[str, Array]:
    """Middle and width of the second derivative where both neighbours saw charge."""
    default = Calibration()
    bend, error = default.bend.copy(), default.bend_error.copy()
    for category in range(CATEGORIES):
        one = known.bend[(known.category == category) & (known.quality == 0) & known.clear]
        if len(one) >= _ENOUGH:
            low, bend[category], high = np.quantile(one, [0.16, 0.5, 0.84])
            error[category] = max((high - low) / 2, 0.05 * abs(bend[category]))
    return {"bend": bend, "bend_error": error}


def _corrections(known: _Known) -> dict[str, Array]:
    """Least squares of what each position lacks, by category and quality."""
    found = np.zeros((CATEGORIES, QUALITIES, FEATURES))
    for category, quality, one in _groups(known):
        if len(one) >= _ENOUGH:
            design = known.features[one]
            normal = design.T @ design + _STIFF * np.eye(FEATURES)
            found[category, quality] = np.linalg.solve(normal, design.T @ known.lack_mm[one])
    return {"corrections": found}


def _errors(known: _Known, calibration: Calibration) -> Array:
    """Errors as they are, times the width of their pulls."""
    found = calibration.errors_mm.copy()
    for category, quality, group in _groups(known):
        if len(group) < _ENOUGH:
            continue
        whole = _width(known.pull[group])
        for bin_ in range(OFFSETS):
            one = group[known.offset_bin[group] == bin_]
            width = _width(known.pull[one]) if len(one) >= _ENOUGH else whole
            found[category, quality, bin_] = max(
                found[category, quality, bin_] * width, _SMALLEST_MM
            )
    return found


def _groups(known: _Known) -> list[tuple[int, int, NDArray[np.intp]]]:
    """Category, quality, and the clusters that have both."""
    key = known.category * QUALITIES + known.quality
    order = np.argsort(key, kind="stable")
    cuts = np.searchsorted(key[order], np.arange(1, CATEGORIES * QUALITIES))
    return [(i // QUALITIES, i % QUALITIES, one) for i, one in enumerate(np.split(order, cuts))]


def _width(pulls: Array) -> float:
    return float(np.quantile(np.abs(pulls), 0.68)) / _NORMAL_68


def _start_rows(plane: PadPlane, tracks: Tracks, samples: Table) -> Mapping[str, Array]:
    """For each track that was found the right way round, how far behind its first cluster it began."""
    fit = tracks.fit.scattered
    z, y, phi = (samples[name].astype(np.float64) for name in ("z_ini", "y_ini", "phi"))
    path, distance = fit.arcs.place(z[:, None], y[:, None])
    behind = fit.path_mm[:, 0] - path[:, 0]
    found = tracks.clusters.present[:, 0] & (tracks.fit.used.sum(1) >= _LONG)
    found &= (np.abs(behind) < _SAME_START_MM) & (np.abs(distance[:, 0]) < _SAME_START_MM)
    found &= np.abs(np.sin((fit.arcs.phi - phi) / 2)) < _SAME_WAY
    columns = {
        "class": start_classes(tracks.clusters, tracks.first_at_border),
        "behind": behind - border_mm(plane, fit, tracks.clusters, tracks.first_at_border),
        "features": start_features(tracks.clusters),
    }
    return {name: column[found] for name, column in columns.items()}


def _starts(rows: Mapping[str, Array], calibration: Calibration) -> dict[str, Array]:
    starts, errors = calibration.starts.copy(), calibration.start_errors_mm.copy()
    for which in range(START_CLASSES):
        one = rows["class"] == which
        if one.sum() >= _ENOUGH:
            design, behind = rows["features"][one], rows["behind"][one]
            starts[which] = np.linalg.lstsq(design, behind)[0]
            errors[which] = max(_width(behind - design @ starts[which]), _SMALLEST_MM)
    return {"starts": starts, "start_errors_mm": errors}
