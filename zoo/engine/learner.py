"""The base class of learners."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from zoo.contract.codec import Batch
from zoo.contract.learning import Context, Loss
from zoo.errors import PluginError

__all__ = ["Learner", "refuse_parameters"]


class Learner(nn.Module):
    """Which optimiser each update drives, and its loss.

    A module only so that its state, all of it buffers, moves between devices and is saved with a
    checkpoint. What it would train belongs into a network.

    Attributes:
        config: The model's config.
        facts: Constants of the data set.
    """

    def __init__(self, config: Any, facts: Mapping[str, Any]) -> None:
        super().__init__()
        self.config = config
        self.facts = facts

    def phase(self, step: int) -> str:
        """Name of the optimiser of this update. Default: ``net``."""
        return "net"

    def loss(self, nets: Mapping[str, nn.Module], batch: Batch, context: Context) -> Loss:
        """The loss of one micro-batch, whose inputs and targets are tensors."""
        raise NotImplementedError  # abstract: every task has its own

    def after(self, step: int, totals: Mapping[str, float]) -> None:
        """Change the state after update ``step`` from the global mean of each term."""

    def predict(self, nets: Mapping[str, nn.Module], batch: Batch, context: Context) -> Any:
        """Outputs that the codec decodes. Default: the network ``net`` on the inputs."""
        return nets["net"](**batch.inputs)

    def upstream(self) -> Sequence[Mapping[str, str]]:
        """Trained models that :meth:`loss` asks, such as a teacher. Default: none.

        Asked once, before a training begins: the place to open them, without registering them as
        modules. They are recorded, and a resumed training refuses others.

        Returns:
            For each its ``model`` (the id), ``file`` (the name) and ``sha256``.
        """
        return ()


def refuse_parameters(learner: nn.Module) -> None:
    """Check that a learner trains nothing itself.

    Raises:
        PluginError: If it has parameters, which no optimiser would step and no export contain.
    """
    names = [name for name, _ in learner.named_parameters()]
    if names:
        raise PluginError(
            f"a learner has parameters: {', '.join(names)}",
            where=type(learner).__name__,
            remedy="move them into a network, or register them as buffers",
        )
