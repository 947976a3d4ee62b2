"""Samples to batches and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.api import Batch, Codec, Ragged, Table

__all__ = ["GraphCodec"]


class GraphCodec(Codec):
    """One graph of all events of a batch, without edges between events."""

    needs: frozenset[str] = frozenset({"nodes", "edges"})
    targets: frozenset[str] = frozenset({"same"})

    def encode(self, samples: Table) -> Batch:
        nodes: Ragged = samples["nodes"]
        edges: Ragged = samples["edges"]
        first = np.repeat(nodes.offsets[:-1], edges.lengths)
        pairs = edges.values + first[:, None]
        centre = nodes.values[:, :3] / np.float32(self.facts["edge"])
        way = centre[pairs[:, 0]] - centre[pairs[:, 1]]
        inputs = {
            "nodes": np.concatenate(
                [centre - 0.5, nodes.values[:, 3:4], np.log1p(nodes.values[:, 4:5])], 1
            ).astype(np.float32),
            "edges": pairs,
            "distance": np.linalg.norm(way, axis=1, keepdims=True).astype(np.float32),
        }
        targets: dict[str, Any] = {"same": samples["same"].values} if "same" in samples else {}
        return Batch(inputs, targets, samples.ids)

    def decode(self, outputs: Any, samples: Table) -> Table:
        probability = 1 / (1 + np.exp(-np.asarray(outputs, np.float64)))
        offsets = samples["edges"].offsets
        return Table(
            {"id": samples.ids, "probability": Ragged(probability.astype(np.float32), offsets)}
        )
