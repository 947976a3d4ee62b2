"""What is written is read back: every format, through its own source."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from zoo.api import ConfigError, DataError, Ragged, Table, ZooError
from zoo.data.checks import check_source
from zoo_calo.lcio.particles import particles_of
from zoo_calo.lcio.reader import LcioFile
from zoo_calo.lcio.sim_hits import sim_hits_of
from zoo_calo.physics.grid import Box, Grid, Rings
from zoo_calo.showers_out.calochallenge import binning_xml
from zoo_calo.showers_out.lcio_out import cell_numbers, encoding
from zoo_calo.showers_out.writer import Job, open_writer
from zoo_calo.sources.binning_xml import read_binnings
from zoo_calo.sources.calo_h5 import CaloH5
from zoo_calo.sources.calochallenge import CaloChallenge
from zoo_calo.sources.files_config import (
    CaloChallengeConfig,
    CaloH5Config,
    GettingHighConfig,
    LcioConfig,
)
from zoo_calo.sources.getting_high import GettingHigh
from zoo_calo.sources.layouts import known_grid
from zoo_calo.sources.lcio_file import Lcio
from zoo_calo.specs import SAMPLE

BOX = Grid(
    name="test box",
    depth_mm=(5.0, 9.0, 14.0),
    layer_weight=(1.0, 1.0, 2.0),
    threshold_mev=0.1,
    mip_mev=0.2,
    box=Box(nx=4, ny=5, cell_mm=4.0, low_x_mm=-8.0, low_y_mm=-6.0),
)
RINGS = Grid(
    name="test rings",
    depth_mm=(0.5, 1.5),
    layer_weight=(1.0, 1.0),
    threshold_mev=10.0,
    mip_mev=20.0,
    rings=(Rings(r_mm=(0.0, 1 / 3, 5.0), alphas=3), Rings(r_mm=(0.0, 2.325), alphas=1)),
)
KINDS: dict[str, tuple[Any, Any, str]] = {
    "calo-h5": (CaloH5, CaloH5Config, ".h5"),
    "getting-high": (GettingHigh, GettingHighConfig, ".hdf5"),
    "calochallenge": (CaloChallenge, CaloChallengeConfig, ".hdf5"),
    "lcio": (Lcio, LcioConfig, ".slcio"),
}


def showers(grid: Grid, count: int, *, angled: bool = False, first: int = 0) -> Table:
    """With 30 MeV in five cells for each GeV; one of them with none."""
    rng = np.random.default_rng(first)
    energy = rng.uniform(1, 10, count).astype(np.float32)
    cells = [np.sort(rng.permutation(grid.cells)[:5]).astype(np.int32) for _ in range(count)]
    deposits = [(30 * e * rng.dirichlet(np.ones(5))).astype(np.float32) for e in energy]
    cells[-1], deposits[-1] = cells[-1][:0], deposits[-1][:0]
    columns: dict[str, Any] = {
        "id": np.arange(first, first + count, dtype=np.uint64),
        "energy": energy,
        "cell": Ragged.of(cells),
        "deposit": Ragged.of(deposits),
    }
    if angled:
        columns["theta"] = rng.uniform(0.6, 1.5, count).astype(np.float32)
    return Table(columns)


def written(folder: Path, format_: str, grid: Grid, parts: list[Table], **options: Any) -> Path:
    path = folder / f"out{KINDS[format_][2]}"
    job = Job(path=path, grid=grid, angled="theta" in parts[0], **options)
    with open_writer(format_, job) as writer:
        for part in parts:
            writer.append(part)
    return path


def read_back(format_: str, path: Path, **options: Any) -> tuple[Any, Table]:
    source_class, config, _ = KINDS[format_]
    source = source_class(config.model_validate({"most_empty": 0.5} | options), path)
    tables = [source.read(b, slice(0, b.rows), source.fields) for b in source.blocks()]
    return source, Table.concat(tables)


@pytest.mark.parametrize(
    ("format_", "grid", "angled"),
    [
        ("calo-h5", BOX, True),
        ("calo-h5", RINGS, False),
        ("getting-high", BOX, True),
        ("getting-high", BOX, False),
        ("calochallenge", RINGS, False),
        ("lcio", BOX, True),
        ("lcio", BOX, False),
    ],
)
def test_showers_are_read_back(tmp_path: Path, format_: str, grid: Grid, angled: bool) -> None:
    parts = [showers(grid, 6, angled=angled), showers(grid, 5, angled=angled, first=6)]
    path = written(tmp_path, format_, grid, parts)
    source, found = read_back(format_, path)
    expected = Table.concat(parts)
    # LCIO has GeV and a momentum, the CaloChallenge MeV: each a rounding of float32.
    exact = format_ in ("calo-h5", "getting-high")
    for name in ("energy", *(["theta"] if angled else [])):
        np.testing.assert_allclose(found[name], expected[name], rtol=0 if exact else 3e-7)
    for name in ("cell", "deposit"):
        np.testing.assert_array_equal(found[name].offsets, expected[name].offsets)
    np.testing.assert_array_equal(found["cell"].values, expected["cell"].values)
    rtol = 2e-7 if format_ == "lcio" else 0
    np.testing.assert_allclose(found["deposit"].values, expected["deposit"].values, rtol=rtol)
    if format_ == "lcio":
        assert found["outside"].max() == 0
    if format_ == "calochallenge":
        assert source.grid.rings == grid.rings
    else:
        assert source.grid == grid
    assert [f for f in check_source(source, SAMPLE).findings if f.severity == "error"] == []


@pytest.mark.parametrize("format_", list(KINDS))
def test_pieces_do_not_matter_and_nothing_depends_on_the_clock(
    tmp_path: Path, format_: str
) -> None:
    grid = RINGS if format_ == "calochallenge" else BOX
    whole = showers(grid, 9)
    one = written(tmp_path, format_, grid, [whole]).read_bytes()
    parts = [whole.take(slice(0, 4)), whole.take(slice(4, 9))]
    again, more = tmp_path / "again", tmp_path / "more"
    assert written(again, format_, grid, [whole]).read_bytes() == one
    path = written(more, format_, grid, parts)
    if format_ == "lcio":
        assert path.read_bytes() == one
    _, table = read_back(format_, path)
    np.testing.assert_allclose(table["energy"], whole["energy"], rtol=3e-7)


def test_groups_have_the_published_names(tmp_path: Path) -> None:
    for shape, name in (
        ((30, 30, 30), "30x30"),
        ((30, 30, 40), "30x30x40"),
        ((48, 25, 25), "hcal_only"),
    ):
        grid = known_grid(shape)
        assert grid is not None
        angled = shape[2] == 40
        path = written(tmp_path, "getting-high", grid, [showers(grid, 2, angled=angled)])
        with h5py.File(path) as file:
            assert list(file) == [name]
            assert file[name]["layers"].shape == (2, *shape)
            assert file[name]["energy"].shape == (2, 1)
            assert ("theta" in file[name]) == angled
            assert json.loads(file[name].attrs["zoo_grid"])["grid"]["box"]["cell_mm"] == (
                30.5 if shape[0] == 48 else 5.088333
            )


def test_the_binning_is_written_beside_and_is_exact(tmp_path: Path) -> None:
    path = written(tmp_path, "calochallenge", RINGS, [showers(RINGS, 3)], pdg=11)
    binning = read_binnings(path.with_suffix(".xml"))[0]
    assert (binning.particle, binning.rings) == ("electron", RINGS.rings)
    assert "0,2.325" in binning_xml(RINGS, 11)


def test_hits_of_lcio_are_exactly_what_was_handed_over(tmp_path: Path) -> None:
    """A pion of 60 degrees on the map of the published HCAL: in the detector's frame, GeV."""
    grid = known_grid((48, 48, 48))
    assert grid is not None
    made = showers(grid, 2)
    made = made.with_columns({"theta": np.full(2, np.pi / 3, np.float32)})
    path = written(tmp_path, "lcio", grid, [made], map="ild-hcal", collection="Hcal", pdg=-211)
    event = LcioFile(path).event(0)
    hits = sim_hits_of(event.block("Hcal", "SimCalorimeterHit"))
    energy = (made["deposit"][0].astype(np.float64) / 1000).astype(np.float32)
    np.testing.assert_array_equal(hits.energy_gev, energy)
    cell = made["cell"][0]
    layer, x = cell // 48**2, cell // 48 % 48
    # Planes and bins of create_hdf5.py: y, and x from -740 mm in bins of 30.5 mm.
    assert hits.position_mm[0, 1] == pytest.approx((2079, 2108, 2134)[layer[0]] if layer[0] < 3
                                                   else grid.depth_mm[layer[0]] + 2058)  # fmt: skip
    np.testing.assert_allclose(hits.position_mm[:, 0], -740 + (x + 0.5) * 30.5, rtol=1e-6)
    np.testing.assert_allclose(
        hits.contributions.time_ns, np.linalg.norm(hits.position_mm, axis=1) / 299.792458, rtol=1e-6
    )
    np.testing.assert_array_equal(hits.contributions.energy_gev, energy)
    assert set(hits.contributions.particle.tolist()) == {1}
    (particle,) = particles_of(event.block("MCParticle", "MCParticle")).particles
    momentum = np.sqrt(made["energy"][0] ** 2 - 0.13957039**2)
    expected = momentum * np.array([0, np.sin(np.pi / 3), np.cos(np.pi / 3)])
    np.testing.assert_allclose(particle.momentum_gev, expected, rtol=1e-6, atol=1e-6)
    assert (particle.pdg, particle.charge, particle.tag) == (-211, -1.0, 1)
    assert particle.vertex_mm == (30.0, 2058.0, 1000.0)
    with pytest.raises(ConfigError, match="written through the cell map 'ild-hcal'"):
        read_back("lcio", path)
    source, table = read_back("lcio", path, map="ild-hcal")
    np.testing.assert_array_equal(table["cell"].values, made["cell"].values)
    assert source.grid == grid


def test_rings_are_written_as_hits_and_not_read_as_squares(tmp_path: Path) -> None:
    made = showers(RINGS, 2)
    path = written(tmp_path, "lcio", RINGS, [made])
    hits = sim_hits_of(LcioFile(path).event(0).block("SimCalorimeterHit", "SimCalorimeterHit"))
    cell = made["cell"][0]
    expected = [RINGS.x_mm[cell], RINGS.y_mm[cell], 0.5 + RINGS.layer[cell]]
    np.testing.assert_allclose(hits.position_mm.T, expected, rtol=1e-6, atol=1e-6)
    with pytest.raises(ConfigError, match="cells of rings"):
        read_back("lcio", path)


def test_numbers_of_cells_are_what_their_encoding_says() -> None:
    """Decoded as LCIO's BitField64 does: fields one after another from bit 0."""
    for grid in (BOX, RINGS):
        fields = [part.split(":") for part in encoding(grid).split(",")]
        number = cell_numbers(grid).view(np.uint32).astype(np.int64)
        assert len(np.unique(number)) == grid.cells
        found = {}
        for name, bits in fields:
            found[name] = number & (2 ** int(bits) - 1)
            number = number >> int(bits)
        np.testing.assert_array_equal(found["layer"], grid.layer)
        if grid is BOX:
            np.testing.assert_array_equal(-8 + (found["x"] + 0.5) * 4, grid.x_mm)
            np.testing.assert_array_equal(-6 + (found["y"] + 0.5) * 4, grid.y_mm)
        else:
            assert found["alpha"].tolist() == [0, 0, 1, 1, 2, 2, 0]
            assert found["r"].tolist() == [0, 1, 0, 1, 0, 1, 0]


def test_more_layers_than_numbers_hold_are_refused() -> None:
    many = Grid(
        name="many",
        depth_mm=tuple(map(float, range(257))),
        layer_weight=(1.0,) * 257,
        threshold_mev=0.1,
        mip_mev=0.2,
        rings=(Rings(r_mm=(0.0, 1.0), alphas=1),) * 257,
    )
    with pytest.raises(DataError, match="257 layers"):
        cell_numbers(many)


@pytest.mark.parametrize(
    ("format_", "grid", "options", "message"),
    [
        ("calochallenge", BOX, {}, "square cells are no rings"),
        ("getting-high", RINGS, {}, "layers of rings are no layers"),
        ("lcio", BOX, {"map": "ild-ecal"}, "a cell map of"),
        ("root", BOX, {}, "no such format 'root'"),
    ],
)
def test_what_a_format_does_not_hold_is_refused(
    tmp_path: Path, format_: str, grid: Grid, options: Any, message: str
) -> None:
    path = tmp_path / "out"
    with (
        pytest.raises(ZooError, match=message),
        open_writer(format_, Job(path=path, grid=grid, **options)) as writer,
    ):
        writer.append(showers(grid, 2))
    assert list(tmp_path.iterdir()) == []


def test_angles_have_no_place_in_the_calochallenge(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no angles"):
        written(tmp_path, "calochallenge", RINGS, [showers(RINGS, 2, angled=True)])


@pytest.mark.parametrize("format_", list(KINDS))
def test_nothing_is_left_of_a_file_that_was_not_finished(tmp_path: Path, format_: str) -> None:
    grid = RINGS if format_ == "calochallenge" else BOX
    path = written(tmp_path, format_, grid, [showers(grid, 3)])
    before = {one.name: one.read_bytes() for one in tmp_path.iterdir()}
    wrong = showers(grid, 2)
    cells = Ragged(wrong["cell"].values + grid.cells, wrong["cell"].offsets)
    with pytest.raises(DataError, match="and the grid has"):
        written(tmp_path, format_, grid, [wrong.with_columns({"cell": cells})])
    assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == before
    assert path.name in before


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("cell", np.full(25, 60, np.int32), "cells 60 to 60 of 60"),
        ("cell", np.zeros(3, np.int32), "6 showers with"),
        ("offsets", np.array([0, 5, 3, 9, 12, 20, 25]), "offsets that fall"),
        ("offsets", np.array([0, 5, 10, 15, 20, 25, 26]), "or beyond the 25 cells"),
        ("energy", np.ones(5, np.float32), "5 showers with"),
        ("deposit", np.full(25, np.nan, np.float32), "not finite"),
        ("deposit", np.full(25, -1, np.float32), "negative"),
    ],
)
def test_damaged_lists_are_refused(tmp_path: Path, name: str, values: Any, message: str) -> None:
    path = written(tmp_path, "calo-h5", BOX, [showers(BOX, 6)])
    with h5py.File(path, "a") as file:
        del file[name]
        file[name] = values
    with pytest.raises(DataError, match=message):
        read_back("calo-h5", path)


def test_lists_without_a_grid_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "calo-h5", BOX, [showers(BOX, 3)])
    for text in ("{", "[]", '{"grid": 1}', None):
        with h5py.File(path, "a") as file:
            del file.attrs["zoo_grid"]
            file.attrs["zoo_grid"] = text or ""
        with pytest.raises(DataError, match="its attribute zoo_grid tells no grid"):
            read_back("calo-h5", path)
