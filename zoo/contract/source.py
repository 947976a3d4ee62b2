"""Where samples come from: files in blocks, simulators by key, links from other models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from zoo.contract.table import Table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Block", "Link", "Simulator", "Source"]


@dataclass(frozen=True)
class Block:
    """Rows that one contiguous read brings.

    Attributes:
        key: Names the block within its source, stably.
        rows: How many samples it holds.
        group: What a split never separates: the event, run or file these rows belong to.
    """

    key: str
    rows: int
    group: str


class Source(Protocol):
    """A finite set of samples.

    Attributes:
        facts: Constants of the data set (geometry, channel map, digests): JSON values and numpy
            arrays. They are stored with the weights. ``note``, a sentence, stands above every table
            of results on these data.

    A source may tell in an attribute ``fields`` (a frozenset) which fields it has. Of one that does
    not, the core reads a row: a field that is damaged there is taken for one that is absent.
    """

    facts: Mapping[str, Any]

    def blocks(self) -> Sequence[Block]:
        """All blocks, in a fixed order."""
        ...

    def read(self, block: Block, rows: slice, fields: frozenset[str]) -> Table:
        """Rows of one block, only the fields asked for and ``id``.

        A row's ``id`` is a hash of (file digest, index): ``zoo.api.sample_ids``.

        Raises:
            DataError: If the file is damaged or lacks a field, naming both.
        """
        ...


class Simulator(Protocol):
    """An endless set of samples, each a pure function of its key.

    Attributes:
        facts: As for a source.
        samples_per_key: How many rows one key gives (the planes of one event); they form a group.
        variations: Name -> changes of the simulator's own config, for ``eval --variations``.
    """

    facts: Mapping[str, Any]
    samples_per_key: ClassVar[int] = 1
    variations: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

    def simulate(self, keys: NDArray[np.uint64], fields: frozenset[str]) -> Table:
        """``len(keys) * samples_per_key`` rows in the order of the keys.

        Row ``r`` of key ``k`` does not depend on the other keys, and its ``id`` comes from
        ``zoo.api.row_ids(keys, samples_per_key)``.
        """
        ...


class Link(Protocol):
    """Samples of one task made from another task's samples and a model's predictions.

    Attributes:
        needs: Fields of the upstream samples that :meth:`link` reads.
        optional: Fields that it reads where the upstream samples have them; default: none.
    """

    needs: frozenset[str]
    optional: frozenset[str] = frozenset()

    def facts(self, upstream: Mapping[str, Any]) -> Mapping[str, Any]:
        """Facts of the linked samples, from those of the upstream source."""
        return upstream

    def link(self, samples: Table, predictions: Table) -> Table:
        """One row per upstream sample, with the same ``id``."""
        ...
