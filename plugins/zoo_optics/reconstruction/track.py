"""What a track is expected to light, and when: charges and densities of hit times."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from zoo_optics.physics.water import C_CM_NS
from zoo_optics.reconstruction.arrivals import Arrivals, closed_form, learnt
from zoo_optics.reconstruction.cone import Lighting, direction_of, lighting
from zoo_optics.reconstruction.events import Event
from zoo_optics.reconstruction.light import Light
from zoo_optics.reconstruction.timing import gaussian, tail
from zoo_optics.reconstruction.vertex import FLAT_SHARE, LEAST_INDIRECT, LEAST_VISIBILITY

__all__ = ["Lit", "TrackHypothesis"]

Array = NDArray[np.float64]

_STEPS = (0.2, 0.2, 0.2, 2e-3, 2e-3, 0.02, 1e-3, 1e-3, 2e-3)
_INDIRECT = np.array([1 / 6, 1 / 2, 5 / 6])  # of the track: points that stand for its thirds
_SHORT_CM = 1e-6
_MOST_TURNED = 1.2  # rad from the frame's first axis; its angles are no good near the poles
_CONE = (0.2, 1.2)  # rad
_LENGTH = (0.0, 8.0)  # logarithm of cm


@dataclass(frozen=True)
class Lit:
    """The light of tracks per emitted photon.

    Attributes:
        direct: (K, S), visibility by direct light.
        straight_ns: (K, S), when it would come after the start of the track, were it not late.
        axis_cm: (K, S), distance of the sensor from the track.
        indirect: (K, m, S), visibility by indirect light of parts of the track.
        indirect_ns: (K, m, S), when light of those parts would come straight.
        late: Residuals of both.
    """

    direct: Array
    straight_ns: Array
    axis_cm: Array
    indirect: Array
    indirect_ns: Array
    late: Arrivals

    @property
    def total(self) -> Array:
        """(K, S), all light."""
        total: Array = self.direct + self.indirect.sum(1)
        return total


def _all() -> Array:
    return np.ones(1)


@dataclass(frozen=True, kw_only=True)
class TrackHypothesis:
    """Parameters x, y, z (cm), longitude, latitude (rad), t0 (ns), log N, cone (rad), log length.

    The first seven are always free; cone and length where they are wanted.

    Attributes:
        light: Detector and model.
        frame: (3, 3), axes in which the direction is told.
        cone_rad: Half opening of the cone, where it is not free.
        length_cm: Of the track, likewise.
        free_cone: Whether it is a parameter.
        free_length: Likewise.
        blur: RMS of the cosine of the emission. A wide one makes far-off starts climb.
        used: (S,) or (1,), 1 for sensors that count, 0 for others, which must have no charge.
    """

    light: Light
    frame: Array
    cone_rad: float
    length_cm: float
    free_cone: bool = False
    free_length: bool = False
    blur: float = 0.005
    used: Array = field(default_factory=_all)

    @property
    def steps(self) -> Array:
        """Fractions of what sensors and times resolve."""
        return np.array(_STEPS)[self.free]

    @property
    def free(self) -> list[int]:
        """Which of the nine parameters are fitted."""
        return [*range(7), *([7] if self.free_cone else []), *([8] if self.free_length else [])]

    def whole(self, parameters: Array) -> Array:
        """All nine (K, 9) of the free ones (K, P)."""
        fixed = np.array([0.0] * 7 + [self.cone_rad, np.log(self.length_cm)])
        everything = np.tile(fixed, (len(parameters), 1))
        everything[:, self.free] = parameters
        return everything

    def allows(self, parameters: Array) -> bool:
        """A start inside of the volume, angles that the frame is good for, cone and length."""
        every = self.whole(parameters[None])[0]
        inside = bool(self.light.detector.volume.holds(every[:3]))
        turned = float(np.abs(every[3:5]).max())
        sane = _CONE[0] < every[7] < _CONE[1] and _LENGTH[0] < every[8] < _LENGTH[1]
        return inside and turned < _MOST_TURNED and sane

    def expect(self, parameters: Array, event: Event) -> tuple[Array, Array]:
        """Charges (K, S) and densities (K, H)."""
        every, light = self.whole(parameters), self.light
        places, back = np.unique(every[:, [0, 1, 2, 3, 4, 7, 8]], axis=0, return_inverse=True)
        back = back.reshape(-1)
        lit = self.lit(places)
        photons = np.exp(every[:, 6])[:, None]
        total = np.maximum(lit.total, LEAST_VISIBILITY)
        mean = photons * total[back] + light.dark_per_ns * light.window_ns
        timed = self._timed(lit, back, every[:, 5], event)
        flat = total[back][:, event.sensor] * (FLAT_SHARE / light.window_ns)
        timed = (1 - FLAT_SHARE) * timed + flat
        density = (photons * timed + light.dark_per_ns) / mean[:, event.sensor]
        return mean * self.used, density

    def lit(self, places: Array) -> Lit:
        """The light of tracks (K, 7): x, y, z, longitude, latitude, cone, log length."""
        light, axis = self.light, direction_of(self.frame, places[:, 3:5])
        length = np.exp(places[:, 6])
        lamp = self._lamp(places, axis)
        seen = light.to_each(lamp.place_cm)
        along = lamp.inside_cm[:, None] * _INDIRECT
        point = (places[:, None, :3] + along[..., None] * axis[:, None]).reshape(-1, 3)
        shape = (len(places), len(_INDIRECT), -1)
        here = light.at(point)
        share = (lamp.inside_cm / length / len(_INDIRECT))[:, None, None]
        total, times = light.answer(point)
        indirect = np.maximum(total - here.direct, LEAST_INDIRECT * total).reshape(shape)
        if times is None:
            index, late = light.index[0], closed_form(seen.width_ns, shape[1], light.tail_ns)
        else:
            started = lamp.along_cm / np.maximum(lamp.inside_cm, _SHORT_CM)[:, None]
            index, late = light.learnt_index, learnt(times.reshaped(shape), started)
        per_cm = index / C_CM_NS
        return Lit(
            lamp.emission * seen.direct,
            lamp.along_cm / C_CM_NS + seen.distance_cm * per_cm,
            lamp.axis_cm,
            share * indirect,
            along[..., None] / C_CM_NS + here.distance_cm.reshape(shape) * per_cm,
            late,
        )

    def direct(self, places: Array) -> Array:
        """(K, S), direct light alone, which needs no model; arguments as of :meth:`lit`."""
        lamp = self._lamp(places, direction_of(self.frame, places[:, 3:5]))
        direct: Array = lamp.emission * self.light.to_each(lamp.place_cm).direct
        return direct

    def _lamp(self, places: Array, axis: Array) -> Lighting:
        return lighting(
            self.light.detector,
            places[:, :3],
            axis,
            cone=places[:, 5],
            length_cm=np.exp(places[:, 6]),
            blur=self.blur,
        )

    def _timed(self, lit: Lit, back: NDArray[np.intp], start: Array, event: Event) -> Array:
        """(K, H), light per photon and ns at the times of the hits."""
        sensor, time = event.sensor, event.time_ns
        at = (back[:, None], sensor[None])
        arrival = (lit.straight_ns + lit.late.shift_ns)[at]
        straight = lit.direct[at] * gaussian(time - start[:, None] - arrival, lit.late.width_ns[at])

        def there(values: Array) -> Array:
            chosen: Array = values[:, :, sensor][back]
            return chosen

        begins = there(lit.indirect_ns + lit.late.indirect_shift_ns)
        width, delay = there(lit.late.indirect_width_ns), there(lit.late.tail_ns)
        crooked = there(lit.indirect) * tail(time - start[:, None, None] - begins, width, delay)
        total: Array = straight + crooked.sum(1)
        return total
