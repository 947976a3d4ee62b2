"""An exported file as a predictor: encode, run, decode; no torch for ONNX."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from zoo.config.base import Config
from zoo.config.layers import validate_stored
from zoo.contract.codec import Codec
from zoo.contract.predictor import Predictor
from zoo.contract.refs import resolve
from zoo.contract.table import Table
from zoo.errors import ConfigError, DataError, UsageError, WeightsError
from zoo.files import file_digest
from zoo.registry import registry
from zoo.runtimes.header import ExportHeader
from zoo.runtimes.runtime import Runtime, open_runtime

__all__ = ["ExportedPredictor", "load_exported"]


class ExportedPredictor(Predictor):
    """An exported file between its model's ``encode`` and ``decode``.

    The outputs that ``decode`` receives are a mapping by the names of the deploy's outputs.

    Args:
        runtime: The loaded file.
        codec: Codec of its model, with the facts and constants of the file.
        batch: Samples of one run.

    Attributes:
        needs: Fields of the samples that the codec reads.
        model: Id ``TASK/NAME``.
        info: Lineage, and the file's name and sha256.
    """

    def __init__(self, runtime: Runtime, codec: Codec, *, batch: int = 1) -> None:
        if batch < 1:
            raise UsageError(f"a batch of {batch} samples", remedy="use at least 1")
        self.runtime = runtime
        self.codec = codec
        self.batch = batch
        self.needs = codec.needs | codec.decodes
        self.model = runtime.header.model
        self.info = {
            "lineage": runtime.header.lineage,
            "file": runtime.path.name,
            "sha256": file_digest(runtime.path),
        }

    @property
    def facts(self) -> Mapping[str, Any]:
        """Facts of the data that it was trained on."""
        return self.codec.facts

    def fit(self, training: Iterable[Table]) -> None:
        """Nothing: it is trained."""

    def predict(self, samples: Table, keys: NDArray[np.uint64] | None = None) -> Table:
        """Predictions in physical units, in the order of the samples.

        Args:
            samples: With the fields in :attr:`needs`.
            keys: ``(N,)`` uint64, the codec draws from them what is random; ``None``: the ids.

        Raises:
            DataError: If a field is missing, there are no samples, or the file refuses their size.
            UsageError: If the file's inputs are not those that the codec makes.
        """
        missing = sorted(self.needs - set(samples))
        if missing:
            raise DataError(
                f"{self.model} needs this field, which the samples lack",
                where=missing[0],
                remedy=f"they have {', '.join(samples)}",
            )
        if samples.rows == 0:
            raise DataError(
                "there are no samples to predict", where=self.model, remedy="give at least one"
            )
        keys = samples.ids if keys is None else np.asarray(keys, np.uint64)
        inputs = samples.select(self.needs)  # without truth: codecs encode targets where they are
        rows = (slice(at, at + self.batch) for at in range(0, samples.rows, self.batch))
        return Table.concat([self._predict_batch(inputs.take(part), keys[part]) for part in rows])

    def _predict_batch(self, samples: Table, keys: NDArray[np.uint64]) -> Table:
        encoded = self.codec.encode(samples.with_columns({"id": keys})).inputs
        if set(encoded) != set(self.runtime.header.inputs):
            raise UsageError(
                f"the file takes {', '.join(self.runtime.header.inputs)}, "
                f"the codec makes {', '.join(encoded)}: it is for its consumer only",
                where=str(self.runtime.path),
                remedy="predict with the run or the weights",
            )
        return self.codec.decode(self.runtime(encoded), samples)


def load_exported(path: Path, format_name: str = "", *, batch: int = 1) -> ExportedPredictor:
    """The predictor of an exported file.

    Args:
        path: ``.onnx``, ``.pt2`` or ``.ts``.
        format_name: Its format; empty: by the suffix.
        batch: Samples of one run; memory grows with it.

    Raises:
        UsageError: If the format is unknown, or its runtime is not installed.
        WeightsError: If the file is damaged, foreign, or does not suit the installed plugin.
        PluginError: If the plugin of its model is not installed.
    """
    runtime = open_runtime(path, format_name)
    return ExportedPredictor(runtime, _codec(runtime.header, path), batch=batch)


def _codec(header: ExportHeader, path: Path) -> Codec:
    task, model = registry().model(header.model)
    config_class = cast("type[Config]", resolve(model.config))
    try:
        config = validate_stored(config_class, header.config, str(path))
    except ConfigError as error:
        raise WeightsError(
            f"its config does not suit this version of {header.model}: {error.message}",
            where=str(path),
            remedy=f"it was exported by {header.plugin} {header.plugin_version}: use that version",
        ) from error
    factory = cast("Callable[..., Codec]", resolve(model.codec or task.codec))
    return factory(config, header.facts, header.constants)
