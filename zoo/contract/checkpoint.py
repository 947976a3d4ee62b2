"""Parameter files of other programs: what a plugin is told of one, and what it answers.

A layout is the order of names and shapes in which a program writes its networks. A model names the
layouts that it knows in :attr:`zoo.contract.task.Model.checkpoints`; each is a function
``(Checkpoint, facts) -> Conversion``. It states names; the core reads, compares and writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from zoo.errors import WeightsError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Checkpoint", "Conversion"]


@dataclass(frozen=True)
class Checkpoint:
    """A foreign file as it was read: no code of it was run.

    Attributes:
        tensors: The state dict, name -> array in the dtype of the file (bfloat16 as float32),
            without the prefixes of ``DataParallel`` and ``torch.compile``.
        extras: Whatever else the file holds beside its state dict: numbers, texts, arrays, and
            lists and mappings of them. Empty for a bare state dict.
    """

    tensors: Mapping[str, NDArray[Any]]
    extras: Mapping[str, Any] = field(default_factory=dict)

    def tensor(self, name: str, dims: int) -> NDArray[Any]:
        """A tensor that the layout cannot do without, because sizes follow from it.

        Args:
            name: In the file.
            dims: How many it has.

        Raises:
            WeightsError: If there is none of that name, or it has another number of dims.
        """
        if name not in self.tensors:
            there = ", ".join([*self.tensors][:4])
            raise WeightsError(
                f"tensor '{name}' is missing; the first ones are {there}",
                where="checkpoint",
                remedy="give a checkpoint of this layout, or the name under which it holds the "
                "network with --prefix",
            )
        found = self.tensors[name]
        if found.ndim != dims:
            raise WeightsError(
                f"tensor '{name}' has shape {list(found.shape)}, not {dims} dims",
                where="checkpoint",
                remedy="give a checkpoint of this layout",
            )
        return found


@dataclass(frozen=True, kw_only=True)
class Conversion:
    """How a foreign state dict becomes one of our models.

    Attributes:
        names: Our tensor ``NETWORK/PARAMETER`` -> the foreign one of the same shape.
        made: Our tensor -> array, where it is computed from foreign ones or from extras.
        dropped: Foreign tensors that have no counterpart, or went into ``made``.
        config: Settings that the file fixes, such as widths; ``--set`` goes before them.
        facts: Facts of the data that belong to the file; facts of ``--data`` go before them.
        constants: The codec's constants that belong to it.
        built: Networks, or tensors ``NETWORK/PARAMETER``, that the file does not hold: they stay as
            config and facts make them, a network with its first parameters.
        notes: What a reader must know of the result, one sentence each.
    """

    names: Mapping[str, str]
    made: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    dropped: frozenset[str] = frozenset()
    config: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    constants: Mapping[str, Any] = field(default_factory=dict)
    built: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
