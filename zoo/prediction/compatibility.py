"""Whether data suit a predictor: its fields are there, its facts agree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

import numpy as np

from zoo.contract.predictor import Predictor
from zoo.contract.refs import resolve
from zoo.contract.source import Source
from zoo.contract.specs import Specs
from zoo.contract.task import Task
from zoo.data.checks import require
from zoo.data.reader import available_fields, read_block, table_bytes
from zoo.data.simulated import SimulatedSource
from zoo.errors import DataError

__all__ = [
    "differing_facts",
    "missing_fields",
    "require_facts",
    "require_fields",
    "require_samples",
]

_ROWS, _BYTES = 64, 2**26  # what is looked at of a source before it is used
_TOLERANCE = 1e-6


def missing_fields(source: Source, fields: frozenset[str]) -> frozenset[str]:
    """Those of the fields that a source lacks; of one without rows it cannot be said."""
    if not fields or not any(block.rows for block in source.blocks()):
        return frozenset()
    return fields - available_fields(source, fields)


def require_fields(name: str, predictor: Predictor, source: Source, where: str) -> None:
    """Check that a source has what a predictor needs.

    Raises:
        DataError: Naming the field, the source and who needs it.
    """
    for field in sorted(missing_fields(source, predictor.needs)):
        raise DataError(
            f"{name} needs the field '{field}', which the source lacks",
            where=where,
            remedy="`zoo data check` lists what it has; simulate or convert with this field",
        )


def require_samples(task: Task, source: Source, fields: frozenset[str], where: str) -> None:
    """Check that the first samples of a source are what the task declares, in these fields.

    What simulators make is not looked at: it would be simulated twice.

    Raises:
        DataError: Naming the field: swapped axes, a wrong type, values that are not finite, ...
            Also if there is no sample at all.
    """
    block = next((block for block in source.blocks() if block.rows), None)
    if block is None:
        raise DataError(
            "there are no samples", where=where, remedy="give another file, or more events"
        )
    if isinstance(source, SimulatedSource):
        return
    specs = cast("Specs", resolve(task.sample))
    present = available_fields(source, fields.intersection(specs))
    size = table_bytes(read_block(source, block, present, slice(0, 1)))
    limit = int(min(max(_BYTES // max(size, 1), 1), _ROWS))
    chosen = {name: specs[name] for name in sorted(present)}
    require(source, chosen, limit, where=where, fields_only=True)


def require_facts(name: str, predictor: Predictor, facts: Mapping[str, Any], where: str) -> None:
    """Check that data are of the detector that weights were trained on.

    Compared are the fact ``geometry``, key by key where it is a mapping, and every fact whose name
    ends in ``_digest``, if both sides have it. All other facts may differ: noise or beam energy of
    another data set are what an evaluation is for. Digests of files are no facts of the detector.

    Raises:
        DataError: Naming the fact.
    """
    trained: Mapping[str, Any] = getattr(predictor, "facts", {})
    for fact, mine, theirs in differing_facts(trained, facts):
        raise DataError(
            f"the fact '{fact}' is not that of the weights of {name}: {theirs}, not {mine}",
            where=where,
            remedy="use data of the same detector, or train on these",
        )


def differing_facts(
    mine: Mapping[str, Any], theirs: Mapping[str, Any]
) -> Iterator[tuple[str, str, str]]:
    """Facts of the detector in which two data sets differ, as :func:`require_facts` compares them.

    Yields:
        Name, and both values as short texts.
    """
    one, other = dict(_comparable(mine)), dict(_comparable(theirs))
    for fact in sorted(one.keys() & other.keys()):
        if not _agree(one[fact], other[fact]):
            yield fact, _short(one[fact]), _short(other[fact])


def _comparable(facts: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, fact in facts.items():
        if name == "geometry" and isinstance(fact, Mapping):
            yield from ((f"geometry.{key}", value) for key, value in fact.items())
        elif name == "geometry" or name.endswith("_digest"):
            yield name, fact


def _agree(one: Any, other: Any) -> bool:
    """Equal, floats within rounding; lists and tuples are alike, as after a file."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_agree(one[key], other[key]) for key in one)
    if isinstance(one, Mapping) or isinstance(other, Mapping):
        return False
    try:
        mine, theirs = np.asarray(one), np.asarray(other)
    except ValueError:  # lists of unequal lengths
        return bool(one == other)
    if mine.shape != theirs.shape:
        return False
    if mine.dtype.kind in "iufb" and theirs.dtype.kind in "iufb":
        return np.allclose(mine, theirs, rtol=_TOLERANCE, atol=0, equal_nan=True)
    return bool(np.all(mine == theirs))


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
