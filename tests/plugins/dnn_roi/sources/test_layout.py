"""Geometry files: those that come with the plugin, and ones that are refused."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from zoo.api import ConfigError, DataError
from zoo_dnn_roi.physics.geometry import protodune_hd
from zoo_dnn_roi.sources.layout import Layout, load_layout, presets


def test_presets_have_the_planes_of_their_detectors() -> None:
    """Wires of U, V and W: the crops of the public training code (reference, section 1.1)."""
    sizes = {name: [plane.wires for plane in load_layout(name).planes] for name in presets()}
    assert sizes == {
        "icarus": [1056, 5600, 5600],
        "microboone": [2400, 2400, 3456],
        "protodune-hd": [800, 800, 960],
        "protodune-vd": [476, 476, 584],
        "sbnd": [1984, 1984, 1664],
    }
    assert load_layout("sbnd").ticks == (0, 3500)
    assert load_layout("protodune-vd").planes[1].channels == (476, 952)


def test_protodune_hd_is_the_detector_of_the_simulators() -> None:
    facts = load_layout("protodune-hd").facts()["geometry"]
    planes = protodune_hd().planes
    assert facts["pitch_mm"] == {plane.name: plane.pitch_mm for plane in planes}
    assert facts["angle_deg"] == {plane.name: plane.angle_deg for plane in planes}


def test_the_digest_is_of_what_is_said(tmp_path: Path, wct: ModuleType) -> None:
    path = wct.geometry(tmp_path)
    digest = load_layout(str(path)).digest
    path.write_text("# another comment\n" + path.read_text())
    assert load_layout(str(path)).digest == digest
    path.write_text(path.read_text().replace("-20.0", "-21.0"))
    assert load_layout(str(path)).digest != digest


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("[24, 48]", "[25, 48]", "begins at channel 25, not at 24"),
        ("[24, 48]", "[20, 48]", "begins at channel 20, not at 24"),
        ("[24, 48]", "[48, 24]", "first, one past the last"),
        ("[24, 48]", "[24, 48]\ncrop = [0, 25]", "no part of 24 wires"),
        ('name = "B"', 'name = "A"', "two planes have one name"),
        ("induction = false", "induction = true", "one or two induction planes"),
        ("induction = false", "induction = false\npich_mm = 3.0", "Extra inputs"),
        ("400.0", "400.0\nticks = [9, 9]", "ticks must be first"),
        ("tick_ns = 400.0", "", "tick_ns"),
        ("tick_ns = 400.0", "tick_ns =", "cannot be read"),
    ],
)
def test_wrong_files_are_refused(
    tmp_path: Path, wct: ModuleType, old: str, new: str, match: str
) -> None:
    path = wct.geometry(tmp_path)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(ConfigError, match=match):
        load_layout(str(path))


def test_an_unknown_detector_is_told_which_there_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such detector") as caught:
        load_layout("protodune-dh")
    assert "protodune-hd" in caught.value.remedy
    with pytest.raises(ConfigError, match="cannot be read"):
        load_layout(str(tmp_path / "none.toml"))


def invented(gaps: bool = False) -> Layout:
    planes = [
        {"name": "A", "induction": True, "channels": (0, 2)},
        {"name": "B", "induction": False, "channels": (2, 5)},
    ]
    return Layout.model_validate({"name": "x", "tick_ns": 1, "gaps": gaps, "planes": planes})


def test_rows_are_found_in_any_order() -> None:
    assert invented().order(np.array([9, 5, 7, 8, 6]), "f").tolist() == [1, 4, 2, 3, 0]
    assert invented(gaps=True).order(np.array([90, 4, 7, 8, 5]), "f").tolist() == [1, 4, 2, 3, 0]


@pytest.mark.parametrize(
    ("channels", "match"),
    [
        ([0, 1, 2, 3], "4 channels, where an anode has 5"),
        ([0, 1, 2, 3, 3], "two rows of one channel"),
        ([0, 1, 2, 3, 9], "numbers are missing"),
        ([1, 2, 3, 4, 5], "first channel 1, no multiple of 5"),
    ],
)
def test_a_wrong_channel_map_is_refused(channels: list[int], match: str) -> None:
    with pytest.raises(DataError, match=f"wrong channel map.*{match}"):
        invented().order(np.array(channels), "f")
