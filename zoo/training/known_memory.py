"""Memory of a training that is known before it begins: all but its activations."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

from zoo.config.run import OptimizerConfig, RunConfig

__all__ = ["known_memory"]

_STATES = {"sgd": 0, "adam": 2, "adamw": 2, "rmsprop": 1}
"""Tensors of a parameter's size that each rule keeps; momentum of sgd and rmsprop adds one."""


def known_memory(config: RunConfig, networks: Mapping[str, nn.Module]) -> dict[str, int]:
    """Bytes of ``parameters``, ``gradients`` of the largest phase, ``optimizers``, ``average``."""
    size = {n: sum(p.nbytes for p in net.parameters()) for n, net in networks.items()}
    buffers = sum(b.nbytes for net in networks.values() for b in net.buffers())
    driven = {
        phase: sum(size.get(name, 0) for name in optimizer.networks or (phase,))
        for phase, optimizer in config.optimizers.items()
    }
    return {
        "parameters": sum(size.values()) + buffers,
        "gradients": max(driven.values(), default=0),
        "optimizers": sum(driven[p] * _copies(o) for p, o in config.optimizers.items()),
        "average": sum(size.values()) + buffers if config.training.ema is not None else 0,
    }


def _copies(optimizer: OptimizerConfig) -> int:
    return _STATES[optimizer.kind] + (optimizer.momentum > 0)
