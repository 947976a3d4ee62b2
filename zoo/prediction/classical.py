"""Classical algorithms: ids that need no weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from zoo.config.base import Config
from zoo.config.run import DataConfig
from zoo.contract.predictor import Predictor
from zoo.contract.refs import resolve
from zoo.contract.source import Source
from zoo.contract.specs import Specs
from zoo.contract.table import Table
from zoo.contract.task import Task
from zoo.data.checks import require_finite
from zoo.data.failures import plugin_code
from zoo.data.reader import read_split
from zoo.data.splits import SPLIT_SEED, choose_split
from zoo.errors import PluginError, UsageError
from zoo.registry import registry

__all__ = ["fit", "load_classical", "require_predictor", "training_tables"]


def load_classical(id_: str, facts: Mapping[str, Any]) -> Predictor:
    """A classical algorithm with its default config.

    Args:
        id_: ``TASK/NAME``.
        facts: Constants of the data set that it will see.

    Raises:
        UsageError: If the id names networks, which need weights.
        PluginError: If the id is unknown, or its predictor lacks a part.
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
    return require_predictor(predictor, id_)


def require_predictor(predictor: Predictor, where: str) -> Predictor:
    """Check that an object has all of the protocol.

    Raises:
        PluginError: Naming what it lacks.
    """
    for attribute in ("needs", "targets", "fit", "predict"):
        if not hasattr(predictor, attribute):
            raise PluginError(
                f"its predictor has no '{attribute}'",
                where=where,
                remedy="derive it from zoo.api.Predictor, which has the defaults",
            )
    return predictor


def fit(task: Task, predictor: Predictor, source: Source, data: DataConfig) -> None:
    """Fit a predictor on the training split of a source, whatever split it will predict.

    Args:
        task: Its specs say which values must be finite.
        predictor: It is given its ``needs`` and ``targets``.
        source: Holds the samples.
        data: Gives the fractions of the split.
    """
    with plugin_code(type(predictor).__name__):
        predictor.fit(training_tables(task, predictor, source, data))


def training_tables(
    task: Task, predictor: Predictor, source: Source, data: DataConfig
) -> Iterator[Table]:
    """What :func:`fit` gives: nothing is read before a predictor asks, and most never do."""
    specs = cast("Specs", resolve(task.sample))
    blocks = choose_split(source.blocks(), "train", data.validation, data.test, SPLIT_SEED)
    for table in read_split(source, blocks, predictor.needs | predictor.targets):
        yield require_finite(table, specs, source)
