"""What a training will compute: multiply-adds, and the time that they take at the least."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from zoo.config.run import RunConfig
from zoo.contract.codec import Batch
from zoo.contract.learning import LearnerProtocol
from zoo.engine.context import StepContext
from zoo.engine.counting import multiply_adds
from zoo.engine.tensors import to_tensors

__all__ = ["estimate", "sample_work"]

_META = torch.device("meta")
_STEPS = 1000
"""Updates from whose phases the share of each is told."""
_SIDE = 1024
_TIMES = 5


class _Shapes(StepContext):
    """A context on a device that autocast does not know."""

    def full_precision(self) -> AbstractContextManager[None]:
        """Nothing to switch off."""
        return nullcontext()


def estimate(work: float, samples: int | None) -> dict[str, Any]:
    """How long the multiply-adds of a training take at the least.

    Args:
        work: Multiply-adds of a training sample.
        samples: How many it sees; ``None``: not known.

    Returns:
        ``sample`` and ``total`` multiply-adds, ``samples``, ``rate`` in multiply-adds per second
        and ``core_hours``: what one core of this machine needs at the rate of a large matrix
        product, which no network reaches. What is not known is ``None``.
    """
    rate = _matrix_product_rate()
    total = None if samples is None else work * samples
    hours = None if total is None else total / rate / 3600
    return {"sample": work, "samples": samples, "total": total, "rate": rate, "core_hours": hours}


def sample_work(
    config: RunConfig,
    networks: Mapping[str, nn.Module],
    learner: LearnerProtocol,
    batch: Batch,
) -> float:
    """Multiply-adds of loss and gradient for each sample of a batch, the mean over the phases.

    Nothing is computed: networks, learner and batch are moved to the device ``meta``.

    Args:
        config: Of the training.
        networks: By name.
        learner: Makes the loss.
        batch: As the codec encoded it.

    Raises:
        Exception: Whatever the learner raises where shapes alone do not do.
    """
    for module in (*networks.values(), learner):
        if isinstance(module, nn.Module):
            module.to(_META)
    phases = Counter(learner.phase(step) for step in range(_STEPS))
    tensors = to_tensors(batch, _META)
    work = 0.0
    for phase, count in phases.items():
        drives = config.optimizers[phase].networks or (phase,)
        parameters = [p for name in drives for p in networks[name].parameters()]
        context = _Shapes(0, phase, batch.ids, _META)

        def gradient(context: Any = context, parameters: Sequence[Tensor] = parameters) -> None:
            terms = learner.loss(networks, tensors, context).terms.values()
            loss = torch.stack([term.weight * term.total for term in terms if term.weight]).sum()
            torch.autograd.grad(loss, list(parameters), allow_unused=True)

        work += count / _STEPS * multiply_adds(gradient)
    return work / len(batch.ids)


def _matrix_product_rate() -> float:
    """Multiply-adds per second of float32 matrix products on one core: the best of a few."""
    left, right = torch.ones(_SIDE, _SIDE), torch.ones(_SIDE, _SIDE)
    seconds = []
    with _one_thread():
        for _ in range(_TIMES + 1):
            start = time.perf_counter()
            torch.mm(left, right)
            seconds.append(time.perf_counter() - start)
    return _SIDE**3 / min(seconds[1:])


@contextmanager
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
