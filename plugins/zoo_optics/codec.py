"""Flashes to batches and back: lengths stay in cm, charges in photo-electrons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from zoo.api import Batch, Codec, DataError, Table
from zoo_optics.config import SurrogateConfig
from zoo_optics.times.hits import HIT_FIELDS, clock_of, fit_clock, hit_targets
from zoo_optics.times.predictions import time_columns

__all__ = ["OpticsCodec"]


class OpticsCodec(Codec):
    """The point (and direction) in; photons times visibility out."""

    targets: frozenset[str] = frozenset({"charge", "photons"})
    decodes: frozenset[str] = frozenset({"photons"})
    config: SurrogateConfig

    def __init__(
        self, config: SurrogateConfig, facts: Mapping[str, Any], constants: Mapping[str, Any]
    ) -> None:
        super().__init__(config, facts, constants)
        self.needs = frozenset({"position"} | ({"direction"} if config.direction else set()))
        if "alive" in facts:
            self.targets = self.targets | {"alive"}
        if config.time:
            self.targets = self.targets | HIT_FIELDS

    @classmethod
    def fit(
        cls, config: SurrogateConfig, facts: Mapping[str, Any], training: Iterable[Table]
    ) -> Mapping[str, Any]:
        """Where times are learnt, the window of the hits.

        Raises:
            DataError: If there are no times, or they are all the same.
        """
        return fit_clock(facts, training) if config.time else {}

    def encode(self, samples: Table) -> Batch:
        """``position`` float32 (N, 3), cm, ``direction`` (N, 3) if wanted; the targets as read.

        Raises:
            DataError: If the network wants directions and a flash has none.
        """
        inputs = {name: samples[name].astype(np.float32) for name in sorted(self.needs)}
        if self.config.direction:
            _require_directions(inputs["direction"])
        told = sorted(self.targets - HIT_FIELDS)
        targets = {name: samples[name] for name in told if name in samples}
        if self.config.time and set(samples) >= HIT_FIELDS:
            targets |= hit_targets(samples, self.facts, clock_of(self.facts, self.constants))
        return Batch({name: inputs[name] for name in ("position", *inputs)}, targets, samples.ids)

    def decode(self, outputs: Mapping[str, Any], samples: Table) -> Table:
        """``charge`` float32 (N, sensors), photo-electrons; error and times where learnt."""
        visibility = np.asarray(outputs["visibility"], np.float64)
        charge = samples["photons"].astype(np.float64)[:, None] * visibility
        columns = {"charge": charge.astype(np.float32)}
        if "relative_error" in outputs:
            columns["relative_error"] = np.asarray(outputs["relative_error"], np.float32)
        if self.config.time:
            columns |= time_columns(outputs, charge, clock_of(self.facts, self.constants))
        return Table({"id": samples.ids, **columns})


def _require_directions(direction: np.ndarray[Any, Any]) -> None:
    norm = np.linalg.norm(direction, axis=1)
    if np.any(np.abs(norm - 1) > 1e-3):
        raise DataError(
            f"{int((np.abs(norm - 1) > 1e-3).sum())} of {len(norm)} flashes have no direction",
            where="direction",
            remedy="set model.direction = false, or take flashes with directions",
        )
