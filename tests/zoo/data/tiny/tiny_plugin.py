"""A plugin with the least that the data commands need: a simulator, files, and a link."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import (
    Block,
    Config,
    Field,
    Model,
    Predictor,
    Ragged,
    SourceSpec,
    Table,
    Task,
    file_digest,
    hookimpl,
    normal,
    row_ids,
    sample_ids,
    uniform,
)

SAMPLE = {
    "image": Field(dims=("wire", "tick"), dtype="float32", unit="e-", meaning="charge"),
    "mask": Field(dims=("wire", "tick"), dtype="bool", meaning="signal", optional=True),
    "hits": Field(dims=("hit", 3), dtype="float32", unit="mm", meaning="hits", ragged=True),
    "label": Field(dtype="int16", meaning="class", minimum=0, maximum=4),
    "extra": Field(dtype="float64", meaning="never there", optional=True),
}
NEXT = {"score": Field(dtype="float64", meaning="of the model upstream")}


class ToyConfig(Config):
    noise: float = 1.0
    """Width of the noise, e-."""
    seconds: float = 0.0
    """How long an event takes."""


class PlainConfig(Config):
    """No settings."""


class Toy:
    """Two planes of one event: an image, hits, a label."""

    samples_per_key = 2
    variations: Mapping[str, Mapping[str, Any]] = {}

    def __init__(self, config: ToyConfig) -> None:
        self.config = config
        self.facts = {"geometry": {"wires": np.arange(8.0)}, "noise": config.noise}

    def simulate(self, keys: NDArray[np.uint64], fields: frozenset[str]) -> Table:
        time.sleep(self.config.seconds * len(keys))
        ids = row_ids(keys, self.samples_per_key)
        image = (self.config.noise * normal(ids, 8, 50)).astype(np.float32)
        lengths = (ids % np.uint64(4)).astype(np.int64)  # some samples have no hits
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        hits = uniform(np.repeat(ids, lengths), 3).astype(np.float32)
        columns = {
            "image": image,
            "mask": image > 0,
            "hits": Ragged(hits, offsets),
            "label": (ids % np.uint64(5)).astype(np.int16),
        }
        return Table({"id": ids, **{n: c for n, c in columns.items() if n in fields}})


class Images:
    """One .npy file: a block for each ten images, all of one event."""

    facts: Mapping[str, Any] = {}

    def __init__(self, config: PlainConfig, path: str) -> None:
        self.images = np.load(path, allow_pickle=False)
        self.digest = file_digest(Path(path))

    def blocks(self) -> Sequence[Block]:
        starts = range(0, len(self.images), 10)
        return [Block(str(s), len(self.images[s : s + 10]), f"{s // 20}") for s in starts]

    def read(self, block: Block, rows: slice, fields: frozenset[str]) -> Table:
        index = int(block.key) + np.arange(block.rows)[rows]
        columns: dict[str, Any] = {
            "image": self.images[index],
            "hits": Ragged(np.zeros((0, 3), np.float32), np.zeros(len(index) + 1, np.int64)),
            "label": np.zeros(len(index), np.int16),
        }
        ids = sample_ids(self.digest, index)
        return Table({"id": ids, **{n: c for n, c in columns.items() if n in fields}})


class Mean(Predictor):
    """Predicts the mean of the image."""

    needs = frozenset({"image"})

    def __init__(self, config: PlainConfig, facts: Mapping[str, Any]) -> None:
        self.noise = facts.get("noise", 0.0)

    def predict(self, samples: Table, keys: object = None) -> Table:
        return Table({"id": samples.ids, "mean": samples["image"].mean(axis=(1, 2), dtype=float)})


class Scores:
    """Label plus mean."""

    needs = frozenset({"label"})

    def __init__(self, config: PlainConfig) -> None:
        self.config = config

    def facts(self, upstream: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"upstream": upstream}

    def link(self, samples: Table, predictions: Table) -> Table:
        return Table({"id": samples.ids, "score": samples["label"] + predictions["mean"]})


@hookimpl
def zoo_api() -> tuple[int, int]:
    return (1, 0)


@hookimpl
def zoo_tasks() -> Sequence[Task]:
    def source(kind: Any, factory: str, config: str, upstream: str = "") -> SourceSpec:
        here = "tiny_plugin"
        return SourceSpec(
            kind=kind,
            factory=f"{here}:{factory}",
            config=f"{here}:{config}",
            summary="",
            upstream=upstream,
        )

    mean = Model(
        config="tiny_plugin:PlainConfig",
        summary="the mean",
        predictor="tiny_plugin:Mean",
        baseline=True,
        needs=frozenset({"image"}),
    )
    shared: dict[str, Any] = {"codec": "x:X", "learner": "x:X", "metrics": "x:X"}
    return [
        Task(
            name="tiny",
            summary="images",
            sample="tiny_plugin:SAMPLE",
            prediction="tiny_plugin:NEXT",
            models={"mean": mean},
            sources={
                "toy": source("simulator", "Toy", "ToyConfig"),
                "npy": source("adapter", "Images", "PlainConfig"),
            },
            **shared,
        ),
        Task(
            name="tiny-next",
            summary="scores",
            sample="tiny_plugin:NEXT",
            prediction="tiny_plugin:NEXT",
            models={},
            sources={"scores": source("link", "Scores", "PlainConfig", "tiny")},
            **shared,
        ),
    ]
