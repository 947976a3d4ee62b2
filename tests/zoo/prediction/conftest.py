"""An untrained pad network in a model file: what it predicts is bad, but it is its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from zoo.artifacts.model_file import ModelRecord, write_model
from zoo.config.run import DataConfig
from zoo.contract.table import Table
from zoo.prediction.sources import open_source
from zoo_miniatures.track.codec import PadCodec
from zoo_miniatures.track.config import PadNetConfig
from zoo_miniatures.track.models import networks

FIELDS = frozenset({"pads", "position"})


@pytest.fixture(scope="session")
def samples() -> Table:
    source = open_source("mini-track", DataConfig(source="tracks", events=20, seed=3))
    blocks = source.blocks()
    return Table.concat([source.read(b, slice(0, b.rows), FIELDS) for b in blocks])


@pytest.fixture(scope="session")
def record(samples: Table) -> ModelRecord:
    config = PadNetConfig()
    torch.manual_seed(0)
    net = networks(config, {})["net"]
    net.train()
    with torch.no_grad():
        net(torch.randn(64, 1, *samples["pads"].shape[1:]))  # moves the means of BatchNorm, if any
    tensors = {f"networks/net/{n}": t.numpy() for n, t in net.state_dict().items()}
    return ModelRecord(
        model="mini-track/pad-net",
        plugin="mini-track",
        plugin_version="0",
        api="1.0",
        config=config.model_dump(mode="json"),
        facts={"geometry": {"pads": 24, "pitch": np.array([4.0, 4.0])}, "noise": 8.0},
        constants=PadCodec.fit(config, {}, [samples]),
        tensors=tensors,
    )


@pytest.fixture(scope="session")
def model_file(record: ModelRecord, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    write_model(path, record)
    return path
