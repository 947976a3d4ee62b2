"""Files of the CaloChallenge and their binning, the real ones where they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from zoo.api import DataError
from zoo.data.checks import check_source
from zoo_calo.physics.showers import dense
from zoo_calo.sources.binning_xml import read_binnings
from zoo_calo.sources.calochallenge import CaloChallenge, challenge_grid
from zoo_calo.sources.files_config import CaloChallengeConfig
from zoo_calo.specs import SAMPLE

XML = """<Bins><Bin pid="11" name="electron">
  <Layer id="0" r_edges="0,5,10,30" n_bin_alpha="4" />
  <Layer id="1" r_edges="0" n_bin_alpha="1" />
  <Layer id="2" r_edges="0,50" n_bin_alpha="1" />
</Bin></Bins>"""
VOXELS = 13
FIELDS = frozenset({"energy", "cell", "deposit"})


def write(folder: Path, voxels: int = VOXELS, count: int = 10, **changes: Any) -> Path:
    """Energies log-uniform, MeV, of which 90 % are seen."""
    rng = np.random.default_rng(3)
    energy = 10 ** rng.uniform(3, 6, (count, 1))
    share = rng.dirichlet(np.ones(voxels), count)
    arrays = {"incident_energies": energy, "showers": 0.9 * energy * share} | changes
    path = folder / "data.hdf5"
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            if values is not None:
                file.create_dataset(name, data=values, compression="gzip")
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "binning.xml").write_text(XML)
    return write(tmp_path)


def opened(path: Path, **options: Any) -> CaloChallenge:
    return CaloChallenge(CaloChallengeConfig.model_validate(options), path)


def test_voxels_are_in_the_published_order(file: Path) -> None:
    source = opened(file)
    table = source.read(source.blocks()[0], slice(0, 10), FIELDS)
    with h5py.File(file) as content:
        np.testing.assert_allclose(table["energy"], content["incident_energies"][:, 0] / 1000)
        found = dense(table["cell"], table["deposit"], VOXELS)
        np.testing.assert_allclose(found, content["showers"][:], rtol=1e-6)
    # r runs fastest, then the angle: voxel 4 is the second ring of the second quarter.
    assert np.hypot(source.grid.x_mm[4], source.grid.y_mm[4]) == pytest.approx(7.5)
    assert np.degrees(np.arctan2(source.grid.y_mm[4], source.grid.x_mm[4])) == pytest.approx(135)
    assert source.grid.layer.tolist() == [0] * 12 + [1]
    assert source.facts["files"] == {
        "format": "CaloChallenge",
        "particle": "electron",
        "layer_ids": [0, 2],
    }
    assert check_source(source, SAMPLE).findings == ()


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "sizes", "threshold"),
    [
        ("1_photons", (368, 5), 10),
        ("1_pions", (533, 7), 10),
        ("2", (6480, 45), 0.01515),
        ("3", (40500, 45), 0.01515),
    ],
)
def test_the_published_data_sets(
    tmp_path: Path, real_data: Path, name: str, sizes: tuple[int, int], threshold: float
) -> None:
    """Numbers of voxels and layers, and thresholds, of calochallenge.github.io."""
    voxels, layers = sizes
    folder = real_data / "calo" / "calochallenge"
    binning = folder / f"binning_dataset_{name}.xml"
    source = opened(write(tmp_path, voxels, 3), binning=str(binning))
    assert (source.grid.cells, source.grid.layers) == (voxels, layers)
    assert source.grid.threshold_mev == pytest.approx(threshold, rel=1e-3)
    table = source.read(source.blocks()[0], slice(0, 3), FIELDS)
    np.testing.assert_allclose(
        [row.sum() for row in map(table["deposit"].__getitem__, range(3))],
        900 * table["energy"],
        rtol=1e-5,
    )
    if layers == 45:
        assert source.grid.shape[0] == 45
        assert source.grid.depth_mm[-1] == pytest.approx(44.5 * 3.4)
        # 0.3 mm of silicon: some 23,000 pairs of 3.62 eV, over the sampling of 0.033.
        assert source.grid.mip_mev == pytest.approx(23_000 * 3.62e-6 / 0.033, rel=0.02)
    else:
        with pytest.raises(DataError, match="different bins"):
            _ = source.grid.shape


@pytest.mark.realdata
def test_the_binning_beside_the_file_is_found_by_its_voxels(
    tmp_path: Path, real_data: Path
) -> None:
    for binning in (real_data / "calo" / "calochallenge").glob("*.xml"):
        (tmp_path / binning.name).write_bytes(binning.read_bytes())
    (tmp_path / "other.xml").write_text("<html/>")
    assert opened(write(tmp_path, 533, 3)).facts["files"]["particle"] == "pion"
    assert opened(write(tmp_path, 6480, 3)).grid.shape == (45, 16, 9)


def test_a_binning_that_does_not_fit_is_refused(file: Path, tmp_path: Path) -> None:
    path = write(tmp_path, 14)
    for options in ({}, {"binning": str(tmp_path / "binning.xml")}):
        with pytest.raises(DataError, match="14 voxels, and the binning found has: electron 13"):
            opened(path, **options)
    (tmp_path / "binning.xml").unlink()
    with pytest.raises(DataError, match="the binning found has: none"):
        opened(path)
    with pytest.raises(DataError, match="cannot be read"):
        opened(path, binning=str(tmp_path / "none.xml"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('<!DOCTYPE x [<!ENTITY a "b">]>' + XML, "a document type or entities"),
        ("<Bins>", "no XML"),
        ("<Bins></Bins>", "no <Bin>"),
        (XML.replace("0,5,10,30", "0,10,5,30"), r"layer 0: 4 angles, radii \(0.0, 10.0, 5.0"),
        (XML.replace("0,5,10,30", "0,5,10,inf"), "layer 0"),
        (XML.replace("0,5,10,30", "0,five"), "a layer that is not told"),
        (XML.replace('n_bin_alpha="4"', 'n_bin_alpha="0"'), "0 angles"),
        (XML.replace('n_bin_alpha="4"', ""), "a layer that is not told"),
        (XML.replace('id="2"', 'id="0"'), r"bins in layers \[0, 0\]"),
        ("a" * (2**20 + 1), "no text of at most 1 MiB"),
        ("\0", "no text"),
    ],
)
def test_xml_that_is_no_binning_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "binning.xml"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        read_binnings(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"incident_energies": None}, "no such dataset"),
        ({"incident_energies": np.ones((9, 1))}, "9 energies for 10 showers"),
        ({"incident_energies": np.full((10, 1), 20.0)}, "MeV is seen for each GeV"),
        ({"showers": np.zeros((10, VOXELS))}, "10 of the 10 showers looked at have no energy"),
        ({"showers": np.full((10, VOXELS), -1.0)}, "are negative"),
        ({"showers": np.full((10, VOXELS), np.inf)}, "not finite"),
        ({"showers": np.ones((10, 13, 1))}, "instead of"),
    ],
)
def test_bad_files_are_refused(file: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        opened(write(file.parent, **changes))


def test_layers_have_the_depth_and_threshold_that_are_set(file: Path) -> None:
    source = opened(file, layer_pitch_mm=10.0, threshold_mev=2.0)
    assert source.grid.depth_mm == (5.0, 15.0)
    assert source.grid.threshold_mev == 2.0
    binning = read_binnings(file.parent / "binning.xml")[0]
    assert challenge_grid(binning).depth_mm == (0.5, 1.5)
