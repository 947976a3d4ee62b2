"""Which samples a source holds: ids and groups, without the samples themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from zoo.contract.source import Block, Source
from zoo.contract.table import Table
from zoo.data.linked import LinkedSource
from zoo.data.reader import limited, read_block
from zoo.data.simulated import SimulatedSource

__all__ = ["identities"]


def identities(
    source: Source, blocks: Sequence[Block], limit: int | None = None
) -> Iterator[Table]:
    """``id`` and ``group`` of samples; nothing is simulated or predicted for them.

    Args:
        source: Holds the samples.
        blocks: Those of interest.
        limit: Samples at most; ``None``: all.

    Yields:
        A table for each block.

    Raises:
        DataError, PluginError: As for :func:`~zoo.data.reader.read_block`.
    """
    while isinstance(source, LinkedSource):  # it has one row, with its id, per sample upstream
        source = source.source
    for block, rows in limited(blocks, limit):
        if isinstance(source, SimulatedSource):
            yield source.identities(block, rows)
        else:
            yield read_block(source, block, frozenset(), rows)
