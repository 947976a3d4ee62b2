"""What a fit sees of an event, read from samples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError, Table

__all__ = ["Event", "events_of", "require_hits"]

Array = NDArray[np.float64]

HIT_FIELDS = ("hit_sensor", "hit_time")


def _all() -> Array:
    return np.ones(1)


@dataclass(frozen=True)
class Event:
    """Charges and hits of one flash or track.

    Attributes:
        id: Of its sample.
        charge: float64 (sensors,), photo-electrons.
        sensor: int64 (hits,), sensor of each hit.
        time_ns: float64 (hits,).
        alive: float64 (sensors,) or (1,), 0 for dead sensors, which must have no charge, else 1.
    """

    id: int
    charge: Array
    sensor: NDArray[np.int64]
    time_ns: Array
    alive: Array = field(default_factory=_all)

    @property
    def untimed(self) -> Event:
        """The same charges without hits."""
        return replace(self, sensor=self.sensor[:0], time_ns=self.time_ns[:0])

    @property
    def first_hits(self) -> Event:
        """With the earliest hit of each sensor alone."""
        order = np.lexsort((self.time_ns, self.sensor))
        _, first = np.unique(self.sensor[order], return_index=True)
        return self._hits(order[first])

    def only(self, used: NDArray[np.bool_]) -> Event:
        """Without charge and hits of the sensors that a mask (sensors,) leaves out."""
        kept = self._hits(np.flatnonzero(used[self.sensor]))
        return replace(kept, charge=self.charge * used)

    def _hits(self, chosen: NDArray[np.intp]) -> Event:
        return replace(self, sensor=self.sensor[chosen], time_ns=self.time_ns[chosen])


def require_hits(samples: Table, where: str) -> None:
    """Check that samples have hits with times.

    Raises:
        DataError: If they have none, or all times of all events are one.
    """
    missing = [name for name in HIT_FIELDS if name not in samples]
    if missing:
        raise DataError(
            f"no hit times: the fields {', '.join(missing)} are missing",
            where=where,
            remedy="give samples of the source cherenkov, or of another one that has hits",
        )
    times = samples["hit_time"].values
    if not len(times) or float(np.ptp(times)) == 0:
        raise DataError(
            "there are no hits" if not len(times) else "the hit times are all the same",
            where=f"{where}: hit_time",
            remedy="give data whose times were recorded",
        )


def events_of(samples: Table, sensors: int, where: str) -> Iterator[Event]:
    """The events of a table.

    Args:
        samples: With ``charge``, ``hit_sensor`` and ``hit_time``; what dead sensors (``alive``)
            tell is left out.
        sensors: Number of sensors of the detector.
        where: For messages.

    Raises:
        DataError: If a charge or a time is not finite, or a hit is at a sensor that there is not.
    """
    for row in range(samples.rows):
        id_ = int(samples.ids[row])
        sensor = samples["hit_sensor"][row].astype(np.int64)
        time = samples["hit_time"][row].astype(np.float64)
        charge = samples["charge"][row].astype(np.float64)
        if charge.shape != (sensors,) or (
            len(sensor) and not 0 <= sensor.min() <= sensor.max() < sensors
        ):
            raise DataError(
                f"{len(charge)} charges and hits up to sensor {sensor.max(initial=0)}, but "
                f"{sensors} sensors",
                where=f"{where}: event {id_}",
                remedy="take the data's own geometry",
            )
        if not (np.isfinite(charge).all() and np.isfinite(time).all() and (charge >= 0).all()):
            raise DataError(
                "a charge or a hit time is negative or not finite",
                where=f"{where}: event {id_}",
                remedy="`zoo data check optics` tells which",
            )
        event = Event(id_, charge, sensor, time)
        if "alive" in samples:
            alive = samples["alive"][row]
            event = replace(event.only(alive), alive=alive.astype(np.float64))
        yield event
