"""Flashes to batches and back: lengths stay in cm, charges in photo-electrons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from zoo.api import Batch, Codec, DataError, Table
from zoo_optics.config import SurrogateConfig

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

    def encode(self, samples: Table) -> Batch:
        """``position`` float32 (N, 3), cm, ``direction`` (N, 3) if wanted; the targets as read.

        Raises:
            DataError: If the network wants directions and a flash has none.
        """
        inputs = {name: samples[name].astype(np.float32) for name in sorted(self.needs)}
        if self.config.direction:
            _require_directions(inputs["direction"])
        targets = {name: samples[name] for name in sorted(self.targets) if name in samples}
        return Batch({name: inputs[name] for name in ("position", *inputs)}, targets, samples.ids)

    def decode(self, outputs: Mapping[str, Any], samples: Table) -> Table:
        """``charge`` float32 (N, sensors), photo-electrons; ``relative_error`` if it is learnt."""
        visibility = np.asarray(outputs["visibility"], np.float64)
        charge = samples["photons"].astype(np.float64)[:, None] * visibility
        columns = {"id": samples.ids, "charge": charge.astype(np.float32)}
        if "relative_error" in outputs:
            columns["relative_error"] = np.asarray(outputs["relative_error"], np.float32)
        return Table(columns)


def _require_directions(direction: np.ndarray[Any, Any]) -> None:
    norm = np.linalg.norm(direction, axis=1)
    if np.any(np.abs(norm - 1) > 1e-3):
        raise DataError(
            f"{int((np.abs(norm - 1) > 1e-3).sum())} of {len(norm)} flashes have no direction",
            where="direction",
            remedy="set model.direction = false, or take flashes with directions",
        )
