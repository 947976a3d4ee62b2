"""An exponential moving average of the networks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["Ema"]


class Ema:
    """Averages parameters: ``mean <- d mean + (1 - d) parameter`` after each update.

    Early on ``d = min(decay, (1 + n) / (10 + n))`` for the ``n``-th update, so that the first
    parameters are soon forgotten (``tf.train.ExponentialMovingAverage`` with ``num_updates``).
    Buffers are not averaged: the current ones belong to the average.

    Attributes:
        means: Network -> parameter -> average.
        updates: Network -> how often it was averaged.
    """

    def __init__(self, networks: Mapping[str, nn.Module], decay: float) -> None:
        self.decay = decay
        self._networks = networks
        self.updates = dict.fromkeys(networks, 0)
        self.means: dict[str, dict[str, Tensor]] = {
            name: {key: value.detach().clone() for key, value in network.named_parameters()}
            for name, network in networks.items()
        }

    @torch.no_grad()
    def update(self, names: Iterable[str]) -> None:
        """Average the named networks: those that the last update changed."""
        for name in names:
            count = self.updates[name]
            decay = min(self.decay, (1 + count) / (10 + count))
            for key, value in self._networks[name].named_parameters():
                self.means[name][key].lerp_(value, 1 - decay)
            self.updates[name] = count + 1

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The networks with their averages as parameters, for validation and for the result."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    def _swap(self) -> None:
        for name, means in self.means.items():
            for key, value in self._networks[name].named_parameters():
                value.data, means[key] = means[key], value.data

    def state(self) -> dict[str, Any]:
        """Tensors and JSON for a checkpoint."""
        return {"means": self.means, "updates": self.updates}

    @torch.no_grad()
    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self.updates = dict(state["updates"])
        for name, means in self.means.items():
            for key, value in means.items():
                value.copy_(state["means"][name][key])
