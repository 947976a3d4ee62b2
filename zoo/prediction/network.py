"""Trained networks as a predictor: encode, one forward pass a batch, decode."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from zoo.artifacts.model_file import ModelRecord, read_model
from zoo.config.base import Config
from zoo.config.layers import validate_stored
from zoo.contract.codec import Batch, Codec
from zoo.contract.learning import LearnerProtocol
from zoo.contract.predictor import Predictor
from zoo.contract.refs import resolve
from zoo.contract.table import Table
from zoo.contract.task import Model, Task
from zoo.data.reader import table_bytes
from zoo.engine.context import prediction_context
from zoo.engine.precision import resolve_device
from zoo.engine.tensors import to_numpy, to_tensors
from zoo.errors import ConfigError, DataError, UsageError, WeightsError
from zoo.files import file_digest
from zoo.registry import registry

__all__ = ["NetworkPredictor", "load_network"]

_BATCH_BYTES = 16 * 2**20
_BATCH_ROWS = 1024


class NetworkPredictor(Predictor):
    """Networks, learner and codec of one trained model.

    Args:
        model: Id ``TASK/NAME``, for messages.
        networks: By name; put on the device and into evaluation mode when they predict.
        learner: Makes outputs from a batch.
        codec: Encodes samples and decodes outputs; its facts are those of the training data.
        device: Where to compute.
        batch: Samples of one forward pass; ``None``: as many as hold 16 MiB, at most 1024.
        info: What else is known of the model: metrics, lineage, name and sha256 of its file, and of
            published weights what their card says.

    Attributes:
        needs: Fields of the samples that the codec reads.
    """

    def __init__(
        self,
        model: str,
        networks: Mapping[str, nn.Module],
        learner: LearnerProtocol,
        codec: Codec,
        *,
        device: str | torch.device = "cpu",
        batch: int | None = None,
        info: Mapping[str, Any] | None = None,
    ) -> None:
        if batch is not None and batch < 1:
            raise UsageError(f"a batch of {batch} samples", remedy="use at least 1")
        self.model = model
        self.networks = networks
        self.learner = learner
        self.codec = codec
        self.device = resolve_device(str(device))
        self.batch = batch
        self.info = dict(info or {})
        self.needs = codec.needs | codec.decodes

    @property
    def facts(self) -> Mapping[str, Any]:
        """Facts of the data that it was trained on."""
        return self.codec.facts

    def fit(self, training: Iterable[Table]) -> None:
        """Nothing: it is trained."""

    def predict(self, samples: Table, keys: NDArray[np.uint64] | None = None) -> Table:
        """Predictions in physical units, in the order of the samples.

        Weights are used as they are: float32, no gradients, evaluation mode. The networks are
        left in the mode they were in.

        Args:
            samples: With the fields in :attr:`needs`.
            keys: ``(N,)`` uint64, what is random is drawn from them, in ``encode`` and in the
                learner; ``None``: the ids.

        Raises:
            DataError: If a field is missing or there are no samples.
        """
        self._require_fields(samples)
        keys = samples.ids if keys is None else np.asarray(keys, np.uint64)
        step = self.batch or _rows_per_batch(samples.select(self.needs))
        with _evaluating(self._modules(), self.device):
            parts = [
                self._predict_batch(samples.take(slice(at, at + step)), keys[at : at + step])
                for at in range(0, samples.rows, step)
            ]
        return Table.concat(parts)

    def outputs(self, batch: Batch) -> Any:
        """What the learner makes of an encoded batch, as numpy arrays: what ``decode`` gets."""
        with _evaluating(self._modules(), self.device):
            return self._outputs(batch)

    def _modules(self) -> list[nn.Module]:
        learner = [self.learner] if isinstance(self.learner, nn.Module) else []
        return [*self.networks.values(), *learner]

    def _predict_batch(self, samples: Table, keys: NDArray[np.uint64]) -> Table:
        inputs = samples.select(self.needs)  # without truth: codecs encode targets where they are
        batch = self.codec.encode(inputs.with_columns({"id": keys}))
        return self.codec.decode(self._outputs(batch), inputs)

    def _outputs(self, batch: Batch) -> Any:
        with torch.no_grad():
            tensors = to_tensors(batch, self.device)
            context = prediction_context(batch.ids, self.device)
            return to_numpy(self.learner.predict(self.networks, tensors, context))

    def _require_fields(self, samples: Table) -> None:
        for field in sorted(self.needs):
            if field not in samples:
                raise DataError(
                    f"{self.model} needs this field, which the samples lack",
                    where=field,
                    remedy=f"they have {', '.join(samples)}",
                )
        if samples.rows == 0:
            raise DataError(
                "there are no samples to predict", where=self.model, remedy="give at least one"
            )


def load_network(
    path: Path,
    *,
    model: str = "",
    device: str = "cpu",
    batch: int | None = None,
    about: Mapping[str, Any] | None = None,
) -> NetworkPredictor:
    """The model of a model file.

    Args:
        path: ``model.safetensors`` or a snapshot.
        model: The id it is expected to be; empty: any.
        device: ``cpu``, ``cuda``, ``cuda:1`` or ``auto``.
        batch: See :class:`NetworkPredictor`.
        about: What is known of it besides, for ``info``: the card of published weights.

    Raises:
        WeightsError: If the file is damaged, of another model, or does not fit its networks.
        PluginError: If the plugin of its model is missing.
    """
    record = read_model(path)
    if model and record.model != model:
        raise WeightsError(
            f"these are weights of another model: {record.model}, not {model}",
            where=str(path),
            remedy=f"name {record.model}, or other weights",
        )
    task, spec = registry().model(record.model)
    config = _config(spec, record, path)
    codec_class = cast("Callable[..., Codec]", resolve(spec.codec or task.codec))
    return NetworkPredictor(
        record.model,
        _networks(spec, config, record, path),
        _learner(task, spec, config, record, path),
        codec_class(config, record.facts, record.constants),
        device=device,
        batch=batch,
        info={
            "metrics": record.metrics,
            "lineage": record.lineage,
            "file": path.name,
            "sha256": file_digest(path),
            **(about or {}),
        },
    )


def _config(spec: Model, record: ModelRecord, path: Path) -> Config:
    config_class = cast("type[Config]", resolve(spec.config))
    try:
        return validate_stored(config_class, record.config, str(path))
    except ConfigError as error:
        raise WeightsError(
            f"its config does not suit this version of {record.model}: {error.message}",
            where=str(path),
            remedy=f"it was written by {record.plugin} {record.plugin_version}: use that version",
        ) from error


def _learner(
    task: Task, spec: Model, config: Config, record: ModelRecord, path: Path
) -> LearnerProtocol:
    factory = cast("Callable[..., LearnerProtocol]", resolve(spec.learner or task.learner))
    learner = factory(config, record.facts)
    if isinstance(learner, nn.Module):
        _load_state(learner, _tensors(record, "learner"), f"{path}: learner")
    return learner


def _networks(spec: Model, config: Config, record: ModelRecord, path: Path) -> dict[str, nn.Module]:
    if spec.networks is None:
        raise WeightsError(
            f"{record.model} is classical and has no networks",
            where=str(path),
            remedy="name the model that the file is for, or train again",
        )
    factory = cast("Callable[..., dict[str, nn.Module]]", resolve(spec.networks))
    networks = factory(config, record.facts)
    for name, net in networks.items():
        _load_state(net, _tensors(record, f"networks/{name}"), f"{path}: {name}")
    return networks


def _tensors(record: ModelRecord, place: str) -> dict[str, torch.Tensor]:
    return {
        name.removeprefix(f"{place}/"): torch.from_numpy(array)
        for name, array in record.tensors.items()
        if name.startswith(f"{place}/")
    }


def _load_state(net: nn.Module, found: Mapping[str, torch.Tensor], where: str) -> None:
    expected = net.state_dict()
    for name in sorted(expected.keys() | found.keys()):
        if name not in found or name not in expected:
            state = "is missing" if name in expected else "is not in the network"
            raise WeightsError(f"tensor '{name}' {state}", where=where, remedy=_OTHER)
        if found[name].shape != expected[name].shape:
            shapes = f"{list(found[name].shape)}, not {list(expected[name].shape)}"
            raise WeightsError(f"tensor '{name}' has shape {shapes}", where=where, remedy=_OTHER)
    net.load_state_dict(dict(found))


_OTHER = "the weights are of another configuration or version of this model"


@contextmanager
def _evaluating(modules: Sequence[nn.Module], device: torch.device) -> Iterator[None]:
    """Modules on the device and in evaluation mode, each left in the mode it had."""
    modes = [(part, part.training) for module in modules for part in module.modules()]
    try:
        for module in modules:
            module.to(device).eval()
        yield
    finally:
        for part, mode in modes:
            part.training = mode


def _rows_per_batch(samples: Table) -> int:
    per_row = max(table_bytes(samples) // max(samples.rows, 1), 1)
    return int(min(max(_BATCH_BYTES // per_row, 1), _BATCH_ROWS))
