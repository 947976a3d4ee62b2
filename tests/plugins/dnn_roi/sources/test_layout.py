"""Geometry files: those that come with the plugin, and ones that are refused."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from zoo.api import ConfigError, DataError
from zoo_dnn_roi.physics.geometry import protodune_hd
from zoo_dnn_roi.physics.wire_geometry import load_wires
from zoo_dnn_roi.sources.layout import Layout, load_layout, presets


def test_presets_have_the_planes_of_their_detectors() -> None:
    """Channels of U, V and W; the files name the sources."""
    sizes = {name: [plane.wires for plane in load_layout(name).planes] for name in presets()}
    assert sizes == {
        "icarus": [1056, 5600, 5600],
        "microboone": [2400, 2400, 3456],
        "protodune-hd": [800, 800, 960],
        "protodune-vd": [476, 476, 584],
        "sbnd": [1984, 1984, 1670],
    }
    assert load_layout("protodune-vd").planes[1].channels == (476, 952)


# Name, plane, angle, (height, length) of what its wires cover, mm, wires. Where the common
# perpendicular of wires at a distance p is at an angle a from z, there are
# (length |cos a| + height |sin a|) / p of them.
COVERED = [
    # wire-cell-toolkit, DetectorWires.h: bounds of U and V, and of the middles of W's wires
    ("microboone", "U", -60.0, (2329.6, 10369.25), 2400),
    ("microboone", "V", 60.0, (2329.6, 10369.25), 2400),
    ("microboone", "W", 0.0, (2330.0, 10365.0 + 3.0), 3456),
    # builder of ProtoDUNE-VD's GDML: active 335.8 cm x 149.0 cm of a unit
    ("protodune-vd", "U", -60.0, (3358.0, 1490.0), 476),
    ("protodune-vd", "V", 60.0, (3358.0, 1490.0), 476),
    ("protodune-vd", "W", 0.0, (3358.0, 2 * 1490.0), 584),  # an upper and a lower half of 292
    # sbndcode's GDML: 5010 mm; readout from -2000 to 2000 mm (2_geometry-and-timing.md)
    ("sbnd", "U", 60.0, (4000.0, 5010.0), 1984),
    ("sbnd", "V", -60.0, (4000.0, 5010.0), 1984),
    ("sbnd", "W", 0.0, (4000.0, 5010.0), 1670),
    # icaruscode's generator: 316.0 cm, half of 1795.5 cm
    ("icarus", "U", 90.0, (3160.0, 8977.5), 1056),
    # wire file of ProtoDUNE-HD: W of both faces, 480 each over 2300 mm
    ("protodune-hd", "W", 0.0, (5980.0, 2 * 2300.0), 960),
]


@pytest.mark.parametrize(("name", "plane", "angle", "size", "wires"), COVERED)
def test_pitches_and_numbers_of_wires_agree_with_the_size_of_the_detector(
    name: str, plane: str, angle: float, size: tuple[float, float], wires: int
) -> None:
    height, length = size
    (found,) = (one for one in load_layout(name).planes if one.name == plane)
    assert found.pitch_mm is not None
    assert found.angle_deg in {None, angle}
    turn = np.deg2rad(angle)
    covered = (length * abs(np.cos(turn)) + height * abs(np.sin(turn))) / found.pitch_mm
    assert found.wires == wires == pytest.approx(covered, rel=5e-3)


def test_channel_numbers_of_real_anodes_are_accepted() -> None:
    """As the experiments number them, per block (first, channels)."""
    blocks = {
        # icaruscode, funcs.jsonnet: anodes 110 and 121
        "icarus": [
            [(0, 1056), (2400, 5600), (8128, 5600)],
            [(14976, 1056), (16192, 5600), (21984, 5600)],
        ],
        # wire file v7 of ProtoDUNE-VD: 8 anodes in blocks of 3808, 3808 and 4672 channels
        "protodune-vd": [
            [(476 * n, 476), (3808 + 476 * n, 476), (7616 + 584 * n, 584)] for n in range(8)
        ],
        # sbndcode: chamber n begins at 5638 n; of 4802 to 4807 it says that W lacks their wires
        "sbnd": [[(5638 * n, 5638)] for n in range(2)],
        "microboone": [[(0, 8256)]],
    }
    for name, anodes in blocks.items():
        layout = load_layout(name)
        for anode in anodes:
            channels = np.concatenate([np.arange(first, first + n) for first, n in anode])
            order = layout.order(channels, name)
            starts = [channels[order[plane.used]][0] for plane in layout.planes]
            if layout.gaps:
                assert starts == [first for first, _ in anode]
    lacking = np.arange(4802, 4808) - load_layout("sbnd").planes[2].channels[0]
    assert (lacking >= 0).all()
    assert (lacking < 1670).all()
    with pytest.raises(DataError, match="5632 channels, where an anode has 5638"):
        load_layout("sbnd").order(np.arange(5632), "an older frame")


@pytest.mark.realdata
def test_protodune_hd_is_what_its_wire_file_says(real_data: Path) -> None:
    layout = load_layout("protodune-hd")
    for anode in load_wires(real_data / "dnn-roi" / "protodunehd-wires-larsoft-v1.json.bz2"):
        channels = np.concatenate([anode.channels(index) for index in range(3)])
        order = layout.order(channels, "wire file")
        for index, plane in enumerate(layout.planes):
            assert (channels[order[plane.used]] == anode.channels(index)).all()
            for face in anode.faces:
                assert face[index].pitch_mm == pytest.approx(plane.pitch_mm, abs=2e-4)
                assert abs(face[index].angle_deg) == pytest.approx(abs(plane.angle_deg), abs=1e-3)


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
