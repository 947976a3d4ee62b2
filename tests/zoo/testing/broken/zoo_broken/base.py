"""A correct plugin: fields, settings, simulator, codec, metrics, a classical algorithm."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field as Bounded

from zoo.api import (
    Batch,
    Codec,
    Config,
    Field,
    Metrics,
    Number,
    Predictor,
    Simulator,
    Specs,
    Table,
    normal,
    row_ids,
    uniform,
)

SAMPLES = 32
_PLACE, _NOISE, _GAIN = 1, 2, 3

SAMPLE: Specs = {
    "pulse": Field(dims=("time",), dtype="float32", unit="mV", meaning="digitised pulse"),
    "position": Field(dtype="float32", unit="mm", meaning="where it was", minimum=0.0),
}
PREDICTION: Specs = {
    "position": Field(dtype="float32", unit="mm", meaning="estimate of the position"),
}


class NetConfig(Config):
    """A small network."""

    width: int = Bounded(4, ge=1)
    """Channels."""


class NoConfig(Config):
    """Nothing to set."""


class PulsesConfig(Config):
    """A wire and its electronics."""

    noise: float = Bounded(0.1, ge=0)
    """Noise of a sample, mV."""


class Pulses(Simulator):
    """Exponential pulses whose height is the position."""

    samples_per_key: ClassVar[int] = 1

    def __init__(self, config: PulsesConfig) -> None:
        self.config = config
        self.facts: Mapping[str, Any] = {"noise": config.noise}

    def simulate(self, keys: NDArray[np.uint64], fields: frozenset[str]) -> Table:
        position = 1 + 9 * uniform(keys, tag=_PLACE)
        noise = self.config.noise * normal(keys, SAMPLES, tag=_NOISE)
        pulse = position[:, None] * np.exp(-np.arange(SAMPLES) / 8) + noise
        columns = {"pulse": pulse, "position": position}
        wanted = {n: c.astype(np.float32) for n, c in columns.items() if n in fields}
        return Table({"id": row_ids(keys, 1), **wanted})


class PulseCodec(Codec):
    """Pulses and positions over their training means."""

    needs: frozenset[str] = frozenset({"pulse"})
    targets: frozenset[str] = frozenset({"position"})

    @classmethod
    def fit(
        cls, config: Any, facts: Mapping[str, Any], training: Iterable[Table]
    ) -> Mapping[str, Any]:
        samples = Table.concat([table.select(cls.needs | cls.targets) for table in training])
        return {name: float(samples[name].mean(dtype=np.float64)) for name in sorted(SAMPLE)}

    def augment(self, samples: Table, keys: NDArray[np.uint64]) -> Table:
        gain = (0.99 + 0.02 * uniform(keys, tag=_GAIN)).astype(np.float32)
        return samples.with_columns({"pulse": samples["pulse"] * gain[:, None]})

    def encode(self, samples: Table) -> Batch:
        inputs = {"pulse": (samples["pulse"] / self.constants["pulse"]).astype(np.float32)}
        targets = {}
        if "position" in samples:
            scaled = samples["position"] / self.constants["position"]
            targets["position"] = scaled.astype(np.float32)
        return Batch(inputs, targets, samples.ids)

    def decode(self, outputs: Any, samples: Table) -> Table:
        position = np.asarray(outputs["position"]) * self.constants["position"]
        return Table({"id": samples.ids, "position": position.astype(np.float32)})


class PulseMetrics(Metrics):
    """Root mean square of the residual, and its mean."""

    needs: ClassVar[frozenset[str]] = frozenset({"position"})
    primary: ClassVar[str] = "resolution"

    def measure(self, samples: Table, predictions: Table) -> Table:
        residual = predictions["position"].astype(np.float64) - samples["position"]
        return Table({"id": samples.ids, "residual": residual})

    def summarise(self, rows: Table) -> Sequence[Number]:
        residual = rows["residual"]
        squared = float((residual**2).mean()) if rows.rows else float("nan")
        mean = float(residual.mean()) if rows.rows else float("nan")
        return (
            Number(name="resolution", value=squared**0.5, unit="mm"),
            Number(name="bias", value=mean, unit="mm", better="zero", margin=0.1, absolute=True),
        )


class Centroid(Predictor):
    """The mean of the pulse, in units of the training."""

    needs: frozenset[str] = frozenset({"pulse"})
    targets: frozenset[str] = frozenset({"position"})

    def __init__(self, config: NoConfig, facts: Mapping[str, Any]) -> None:
        self.scale = 1.0

    def fit(self, training: Iterable[Table]) -> None:
        ratios = [t["position"] / t["pulse"].mean(1, dtype=np.float64) for t in training]
        self.scale = float(np.concatenate(ratios).mean())

    def predict(self, samples: Table, keys: NDArray[np.uint64] | None = None) -> Table:
        position = samples["pulse"].mean(1, dtype=np.float64) * self.scale
        return Table({"id": samples.ids, "position": position.astype(np.float32)})
