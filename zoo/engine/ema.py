"""An exponential moving average of the networks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["Ema"]


class Ema:
    """Averages networks: ``mean <- d mean + (1 - d) value`` after each update.

    Early on ``d = min(decay, (1 + n) / (10 + n))`` for the ``n``-th update, so that the first
    parameters are soon forgotten (``tf.train.ExponentialMovingAverage`` with ``num_updates``).
    Averaged are parameters and floating-point buffers: running statistics of the current
    parameters are not those of the average (as ``torch.optim.swa_utils.AveragedModel`` does with
    ``use_buffers``). Other buffers, such as counts, are the current ones.

    Attributes:
        means: Network -> parameter or buffer -> average.
        updates: Network -> how often it was averaged.
    """

    def __init__(self, networks: Mapping[str, nn.Module], decay: float) -> None:
        self.decay = decay
        self._networks = networks
        self.updates = dict.fromkeys(networks, 0)
        self.means: dict[str, dict[str, Tensor]] = {
            name: {key: value.detach().clone() for key, value in _averaged(network)}
            for name, network in networks.items()
        }

    @torch.no_grad()
    def update(self, names: Iterable[str]) -> None:
        """Average the named networks: those that the last update changed."""
        for name in names:
            count = self.updates[name]
            decay = min(self.decay, (1 + count) / (10 + count))
            for key, value in _averaged(self._networks[name]):
                mean = self.means[name][key]
                # Where they are equal nothing changes: a mask's infinities would become NaN.
                mean.copy_(torch.where(mean == value, mean, mean.lerp(value, 1 - decay)))
            self.updates[name] = count + 1

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The networks with their averages in place, for validation and for the result."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    def _swap(self) -> None:
        for name, means in self.means.items():
            if self.updates[name]:  # else no phase drives it, but its statistics may have moved
                for key, value in _averaged(self._networks[name]):
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


def _averaged(network: nn.Module) -> Iterator[tuple[str, Tensor]]:
    yield from network.named_parameters()
    for name, buffer in network.named_buffers():
        if buffer.is_floating_point():
            yield name, buffer
