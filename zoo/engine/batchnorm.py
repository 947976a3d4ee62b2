"""Batch normalisation over the samples of all processes.

With the statistics of its own few samples each process would train another network than one
process does. Mean and variance are summed over the processes, weighted with their numbers of
values, in two passes (the second about the mean), and so are their gradients (Ioffe and Szegedy,
arXiv:1502.03167, with the whole micro-batch as the batch). ``torch.nn.SyncBatchNorm`` works on
GPUs only and cannot be differentiated twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from zoo.engine.distributed import World
from zoo.errors import ConfigError

__all__ = ["enough_values", "normalisations", "synchronised", "unsynchronised"]

_alone = False


def normalisations(networks: Mapping[str, nn.Module]) -> list[_BatchNorm]:
    """Every batch normalisation that takes the statistics of its batch in training."""
    return [
        module
        for network in networks.values()
        for module in network.modules()
        if isinstance(module, _BatchNorm) and not _is_frozen(module)
    ]


@contextmanager
def synchronised(networks: Mapping[str, nn.Module], world: World) -> Iterator[None]:
    """Normalise over all processes inside the block; with one process there is nothing to do.

    Every process must do the same forward passes, each with at least one sample.
    """
    modules = normalisations(networks) if world.size > 1 else []
    for module in modules:
        module.forward = partial(_forward, module)  # type: ignore[method-assign]  # of this instance
    try:
        yield
    finally:
        for module in modules:
            del module.forward  # the class's own again


@contextmanager
def unsynchronised() -> Iterator[None]:
    """Inside the block this process normalises alone."""
    global _alone  # noqa: PLW0603  # one per process, as the process group
    before, _alone = _alone, True
    try:
        yield
    finally:
        _alone = before


@contextmanager
def enough_values() -> Iterator[None]:
    """Around a forward pass: torch says only that there are too few values.

    Raises:
        ConfigError: If a batch normalisation has one value of each channel.
    """
    try:
        yield
    except ValueError as error:
        if "more than 1 value per channel" not in str(error):
            raise
        raise ConfigError(
            "one sample alone cannot be normalised: it has one value of each channel",
            where="training.batch",
            remedy="choose one that leaves a larger rest at the end of an epoch, and with "
            "engine.reproducible fewer engine.shards",
        ) from error


def _is_frozen(module: _BatchNorm) -> bool:
    parameters = list(module.parameters())
    return bool(parameters) and not any(p.requires_grad for p in parameters)


def _forward(module: _BatchNorm, values: Tensor) -> Tensor:
    """``(N, C, ...)`` -> the same, normalised."""
    if _alone or not module.training:
        return type(module).forward(module, values)
    module._check_input_dim(values)  # type: ignore[no-untyped-call]  # noqa: SLF001  # as its forward does
    wide = values.float() if values.dtype in (torch.bfloat16, torch.float16) else values
    others = [0, *range(2, values.dim())]
    shape = [1, -1] + [1] * (values.dim() - 2)
    here = wide.new_tensor([values.numel() / values.shape[1]])
    summed = _Sum.apply(torch.cat([wide.sum(others), here]))
    count = summed[-1]
    mean = summed[:-1] / count
    centred = wide - mean.view(shape)
    variance = _Sum.apply((centred**2).sum(others)) / count
    _remember(module, mean.detach(), variance.detach() * count.detach() / (count.detach() - 1))
    result = centred * torch.rsqrt(variance + module.eps).view(shape)
    if module.affine:
        result = result * module.weight.view(shape) + module.bias.view(shape)
    normalised: Tensor = result.to(values.dtype)
    return normalised


@torch.no_grad()
def _remember(module: _BatchNorm, mean: Tensor, variance: Tensor) -> None:
    """Running averages, as ``torch.nn.BatchNorm2d`` keeps them: of the unbiased variance."""
    if module.running_mean is None or module.running_var is None:
        return
    module.num_batches_tracked.add_(1)  # type: ignore[union-attr]  # there is one where there are averages
    share = module.momentum
    if share is None:
        share = 1.0 / float(module.num_batches_tracked)  # type: ignore[arg-type]  # as above
    module.running_mean.lerp_(mean.to(module.running_mean.dtype), share)
    module.running_var.lerp_(variance.to(module.running_var.dtype), share)


class _Sum(torch.autograd.Function):
    """Sum over the processes; so is its gradient, as often as it is differentiated."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:  # noqa: ARG004  # nothing to remember
        summed = values.clone()
        dist.all_reduce(summed)
        return summed

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # noqa: ARG004  # as above
        summed: Tensor = _Sum.apply(gradient.contiguous())
        return summed
