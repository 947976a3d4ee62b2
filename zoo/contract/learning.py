"""What a learner is given and what it returns; the engine alone differentiates and steps."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from zoo.contract.codec import Batch

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["Context", "LearnerProtocol", "Loss", "Term"]


@dataclass(frozen=True)
class Term:
    """One term of a loss: a differentiable sum, over how many things it runs, its weight."""

    total: Tensor
    count: float
    weight: float
    per: str


class Loss:
    """Terms, each a total and a count; the engine divides by the count of ALL ranks.

    So the gradient of ``weight * sum(total) / sum(count)`` is the same however a batch is cut
    into ranks or accumulated micro-batches, also where two heads have different counts.
    """

    def __init__(self) -> None:
        self.terms: dict[str, Term] = {}

    def add(
        self, name: str, total: Tensor, count: float, weight: float = 1.0, *, per: str = ""
    ) -> Loss:
        """Add a term and return the loss.

        Args:
            name: As it appears in the log.
            total: Scalar SUM over the things of this micro-batch.
            count: How many things; zero where there are none (then the total is zero too).
            weight: Zero: recorded, not differentiated.
            per: Name of the denominator. Terms that share one always have the same count, and
                accumulation then needs one gradient for all of them. Default: the term's name.
        """
        self.terms[name] = Term(total, float(count), float(weight), per or name)
        return self


class Context(Protocol):
    """The step, and random numbers keyed by (seed, step, sample id)."""

    @property
    def step(self) -> int:
        """Updates done so far."""
        ...

    @property
    def phase(self) -> str:
        """The optimiser that this update drives; ``predict`` outside of training."""
        ...

    def uniform(self, *shape: int, tag: int = 0) -> Tensor:
        """``(samples, *shape)`` float32 in [0, 1), the same for a sample wherever it is drawn."""
        ...

    def normal(self, *shape: int, tag: int = 0) -> Tensor:
        """``(samples, *shape)`` float32, standard normal, likewise."""
        ...

    def full_precision(self) -> AbstractContextManager[None]:
        """Switch autocast off: for gradient penalties and other delicate terms."""
        ...


class LearnerProtocol(Protocol):
    """Which optimiser each update drives, and its loss. ``zoo.api.Learner`` is the base class."""

    def phase(self, step: int) -> str:
        """Name of the optimiser of this update: a function of the step and the buffers."""
        ...

    def loss(self, nets: Mapping[str, nn.Module], batch: Batch, context: Context) -> Loss:
        """The loss of one micro-batch; never calls backward or step."""
        ...

    def after(self, step: int, totals: Mapping[str, float]) -> None:
        """The one place where the learner's state (its buffers) changes: global mean terms."""
        ...

    def predict(self, nets: Mapping[str, nn.Module], batch: Batch, context: Context) -> Any:
        """Outputs that the codec decodes: a tensor or nested tuples or dicts of tensors.

        For a model with a ``Deploy`` it returns a mapping by the names of ``Deploy.outputs``, for
        that is what ``decode`` gets from an exported file.
        """
        ...
