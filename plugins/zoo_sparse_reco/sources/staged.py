"""Events for the stages after the first: the truth stands for what the stages before would say.

Fields ``input_*`` are what a later stage reads of the earlier ones. A link fills them from
predictions; these sources fill them from the truth. So a stage is trained and judged on either, by
the data alone, and a network that is trained on one can be judged on the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pkgutil import resolve_name
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from zoo.api import Block, Config, Ragged, Source, Table
from zoo_sparse_reco.sources.events import Events
from zoo_sparse_reco.sources.events_config import EventsConfig
from zoo_sparse_reco.specs import INPUTS
from zoo_sparse_reco.task_sources import SOURCES

__all__ = ["STAND_INS", "StagedEvents", "StagedFiles", "staged_files", "with_stand_ins"]

STAND_INS: Mapping[str, str] = {
    "input_semantic": "semantic",
    "input_fragment": "fragment",
    "input_particle": "voxel_group",
    "input_point_x": "point_x",
    "input_point_y": "point_y",
    "input_point_z": "point_z",
    "input_point_semantic": "point_semantic",
    "input_point_end": "point_end",
}
"""Which field of the truth stands for which input."""


def with_stand_ins(table: Table, fields: frozenset[str]) -> Table:
    """The fields asked for, inputs made of the truth that stands for them.

    Args:
        table: Samples with that truth.
        fields: Those that are wanted; what the table has no truth for stays absent.
    """
    made = {
        name: _cast(table[true], INPUTS[name].dtype)
        for name, true in STAND_INS.items()
        if name in fields and true in table
    }
    return table.with_columns(made).select([name for name in (*table, *made) if name in fields])


def true_fields(fields: frozenset[str]) -> frozenset[str]:
    """What has to be read for these fields."""
    return frozenset(STAND_INS.get(name, name) for name in fields)


class StagedEvents:
    """Simulated events with inputs of later stages.

    Args:
        config: Settings of the simulator.
    """

    samples_per_key: ClassVar[int] = Events.samples_per_key
    variations: ClassVar[Mapping[str, Mapping[str, Any]]] = Events.variations

    def __init__(self, config: EventsConfig) -> None:
        self.events = Events(config)

    @property
    def facts(self) -> Mapping[str, Any]:
        """The simulator's."""
        return self.events.facts

    def simulate(self, keys: NDArray[np.uint64], fields: frozenset[str]) -> Table:
        """One event per key."""
        return with_stand_ins(self.events.simulate(keys, true_fields(fields)), fields)


class StagedFiles:
    """Events of files with inputs of later stages, where the files know the truth.

    Args:
        source: What reads the files.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.facts: Mapping[str, Any] = source.facts
        self.path = str(getattr(source, "path", ""))
        known: frozenset[str] = getattr(source, "fields", frozenset())
        self.fields = known | {name for name, true in STAND_INS.items() if true in known}

    def blocks(self) -> Sequence[Block]:
        """Those of the files."""
        return self.source.blocks()

    def read(self, block: Block, rows: slice, fields: frozenset[str]) -> Table:
        """Rows of one block.

        Raises:
            DataError: The files are damaged, or lack a field or the truth that stands for it.
        """
        return with_stand_ins(self.source.read(block, rows, true_fields(fields)), fields)


def staged_files(config: Config, path: str) -> StagedFiles:
    """The adapter whose settings these are, with inputs of later stages.

    Args:
        config: Of one of the adapters of this plugin.
        path: What it reads.

    Raises:
        DataError: There are no such files.
    """
    name = type(config).__name__
    spec = next(one for one in SOURCES.values() if one.config.endswith(f":{name}"))
    return StagedFiles(resolve_name(spec.factory)(config, path))


def _cast(column: Ragged, dtype: str) -> Ragged:
    return Ragged(column.values.astype(dtype, copy=False), column.offsets)
