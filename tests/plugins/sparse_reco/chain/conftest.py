"""Small simulated events, and their truth as the stages would say it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zoo.api import Ragged, Table
from zoo.registry import registry
from zoo_sparse_reco.chain.running import Chain
from zoo_sparse_reco.chain.stages import STAGES, TRUTH, open_stages
from zoo_sparse_reco.physics.voxel_grid import VoxelGrid
from zoo_sparse_reco.sources.events import Events
from zoo_sparse_reco.sources.events_config import EventsConfig
from zoo_sparse_reco.specs import SAMPLE, VOXELS

ALL_TRUE = {stage.name: TRUTH for stage in STAGES}


@pytest.fixture(scope="module", autouse=True)
def plugin() -> Iterator[None]:
    """The registry with this plugin alone, whatever is installed."""
    point = EntryPoint("sparse-reco", "zoo_sparse_reco.plugin", "zoo.plugins")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("zoo.registry.entry_points", lambda **_: [point])
        registry.cache_clear()
        yield
    registry.cache_clear()


Command = Callable[..., str]


@pytest.fixture(scope="session")
def command() -> Command:
    """Runs a command of zoo that ends well: arguments, and settings; what it writes."""
    from typer.testing import CliRunner

    from zoo.cli.app import app

    def run(*arguments: str, settings: Sequence[str] = ()) -> str:
        given = [part for one in settings for part in ("--set", one)]
        told = CliRunner().invoke(app, [*arguments, *given])
        assert told.exit_code == 0, told.output
        return told.stdout

    return run


@pytest.fixture(scope="session")
def simulator() -> Events:
    """Two or three vertices and one single particle in a cube of 38 cm."""
    return Events(
        EventsConfig(size_mm=(384, 384, 384), vertices=(2, 3), rain=(1, 1), energy_factor=0.25)
    )


@pytest.fixture(scope="session")
def events(simulator: Events) -> Table:
    """Five of them."""
    return simulator.simulate(np.arange(11, 16, dtype=np.uint64), frozenset(SAMPLE))


@pytest.fixture(scope="session")
def facts(simulator: Events) -> Mapping[str, Any]:
    """Theirs."""
    return simulator.facts


@pytest.fixture(scope="session")
def grid(simulator: Events) -> VoxelGrid:
    """Theirs."""
    return simulator.grid


@pytest.fixture(scope="session")
def true_chain(facts: Mapping[str, Any], grid: VoxelGrid) -> Chain:
    """All stages answer the truth."""
    return Chain(open_stages(ALL_TRUE, facts), grid)


@pytest.fixture(scope="session")
def true_reco(true_chain: Chain, events: Table) -> Table:
    """What becomes of the events then."""
    return true_chain(events)


@pytest.fixture(scope="session")
def event_file(command: Command, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five events in a file that zoo wrote."""
    path = tmp_path_factory.mktemp("events") / "events.h5"
    options = ("size_mm=[384, 384, 384]", "vertices=[2, 3]", "rain=[1, 1]", "energy_factor=0.25")
    command(
        *("data", "simulate", "sparse-semantic", "--data", "events", "--events", "5"),
        *("--seed", "4", "--out", str(path)),
        settings=[f"data.options.{one}" for one in options],
    )
    return path


@pytest.fixture(scope="session")
def linked_files(
    command: Command, event_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, tuple[str, Path]]:
    """The events with what the classical models say, link after link: task and file of each."""
    folder = tmp_path_factory.mktemp("linked")
    found: dict[str, tuple[str, Path]] = {}
    before = event_file
    for source, task, model in (
        ("classes", "sparse-cluster", "sparse-semantic/local-dedx"),
        ("fragments", "sparse-group", "sparse-cluster/dbscan"),
        ("particles", "sparse-group", "sparse-group/nearest-start"),
    ):
        path = folder / f"{source}.h5"
        command(
            *("data", "convert", task, "--data", source, "--out", str(path)),
            settings=[f"data.model={model}", f"data.upstream.path={before}"],
        )
        found[source] = (task, path)
        before = path
    return found


@pytest.fixture(scope="session")
def voxels_of() -> Callable[[Sequence[Mapping[str, Any]]], Table]:
    """Events of nothing but voxels: each a mapping of columns; what is not given is 1."""

    def made(rows: Sequence[Mapping[str, Any]]) -> Table:
        names = [name for name in VOXELS if name != "plane_charge"]
        columns = {
            name: Ragged.of(
                [
                    np.asarray(row.get(name, np.ones(len(row["voxel_x"]))), VOXELS[name].dtype)
                    for row in rows
                ]
            )
            for name in names
        }
        return Table({"id": np.arange(len(rows), dtype=np.uint64), **columns})

    return made
