"""An installed plugin that publishes two versions of an untrained pad network of mini-track."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from zoo.artifacts.canonical import digest
from zoo.artifacts.model_file import ModelRecord, write_model
from zoo.cli.app import app
from zoo.config.run import DataConfig
from zoo.errors import ZooError
from zoo.evaluation import evaluate
from zoo.evaluation.formatting import bin_label
from zoo.files import file_digest
from zoo.registry import registry
from zoo_miniatures.track.config import PadNetConfig
from zoo_miniatures.track.models import networks
from zoo_miniatures.track.physics import ROWS

ID = "mini-track/pad-net"
MAKING = "zoo data simulate mini-track --data tracks --events 40 --seed 5 --out tracks.h5"
FACTS = {"diffusion": 0.25, "noise": 8.0}
_PLUGIN = """
from zoo.api import hookimpl

@hookimpl
def zoo_api():
    return (1, 0)

@hookimpl
def zoo_cards():
    return ["minicards:cards"]
"""
_CARD = """
kind = "weights"
id = "{id}"
version = "{version}"
summary = "An untrained network."
citation = "Nobody, 2026"
known_failures = []

[file]
name = "{name}"
sha256 = "{sha256}"
size = {size}
mirrors = ["{name}"]

[licences]
weights = "Apache-2.0"
data = "CC0-1.0"

[training]
command = "zoo train {id}"
environment = {{ python = "3.11" }}
config_digest = "{config}"
device = "cpu"
steps = 0

[domain]
trained_on = "zoo simulator: straight tracks of mini-track"
sources = ["tracks"]
"""
_METRIC = """
[[metrics]]
name = {name}
value = {value!r}
interval = [{low!r}, {high!r}]
bin = {bin}
n = {n}
data = "40 tracks"
data_digest = "{digest}"
data_command = "{making}"
command = "{command}"
"""

Zoo = Callable[..., Any]


@dataclass
class Site:
    """What is installed.

    Attributes:
        path: The folder that Python searches.
        files: Version -> model file.
        change: Rewrites a card.
    """

    path: Path
    files: dict[str, Path] = field(default_factory=dict)

    def card(self, version: str = "v1") -> Path:
        return self.path / "minicards" / "cards" / f"pad-net-{version}.toml"

    def change(self, old: str, new: str, version: str = "v1") -> None:
        text = self.card(version).read_text()
        assert old in text
        self.card(version).write_text(text.replace(old, new))
        registry.cache_clear()


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Two versions; the card of the first states all of its numbers on 40 tracks."""
    site = Site(tmp_path_factory.mktemp("site"))
    info = site.path / "minicards-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: minicards\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[zoo.plugins]\nminicards = minicards.plugin\n")
    (site.path / "minicards" / "cards").mkdir(parents=True)
    (site.path / "minicards" / "__init__.py").write_text("")
    (site.path / "minicards" / "plugin.py").write_text(_PLUGIN)
    for number, version in enumerate(("v1", "v2")):
        path = site.card(version).with_suffix(".safetensors")
        write_model(path, _record(number))
        site.files[version] = path
        text = _CARD.format(
            id=ID,
            version=version,
            name=path.name,
            sha256=file_digest(path),
            size=path.stat().st_size,
            config=digest(PadNetConfig().model_dump(mode="json")),
        )
        site.card(version).write_text(text)
    site.card().write_text(site.card().read_text() + _metrics(site.files["v1"]))
    return site


def _record(seed: int) -> ModelRecord:
    config = PadNetConfig()
    torch.manual_seed(seed)
    state = networks(config, FACTS)["net"].state_dict()
    return ModelRecord(
        model=ID,
        plugin="mini-track",
        plugin_version="0",
        api="1.0",
        config=config.model_dump(mode="json"),
        facts=FACTS,
        constants={"row_scale": np.full(ROWS, 100.0), "mean": 0.0, "std": 20.0},
        tensors={f"networks/net/{name}": tensor.numpy() for name, tensor in state.items()},
    )


def _metrics(path: Path) -> str:
    """What `zoo eval` says now, in the words of a card."""
    data = DataConfig(source="tracks", events=40, seed=5)
    results = evaluate(str(path), data, split="all", resamples=20, displays=False)
    told = results.as_dict()
    numbers = told["models"][0]["numbers"]
    return "".join(
        _METRIC.format(
            name=json.dumps(number["name"]),
            value=number["value"],
            low=number["low"],
            high=number["high"],
            bin=json.dumps(_bin(number)),
            n=number["n"],
            digest=told["data"]["digest"],
            making=MAKING,
            command=f"zoo eval {ID}@v1 --data tracks.h5 --split all --resamples 20",
        )
        for number in numbers
        if None not in (number["value"], number["low"], number["high"])
    )


def _bin(number: dict[str, Any]) -> str:
    if not number["column"]:
        return ""
    return bin_label(number["column"], number["lower"], number["upper"])


@pytest.fixture
def site(published: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A copy of it that is installed, beside mini-track alone."""
    shutil.copytree(published.path, tmp_path / "site")
    copy = Site(tmp_path / "site")
    copy.files = {
        version: copy.card(version).with_suffix(".safetensors") for version in ("v1", "v2")
    }
    monkeypatch.syspath_prepend(copy.path)
    monkeypatch.setenv("ZOO_PLUGINS", "mini-track,minicards")
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    monkeypatch.chdir(tmp_path)
    for name in [name for name in sys.modules if name.startswith("minicards")]:
        monkeypatch.delitem(sys.modules, name)
    registry.cache_clear()
    yield copy
    registry.cache_clear()


@pytest.fixture
def zoo() -> Zoo:
    """``zoo WORDS --json`` within the test's process: its JSON, or its error."""

    def run(*words: object, folder: Path | None = None) -> Any:
        with pytest.MonkeyPatch.context() as patch:
            if folder is not None:
                patch.chdir(folder)
            done = CliRunner().invoke(app, [*map(str, words), "--json"])
        told = json.loads(done.stdout)
        if done.exit_code and "exit_code" in told:
            raise ZooError.from_dict(told)
        return told

    return run
