"""A classical algorithm on the same pairs of hits, and the ceiling."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Predictor, Table
from zoo_silicon_tracks.building import chains, label, prediction
from zoo_silicon_tracks.config import AutomatonConfig, TruePairsConfig
from zoo_silicon_tracks.doublets import CURVATURE, Doublets, find_doublets, true_doublets
from zoo_silicon_tracks.helix import RADII

__all__ = ["CellularAutomaton", "TruePairs"]

Array = NDArray[np.float64]


class CellularAutomaton(Predictor):
    """Each pair of hits grows by the best one before it; the longest chains are the tracks.

    A link counts 1 - chi2 / cut, with the squared differences of curvature and slope over their
    spreads; spreads are those of true links in the training split, for each layer of the hit that
    the two pairs share.
    """

    needs = frozenset({"position", "layer"})
    targets = frozenset({"particle"})

    def __init__(self, config: AutomatonConfig, facts: Mapping[str, Any]) -> None:
        self.config = config
        self.spreads = np.tile([0.02 * CURVATURE, 0.03], (len(RADII), 1))

    def fit(self, training: Iterable[Table]) -> None:
        """Spreads of curvature and slope along true links: half of their central 68 %."""
        true = [
            _true_bends(samples, event) for samples in training for event in range(samples.rows)
        ]
        layers, bends = (np.concatenate(part) for part in zip(*true, strict=True))
        for layer in np.unique(layers):
            here = np.abs(bends[layers == layer])
            self.spreads[layer] = np.quantile(here, 0.6827, axis=0)

    def predict(self, samples: Table, keys: NDArray[np.uint64] | None = None) -> Table:
        """See the class."""
        labels = []
        for event in range(samples.rows):
            layer = samples["layer"][event]
            found = find_doublets(samples["position"][event], layer)
            tracks = _longest(*self._grow(found), found)
            labels.append(label(tracks, len(layer), self.config.shortest))
        return prediction(samples, labels)

    def _grow(self, found: Doublets) -> tuple[Array, NDArray[np.int64]]:
        """Length of the best chain that ends in each pair, and the pair before it there."""
        shared = found.layer[found.links[:, 1]]
        square = ((found.bends[:, :2] / self.spreads[shared]) ** 2).sum(1)
        good = square < self.config.cut
        links, worth, begins = found.links[good], 1 - square[good] / self.config.cut, shared[good]
        length, before = np.zeros(len(found.hits)), np.full(len(found.hits), -1)
        for number in range(1, len(RADII)):  # inner pairs are done before outer ones
            inner, outer = links[begins == number].T
            grown = length[inner] + worth[begins == number]
            order = np.argsort(grown, kind="stable")  # the largest is written last
            length[outer[order]], before[outer[order]] = grown[order], inner[order]
        return length, before


class TruePairs(Predictor):
    """What a perfect classifier of pairs would reach: true pairs, built into tracks as others."""

    needs = frozenset({"position", "layer", "particle"})

    def __init__(self, config: TruePairsConfig, facts: Mapping[str, Any]) -> None:
        self.shortest = config.shortest

    def predict(self, samples: Table, keys: NDArray[np.uint64] | None = None) -> Table:
        """See the class."""
        labels = []
        for event in range(samples.rows):
            layer, particle = samples["layer"][event], samples["particle"][event]
            found = find_doublets(samples["position"][event], layer)
            true = true_doublets(found, particle, layer).astype(np.float64)
            labels.append(chains(found, true, 0.5, len(layer), self.shortest))
        return prediction(samples, labels)


def _longest(length: Array, before: NDArray[np.int64], found: Doublets) -> Iterable[list[int]]:
    """Chains by falling length; one that meets a hit of a longer one is left out."""
    used: set[int] = set()
    for end in np.argsort(-length, kind="stable"):
        if length[end] <= 0:
            return
        pair = int(end)
        track = [int(found.hits[pair, 1])]
        while pair >= 0:
            track.append(int(found.hits[pair, 0]))
            pair = int(before[pair])
        if used.isdisjoint(track):
            used.update(track)
            yield track


def _true_bends(samples: Table, event: int) -> tuple[NDArray[np.int64], Array]:
    """Layer of the shared hit and bends of the true links of an event."""
    layer, particle = samples["layer"][event], samples["particle"][event]
    found = find_doublets(samples["position"][event], layer)
    true = true_doublets(found, particle, layer)
    links = true[found.links].all(1)
    return found.layer[found.links[links, 1]], found.bends[links, :2]
