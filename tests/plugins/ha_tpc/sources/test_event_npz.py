"""Archives of events: what is read of them, and what is refused. All files are written here."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zoo.api import ConfigError, DataError, Table
from zoo.data.checks import check_source
from zoo.data.convert import convert_file
from zoo.data.store import TableFile
from zoo_ha_tpc.dense import images
from zoo_ha_tpc.sources.event_npz import EventNpz
from zoo_ha_tpc.sources.files_config import EventNpzConfig
from zoo_ha_tpc.specs import SAMPLE

PLANE = """
name = "tiny"
field_tesla = 0.2
drift_mm = 100.0
[z]
pads = 4
pitch_mm = 10.0
pads_of_a_module = 4
gap_mm = 0.0
[y]
pads = 3
pitch_mm = 10.0
pads_of_a_module = 3
gap_mm = 0.0
"""
QMAX = np.zeros((5, 3, 4))
QMAX[0, [0, 1, 2], [0, 0, 3]] = 10, 20, 4000
QMAX[1, 1, 1:] = 7, 9, 11
QMAX[3, 0, 0] = 5
QMAX[4, 2, 2] = 6  # the third event has no hit
TMAX, FWHM = np.where(QMAX > 0, 400.0, 0), np.where(QMAX > 0, 680.0, 0)
# Two right-angled triangles of whole sides, and directions along the axes.
TRUTH = {
    "p_y": np.array([0.3, -0.6, 0.0, 0.5, 0.3]),
    "p_z": np.array([0.4, 0.8, 0.5, 0.0, -0.4]),
    "charge": np.array([1, -1, 1, 1, -1]),
    "y_ini": np.array([1.0, 2.0, 3.0, 4.0, 5.0]),
}
Q_OVER_PT = [2, -1, 2, 2, -2]
PHI = [0.6435011, -0.6435011, 0, np.pi / 2, np.pi - 0.6435011]  # atan(3/4)
HITS = frozenset({"hit_row", "hit_column", "hit_charge", "hit_time", "hit_width"})
Open = Callable[..., EventNpz]


@pytest.fixture
def source(tmp_path: Path) -> Open:
    """Opens files of a plane of 3 rows and 4 columns."""
    plane = tmp_path / "tiny.toml"
    plane.write_text(PLANE)

    def opened(path: Path, **options: Any) -> EventNpz:
        return EventNpz(EventNpzConfig.model_validate({"plane": str(plane), **options}), path)

    return opened


def write_many(path: Path, **changes: Any) -> Path:
    np.savez(path, **({"Qmax": QMAX, "Tmax": TMAX, "FWHM": FWHM} | TRUTH | changes))
    return path


def write_folder(folder: Path) -> Path:
    folder.mkdir()
    for event in range(5):
        truth = {name: values[event] for name, values in TRUTH.items()}
        np.savez_compressed(
            folder / f"{event}.npz", Qmax=QMAX[event], Tmax=TMAX[event], FWHM=FWHM[event], **truth
        )
    return folder


def lists(first: int = 0, last: int = 5) -> dict[str, Any]:
    """Hits of some events, those of an event from the last pad to the first."""
    event, row, column = np.nonzero(QMAX[first:last])
    order = np.lexsort((-column, -row, event))
    event, row, column = event[order], row[order], column[order]
    cuts = np.concatenate([[0], np.cumsum(np.bincount(event, minlength=last - first))])
    return {
        "hit_offsets": cuts,
        "hit_row": row,
        "hit_column": column,
        "hit_charge": QMAX[first:last][event, row, column].astype(np.float32),
    }


def everything(source: EventNpz, fields: frozenset[str]) -> Table:
    return Table.concat([source.read(b, slice(None), fields) for b in source.blocks()])


def require_events(source: EventNpz) -> Table:
    table = everything(source, source.fields)
    np.testing.assert_array_equal(images(table, (3, 4))[:, 0], QMAX)
    np.testing.assert_allclose(table["q_over_pt"], Q_OVER_PT, rtol=1e-6)
    np.testing.assert_allclose(table["phi"], PHI, atol=1e-6)
    assert table["y_ini"].tolist() == [1, 2, 3, 4, 5]
    assert len(np.unique(table.ids)) == 5
    np.testing.assert_array_equal(table["group"], table.ids)
    return table


def test_one_file_of_images(tmp_path: Path, source: Open) -> None:
    found = source(write_many(tmp_path / "a.npz"), rows=2)
    assert found.fields == HITS | {"q_over_pt", "phi", "y_ini"}
    assert [block.rows for block in found.blocks()] == [2, 2, 1]
    table = require_events(found)
    assert set(table["hit_time"].values.tolist()) == {400}
    assert set(table["hit_width"].values.tolist()) == {680}
    assert check_source(found, SAMPLE).findings == ()
    part = found.read(found.blocks()[1], slice(1, 2), frozenset({"hit_charge", "phi"}))
    assert part["hit_charge"].values.tolist() == [5]
    assert set(part) == {"id", "group", "hit_charge", "phi"}
    assert part.ids[0] == table.ids[3]


def test_a_folder_of_events(tmp_path: Path, source: Open) -> None:
    found = source(write_folder(tmp_path / "events"), rows=2)
    assert [block.rows for block in found.blocks()] == [2, 2, 1]
    require_events(found)
    assert check_source(found, SAMPLE).findings == ()


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_lists_of_hits(tmp_path: Path, source: Open, save: Callable[..., None]) -> None:
    save(tmp_path / "a.npz", **lists(), **TRUTH)
    found = source(tmp_path / "a.npz", rows=2)
    table = require_events(found)
    assert "hit_time" not in found.fields
    assert table["hit_row"][0].tolist() == [0, 1, 2]  # in the order of the pads
    assert table["hit_charge"][1].tolist() == [7, 9, 11]
    again = found.read(found.blocks()[0], slice(None), HITS & found.fields)  # back to the start
    assert again["hit_charge"].values.tolist() == table["hit_charge"].values[:6].tolist()


def test_lists_of_one_event_each(tmp_path: Path, source: Open) -> None:
    (tmp_path / "events").mkdir()
    for event in range(5):
        hits = lists(event, event + 1)
        del hits["hit_offsets"]
        truth = {name: values[event : event + 1] for name, values in TRUTH.items()}
        np.savez(tmp_path / "events" / f"{event}.npz", **hits, **truth)
    require_events(source(tmp_path / "events"))


def test_it_is_converted(tmp_path: Path, source: Open) -> None:
    found = source(write_folder(tmp_path / "events"), rows=2)
    file = convert_file(found, SAMPLE, tmp_path / "a.h5", task="ha-tpc", about={})
    table = Table.concat([file.read(b, slice(None), file.fields) for b in file.blocks()])
    np.testing.assert_array_equal(images(table, (3, 4))[:, 0], QMAX)
    np.testing.assert_array_equal(table.ids, everything(found, HITS).ids)
    assert TableFile(tmp_path / "a.h5").facts["plane"]["name"] == "tiny"


def test_other_axes_names_and_units(tmp_path: Path, source: Open) -> None:
    np.savez(
        tmp_path / "a.npz",
        image=(QMAX / 4096).transpose(0, 2, 1)[:, ::-1].astype(np.float32),
        arrival=TMAX / 40,
        momy=1000 * TRUTH["p_y"],
        momz=1000 * TRUTH["p_z"],
        dip=np.degrees(np.full(5, 0.1)),
        y0=TRUTH["y_ini"] / 10 + 7,
    )
    options = {
        "pads": {"charge": "image", "time": "arrival"},
        "axes": "columns-rows",
        "flipped": ["columns"],
        "charge_scale": 4096,
        "momentum_unit": "MeV",
        "length_unit": "cm",
        "origin_mm": [0, 70, 0],
        "truth": {"p_y": "momy", "p_z": "momz", "y_ini": "y0"},
    }
    with pytest.raises(DataError, match="missing truth: q_over_pt needs") as caught:
        everything(source(tmp_path / "a.npz", **options), frozenset({"q_over_pt"}))
    assert "charge_of_all=1" in caught.value.remedy
    found = source(tmp_path / "a.npz", **options, charge_of_all=1)
    table = everything(found, frozenset({"hit_row", "hit_column", "hit_charge", "q_over_pt"}))
    np.testing.assert_array_equal(images(table, (3, 4))[:, 0], QMAX)
    np.testing.assert_allclose(table["q_over_pt"], np.abs(Q_OVER_PT), rtol=1e-6)
    y_ini = everything(found, frozenset({"y_ini"}))["y_ini"]
    np.testing.assert_allclose(y_ini, TRUTH["y_ini"], atol=1e-4)
    with pytest.raises(DataError, match=r"images of \(4, 3\) pads"):  # times are not turned
        everything(source(tmp_path / "a.npz", **options | {"axes": "rows-columns"}), HITS)


def test_angles_in_degrees(tmp_path: Path, source: Open) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, Qmax=QMAX[:1], angle=[210.0], inverse=[0.002])
    names = {"phi": "angle", "q_over_pt": "inverse"}
    options = {"truth": names, "angle_unit": "deg", "momentum_unit": "MeV"}
    table = everything(source(path, **options), frozenset({"phi", "q_over_pt"}))
    np.testing.assert_allclose(table["phi"], np.radians([-150.0]), rtol=1e-6)
    np.testing.assert_allclose(table["q_over_pt"], [2.0], rtol=1e-6)
    with pytest.raises(DataError, match="angles up to 210 rad") as caught:
        everything(source(path, truth=names), frozenset({"phi"}))
    assert "angle_unit" in caught.value.remedy


def changed(name: str, index: Any, value: float) -> dict[str, Any]:
    values = {"Qmax": QMAX, "Tmax": TMAX, **TRUTH}[name].astype(float)
    values[index] = value
    return {name: values}


@pytest.mark.parametrize(
    ("changes", "message", "remedy"),
    [
        (changed("Qmax", (0, 0, 0), np.nan), "1 charges are not finite", "write 0"),
        (changed("Qmax", (4, 1, 1), np.inf), "1 charges are not finite", "write 0"),
        (changed("Qmax", (0, 1, 1), -3), "1 charges are negative", "pedestal"),
        (changed("Qmax", (0, 1, 1), 70_000), "of which 0 to 65535 are possible", "charge_scale"),
        (changed("Qmax", (0, 1, 1), 0.3), "1 of 9 charges are below half an ADC", "charge_scale"),
        (changed("Tmax", (0, 0, 0), -5), "become integers from -5", "time_scale_ns"),
        (changed("Tmax", (0, 0, 0), np.nan), "become integers from nan", "time_scale_ns"),
        (changed("p_y", 1, np.nan), "1 values are not finite", "leave events"),
        (changed("charge", 1, 0), "charges from -1 to 1 instead of 1 and -1", "not of the pads"),
        ({"Qmax": QMAX.transpose(0, 2, 1)}, r"images of \(4, 3\) pads", "axes=columns-rows"),
        ({"Qmax": np.ones((5, 6, 8))}, r"images of \(6, 8\) pads.*3 rows and 4 columns", "plane"),
        ({"p_y": np.ones(4)}, r"shape \(4,\) for 5 events", "a number for each event"),
        ({"p_y": np.array(["a"] * 5)}, "<U1 instead of numbers", "plain numbers"),
        ({"p_y": np.zeros(5), "p_z": np.zeros(5)}, "5 transverse momenta are not above", "leave"),
    ],
)
def test_what_cannot_be_is_refused(
    tmp_path: Path, source: Open, changes: dict[str, Any], message: str, remedy: str
) -> None:
    path = write_many(tmp_path / "a.npz", **changes)
    with pytest.raises(DataError, match=message) as caught:
        everything(source(path), HITS | {"q_over_pt", "phi"})
    assert remedy in caught.value.remedy
    assert "a.npz" in caught.value.where


def test_an_image_of_no_image_is_refused(tmp_path: Path, source: Open) -> None:
    with pytest.raises(DataError, match=r"an array of shape \(5, 3, 2, 2\)"):
        source(write_many(tmp_path / "a.npz", Qmax=QMAX.reshape(5, 3, 2, 2)))
    with pytest.raises(DataError, match="no charges of pads") as caught:
        source(write_many(tmp_path / "b.npz"), pads={"charge": "amplitude"})
    assert "data.options.pads" in caught.value.remedy
    with pytest.raises(ConfigError, match="not a pad plane"):
        source(write_many(tmp_path / "c.npz"), plane="nowhere")
    large = tmp_path / "large.toml"
    large.write_text(PLANE.replace("pads = 4", "pads = 257").replace("module = 4", "module = 257"))
    with pytest.raises(ConfigError, match="3 rows and 257 columns; 256 are possible"):
        source(tmp_path / "c.npz", plane=str(large))


def test_missing_truth_is_named(tmp_path: Path, source: Open) -> None:
    np.savez(tmp_path / "a.npz", Qmax=QMAX, p_y=TRUTH["p_y"])
    found = source(tmp_path / "a.npz")
    assert found.fields == {"hit_row", "hit_column", "hit_charge"}
    for field, needs in (
        ("phi", "needs phi or p_y, p_z; there is p_y"),
        ("z_ini", "needs z_ini"),
        ("tan_lambda", "needs tan_lambda or p_x, p_t or p_x, p_y, p_z"),
    ):
        with pytest.raises(DataError, match=f"missing truth: {field} {needs}"):
            everything(found, frozenset({field}))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("hit_row", 3, "rows from 0 to 3; the plane has 0 to 2"),
        ("hit_column", -1, "columns from -1 to"),
        ("hit_row", 0.5, "rows from"),
        ("hit_charge", np.nan, "1 charges are not finite"),
        ("hit_offsets", 4, "'row' has shape"),
    ],
)
def test_wrong_lists_are_refused(
    tmp_path: Path, source: Open, name: str, value: float, message: str
) -> None:
    hits = {key: values.astype(float) for key, values in lists().items()}
    hits[name][-1] = value
    if name == "hit_offsets":
        hits[name][-1] = 100
    np.savez(tmp_path / "a.npz", **hits)
    with pytest.raises(DataError, match=message):
        everything(source(tmp_path / "a.npz"), frozenset({"hit_charge"}))


def test_a_pad_that_comes_twice_is_refused(tmp_path: Path, source: Open) -> None:
    hits = lists()
    hits["hit_column"][:2] = hits["hit_column"][0]
    hits["hit_row"][:2] = hits["hit_row"][0]
    np.savez(tmp_path / "a.npz", **hits)
    with pytest.raises(DataError, match="1 hits are on the pad of another"):
        everything(source(tmp_path / "a.npz"), frozenset({"hit_charge"}))


def test_a_file_of_another_geometry_is_named(tmp_path: Path, source: Open) -> None:
    folder = write_folder(tmp_path / "events")
    np.savez(folder / "3.npz", Qmax=np.ones((6, 4)), **{n: v[0] for n, v in TRUTH.items()})
    with pytest.raises(DataError, match=r"images of \(6, 4\) pads") as caught:
        everything(source(folder), frozenset({"hit_charge"}))
    assert caught.value.where.endswith("3.npz")
    assert "one geometry" in caught.value.remedy


def test_a_file_that_lacks_something_is_named(tmp_path: Path, source: Open) -> None:
    folder = write_folder(tmp_path / "events")
    np.savez(folder / "2.npz", Qmax=QMAX[2], charge=1, y_ini=0.0, p_z=1.0)
    with pytest.raises(DataError, match="no such array") as caught:
        everything(source(folder), frozenset({"phi"}))
    assert caught.value.where.endswith("2.npz:p_y")
    write_many(tmp_path / "events" / "0.npz")
    with pytest.raises(DataError, match="one event among files of many") as caught:
        source(folder)
    assert caught.value.where.endswith("1.npz")


def test_damage_is_told(tmp_path: Path, source: Open) -> None:
    whole = write_many(tmp_path / "a.npz").read_bytes()
    for name, content in (
        ("cut.npz", whole[: len(whole) // 2]),
        ("text.npz", b"no archive"),
        ("empty.npz", b""),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=r"truncated, damaged or no \.npz") as caught:
            source(tmp_path / name)
        assert caught.value.where.endswith(name)
    with pytest.raises(DataError, match="no such file"):
        source(tmp_path / "nothing.npz")
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match=r"no \.npz file"):
        source(tmp_path / "none")


def test_a_flipped_bit_of_a_compressed_array_is_told(tmp_path: Path, source: Open) -> None:
    path = tmp_path / "a.npz"
    np.savez_compressed(path, Qmax=np.random.default_rng(1).integers(1, 4000, (200, 3, 4)))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"damaged"):
        everything(source(path, rows=200), frozenset({"hit_charge"}))


def test_nothing_is_unpickled(tmp_path: Path, source: Open) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "sprung",))

    np.savez(tmp_path / "a.npz", Qmax=np.array([Trap()], dtype=object))
    with pytest.raises(DataError, match="holds Python objects, which are never unpickled"):
        source(tmp_path / "a.npz")
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_it_is_sent_to_workers(tmp_path: Path, source: Open, save: Callable[..., None]) -> None:
    save(tmp_path / "a.npz", Qmax=QMAX)
    found = source(tmp_path / "a.npz")
    block = found.blocks()[0]
    fields = frozenset({"hit_charge"})
    expected = found.read(block, slice(None), fields)["hit_charge"].values  # open from here on
    other = copy.copy(found)  # as sent to another process
    np.testing.assert_array_equal(
        other.read(block, slice(None), fields)["hit_charge"].values, expected
    )
