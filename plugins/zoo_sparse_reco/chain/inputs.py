"""What a stage is shown: what the stages before have said, never the truth that stands for it."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping

import numpy as np

from zoo.api import DataError, Ragged, Table
from zoo_sparse_reco.chain.joining import no_cluster
from zoo_sparse_reco.specs import INPUTS, SAMPLE

__all__ = ["STANDS_FOR", "fields_to_read", "shown"]

STANDS_FOR: Mapping[str, str] = {
    "semantic": "input_semantic",
    "fragment": "input_fragment",
    "particle": "input_particle",
    "voxel_group": "input_particle",
    **{name.removeprefix("input_"): name for name in INPUTS if name.startswith("input_point_")},
}
"""Columns of the truth, and those of predictions that are given in their stead once they exist."""

_CLUSTERS = ("input_fragment", "input_particle")


def shown(
    samples: Table,
    needs: Iterable[str],
    said: Mapping[str, Ragged],
    who: str,
    *,
    truth: bool = False,
) -> Table:
    """The samples as a stage sees them.

    A column that a stage before has told replaces the truth under the name of the truth, too: so a
    model that was trained on the truth works on predictions. Of clusters of a stage that comes
    later there are none yet.

    Args:
        samples: Of the data.
        needs: Fields that the stage reads.
        said: Columns ``input_...`` of the stages before.
        who: The stage, for the error.
        truth: Whether it answers the truth, and so sees it.

    Raises:
        DataError: A field is neither in the data nor told by a stage.
    """
    columns: dict[str, Ragged] = {}
    for name in needs:
        told = said.get(name if truth else _told_as(name, said))
        if told is not None:
            columns[name] = _like(told, name)
        elif name in samples and name not in INPUTS:
            columns[name] = samples[name]
        elif name in _CLUSTERS:
            columns[name] = no_cluster(samples["voxel_x"])
        else:
            raise DataError(
                f"the data have no field '{name}', and no stage before tells it",
                where=who,
                remedy="name another model for this stage, or data that have the field",
            )
    return Table({"id": samples.ids, **columns})


def fields_to_read(stages: Iterable[tuple[frozenset[str], frozenset[str], bool]]) -> frozenset[str]:
    """Fields that the data must have.

    Args:
        stages: Of each stage in turn what it needs, the columns ``input_...`` that it tells, and
            whether it answers the truth.
    """
    told: set[str] = set()
    read: set[str] = set()
    for needs, tells, truth in stages:
        read |= {name for name in needs if (name if truth else _told_as(name, told)) not in told}
        told |= tells
    return frozenset(read & set(SAMPLE))


def _told_as(name: str, told: Container[str]) -> str:
    """The column that stands for a field, if it is told already; else the field."""
    other = STANDS_FOR.get(name, name)
    return other if other in told else name


def _like(column: Ragged, name: str) -> Ragged:
    dtype = (INPUTS.get(name) or SAMPLE[name]).dtype
    if column.values.dtype == dtype:
        return column
    values = column.values
    if np.dtype(dtype).kind == "i" and values.dtype.kind == "f":
        values = np.rint(values)
    return Ragged(values.astype(dtype), column.offsets)
