"""Training mode of networks, and parts of it that are switched off for a while."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from torch import nn

__all__ = ["training_mode", "without_dropout"]


def training_mode(networks: Mapping[str, nn.Module]) -> None:
    """Training mode, but for modules whose own parameters are all frozen.

    So the running statistics of a frozen normalisation stay as they were loaded.
    """
    for network in networks.values():
        network.train()
        for module in network.modules():
            own = list(module.parameters(recurse=False))
            if own and not any(parameter.requires_grad for parameter in own):
                module.eval()


@contextmanager
def without_dropout(networks: Mapping[str, nn.Module]) -> Iterator[None]:
    """Dropout does nothing inside the block: its masks are drawn for a whole batch at once."""
    active = [
        module
        for network in networks.values()
        for module in network.modules()
        if isinstance(module, nn.modules.dropout._DropoutNd) and module.training  # noqa: SLF001  # the one common base
    ]
    for module in active:
        module.training = False
    try:
        yield
    finally:
        for module in active:
            module.training = True
