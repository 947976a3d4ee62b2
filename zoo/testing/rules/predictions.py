"""R04 and R05: predictions are a function of the sample alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from zoo.contract.predictor import Predictor
from zoo.contract.table import Ragged, Table
from zoo.export.parity import compare_predictions
from zoo.testing.rule import Violation
from zoo.testing.subjects import ModelSubject

__all__ = ["determinism", "differing_columns", "one_by_one"]

_ROWS = 4


def determinism(subject: ModelSubject) -> str:
    """Predict twice, with other states of the global generators."""
    predictor = subject.predictor
    samples = subject.samples(predictor.needs, _ROWS)
    first, second = (_seeded(predictor, samples, seed) for seed in (1, 2))
    if differ := list(differing_columns(first, second)):
        raise Violation(f"the second prediction differs in {', '.join(differ)}")
    return f"{samples.rows} samples, the same bits"


def one_by_one(subject: ModelSubject) -> str:
    """Predict samples together, alone and in another order."""
    predictor = subject.predictor
    samples = subject.samples(predictor.needs, _ROWS)
    together = predictor.predict(samples)
    _require_ids(together, samples)
    alone = Table.concat([predictor.predict(samples.take([row])) for row in range(samples.rows)])
    back = np.arange(samples.rows)[::-1]
    turned = predictor.predict(samples.take(back)).take(back)
    for what, other in (("alone", alone), ("in another order", turned)):
        found = compare_predictions(together, other)
        wrong = {name: column for name, column in found.items() if not column["passed"]}
        for name, column in wrong.items():
            raise Violation(
                f"{what}, '{name}' is not what it is together with others: "
                f"it is off by {column['largest']:.3g}"
            )
    return f"{samples.rows} samples, together, alone and in another order"


def differing_columns(one: Table, other: Table) -> Iterator[str]:
    """Names of columns whose bits differ."""
    if set(one) != set(other):
        yield from sorted(set(one) ^ set(other))
        return
    for name in one:
        if any(
            a.dtype != b.dtype or a.shape != b.shape or a.tobytes() != b.tobytes()
            for a, b in zip(_arrays(one[name]), _arrays(other[name]), strict=True)
        ):
            yield name


def _seeded(predictor: Predictor, samples: Table, seed: int) -> Table:
    before = np.random.get_state()  # noqa: NPY002  # the one that a plugin must not use
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002  # likewise
        try:
            return predictor.predict(samples)
        finally:
            np.random.set_state(before)  # noqa: NPY002  # likewise


def _arrays(column: object) -> Sequence[np.ndarray[tuple[int, ...], np.dtype[np.generic]]]:
    if isinstance(column, Ragged):
        return (column.values, column.offsets)
    return (np.asarray(column),)


def _require_ids(found: Table, samples: Table) -> None:
    if not np.array_equal(found.ids, samples.ids):
        raise Violation(
            "predictions do not have the ids of the samples, in their order",
            "return one row per sample, with its id",
        )
