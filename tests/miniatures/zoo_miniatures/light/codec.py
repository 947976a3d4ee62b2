"""Samples to batches and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.api import Batch, Codec, Table

__all__ = ["LightCodec"]


class LightCodec(Codec):
    """Points in units of the box's half edge; charges as they are."""

    needs: frozenset[str] = frozenset({"position"})
    targets: frozenset[str] = frozenset({"charge"})

    def encode(self, samples: Table) -> Batch:
        position = samples["position"] * np.float32(2 / self.facts["geometry"]["size"])
        targets = {"charge": samples["charge"]} if "charge" in samples else {}
        return Batch({"position": position.astype(np.float32)}, targets, samples.ids)

    def decode(self, outputs: Any, samples: Table) -> Table:
        logits = np.asarray(outputs["logits"], np.float64)
        weights = np.exp(logits - logits.max(1, keepdims=True))
        share = weights / weights.sum(1, keepdims=True)
        return Table({"id": samples.ids, "share": share.astype(np.float32)})
