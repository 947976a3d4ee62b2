"""Stacks of plates: the built-in ones, files, fewer cells, thicker absorber, refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from zoo.api import ConfigError
from zoo_calo.physics.detector_files import read_stack

SMALL = """
name = "small"
width_mm = 100.0
gap_mm = 0.5
mip_mev = 0.2
threshold_mev = 0.1
[sensitive]
material = "silicon"
thickness_mm = 1.0
[cells]
shape = [6, 9]
size_mm = 10.0
particle = [2, 4]
[[layers]]
first_mm = 5.0
pitch_mm = 10.0
count = 3
in_front = [["tungsten", 2.0], ["silicon-dioxide", 1.0]]
"""


def written(folder: Path, text: str) -> str:
    path = folder / "detector.toml"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize(
    ("name", "shape", "sensitive"),
    [
        ("ild-ecal", (30, 30, 30), 30),
        ("ild-ecal-angled", (30, 30, 40), 30),
        ("calochallenge", (45, 16, 9), 90),
        ("ahcal", (48, 48, 48), 48),
    ],
)
def test_detectors_of_the_package(name: str, shape: tuple[int, ...], sensitive: int) -> None:
    stack = read_stack(name)
    assert stack.grid.shape == shape
    assert len(stack.sensitive) == sensitive
    assert stack.grid.name == name


def test_the_silicon_of_the_ild_stands_where_the_public_code_has_it() -> None:
    # Planes of create_hdf5.py of arXiv:2005.05334, y in mm; the particle starts at 1810.
    planes = [
        1811, 1814, 1824, 1827, 1836, 1839, 1849, 1852, 1861, 1864, 1873, 1877, 1886, 1889, 1898,
        1902, 1911, 1914, 1923, 1926, 1938, 1943, 1955, 1960, 1971, 1976, 1988, 1993, 2005, 2010,
    ]  # fmt: skip
    stack = read_stack("ild-ecal")
    assert np.allclose(stack.grid.depth_mm, np.array(planes) - 1810)
    tungsten = [plate.thickness_mm for plate in stack.plates if plate.material == "tungsten"]
    assert tungsten == [2.1] * 19 + [4.2] * 10
    assert stack.grid.layer_weight == (1.0,) * 20 + (2.0,) * 10


def test_the_scintillator_of_the_ahcal_has_the_published_pitch() -> None:
    depth = read_stack("ahcal").grid.depth_mm  # 48 planes from 2079 to 3326 mm
    assert depth[-1] - depth[0] == 3326 - 2079
    assert np.diff(depth).mean() == pytest.approx(26.5, abs=0.5)


def test_plates_of_a_file_touch_but_for_the_gap(tmp_path: Path) -> None:
    stack = read_stack(written(tmp_path, SMALL))
    fronts = [(plate.material, plate.front_mm, plate.back_mm) for plate in stack.plates[:3]]
    assert fronts == [
        ("tungsten", 0.5, 2.5),
        ("silicon-dioxide", 3.0, 4.0),
        ("silicon", 4.5, 5.5),
    ]
    box = stack.grid.box
    assert box is not None
    assert (box.low_x_mm, box.low_y_mm) == (-25.0, -45.0)  # 0 in the middle of cell 2, 4


def test_thicker_absorber_moves_what_is_behind(tmp_path: Path) -> None:
    thicker = read_stack(written(tmp_path, SMALL)).with_absorber(1.5)
    middles = [plate.middle_mm for plate in thicker.sensitive]
    assert middles == pytest.approx([6.0, 17.0, 28.0])
    assert sum(plate.thickness_mm for plate in thicker.plates) == pytest.approx(3 * 5.0)


def test_fewer_cells_keep_the_particle_in_the_middle_of_one() -> None:
    pooled = read_stack("ild-ecal").reduced(3, None)
    assert pooled.grid.shape == (30, 10, 10)
    assert pooled.cells is not None
    assert (pooled.cells.size_mm, pooled.cells.particle) == (15.0, (5, 5))
    for count, at in ((25, 12), (13, 6)):  # the crops of arXiv:2112.09709
        core = read_stack("ahcal").reduced(1, (count, count))
        assert core.cells is not None
        assert core.cells.particle == (at, at)
        middle = core.grid.x_mm.reshape(core.grid.shape)[0, at, 0]
        assert middle == pytest.approx(0, abs=1e-9)


def test_too_many_cells_and_those_of_a_cylinder_are_refused() -> None:
    with pytest.raises(ConfigError, match="31 x 30 cells of 30 x 30"):
        read_stack("ild-ecal").reduced(1, (31, 30))
    with pytest.raises(ConfigError, match="bins of a cylinder"):
        read_stack("calochallenge").reduced(2, None)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"tungsten"', '"unobtainium"', "no material 'unobtainium'"),
        ("count = 3", "count = 3\nthickness = 1", "unknown: thickness"),
        ('name = "small"', 'name = "small"\ncolour = 1', "unknown: colour"),
        ("first_mm = 5.0", "first_mm = 3.0", "begins at -1.500"),
        ("pitch_mm = 10.0", "pitch_mm = 3.0", "begins inside"),
        ("particle = [2, 4]", "particle = [6, 4]", "none of"),
        ("threshold_mev = 0.1", "threshold_mev = 0.1\nmerge = 2", "no multiple of merge"),
        ("thickness_mm = 1.0", "thickness_mm = 0.0", "silicon of 0.0 mm"),
        ("[sensitive]", "[response]\nspot = 0.0\n[sensitive]", "spot = 0.0"),
        ("mip_mev = 0.2", "mip_mev = [", "Invalid value"),
    ],
)
def test_what_is_no_detector_is_refused(tmp_path: Path, old: str, new: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told) as caught:
        read_stack(written(tmp_path, SMALL.replace(old, new)))
    assert "ild-ecal" in caught.value.remedy


def test_no_such_detector() -> None:
    with pytest.raises(ConfigError, match="not a calorimeter"):
        read_stack("nothing")
