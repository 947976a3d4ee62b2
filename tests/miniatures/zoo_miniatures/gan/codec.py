"""Samples to batches and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.api import Batch, Codec, Table, uniform

__all__ = ["ShowerCodec"]

_LATENT = 11  # tag of the random numbers that a prediction draws


class ShowerCodec(Codec):
    """Fractions of the incident energy. The latent vector of a prediction is one of its inputs."""

    needs: frozenset[str] = frozenset({"energy"})
    targets: frozenset[str] = frozenset({"layers"})

    def encode(self, samples: Table) -> Batch:
        energy = samples["energy"]
        inputs = {
            "latent": (2 * uniform(samples.ids, self.config.latent, tag=_LATENT) - 1).astype("f4"),
            "log_energy": np.log(energy / np.float32(30))[:, None].astype(np.float32),
        }
        targets: dict[str, Any] = {}
        if "layers" in samples:
            targets["fractions"] = samples["layers"] / energy[:, None]
        return Batch(inputs, targets, samples.ids)

    def decode(self, outputs: Any, samples: Table) -> Table:
        layers = outputs["fractions"] * samples["energy"][:, None]
        return Table({"id": samples.ids, "layers": layers.astype(np.float32)})
