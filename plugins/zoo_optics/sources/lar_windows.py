"""Interactions in readout windows of a box of liquid argon: their charge, and their flash.

A time projection chamber sees where charge lies along the drift only if it knows when the
interaction was. What a candidate's segments tell is where they would lie had the flash been at
time 0: the true place less the drift speed times the true time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from zoo.api import Ragged, Table, generator, normal, row_ids, uniform
from zoo_optics.physics.detector import Box
from zoo_optics.physics.emission import isotropic
from zoo_optics.sources.lar_box import LarBox
from zoo_optics.sources.windows_config import LarWindowsConfig

__all__ = ["LarWindows", "inside_length"]

Array = NDArray[np.float64]

_STEPS = 5  # points that shine in a segment, of which the candidate knows the middle alone


@dataclass(frozen=True)
class _Interaction:
    """Middles of the segments (segments, 3), cm; photons by their charge and true, (segments,)."""

    middle_cm: Array
    told: Array
    true: Array
    expected: Array


class LarWindows:
    """One interaction a sample; those of a key share a window."""

    variations: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "absorption-20%": {"box": {"attenuation_cm": 1600.0}},
        "yield-30%": {"yield_spread": 0.3},
    }

    def __init__(self, config: LarWindowsConfig) -> None:
        self.config = config
        self.box = LarBox(config.box)
        self.volume = Box(config.box.low_cm, config.box.high_cm)

    @property
    def samples_per_key(self) -> int:
        """The interactions of a window."""
        return self.config.interactions

    @cached_property
    def facts(self) -> Mapping[str, Any]:
        """Those of the box, all its settings, and the drift (3,), cm/us: true less apparent."""
        return {
            **self.box.facts,
            "emission": "segments",
            "drift_cm_us": [self.config.drift_cm_us, 0.0, 0.0],
            "box": self.config.box.model_dump(mode="json"),
        }

    def simulate(self, keys: NDArray[np.uint64], fields: frozenset[str]) -> Table:
        """All interactions of a key's window, row by row."""
        config = self.config
        ids = row_ids(keys, config.interactions)
        time = config.window_us * uniform(ids, 1, tag=3)[:, 0]
        drift = np.array(self.facts["drift_cm_us"])
        dark, bare = [[config.without_flash], [config.without_charge]] > uniform(ids, 2, tag=4).T
        made = [self._interaction(*one) for one in zip(ids, *self._tracks(ids), strict=True)]
        expected = np.array([one.expected for one in made])
        drawn = [generator(int(i)).poisson(e) for i, e in zip(ids, expected, strict=True)]
        kept = [slice(0) if gone else slice(None) for gone in bare]
        segments = [
            (one.middle_cm - drift * at)[part]
            for one, at, part in zip(made, time, kept, strict=True)
        ]
        told = [one.told[part] for one, part in zip(made, kept, strict=True)]
        columns: dict[str, Any] = {
            "id": ids,
            "position": np.array([_middle(one) for one in made], dtype=np.float32),
            "direction": np.zeros((len(ids), 3), dtype=np.float32),
            "photons": np.array([one.true.sum() for one in made], dtype=np.float32),
            "charge": np.where(dark[:, None], 0, drawn).astype(np.float32),
            "expected": np.where(dark[:, None], 0, expected).astype(np.float32),
            "window": np.repeat(keys, config.interactions),
            "flash_us": time.astype(np.float32),
            "segment_cm": Ragged.of([part.astype(np.float32) for part in segments]),
            "segment_photons": Ragged.of([part.astype(np.float32) for part in told]),
        }
        return Table(columns).select(fields)

    def _tracks(self, ids: NDArray[np.uint64]) -> tuple[Array, Array, Array]:
        """Start (N, 3), direction (N, 3) and length (N,) inside of the box."""
        start = self.volume.points(uniform(ids, 3), self.config.box.margin_cm)
        way = isotropic(uniform(ids, 2, tag=1))
        least, largest = self.config.track_cm
        length = least * (largest / least) ** uniform(ids, 1, tag=2)[:, 0]
        return start, way, np.minimum(length, inside_length(self.volume, start, way))

    def _interaction(self, id_: np.uint64, start: Array, way: Array, length: float) -> _Interaction:
        config, key = self.config, np.array([id_], dtype=np.uint64)
        count = max(int(np.ceil(length / config.segment_cm)), 1)
        middle = start + ((np.arange(count) + 0.5) * length / count)[:, None] * way
        told = np.full(count, config.photons_per_cm * length / count)
        spread = normal(key, count, tag=5)[0] * config.segment_spread
        spread = spread + normal(key, 1, tag=6)[0] * config.yield_spread
        true = told * np.exp(spread)
        places = (np.arange(count * _STEPS) + 0.5) * length / (count * _STEPS)
        seen = self.box.visibility(start + places[:, None] * way)
        expected = np.repeat(true / _STEPS, _STEPS) @ seen
        return _Interaction(middle, told, true, expected)


def inside_length(volume: Box, start: Array, way: Array) -> Array:
    """How far rays (N, 3) from points (N, 3) stay inside of a box, (N,), cm."""
    wall = np.where(way > 0, volume.high, volume.low)
    with np.errstate(divide="ignore", invalid="ignore"):
        each = np.where(way == 0, np.inf, (wall - start) / way)
    length: Array = each.min(axis=1)
    return length


def _middle(one: _Interaction) -> Array:
    middle: Array = one.true @ one.middle_cm / one.true.sum()
    return middle
