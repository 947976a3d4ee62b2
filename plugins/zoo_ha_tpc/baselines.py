"""Rows without a network: the classical fit, the first pad, and the fit to the true clusters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError, Predictor, Table
from zoo_ha_tpc.charge_fit import ChargeFitConfig, by_charges, charge_settings
from zoo_ha_tpc.fitting import Calibration, Matter, fit_tracks
from zoo_ha_tpc.fitting.calibrating import calibrated
from zoo_ha_tpc.fitting.config import (
    FirstPadConfig,
    OracleFitConfig,
    ScatteringConfig,
    TrackFitConfig,
)
from zoo_ha_tpc.fitting.images import Grid, images_of
from zoo_ha_tpc.fitting.lowest_ids import lowest_ids
from zoo_ha_tpc.fitting.parameters import Parameters
from zoo_ha_tpc.fitting.positions import Charges
from zoo_ha_tpc.fitting.times import drift_of
from zoo_ha_tpc.fitting.true_clusters import fit_true_clusters
from zoo_ha_tpc.physics.pad_plane import plane_of
from zoo_ha_tpc.quantities import completed
from zoo_ha_tpc.standard import within_turn

__all__ = ["ChargeFit", "FirstPad", "OracleFit", "TrackFit"]

_HITS = frozenset({"hit_row", "hit_column", "hit_charge"})
_TIMES = frozenset({"hit_time", "hit_width"})
_PULLED = ("q_over_pt", "phi", "y_ini")
_FACTORS_FROM = 5000  # training tracks
_ONE_SIGMA = 0.6827


class TrackFit(Predictor):
    """Clusters, log-charge positions, and an arc with scattering.

    Times of hits tell which tracks leave through an end of the drift, where the facts say how fast
    electrons drift.

    :meth:`fit` finds corrections of the positions, their errors, and where in the first pads tracks
    start; without it the fit works with documented constants.
    """

    needs: frozenset[str] = _HITS
    targets: frozenset[str] = frozenset({"phi", "y_ini", "z_ini"})

    def __init__(self, config: TrackFitConfig, facts: Mapping[str, Any]) -> None:
        self.config = config
        self.plane = plane_of(facts)
        self.matter = replace(_matter(config), drift=drift_of(facts))
        if self.matter.drift:
            self.needs = self.needs | {"hit_time"}
        charges = Charges(config.noise_adc, config.threshold_adc, config.saturation_adc)
        self.calibration = Calibration(charges=charges)

    def fit(self, training: Iterable[Table]) -> None:
        """Calibration from the training tracks of the lowest ids.

        Raises:
            DataError: If there is no training sample.
        """
        chosen = lowest_ids(training, self.config.tracks, self.needs | self.targets)
        if chosen is None:
            raise DataError(
                "no training sample to calibrate the fit with",
                where="ha-tpc/track-fit",
                remedy="give data with a training split",
            )
        self.calibrate(chosen)

    def calibrate(self, chosen: Table) -> None:
        """Calibration from some tracks."""
        start = Calibration(charges=self.calibration.charges)
        self.calibration = calibrated(self.plane, chosen, start, self.matter, self.config.passes)

    def predict(self, samples: Table, keys: NDArray[np.uint64] | None = None) -> Table:
        """All quantities of a track, with errors."""
        return _predicted(samples, fit_tracks(self.plane, samples, self.calibration, self.matter))


class ChargeFit(TrackFit):
    """The fit to clusters, then one to the charges of all pads with their covariance.

    Its calibration is that of ``track-fit``, and one factor on each error: what 68 % of the pulls
    of the training tracks say.
    """

    targets: frozenset[str] = frozenset({"q_over_pt", "phi", "y_ini", "z_ini"})

    def __init__(self, config: ChargeFitConfig, facts: Mapping[str, Any]) -> None:
        super().__init__(config, facts)
        self.settings = charge_settings(config, facts)
        if self.matter.drift:
            self.needs = self.needs | _TIMES
        self.errors = dict.fromkeys(_PULLED, 1.0)

    def calibrate(self, chosen: Table) -> None:
        """Calibration, and factors of errors, from some tracks."""
        super().calibrate(chosen)
        self.errors = dict.fromkeys(_PULLED, 1.0)
        few = chosen.take(np.arange(min(chosen.rows, _FACTORS_FROM)))
        found = self.predict(few)
        for name in _PULLED:
            off = found[name].astype(np.float64) - few[name]
            off = within_turn(off) if name == "phi" else off
            pull = np.abs(off) / found[f"{name}_error"]
            self.errors[name] = float(np.quantile(pull, _ONE_SIGMA))

    def predict(self, samples: Table, keys: NDArray[np.uint64] | None = None) -> Table:
        """All quantities of a track, with errors."""
        refine = by_charges(self.settings, self.calibration.charges, self.matter)
        fits = fit_tracks(self.plane, samples, self.calibration, self.matter, refine)
        told = fits.parameters()
        for name, factor in self.errors.items():
            told[f"{name}_error"] = factor * told[f"{name}_error"]
        return _table(samples, completed(told))


class FirstPad(Predictor):
    """The centre of the pad of lowest z that saw charge, of several the one that saw most.

    What a start is worth that no track is fitted for; the middle of the plane without pads.
    """

    needs: frozenset[str] = _HITS

    def __init__(self, config: FirstPadConfig, facts: Mapping[str, Any]) -> None:
        self.plane = plane_of(facts)

    def predict(self, samples: Table, keys: NDArray[np.uint64] | None = None) -> Table:
        """``z_ini`` and ``y_ini``, with the errors of a place in a pad."""
        images = images_of(Grid(self.plane), samples)
        hit = images.charge > 0
        column = np.where(hit, images.column, self.plane.z.pads)
        in_first = hit & (column == column.min(1, keepdims=True))
        chosen = np.argmax(np.where(in_first, images.charge, -1.0), 1)
        track, some = np.arange(samples.rows), hit.any(1)
        z = np.where(some, images.z_mm[track, chosen], self.plane.z.length_mm / 2)
        y = np.where(some, images.y_mm[track, chosen], 0.0)
        columns = {"z_ini": z, "y_ini": y}
        for name, axis in (("z_ini", self.plane.z), ("y_ini", self.plane.y)):
            width = np.where(some, axis.pitch_mm, axis.length_mm)
            columns[f"{name}_error"] = width / np.sqrt(12)
        return _table(samples, columns)


class OracleFit(Predictor):
    """The full-covariance fit to where the electrons arrived: no pads and no electronics."""

    needs: frozenset[str] = frozenset(
        {"cluster_z", "cluster_y", "cluster_electrons", "x_ini", "tan_lambda"}
    )

    def __init__(self, config: OracleFitConfig, facts: Mapping[str, Any]) -> None:
        self.plane = plane_of(facts)
        gas = facts.get("gas", {})
        self.transverse_um_cm = float(gas.get("transverse_um_cm", config.transverse_um_cm))
        self.matter = _matter(config)

    def predict(self, samples: Table, keys: NDArray[np.uint64] | None = None) -> Table:
        """All quantities of a track, with errors."""
        return _predicted(
            samples,
            fit_true_clusters(self.plane, samples, self.transverse_um_cm, self.matter),
        )


def _matter(config: ScatteringConfig) -> Matter:
    return Matter(config.mass_gev, 1e3 * config.radiation_length_m)


def _predicted(samples: Table, found: Parameters) -> Table:
    return _table(samples, completed(found.parameters()))


def _table(samples: Table, columns: Mapping[str, Any]) -> Table:
    return Table(
        {"id": samples.ids, **{name: one.astype(np.float32) for name, one in columns.items()}}
    )
