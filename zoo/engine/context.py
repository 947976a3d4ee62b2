"""What a learner is told about the update: the step and random numbers keyed by sample."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.data.keys import combine, normal, uniform

__all__ = ["StepContext", "prediction_context", "step_context", "torch_seed"]

# Keeps a learner's draws apart from augmentation, whose keys are combined from three parts.
_LEARNER = 0x4C6561726E
_BELOW_ONE = np.nextafter(np.float32(1), np.float32(0))


@dataclass(frozen=True)
class StepContext:
    """The engine's ``Context``.

    Numbers are made on the CPU from the sample's key, so they do not depend on the device, on the
    micro-batch or on the rank that draws them.

    Attributes:
        step: Updates done so far.
        phase: The optimiser that this update drives; ``predict`` outside of training.
        keys: ``(samples,)`` uint64.
        device: Where the numbers are wanted.
    """

    step: int
    phase: str
    keys: NDArray[np.uint64]
    device: torch.device

    def uniform(self, *shape: int, tag: int = 0) -> Tensor:
        """``(samples, *shape)`` float32 in [0, 1); another ``tag``: other numbers."""
        drawn = uniform(self.keys, *shape, tag=tag).astype(np.float32)
        return self._tensor(np.minimum(drawn, _BELOW_ONE))  # rounding may have reached one

    def normal(self, *shape: int, tag: int = 0) -> Tensor:
        """``(samples, *shape)`` float32, standard normal; another ``tag``: other numbers."""
        return self._tensor(normal(self.keys, *shape, tag=tag).astype(np.float32))

    def full_precision(self) -> AbstractContextManager[None]:
        """Switch autocast off inside a ``with`` block."""
        return torch.autocast(self.device.type, enabled=False)

    def _tensor(self, drawn: NDArray[np.float32]) -> Tensor:
        return torch.from_numpy(drawn).to(self.device)


def step_context(
    seed: int, step: int, phase: str, ids: NDArray[np.uint64], device: torch.device
) -> StepContext:
    """The context of one micro-batch in training."""
    return StepContext(step, phase, combine(seed, step, ids, _LEARNER), device)


def prediction_context(keys: NDArray[np.uint64], device: torch.device) -> StepContext:
    """The context of a prediction, whose random numbers are seeded by one key per sample."""
    return StepContext(0, "predict", keys, device)


def torch_seed(seed: int, step: int, micro: int, rank: int) -> int:
    """Seed of torch's own generator (dropout) in one micro-batch, so that resume is an integer."""
    return int(np.asarray(combine(seed, step, micro, rank)).reshape(-1)[0])
