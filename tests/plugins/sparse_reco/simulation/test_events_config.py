"""Settings of the simulator: presets, and bad ones refused."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from zoo.api import DataError
from zoo_sparse_reco.physics.voxel_grid import grid_of
from zoo_sparse_reco.sources.events import Events
from zoo_sparse_reco.sources.events_config import EventsConfig


def test_presets() -> None:
    usual = EventsConfig()
    assert usual.shape == (768, 768, 768)
    assert usual.ghosts is None
    small = EventsConfig(preset="small")
    assert small.shape == (192, 192, 192)
    assert EventsConfig(preset="small", rain=(7, 7)).rain == (7, 7)
    assert EventsConfig.model_validate({"preset": "small", "voxel_mm": 4}).shape == (144,) * 3
    assert EventsConfig.model_validate({"ghosts": "none"}).ghosts is None
    assert EventsConfig.model_validate({"ghosts": {}}).ghosts is not None


def test_settings_survive_being_written() -> None:
    config = EventsConfig.model_validate({"preset": "small", "ghosts": {"spread": 0.2}})
    assert EventsConfig.model_validate(config.model_dump()) == config


def test_facts_hold_the_grid() -> None:
    grid = grid_of(Events(EventsConfig(preset="small", scheme="hip-mip")).facts)
    assert grid.shape == (192, 192, 192)
    assert grid.scheme == "hip-mip"
    assert grid.voxel_mm == 3


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"preset": "large"}, "pilarnet"),
        ({"rain": (4, 2)}, "least, largest"),
        ({"vertices": (-1, 2)}, "greater than or equal to 0"),
        ({"vertex": {"particles": (3, 2)}}, "least, largest"),
        ({"vertex": {"muon": {"energy_mev": (500, 100)}}}, "least, largest"),
        ({"vertex": {"muon": {"weight": -1}}}, "greater than or equal to 0"),
        ({"vertex": {"tau": {}}}, "Extra inputs"),
        ({"voxel_mm": 0.5}, "greater than or equal to 1.5"),
        ({"size_mm": (10, 600, 600)}, "greater than or equal to 30"),
        ({"detector": {"recombination": "jaffe"}}, "birks"),
        ({"detector": {"lifetime_us": 0}}, "greater than 0"),
        ({"ghosts": {"spread": 0.5}}, "less than or equal to 0.33"),
        ({"scheme": "pilarnet"}, "hip-mip"),
        ({"threshold_mev": -0.1}, "greater than or equal to 0"),
    ],
)
def test_bad_settings_are_refused(bad: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        EventsConfig.model_validate(bad)


def test_no_kind_left() -> None:
    kinds = ("muon", "electron", "photon", "pion", "neutral_pion", "proton", "kaon")
    none = {name: {"weight": 0.0} for name in kinds}
    with pytest.raises(ValidationError, match="no kind of particle"):
        EventsConfig.model_validate({"rain_particle": none})


def test_grid_errors_are_data_errors() -> None:
    """Sizes within the limits of settings always give a grid; the grid itself refuses others."""
    grid = Events(EventsConfig(size_mm=(6000.0, 30.0, 30.0), voxel_mm=1.5)).grid
    assert grid.shape == (4000, 20, 20)
    with pytest.raises(DataError, match="voxels"):
        type(grid)(name="wrong", shape=(0, 1, 1), voxel_mm=3.0)
