"""What a fit knows of its detector: the light of a point by a model, and the direct part of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError, Predictor
from zoo_optics.asking import answers
from zoo_optics.physics.detector import Detector, detector_of
from zoo_optics.physics.solid_angle import cosine_and_distance, disc
from zoo_optics.physics.water import C_CM_NS, Medium, water
from zoo_optics.reconstruction.timing import core_width
from zoo_optics.times.shapes import Shape, shape_in

__all__ = ["DirectLight", "Light", "Seen", "require_same_detector"]

Array = NDArray[np.float64]

_COLOURS = 16
_SCATTERED_DELAY, _REFLECTED_DELAY = 0.28, 0.87  # of the mean chord
_NEEDED = ("medium", "surfaces", "transit_spread_ns", "dark_khz", "window_ns")


class Seen:
    """Points and sensors: how they lie, and the direct light between them.

    Attributes:
        distance_cm: (N, S).
        cosine: (N, S), of the angle to the sensor's normal.
        direct: (N, S), visibility by light that goes straight.
        width_ns: (N, S), RMS of its residual.
    """

    def __init__(self, distance_cm: Array, cosine: Array, direct: Array, width_ns: Array) -> None:
        self.distance_cm, self.cosine = distance_cm, cosine
        self.direct, self.width_ns = direct, width_ns


class DirectLight:
    """Light that goes straight from a point to a sensor, in closed form.

    Args:
        facts: Those of data of the source ``cherenkov``.

    Attributes:
        dark_per_ns: Dark hits of a sensor per ns.
        window_ns: Within which dark hits are recorded.
        index: Mean and RMS of the group index over the wavelengths.
        yields: (S,), factors on what each sensor sees of light; 1 without a calibration.

    Raises:
        DataError: If the facts do not tell water, surfaces and times.
    """

    def __init__(self, facts: Mapping[str, Any]) -> None:
        missing = [name for name in _NEEDED if name not in facts]
        if missing or facts["medium"]["kind"] != "water":
            raise DataError(
                f"the facts lack {', '.join(missing)}" if missing else "the medium is not water",
                where="facts",
                remedy="give data of the source cherenkov",
            )
        self.detector: Detector = detector_of(facts)
        self.yields = np.ones(len(self.detector.sensors))
        self.surfaces: Mapping[str, Any] = facts["surfaces"]
        self.spread_ns = float(facts["transit_spread_ns"])
        self.dark_per_ns = float(facts["dark_khz"]) * 1e-6
        self.window_ns = float(facts["window_ns"])
        medium = facts["medium"]
        table = water(float(medium["absorption_factor"]), float(medium["rayleigh_factor"]))
        self._colours(table, *map(float, medium["wavelength_nm"]))

    def _colours(self, medium: Medium, low_nm: float, high_nm: float) -> None:
        """Index and attenuation over the Cherenkov spectrum, which is even in 1/wavelength."""
        steps = (np.arange(_COLOURS) + 0.5) / _COLOURS
        wavelength = 1 / (1 / low_nm + steps * (1 / high_nm - 1 / low_nm))
        index = medium.at(medium.group_index, wavelength)
        self.index = (float(index.mean()), float(index.std()))
        per_cm = 1 / medium.at(medium.absorption_cm, wavelength)
        per_cm = per_cm + 1 / medium.at(medium.scattering_cm, wavelength)
        size = 2.5 * float(np.linalg.norm(self.detector.volume.high - self.detector.volume.low))
        self._way = np.linspace(0, size, 512)
        self._left = np.exp(-self._way[:, None] * per_cm).mean(axis=1)

    def at(self, position_cm: Array) -> Seen:
        """Points (N, 3) and all sensors."""
        sensors = self.detector.sensors
        cosine, distance = cosine_and_distance(position_cm, sensors.position_cm, sensors.direction)
        return self._seen(cosine, distance)

    def to_each(self, position_cm: Array) -> Seen:
        """Points (N, S, 3), another one for every sensor."""
        sensors = self.detector.sensors
        way = sensors.position_cm - position_cm
        distance = np.sqrt(np.maximum(np.einsum("nsi,nsi->ns", way, way), 1e-9))
        return self._seen(-np.einsum("nsi,si->ns", way, sensors.direction) / distance, distance)

    def _seen(self, cosine: Array, distance: Array) -> Seen:
        sensors = self.detector.sensors
        share = disc(sensors.radius_cm, distance, cosine) / (4 * np.pi)
        angle = np.rad2deg(np.arccos(np.clip(cosine, 0, 1)))
        relative = np.interp(angle, np.arange(0, 91, 10), self.surfaces["angular"])
        left = np.interp(distance, self._way, self._left)
        direct = float(self.surfaces["efficiency"]) * relative * share * left
        width = core_width(self.spread_ns, sensors.radius_cm, cosine, distance, self.index)
        return Seen(distance, cosine, direct * self.yields, width)

    @property
    def tail_ns(self) -> float:
        """Mean delay of indirect light: a share of the way along the mean chord, 4 V / S (Cauchy).

        The shares are those of the photon transport in tanks as high as wide.
        """
        volume = self.detector.volume
        radius, half = float(volume.high[0]), float(volume.high[2])
        chord = 4 * (2 * np.pi * radius**2 * half) / volume.wall_cm2
        reflects = max(self.surfaces["wall_reflectivity"], self.surfaces["sensor_reflectivity"]) > 0
        share = _REFLECTED_DELAY if reflects else _SCATTERED_DELAY
        return float(share * chord * self.index[0] / C_CM_NS)


class Light(DirectLight):
    """All light of a point, by a model of the task.

    Args:
        predictor: What :func:`zoo.api.load` returns, for the same detector.
        facts: Those of the data.
        yields: (S,), of a calibration; none: all are 1.
        learnt_times: Whether the model's distribution of times is used; it must have one.
    """

    def __init__(
        self,
        predictor: Predictor,
        facts: Mapping[str, Any],
        yields: Array | None = None,
        *,
        learnt_times: bool = False,
    ) -> None:
        super().__init__(facts)
        self.predictor, self.learnt_times = predictor, learnt_times
        self.yields = self.yields if yields is None else yields

    @property
    def learnt_index(self) -> float:
        """Group index that residuals of the model's distribution count from."""
        known: Mapping[str, Any] = getattr(self.predictor, "facts", {})
        return float(known["group_index"])

    def visibility(self, position_cm: Array) -> Array:
        """Probability of detection, float64 (N, S), of points (N, 3), cm.

        Raises:
            DataError: If the model answers for another number of sensors.
        """
        return self.answer(position_cm)[0]

    def answer(self, position_cm: Array) -> tuple[Array, Shape | None]:
        """The visibility as above, and the distribution of residuals, where it is used."""
        told = answers(self.predictor, position_cm, len(self.detector.sensors))
        found = told["charge"].astype(np.float64)
        return found * self.yields, shape_in(told) if self.learnt_times else None


def require_same_detector(model: Mapping[str, Any], data: Mapping[str, Any], where: str) -> None:
    """Check that a model and data have the same sensors.

    Raises:
        DataError: Naming both digests.
    """
    ours, theirs = (str(facts["geometry"]["digest"]) for facts in (model, data))
    if ours != theirs:
        raise DataError(
            f"the model knows the sensors {ours[:12]}, the data have {theirs[:12]}",
            where=f"{where}: geometry",
            remedy="take a model that was trained for this detector",
        )
