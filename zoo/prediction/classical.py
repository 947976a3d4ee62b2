"""Classical algorithms: ids that need no weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from zoo.config.base import Config
from zoo.config.run import DataConfig
from zoo.contract.predictor import Predictor
from zoo.contract.refs import resolve
from zoo.contract.source import Source
from zoo.contract.table import Table
from zoo.data.reader import read_split
from zoo.data.splits import choose_split
from zoo.errors import PluginError, UsageError
from zoo.registry import registry

__all__ = ["SPLIT_SEED", "fit", "load_classical"]

SPLIT_SEED = 0
"""Every command splits alike: what a model was trained on never comes into its test."""


def load_classical(id_: str, facts: Mapping[str, Any]) -> Predictor:
    """A classical algorithm with its default config.

    Args:
        id_: ``TASK/NAME``.
        facts: Constants of the data set that it will see.

    Raises:
        UsageError: If the id names networks, which need weights.
        PluginError: If the id is unknown, or its predictor lacks ``needs`` or ``predict``.
    """
    _, model = registry().model(id_)
    if model.predictor is None:
        raise UsageError(
            "needs weights: this id names networks that are not trained",
            where=id_,
            remedy="name a run directory or a model file of it; `zoo train` makes one",
        )
    config = cast("type[Config]", resolve(model.config))()
    factory = cast("Callable[[Config, Mapping[str, Any]], Predictor]", resolve(model.predictor))
    predictor = factory(config, facts)
    for attribute in ("needs", "predict"):
        if not hasattr(predictor, attribute):
            raise PluginError(f"its predictor has no '{attribute}'", where=id_)
    return predictor


def fit(predictor: Predictor, source: Source, data: DataConfig) -> None:
    """Fit a predictor on the training split of a source, whatever split it will predict.

    Args:
        predictor: It is given its ``needs``, and what it names in ``targets``.
        source: Holds the samples.
        data: Gives the fractions of the split.
    """

    def training() -> Iterator[Table]:  # reads only if the predictor iterates: most do not
        blocks = choose_split(source.blocks(), "train", data.validation, data.test, SPLIT_SEED)
        fields = predictor.needs | getattr(predictor, "targets", frozenset())
        yield from read_split(source, blocks, fields)

    if hasattr(predictor, "fit"):
        predictor.fit(training())
