"""Classical algorithms: baselines and oracles, timed on samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from zoo.bench.case import Case, NotAvailable
from zoo.bench.samples import read_samples, source_for
from zoo.bench.work import Work
from zoo.config.base import Config
from zoo.config.layers import validate
from zoo.config.run import run_config
from zoo.contract.predictor import Predictor
from zoo.contract.refs import resolve
from zoo.contract.table import Ragged, Table
from zoo.prediction.classical import fit, require_predictor
from zoo.prediction.compatibility import missing_fields
from zoo.registry import registry

__all__ = ["classical_work"]


def classical_work(case: Case) -> Work:
    """``predict`` on a batch of samples, after ``fit`` on the training split.

    Raises:
        NotAvailable: If the samples lack a field.
        ZooError: If configuration, data or plugin are wrong.
    """
    id_, rows = case.subject.model, case.conditions.sizes["batch"]
    task, model = registry().model(id_)
    config_class = cast("type[Config]", resolve(model.config))
    config = validate(run_config(config_class), case.subject.config)
    source, data = source_for(task, config.data, rows)
    factory = cast(
        "Callable[[Config, Mapping[str, Any]], Predictor]", resolve(model.predictor or "")
    )
    predictor = require_predictor(factory(config.model, source.facts), id_)
    lacking = missing_fields(source, predictor.needs | predictor.targets)
    if lacking:
        raise NotAvailable(f"needs {', '.join(sorted(lacking))}")
    fit(task, predictor, source, data)
    samples = read_samples(source, data, predictor.needs, rows)
    return Work(call=lambda: predictor.predict(samples, samples.ids), inputs=_shapes(samples))


def _shapes(samples: Table) -> dict[str, tuple[int, ...]]:
    columns = {name: samples[name] for name in samples if name not in ("id", "group")}
    return {
        name: tuple((column.values if isinstance(column, Ragged) else column).shape)
        for name, column in columns.items()
    }
