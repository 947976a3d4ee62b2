"""Tracks to batches and back, in units of the spread of each target."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Batch, Codec, DataError, Ragged, Table
from zoo_ha_tpc.augment import augment
from zoo_ha_tpc.charge_fit import ChargeFitConfig, by_charges, charge_settings
from zoo_ha_tpc.clusters import cluster_inputs
from zoo_ha_tpc.config import ClusterNetConfig, ImageConfig, TrackConfig
from zoo_ha_tpc.fitting import Calibration, Matter, TrackFits, fit_tracks
from zoo_ha_tpc.fitting.calibrating import calibrated
from zoo_ha_tpc.fitting.lowest_ids import lowest_ids
from zoo_ha_tpc.fitting.positions import Charges
from zoo_ha_tpc.fitting.times import Drift, drift_of
from zoo_ha_tpc.physics.pad_plane import PadPlane, plane_of
from zoo_ha_tpc.quantities import completed, true_values
from zoo_ha_tpc.standard import Standard, Truth, truth_fields, within_turn

__all__ = ["ClusterCodec", "ImageCodec", "TrackCodec"]

_PADS = frozenset({"hit_row", "hit_column"})
_STARTS = frozenset({"phi", "y_ini", "z_ini"})  # truth that the calibration of a fit reads
_PASSES = 3  # as of the baseline track-fit
_FULL_SCALE = 4095.0  # ADC, of a 12-bit converter
_TIME_NS = 1000.0
_ONE_SIGMA = 0.682689  # share of a Gaussian within one standard deviation
_LEAST, _MOST = 1e-4, 1.0  # error of a fit that a network corrects, in standard deviations
_FURTHEST = 5.0  # standard deviations from the mean: no fit is believed beyond


class TrackCodec(Codec):
    """What all networks share: targets, their calibration, predictions in physical units.

    Constants: ``mean`` and ``std`` of each target, in its unit, from :meth:`fit`; ``pull``, one
    factor on the errors of each target, from :meth:`tune`.
    """

    config: TrackConfig

    def __init__(
        self, config: TrackConfig, facts: Mapping[str, Any], constants: Mapping[str, Any]
    ) -> None:
        super().__init__(config, facts, constants)
        self.targets = truth_fields(config.targets)

    @classmethod
    def fit(
        cls, config: Any, facts: Mapping[str, Any], training: Iterable[Table]
    ) -> Mapping[str, Any]:
        """``mean`` and ``std`` of the targets over the training split.

        Raises:
            DataError: If truth is missing, or a target is the same for all tracks.
        """
        truth = Truth(config.targets)
        for _ in truth.passing(training):
            pass
        return _constants(truth)

    @property
    def plane(self) -> PadPlane:
        """The pads.

        Raises:
            DataError: If the facts have none.
        """
        return plane_of(self.facts)

    @property
    def standard(self) -> Standard:
        """Mean and spread of the targets."""
        mean, std = (np.asarray(self.constants[name], np.float64) for name in ("mean", "std"))
        return Standard(self.config.targets, mean, std)

    def augment(self, samples: Table, keys: NDArray[np.uint64]) -> Table:
        """See :class:`~zoo_ha_tpc.config.Augmentation`."""
        return augment(samples, keys, self.config.augmentation, *self.plane.shape)

    def truth(self, samples: Table) -> dict[str, Any]:
        """``truth`` and ``period``, float32 (N, T), of samples that have truth; else nothing.

        A period is a whole turn of an angle, in its standard deviations; 0: it is no angle.
        """
        if not self.targets <= set(samples):
            return {}
        truth = self.standard.truth(samples).astype(np.float32)
        period = np.broadcast_to(self.standard.periods().astype(np.float32), truth.shape)
        return {"truth": truth, "period": period.copy()}

    def decode(self, outputs: Mapping[str, Any], samples: Table) -> Table:
        """Estimates with errors where they are learnt, and what follows from them, float32."""
        columns: dict[str, Any] = dict(self.standard.columns(outputs["value"]))
        if "error" in outputs:
            pull = np.asarray(self.constants.get("pull", np.ones(len(self.config.targets))))
            columns |= self.standard.errors(np.asarray(outputs["error"], np.float64) * pull)
        found = {name: np.asarray(one, np.float32) for name, one in completed(columns).items()}
        return Table({"id": samples.ids, **found})

    def tune(self, validation: Iterable[tuple[Table, Table]]) -> Mapping[str, Any]:
        """Factors on the errors, so that 68.3 % of the validation tracks lie within one of them."""
        if not (self.config.uncertainty and self.config.calibrate):
            return {}
        pulls: dict[str, list[NDArray[np.float64]]] = {name: [] for name in self.config.targets}
        for samples, predictions in validation:
            for name, found in pulls.items():
                found.append(_pull(name, samples, predictions))
        if not any(len(one) for one in pulls[self.config.targets[0]]):
            return {}
        widths = [np.quantile(np.concatenate(found), _ONE_SIGMA) for found in pulls.values()]
        return {"pull": [float(width) for width in widths]}

    def require_pads(self, samples: Table) -> None:
        """Check that every hit lies on the plane.

        Raises:
            DataError: If one does not.
        """
        for name, count in zip(("hit_row", "hit_column"), self.plane.shape, strict=True):
            values = samples[name].values
            if len(values) and int(values.max()) >= count:
                raise DataError(
                    f"a hit at {int(values.max())}, and the plane {self.plane.name} has {count}",
                    where=name,
                    remedy="the data are of another pad plane: give that in data.options.plane",
                )


class ImageCodec(TrackCodec):
    """Flat hits in: the network makes images of them, on its device."""

    config: ImageConfig

    def __init__(
        self, config: ImageConfig, facts: Mapping[str, Any], constants: Mapping[str, Any]
    ) -> None:
        super().__init__(config, facts, constants)
        self.needs = _PADS | {f"hit_{name}" for name in config.images}

    def encode(self, samples: Table) -> Batch:
        """``hits`` (N,), ``event``, ``row``, ``column`` (H,) int64, ``values`` float32 (H, C).

        A charge goes in as ``log(1 + Q)`` or Q, over that of full scale; a time or width in us.

        Raises:
            DataError: If a hit lies outside of the plane.
        """
        self.require_pads(samples)
        row: Ragged = samples["hit_row"]
        channels = [self._channel(name, samples) for name in self.config.images]
        inputs = {
            "hits": row.lengths,
            "event": np.repeat(np.arange(samples.rows), row.lengths),
            "row": row.values.astype(np.int64),
            "column": samples["hit_column"].values.astype(np.int64),
            "values": np.stack(channels, 1),
        }
        return Batch(inputs, self.truth(samples), samples.ids)

    def _channel(self, name: str, samples: Table) -> NDArray[np.float32]:
        values: NDArray[np.float32] = samples[f"hit_{name}"].values.astype(np.float32)
        if name != "charge":
            return values / np.float32(_TIME_NS)
        if self.config.log_charge:
            values = np.log1p(values, dtype=np.float32)
            return values / np.float32(np.log1p(_FULL_SCALE))
        return values / np.float32(_FULL_SCALE)


class ClusterCodec(TrackCodec):
    """Clusters of the classical fit in, and perhaps what it estimates."""

    config: ClusterNetConfig

    def __init__(
        self, config: ClusterNetConfig, facts: Mapping[str, Any], constants: Mapping[str, Any]
    ) -> None:
        super().__init__(config, facts, constants)
        self.needs = _PADS | {"hit_charge"} | ({"hit_time"} if config.times else set())
        if config.start != "direct":
            self.targets = self.targets | _STARTS
        self.charges = charge_settings(ChargeFitConfig(), facts)
        self.matter = Matter(drift=_drift(config, facts))
        if self.matter.drift:
            self.needs = self.needs | {"hit_time", "hit_width"}

    @classmethod
    def fit(
        cls, config: ClusterNetConfig, facts: Mapping[str, Any], training: Iterable[Table]
    ) -> Mapping[str, Any]:
        """``mean`` and ``std`` of the targets and, of a fit that is corrected, ``calibration``.

        The calibration is that of the baseline ``track-fit``, found with fewer tracks. A direct
        network gets clusters as they are without one.

        Raises:
            DataError: As of all networks.
        """
        if config.start == "direct" or not config.calibration_tracks:
            return super().fit(config, facts, training)
        truth, fields = Truth(config.targets), _PADS | {"hit_charge"} | _STARTS
        if _drift(config, facts):
            fields = fields | {"hit_time"}
        chosen = lowest_ids(truth.passing(training), config.calibration_tracks, fields)
        constants = _constants(truth)  # refuses to be of no samples
        if chosen is None:
            return constants
        matter = Matter(drift=_drift(config, facts))
        found = calibrated(plane_of(facts), chosen, Calibration(), matter, _PASSES)
        return {**constants, "calibration": asdict(found)}

    @property
    def calibration(self) -> Calibration:
        """Constants of the classical fit."""
        if "calibration" not in self.constants:
            return Calibration()
        kept: Mapping[str, Any] = self.constants["calibration"]
        arrays = {name: np.asarray(one) for name, one in kept.items() if name != "charges"}
        return Calibration(charges=Charges(**kept["charges"]), **arrays)

    def encode(self, samples: Table) -> Batch:
        """As :func:`~zoo_ha_tpc.clusters.cluster_inputs`, float32.

        Where the fit is the start, also ``start`` and ``scale`` (N, T): its estimates and their
        errors in standard units, within 5 of the mean, and from 0.0001 to 1.

        Raises:
            DataError: If a hit lies outside of the plane.
        """
        self.require_pads(samples)
        fits = self._fits(samples)
        inputs = dict(cluster_inputs(fits, self.plane, self.config))
        if self.config.start != "direct":
            start, scale = self._start(fits)
            inputs |= {"start": start.astype(np.float32), "scale": scale.astype(np.float32)}
        return Batch(inputs, self.truth(samples), samples.ids)

    def _fits(self, samples: Table) -> TrackFits:
        calibration, refine = self.calibration, None
        if self.config.start == "charges":
            refine = by_charges(self.charges, calibration.charges, self.matter)
        return fit_tracks(self.plane, samples, calibration, self.matter, refine)

    def _start(self, fits: TrackFits) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        names = ("q_over_pt", "phi", "y_ini", "z_ini")
        told = {each: getattr(fits, each) for name in names for each in (name, f"{name}_error")}
        whole, standard = completed(told), self.standard
        errors = np.stack([whole[f"{name}_error"] for name in self.config.targets], 1)
        start = np.clip(standard.of(whole), -_FURTHEST, _FURTHEST)
        return start, np.clip(errors / standard.std, _LEAST, _MOST)


def _drift(config: ClusterNetConfig, facts: Mapping[str, Any]) -> Drift | None:
    """How times tell the drift, for networks that start from the charges: those read times."""
    return drift_of(facts) if config.start == "charges" else None


def _constants(truth: Truth) -> dict[str, Any]:
    standard = truth.standard()
    return {"mean": standard.mean.tolist(), "std": standard.std.tolist()}


def _pull(name: str, samples: Table, predictions: Table) -> NDArray[np.float64]:
    """Size of each residual over its error."""
    residual = predictions[name].astype(np.float64) - true_values(samples, name)
    if name == "phi":
        residual = within_turn(residual)
    pull: NDArray[np.float64] = np.abs(residual) / predictions[f"{name}_error"]
    return pull
