"""Rows without a network: a table of voxels, the direct light in closed form, what is expected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from scipy.optimize import minimize

from zoo.api import DataError, Predictor, Table
from zoo_optics.config import AnalyticConfig, LutConfig, OracleConfig
from zoo_optics.physics.detector import detector_of
from zoo_optics.physics.solid_angle import cosine_and_distance, disc

__all__ = ["Analytic", "Expected", "NearestLut", "TrilinearLut"]

Array = NDArray[np.float64]

_CHUNK = 1 << 16  # pairs of flash and sensor that a prediction works on at a time


class NearestLut(Predictor):
    """The mean visibility of the voxel that holds the point.

    Voxels without a training sample take the value of the nearest one that has some.
    """

    needs: frozenset[str] = frozenset({"position", "photons"})
    targets: frozenset[str] = frozenset({"charge"})

    def __init__(self, config: LutConfig, facts: Mapping[str, Any]) -> None:
        self.config = config
        self.detector = detector_of(facts)
        self.targets = _targets(facts)
        self.table = np.zeros((0, 0))

    def fit(self, training: Iterable[Table]) -> None:
        """Charges over photons, voxel by voxel.

        Raises:
            DataError: If there is no training sample.
        """
        voxels, sensors = int(np.prod(self.config.voxels)), len(self.detector.sensors)
        charge, photons = np.zeros((voxels, sensors)), np.zeros((voxels, 1))
        if "alive" in self.targets:  # photons that a sensor could see: not the same for all
            photons = np.zeros((voxels, sensors))
        for samples in training:
            index = self._voxel(samples["position"].astype(np.float64))
            alive = samples["alive"] if "alive" in samples else np.ones(1, dtype=bool)
            np.add.at(charge, index, samples["charge"] * alive)
            np.add.at(photons, index, samples["photons"][:, None] * alive)
        if not photons.any():
            raise DataError(
                "no training sample to fill the table with",
                where="optics/lut",
                remedy="give data with a training split",
            )
        self.table = np.zeros(charge.shape, dtype=np.float32)
        patterns, which = np.unique(photons == 0, axis=1, return_inverse=True)
        for number, empty in enumerate(patterns.T):
            if not empty.all():  # else these sensors are dead throughout
                chosen = np.flatnonzero(np.broadcast_to(which.reshape(-1) == number, sensors))
                filled = self._nearest(empty)
                seen = charge[np.ix_(filled, chosen)]
                self.table[:, chosen] = seen / photons[filled][:, chosen % photons.shape[1]]

    def predict(self, samples: Table, keys: NDArray[np.uint64] | None = None) -> Table:
        """``charge`` float32 (N, sensors)."""
        visibility = self.visibility(samples["position"].astype(np.float64))
        charge = samples["photons"].astype(np.float64)[:, None] * visibility
        return Table({"id": samples.ids, "charge": charge.astype(np.float32)})

    def visibility(self, position_cm: Array) -> Array:
        """(N, sensors) at points (N, 3)."""
        found: Array = self.table[self._voxel(position_cm)].astype(np.float64)
        return found

    def _nearest(self, empty: NDArray[np.bool_]) -> NDArray[np.int64]:
        """For every voxel the nearest one that is not empty, (voxels,)."""
        shape = self.config.voxels
        indices = distance_transform_edt(
            empty.reshape(shape), return_distances=False, return_indices=True
        )
        flat: NDArray[np.int64] = np.ravel_multi_index(tuple(indices), shape).ravel()
        return flat

    def _place(self, position_cm: Array) -> Array:
        """Continuous voxel coordinates: voxel i reaches from i to i + 1."""
        volume = self.detector.volume
        share = (position_cm - volume.low) / (volume.high - volume.low)
        place: Array = share * np.array(self.config.voxels)
        return place

    def _voxel(self, position_cm: Array) -> NDArray[np.int64]:
        last = np.array(self.config.voxels) - 1
        index = np.clip(self._place(position_cm).astype(np.int64), 0, last)
        flat: NDArray[np.int64] = np.ravel_multi_index(tuple(index.T), self.config.voxels)
        return flat


class TrilinearLut(NearestLut):
    """The same table, linearly between the middles of the voxels."""

    def visibility(self, position_cm: Array) -> Array:
        """(N, sensors) at points (N, 3)."""
        last = np.array(self.config.voxels) - 1
        place = np.clip(self._place(position_cm) - 0.5, 0, last)
        low = np.minimum(place.astype(np.int64), np.maximum(last - 1, 0))
        part = place - low
        total = np.zeros((len(place), self.table.shape[1]))
        for corner in np.ndindex(2, 2, 2):
            step = np.minimum(low + corner, last)
            weight = np.prod(np.where(np.array(corner) == 1, part, 1 - part), axis=1)
            index = np.ravel_multi_index(tuple(step.T), self.config.voxels)
            total += weight[:, None] * self.table[index]
        return total


class Analytic(Predictor):
    """Solid angle of a disc, attenuation, and an efficiency; the last two are fitted.

    The fit maximises the Poisson likelihood of the training charges.
    """

    needs: frozenset[str] = frozenset({"position", "photons"})
    targets: frozenset[str] = frozenset({"charge"})

    def __init__(self, config: AnalyticConfig, facts: Mapping[str, Any]) -> None:
        self.detector = detector_of(facts)
        self.targets = _targets(facts)
        self.efficiency, self.attenuation_cm = 1.0, 1e4

    def fit(self, training: Iterable[Table]) -> None:
        """Efficiency and attenuation length, from charge and photons by distance.

        Raises:
            DataError: If no training sample has charge.
        """
        edges = np.linspace(0, float(np.linalg.norm(self._size())) * 1.01, 201)
        share, charge = np.zeros(200), np.zeros(200)
        for samples in training:
            for part in _parts(samples.rows, len(self.detector.sensors)):
                omega, distance = self._direct(samples["position"][part].astype(np.float64))
                weight = omega * samples["photons"][part].astype(np.float64)[:, None]
                seen = weight > 0
                if "alive" in samples:
                    seen &= samples["alive"][part]
                share += np.histogram(distance[seen], edges, weights=weight[seen])[0]
                seen_charge = samples["charge"][part][seen]
                charge += np.histogram(distance[seen], edges, weights=seen_charge)[0]
        if not charge.any():
            raise DataError("no training sample has charge", where="optics/analytic")
        middle = (edges[1:] + edges[:-1]) / 2

        def lack(parameters: Array) -> float:
            mean = share * np.exp(parameters[0] - middle * np.exp(-parameters[1]))
            filled = share > 0
            return float((mean[filled] - charge[filled] * np.log(mean[filled])).sum())

        start = np.array([np.log(charge.sum() / share.sum()), np.log(1e4)])
        best = minimize(lack, start, method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-6})
        self.efficiency, self.attenuation_cm = (float(x) for x in np.exp(best.x))

    def predict(self, samples: Table, keys: NDArray[np.uint64] | None = None) -> Table:
        """``charge`` float32 (N, sensors)."""
        charge = np.empty((samples.rows, len(self.detector.sensors)), dtype=np.float32)
        for part in _parts(samples.rows, charge.shape[1]):
            omega, distance = self._direct(samples["position"][part].astype(np.float64))
            photons = samples["photons"][part].astype(np.float64)[:, None]
            charge[part] = (
                photons * self.efficiency * omega * np.exp(-distance / self.attenuation_cm)
            )
        return Table({"id": samples.ids, "charge": charge})

    def _direct(self, position_cm: Array) -> tuple[Array, Array]:
        """Share of the sphere and distance, cm, of every sensor."""
        sensors = self.detector.sensors
        cosine, distance = cosine_and_distance(position_cm, sensors.position_cm, sensors.direction)
        return disc(sensors.radius_cm, distance, cosine) / (4 * np.pi), distance

    def _size(self) -> Array:
        size: Array = self.detector.volume.high - self.detector.volume.low
        return size


class Expected(Predictor):
    """What the simulation expects: only the counting of photo-electrons is left."""

    needs: frozenset[str] = frozenset({"expected"})

    def __init__(self, config: OracleConfig, facts: Mapping[str, Any]) -> None:
        pass  # it needs neither

    def predict(self, samples: Table, keys: NDArray[np.uint64] | None = None) -> Table:
        """``charge``: the sample's ``expected``."""
        return Table({"id": samples.ids, "charge": samples["expected"]})


def _targets(facts: Mapping[str, Any]) -> frozenset[str]:
    """What is fitted to, beside the points: charges, and which sensors are alive."""
    return frozenset({"charge", "alive"} if "alive" in facts else {"charge"})


def _parts(rows: int, sensors: int) -> Iterable[slice]:
    size = max(1, _CHUNK // sensors)
    return (slice(first, first + size) for first in range(0, rows, size))
