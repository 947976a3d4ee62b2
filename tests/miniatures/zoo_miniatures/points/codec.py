"""Samples to batches and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Batch, Codec, Ragged, Table
from zoo_miniatures.points.neighbours import cross, neighbour_table

__all__ = ["PointsCodec"]


class PointsCodec(Codec):
    """All voxels of a batch one after another; who neighbours whom is found here, in a worker."""

    needs: frozenset[str] = frozenset({"voxels", "charge"})
    targets: frozenset[str] = frozenset({"label", "vertex"})

    def augment(self, samples: Table, keys: NDArray[np.uint64]) -> Table:
        """Mirror each axis at random: the volume is a cube."""
        flip = (keys[:, None] >> np.arange(3, dtype=np.uint64)) & np.uint64(1) == 1
        edge = self.facts["edge"]
        voxels: Ragged = samples["voxels"]
        each = np.repeat(flip, voxels.lengths, axis=0)
        mirrored = np.where(each, edge - 1 - voxels.values, voxels.values).astype(np.int32)
        vertex = np.where(flip, edge - samples["vertex"], samples["vertex"])
        return samples.with_columns(
            {"voxels": Ragged(mirrored, voxels.offsets), "vertex": vertex.astype(np.float32)}
        )

    def encode(self, samples: Table) -> Batch:
        voxels: Ragged = samples["voxels"]
        charge: NDArray[np.float32] = samples["charge"].values
        inputs = {
            "features": np.stack([np.ones_like(charge), np.log1p(charge)], 1),
            "table": neighbour_table(voxels, cross),
        }
        targets: dict[str, Any] = {}
        if "label" in samples and "vertex" in samples:
            offset = np.repeat(samples["vertex"], voxels.lengths, axis=0) - centres(voxels)
            targets["label"] = samples["label"].values.astype(np.float32)
            targets["offset"] = offset.astype(np.float32)
        return Batch(inputs, targets, samples.ids)

    def decode(self, outputs: Any, samples: Table) -> Table:
        logits, votes = (np.asarray(output, np.float64) for output in outputs)
        voxels: Ragged = samples["voxels"]
        score = 1 / (1 + np.exp(-logits))
        weight = np.exp(votes[:, 3:].clip(-30, 30))
        total = _sums(weight, voxels)
        vertex = _sums((centres(voxels) + votes[:, :3]) * weight, voxels) / np.maximum(total, 1e-12)
        return Table(
            {
                "id": samples.ids,
                "label": Ragged((score > 0.5).astype(np.int32), voxels.offsets),
                "score": Ragged(score.astype(np.float32), voxels.offsets),
                "vertex": vertex.astype(np.float32),
            }
        )


def centres(voxels: Ragged) -> NDArray[np.float64]:
    """Centres of voxels ``(total, 3)``."""
    middle: NDArray[np.float64] = voxels.values + 0.5
    return middle


def _sums(values: NDArray[np.float64], voxels: Ragged) -> NDArray[np.float64]:
    """Sum over each event's voxels, ``(N, ...)``."""
    total = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    sums: NDArray[np.float64] = np.diff(total[voxels.offsets], axis=0)
    return sums
