"""A simulator's keys as a finite source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.contract.source import Block, Simulator
from zoo.contract.table import Table
from zoo.data.failures import plugin_code
from zoo.data.keys import Keys, combine, row_ids
from zoo.errors import PluginError

__all__ = ["SimulatedSource"]

_NAMESPACE = int.from_bytes(b"simulate")  # apart from every other use of a seed


class SimulatedSource:
    """``events`` keys of a simulator, made anew whenever they are read; one group per key.

    Args:
        simulator: What makes the samples.
        seed: Chooses the keys: other seeds give independent events.
        events: Number of keys.
        keys_per_block: Keys of one block. A split separates blocks of several keys less finely.

    Attributes:
        facts: The simulator's.
    """

    def __init__(
        self, simulator: Simulator, seed: int, events: int, keys_per_block: int = 1
    ) -> None:
        self.simulator = simulator
        self.seed = seed
        self.facts: Mapping[str, Any] = simulator.facts
        self.keys: Keys = combine(_NAMESPACE, seed, np.arange(events))
        self.keys_per_block = keys_per_block
        self._blocks: tuple[Block, ...] = ()

    def blocks(self) -> Sequence[Block]:
        """One block per ``keys_per_block`` keys; its key is the index of the first."""
        if not self._blocks:
            starts = range(0, len(self.keys), self.keys_per_block)
            self._blocks = tuple(self._block(start) for start in starts)
        return self._blocks

    def read(self, block: Block, rows: slice, fields: frozenset[str]) -> Table:
        """Simulate the keys that these rows need, with a column ``group``: the row's key.

        Raises:
            PluginError: If the simulator breaks its contract.
        """
        wanted = np.arange(block.rows)[rows]
        return self._rows(int(block.key) + wanted // self._each, wanted % self._each, fields)

    def gather(
        self,
        blocks: Sequence[Block],
        block_index: NDArray[np.int64],
        row_index: NDArray[np.int64],
        fields: frozenset[str],
    ) -> Table:
        """Any rows: every key among them is simulated once, all in one call."""
        starts = np.asarray([int(blocks[index].key) for index in block_index], np.int64)
        return self._rows(starts + row_index // self._each, row_index % self._each, fields)

    def identities(self, block: Block, rows: slice) -> Table:
        """``id`` and ``group`` of rows, which the keys alone tell: nothing is simulated."""
        wanted = np.arange(block.rows)[rows]
        keys = self.keys[int(block.key) + wanted // self._each]
        ids = row_ids(keys, self._each).reshape(-1, self._each)
        own = ids[np.arange(len(wanted)), wanted % self._each]
        return Table({"id": own, "group": keys})

    @property
    def _each(self) -> int:
        return self.simulator.samples_per_key

    def _block(self, start: int) -> Block:
        keys = self.keys[start : start + self.keys_per_block]
        return Block(str(start), len(keys) * self._each, f"{keys[0]:016x}")

    def _rows(
        self, key_index: NDArray[np.int64], within: NDArray[np.int64], fields: frozenset[str]
    ) -> Table:
        distinct, place = np.unique(key_index, return_inverse=True)
        table = self._simulate(self.keys[distinct], fields)
        return table.take(place * self._each + within)

    def _simulate(self, keys: Keys, fields: frozenset[str]) -> Table:
        name = type(self.simulator).__name__
        with plugin_code(name):
            table = self.simulator.simulate(keys, fields)
        expected = row_ids(keys, self._each)
        if table.rows != len(expected):
            raise PluginError(
                f"the simulator made {table.rows} rows for {len(keys)} keys with "
                f"{self._each} samples each",
                where=name,
            )
        if not np.array_equal(table.ids, expected):
            raise PluginError(
                "the simulator's ids are not those of its keys",
                where=name,
                remedy="return 'id' = zoo.api.row_ids(keys, samples_per_key)",
            )
        return table.with_columns({"group": np.repeat(keys, self._each)})
