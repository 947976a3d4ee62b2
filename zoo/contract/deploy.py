"""What a consumer loads: networks and codec as one module with named inputs and outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from zoo.contract.codec import Codec
from zoo.contract.refs import Ref
from zoo.contract.specs import Specs

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import nn

__all__ = ["Consumer", "ConsumerContract", "Deploy"]


class Deploy(Protocol):
    """``(config, facts) -> Deploy``.

    An exported file predicts as its model does: between ``encode`` and ``decode``. So the codec's
    inputs have the names of ``inputs``, and ``learner.predict`` returns a mapping by the names of
    ``outputs``, but for those that are ``additional``. An export that breaks this is refused.

    Attributes:
        inputs, outputs: Name -> Field with ALL dims, the batch axis included; names of dims are
            free sizes, equal names are equal sizes.
        sizes: The export grid: one mapping of every free dim to a size per point. The first is
            the typical size; minimum, maximum, batch 1 and 2 and non-multiples belong in it.
        settings: Names of settings of the model that may differ from those of the training: how
            the exported program works and what it answers beside the prediction. Default: none.
        additional: Names of outputs that only the file has, for the program that loads it, and
            that no prediction is made of. Default: none.
        checks: Sizes of an example whose answers travel with the file, so that a program which
            loads it can check itself; empty: none travel.
    """

    inputs: Specs
    outputs: Specs
    sizes: tuple[Mapping[str, int], ...]
    settings: frozenset[str] = frozenset()
    additional: frozenset[str] = frozenset()
    checks: Mapping[str, int] = {}

    def module(self, nets: Mapping[str, nn.Module], codec: Codec) -> nn.Module:
        """One module: positional inputs in the order of ``inputs``, outputs likewise."""
        ...

    def example(
        self, dims: Mapping[str, int], keys: NDArray[np.uint64]
    ) -> Mapping[str, NDArray[Any]]:
        """VALID inputs of that size, numpy, by input name.

        ``keys`` are at least as many as the largest of ``dims``: take ``keys[:dims["batch"]]``.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Consumer:
    """A program that loads our export, ``zoo export --for NAME``.

    Attributes:
        name: ``wirecell``.
        summary: One line: what it is.
        task: The task whose models it loads.
        format: The export format that it loads: ``ts``, ``onnx`` or ``pt2``.
        contract: ``() -> ConsumerContract``.
    """

    name: str
    summary: str
    task: str
    format: str
    contract: Ref


class ConsumerContract(Protocol):
    """What the consumer expects of the file, and what it needs beside it."""

    def check(self, inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> list[str]:
        """Violations for one point of the grid (numpy, by name), each a sentence; none: fine."""
        ...

    def files(self, name: str, info: Mapping[str, Any], codec: Codec) -> Mapping[str, str]:
        """File name -> text to write beside the export: snippet and sidecar.

        ``info`` has ``model``, ``file``, ``sha256``, ``inputs``, ``outputs``, ``config``,
        ``constants``.
        """
        ...
