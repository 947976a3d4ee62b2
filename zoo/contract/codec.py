"""The codec: the only place of pre- and postprocessing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zoo.contract.table import Table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Batch", "Codec"]


@dataclass(frozen=True)
class Batch:
    """What one forward pass sees.

    ``encode`` fills it with numpy arrays; a learner receives the same names as tensors. What is
    no array (an integer, a string) passes through unchanged.

    Attributes:
        inputs: Keyword arguments of the network.
        targets: What the loss compares with; empty where the samples have no truth.
        ids: ``(N,)`` uint64, one per sample (not per row of a flattened input).
    """

    inputs: Mapping[str, Any]
    targets: Mapping[str, Any]
    ids: NDArray[np.uint64]


class Codec:
    """Turns samples into a model's batch and outputs into predictions in physical units.

    Immutable. Uses numpy only, so that an exported model predicts without torch.

    Attributes:
        needs: Fields that :meth:`encode` reads for the inputs.
        targets: Fields read for the loss; absent at prediction.
        decodes: Raw fields that only :meth:`decode` reads; absent in training.
        config: The model's config.
        facts: Constants of the data set.
        constants: What :meth:`fit` and :meth:`tune` returned; stored and hashed with the weights.
    """

    needs: frozenset[str] = frozenset()
    targets: frozenset[str] = frozenset()
    decodes: frozenset[str] = frozenset()

    def __init__(self, config: Any, facts: Mapping[str, Any], constants: Mapping[str, Any]) -> None:
        self.config = config
        self.facts = facts
        self.constants = constants

    @classmethod
    def fit(
        cls, config: Any, facts: Mapping[str, Any], training: Iterable[Table]
    ) -> Mapping[str, Any]:
        """Constants from the training split, before the first step. Default: none."""
        return {}

    def tune(self, validation: Iterable[tuple[Table, Table]]) -> Mapping[str, Any]:
        """Constants from (samples, predictions) of the validation split, after training."""
        return {}

    def augment(self, samples: Table, keys: NDArray[np.uint64]) -> Table:
        """Training samples changed at random: draw from ``keys``, one per sample."""
        return samples

    def encode(self, samples: Table) -> Batch:
        """Inputs, and targets where the samples have them; runs in the loader's worker.

        What is random in a prediction (the latent vector of a generator) is an input, drawn here
        from ``samples.ids``: so an exported file, which knows no learner, predicts alike. For
        ``predict(keys=...)`` the ids given here are those keys; :meth:`decode` gets the true ids.

        For a model with a ``Deploy`` the inputs have the names of ``Deploy.inputs``.
        """
        raise NotImplementedError  # abstract: every codec has its own

    def decode(self, outputs: Any, samples: Table) -> Table:
        """Predictions in physical units from numpy outputs; may read raw fields.

        Args:
            outputs: What ``learner.predict`` returned; of an exported file, a mapping by the names
                of ``Deploy.outputs``.
            samples: As given to :meth:`encode`, with the fields in :attr:`decodes`.
        """
        raise NotImplementedError  # abstract: every codec has its own
