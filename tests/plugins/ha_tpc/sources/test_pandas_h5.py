"""Frames that pandas wrote (``pandas_files/make.py``), and what is refused."""

from __future__ import annotations

import pickle  # noqa: TID251  # what is refused has to be written
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from zoo.api import DataError, Table
from zoo.data.checks import check_source
from zoo_ha_tpc.dense import images
from zoo_ha_tpc.sources.files_config import PandasH5Config
from zoo_ha_tpc.sources.pandas_frames import Frame
from zoo_ha_tpc.sources.pandas_h5 import PandasH5
from zoo_ha_tpc.sources.plain_pickles import names
from zoo_ha_tpc.specs import SAMPLE

FILES = Path(__file__).parent / "pandas_files"
PLANE = """
name = "tiny"
field_tesla = 0.2
drift_mm = 100.0
z = { pads = 4, pitch_mm = 10.0, pads_of_a_module = 4, gap_mm = 0.0 }
y = { pads = 3, pitch_mm = 10.0, pads_of_a_module = 3, gap_mm = 0.0 }
"""
# As make.py tells: pads by number, row by row.
PADS = [{0: 10, 4: 20, 8: 30}, {1: 7, 5: 9}, {11: 5}]
EXPECTED = np.array([[pads.get(n, 0) for n in range(12)] for pads in PADS]).reshape(3, 3, 4)
HITS = frozenset({"hit_row", "hit_column", "hit_charge"})
TRUTH = frozenset({"q_over_pt", "phi", "y_ini"})
Open = Callable[..., PandasH5]


@pytest.fixture
def source(tmp_path: Path) -> Open:
    """Opens files of a plane of 3 rows and 4 columns."""
    plane = tmp_path / "tiny.toml"
    plane.write_text(PLANE)

    def opened(path: Path, **options: Any) -> PandasH5:
        return PandasH5(PandasH5Config.model_validate({"plane": str(plane), **options}), path)

    return opened


def everything(source: PandasH5, fields: frozenset[str] = HITS | TRUTH) -> Table:
    return Table.concat([source.read(b, slice(None), fields) for b in source.blocks()])


def require_events(source: PandasH5) -> None:
    assert source.fields == HITS | TRUTH
    table = everything(source)
    np.testing.assert_array_equal(images(table, (3, 4))[:, 0], EXPECTED)
    np.testing.assert_allclose(table["q_over_pt"], [2, 2, -1], rtol=1e-6)  # triangles 3, 4, 5
    np.testing.assert_allclose(table["phi"], [0.6435011, 0, -0.6435011], atol=1e-6)  # atan(3/4)
    assert table["y_ini"].tolist() == [10, -5, 3]
    assert len(np.unique(table.ids)) == 3
    assert check_source(source, SAMPLE).findings == ()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("wide-fixed.h5", {}),
        ("wide-table.h5", {}),
        ("two-fixed.h5", {"truth_key": "truth"}),
        ("hits-table.h5", {"truth_key": "truth"}),
        ("hits-table.h5", {"key": "hits", "truth_key": "truth"}),
    ],
)
@pytest.mark.parametrize("rows", [2, 16])
def test_what_pandas_wrote(source: Open, name: str, options: dict[str, str], rows: int) -> None:
    require_events(source(FILES / name, rows=rows, **options))


def test_a_compression_of_pytables_alone_is_refused(source: Open) -> None:
    with pytest.raises(DataError, match="compressed with blosc") as caught:
        source(FILES / "wide-blosc.h5")
    assert "complib='zlib'" in caught.value.remedy


def test_pieces_of_a_frame_give_the_same_events(
    source: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    for piece in (1, 2, 3, 5):
        monkeypatch.setattr("zoo_ha_tpc.sources.pandas_h5._PIECE", piece)
        require_events(source(FILES / "hits-table.h5", truth_key="truth"))


def test_keys_are_asked_for(source: Open) -> None:
    with pytest.raises(DataError, match="2 frames: images, truth") as caught:
        source(FILES / "two-fixed.h5")
    assert "data.options.key" in caught.value.remedy
    with pytest.raises(DataError, match="no such frame") as caught:
        source(FILES / "two-fixed.h5", key="events")
    assert "images, truth" in caught.value.remedy


def test_missing_truth_is_named(source: Open) -> None:
    found = source(FILES / "two-fixed.h5", key="images")
    assert found.fields == HITS
    with pytest.raises(DataError, match="missing truth: q_over_pt needs"):
        everything(found, frozenset({"q_over_pt"}))


def test_another_pad_plane_is_refused(source: Open, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"12 columns of pads, 0 to 11.*has 9216 pads"):
        source(FILES / "wide-fixed.h5", plane="ha-tpc")
    small = tmp_path / "small.toml"
    small.write_text(PLANE.replace("pads = 4", "pads = 2").replace("module = 4", "module = 2"))
    found = source(FILES / "hits-table.h5", truth_key="truth", plane=str(small))
    with pytest.raises(DataError, match="columns from 0 to 3; the plane has 0 to 1"):
        everything(found)


def copied(path: Path, name: str) -> Path:
    shutil.copy(FILES / name, path / name)
    return path / name


@pytest.mark.parametrize(
    ("value", "message"), [(np.nan, "1 charges are not finite"), (-4.0, "1 charges are negative")]
)
def test_wrong_charges_are_refused(
    source: Open, tmp_path: Path, value: float, message: str
) -> None:
    path = copied(tmp_path, "two-fixed.h5")
    with h5py.File(path, "r+") as file:
        file["images/block0_values"][1, 2] = value
    with pytest.raises(DataError, match=message) as caught:
        everything(source(path, truth_key="truth"))
    assert caught.value.where.endswith(":/images")


def rewritten(path: Path, change: Callable[[np.ndarray[Any, Any]], None]) -> None:
    with h5py.File(path, "r+") as file:
        table = file["hits/table"][:]
        change(table)
        file["hits/table"][:] = table


def test_events_in_pieces_are_refused(source: Open, tmp_path: Path) -> None:
    path = copied(tmp_path, "hits-table.h5")
    rewritten(path, lambda table: table["event"].__setitem__(5, 4))
    with pytest.raises(DataError, match="hits of an event do not follow one another"):
        source(path, truth_key="truth")
    rewritten(path, lambda table: table["event"].__setitem__(5, 7))
    with pytest.raises(DataError, match="3 rows for 2 events"):
        source(path, truth_key="truth")


def test_truth_beside_each_hit(source: Open, tmp_path: Path) -> None:
    """Here the row of the pad stands for the truth: it differs among the hits of an event."""
    names_of_truth = {"x_ini": "event", "y_ini": "hit_row"}
    found = source(FILES / "hits-table.h5", key="hits", truth=names_of_truth)
    assert everything(found, HITS).rows == 3
    with pytest.raises(DataError, match="truth differs among the hits of an event"):
        everything(found, frozenset({"x_ini", "y_ini"}))
    alone = source(FILES / "hits-table.h5", key="hits", truth={"x_ini": "event"})
    assert everything(alone, frozenset({"x_ini"}))["x_ini"].tolist() == [4, 7, 9]


def test_objects_are_refused(source: Open, tmp_path: Path) -> None:
    """As pandas stores a column of arrays: a pickle in a dataset of bytes."""
    path = copied(tmp_path, "wide-fixed.h5")
    with h5py.File(path, "r+") as file:
        del file["events/block0_values"]
        values = file["events"].create_dataset("block0_values", (1,), h5py.vlen_dtype(np.uint8))
        values[0] = np.frombuffer(pickle.dumps(["image"]), np.uint8)
        values.attrs["PSEUDOATOM"] = np.bytes_(b"object")
    with pytest.raises(DataError, match="pickles and are never unpickled") as caught:
        source(path)
    assert "format='table'" in caught.value.remedy


def test_truncated_files_are_refused(source: Open, tmp_path: Path) -> None:
    whole = (FILES / "wide-table.h5").read_bytes()
    (tmp_path / "cut.h5").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="truncated, damaged or no HDF5"):
        source(tmp_path / "cut.h5")
    (tmp_path / "other.h5").write_text("no HDF5")
    with pytest.raises(DataError, match="truncated, damaged or no HDF5"):
        source(tmp_path / "other.h5")
    with h5py.File(tmp_path / "plain.h5", "w") as file:
        file["x"] = np.arange(3)
    with pytest.raises(DataError, match="no frame of pandas"):
        source(tmp_path / "plain.h5")
    with pytest.raises(DataError, match="no such file"):
        source(tmp_path / "nothing.h5")


def test_blocks_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    path = copied(tmp_path, "wide-fixed.h5")
    with h5py.File(path, "r+") as file:
        del file["events/block1_values"]
        file["events/block1_values"] = np.zeros((2, 1), np.int64)
    with pytest.raises(DataError, match=r"blocks of \[2, 3\] rows"):
        Frame(path, "events")
    with pytest.raises(DataError, match="no such column"):
        Frame(FILES / "two-fixed.h5", "truth").column("p_x", 0, 1)


class TestPickles:
    @pytest.mark.parametrize("protocol", range(6))
    def test_names(self, protocol: int) -> None:
        told = np.bytes_(pickle.dumps(["p_y", "Qmax_0", 7, -300], protocol))
        assert names(told, "x") == ["p_y", "Qmax_0", "7", "-300"]

    @pytest.mark.parametrize("protocol", range(6))
    def test_calls_are_refused(self, tmp_path: Path, protocol: int) -> None:
        class Trap:
            def __reduce__(self) -> tuple[Any, ...]:
                return (Path.touch, (tmp_path / "sprung",))

        told = np.bytes_(pickle.dumps([Trap()], protocol))
        with pytest.raises(DataError, match="never unpickled"):
            names(told, "x")
        assert not (tmp_path / "sprung").exists()

    def test_no_pickle(self) -> None:
        with pytest.raises(DataError, match="never unpickled"):
            names(np.bytes_(b"(lp0\nVp_y"), "x")
        with pytest.raises(DataError, match="an attribute of int64"):
            names(np.int64(3), "x")
