"""Events to graphs and back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Batch, Codec, Table
from zoo_silicon_tracks.building import chains, prediction
from zoo_silicon_tracks.doublets import CURVATURE, Doublets, find_doublets, true_doublets
from zoo_silicon_tracks.helix import RADII

__all__ = ["BENDS", "DOUBLETS", "DoubletCodec"]

DOUBLETS, BENDS = 6, 3  # numbers that describe a pair, a link
_ORIGIN = 100.0  # mm
_SCALE = np.array([0.05 * CURVATURE, 0.03, 10.0])  # of the bends: between true pairs and chance


class DoubletCodec(Codec):
    """One graph of all events of a batch, without links between events."""

    needs = frozenset({"position", "layer"})
    targets = frozenset({"particle"})

    def encode(self, samples: Table) -> Batch:
        """``doublets`` ``(D, 6)``, ``links`` ``(L, 2)``, ``bends`` ``(L, 3)``; truth ``(D,)``."""
        doublets, links, bends, truth = [], [], [], []
        before = 0
        for event, found in enumerate(_events(samples)):
            doublets.append(_features(found))
            links.append(found.links + before)
            bends.append(np.arcsinh(found.bends / _SCALE))
            if "particle" in samples:
                layer, particle = samples["layer"][event], samples["particle"][event]
                truth.append(true_doublets(found, particle, layer))
            before += len(found.hits)
        inputs: dict[str, NDArray[Any]] = {
            "doublets": np.concatenate(doublets).astype(np.float32),
            "links": np.concatenate(links).astype(np.int64),
            "bends": np.concatenate(bends).astype(np.float32),
        }
        targets = {"truth": np.concatenate(truth).astype(np.float32)} if truth else {}
        return Batch(inputs, targets, samples.ids)

    def decode(self, outputs: Any, samples: Table) -> Table:
        """Tracks from the logits of the pairs."""
        score = 1 / (1 + np.exp(-np.asarray(outputs["logits"], np.float64).clip(-50, 50)))
        labels = []
        before = 0
        for event, found in enumerate(_events(samples)):
            part = score[before : before + len(found.hits)]
            hits = len(samples["layer"][event])
            labels.append(chains(found, part, self.config.threshold, hits, self.config.shortest))
            before += len(found.hits)
        return prediction(samples, labels)


def _events(samples: Table) -> Iterator[Doublets]:
    for event in range(samples.rows):
        yield find_doublets(samples["position"][event], samples["layer"][event])


def _features(found: Doublets) -> NDArray[np.float64]:
    """``(D, 6)``: nothing depends on the azimuth, as nothing does in the detector."""
    bend, place = found.curvature / CURVATURE, found.layer / len(RADII)
    columns = bend, np.abs(bend), found.slope, found.origin / _ORIGIN, place, found.gap
    return np.stack(columns, axis=1)
