"""Data that are missing, damaged, of another task or detector, or not what the task declares."""

from __future__ import annotations

import bz2
import io
import json
import shutil
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from zoo.api import read

Call = Callable[..., Any]
"""A command; it returns the `Done` of conftest.py."""
ONE_STEP = ("--set", "training.steps=1")


def with_column(file: Path, out: Path, name: str, change: Any = None) -> Path:
    """A copy of a zoo file whose column is changed by hand, or removed."""
    shutil.copy(file, out)
    with h5py.File(out, "r+") as opened:
        place = opened["columns"][name]
        values, attributes = place[:], dict(place.attrs)
        del opened["columns"][name]
        if change is not None:
            opened["columns"][name] = change(values)
            opened["columns"][name].attrs.update(attributes)
    return out


def with_nan(values: NDArray[np.float32]) -> NDArray[np.float32]:
    values[7, 2, 3] = np.nan
    return values


def check(zoo: Call, file: Path, task: str = "mini-track") -> tuple[int, list[Mapping[str, str]]]:
    """Exit code and findings of ``zoo data check``."""
    done = zoo("data", "check", task, "--data", file)
    assert "Traceback" not in done.stdout + done.stderr
    return done.code, [f for f in done.json["findings"] if f["severity"] == "error"]


def test_a_missing_field(zoo: Call, train: Call, run: Path, tracks: Path, tmp_path: Path) -> None:
    file = with_column(tracks, tmp_path / "blind.h5", "pads")
    code, findings = check(zoo, file)
    assert code == 4
    assert findings[0]["field"] == "pads"
    assert "missing" in findings[0]["problem"]
    assert findings[0]["remedy"]
    train(*ONE_STEP, data=file).failed(4, where=f"{file}: pads", says="no such field")
    predict = zoo("predict", run, "--data", file, "--out", tmp_path / "p.h5")
    predict.failed(4, where=file, says="'pads'", remedy="zoo data check")
    done = zoo("eval", run, "--data", file, "--split", "all")
    done.failed(4, where=file, says="'pads'", remedy="zoo data check")
    truth = with_column(tracks, tmp_path / "unlabelled.h5", "position")
    train(*ONE_STEP, data=truth).failed(4, where=f"{truth}: position", says="no such field")
    done = zoo("eval", run, "--data", truth, "--split", "all")
    done.failed(4, where=f"{truth}: position", says="no such field")
    assert zoo("predict", run, "--data", truth, "--out", tmp_path / "p.h5").code == 0


def test_nan_in_the_data(zoo: Call, train: Call, run: Path, tracks: Path, tmp_path: Path) -> None:
    file = with_column(tracks, tmp_path / "nan.h5", "pads", with_nan)
    code, findings = check(zoo, file)
    assert code == 4
    # What was changed by hand is also no longer what the digests tell.
    assert any("not what was written" in found["problem"] for found in findings)
    where, says, remedy = f"{file}: pads", "1 value(s) are NaN", "zoo data check"
    train(*ONE_STEP, data=file).failed(4, where=where, says=says, remedy=remedy)
    predict = zoo("predict", run, "--data", file, "--out", tmp_path / "p.h5")
    predict.failed(4, where=where, says=says, remedy=remedy)
    done = zoo("eval", run, "--data", file, "--split", "all")
    done.failed(4, where=where, says=says, remedy=remedy)
    assert not (tmp_path / "p.h5").exists()


def test_nan_where_nobody_looks_first(zoo: Call, train: Call, run: Path, tmp_path: Path) -> None:
    def late(values: NDArray[np.float32]) -> NDArray[np.float32]:
        values[110] = np.inf
        return values

    words = ("data", "simulate", "mini-track", "--data", "tracks", "--events", 120)
    assert zoo(*words, "--out", tmp_path / "many.h5", "--workers", 1).code == 0
    file = with_column(tmp_path / "many.h5", tmp_path / "late.h5", "pads", late)
    done = zoo("eval", run, "--data", file, "--split", "all")
    done.failed(4, where=f"{file}: pads", says="NaN or infinite", remedy="zoo data check")
    predict = zoo("predict", run, "--data", file, "--out", tmp_path / "p.h5")
    predict.failed(4, where=f"{file}: pads", says="NaN or infinite", remedy="zoo data check")
    done = train(*ONE_STEP, "--set", "data.test=0", "--set", "data.validation=0", data=file)
    done.failed(4, where=f"{file}: pads", says="NaN or infinite", remedy="zoo data check")


def test_swapped_axes_that_only_the_model_can_see(
    zoo: Call, train: Call, run: Path, tracks: Path, tmp_path: Path
) -> None:
    # Row and pad are named in no other field of mini-track, so any sizes could be meant.
    def swapped(values: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.ascontiguousarray(values.swapaxes(1, 2))

    file = with_column(tracks, tmp_path / "swapped.h5", "pads", swapped)
    predict = zoo("predict", run, "--data", file, "--out", tmp_path / "p.h5")
    predict.failed(3, where="mini-track/pad-net", says="broadcast", remedy="zoo data check")
    zoo("eval", run, "--data", file).failed(3, where=run, remedy="zoo data check")
    train(*ONE_STEP, data=file).failed(3, where="Heteroscedastic", remedy="zoo data check")


@pytest.fixture(scope="session")
def planes(zoo: Call, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dnn-roi file of three tiny events."""
    out = tmp_path_factory.mktemp("planes") / "planes.h5"
    words = ("data", "simulate", "dnn-roi", "--data", "cosmics", "--events", 3, "--workers", 1)
    detector = [f"data.options.detector.{size}" for size in ("wires=24", "ticks=400")]
    done = zoo(*words, "--out", out, "--set", detector[0], "--set", detector[1])
    assert done.code == 0, done.stdout
    return out


def test_swapped_axes(zoo: Call, train: Call, planes: Path, tmp_path: Path) -> None:
    def swapped(values: NDArray[Any]) -> NDArray[Any]:
        return np.ascontiguousarray(values.swapaxes(1, 2))

    file = with_column(planes, tmp_path / "swapped.h5", "mp2", swapped)
    unread = zoo("data", "check", "dnn-roi", "--data", file, "--limit", 2)
    assert unread.code == 4
    found = [f for f in unread.json["findings"] if f["field"] == "mp2"]
    assert "swapped axes" in found[0]["problem"]
    assert "('wire', 'tick')" in found[0]["remedy"]
    done = train(*ONE_STEP, model="dnn-roi/lite-unet", data=file)
    done.failed(4, where=f"{file}: mp2", says="swapped axes: wire = 400", remedy="('wire', 'tick')")


def test_a_wrong_dtype(zoo: Call, train: Call, tracks: Path, run: Path, tmp_path: Path) -> None:
    file = with_column(tracks, tmp_path / "ints.h5", "pads", lambda v: v.astype(np.int16))
    where, says = f"{file}: pads", "dtype int16, declared float32"
    train(*ONE_STEP, data=file).failed(4, where=where, says=says, remedy="zoo data check")
    done = zoo("predict", run, "--data", file, "--out", tmp_path / "p.h5")
    done.failed(4, where=where, says=says, remedy="zoo data check")


def test_a_truncated_file(zoo: Call, train: Call, run: Path, tracks: Path, tmp_path: Path) -> None:
    file, content = tmp_path / "cut.h5", tracks.read_bytes()
    told = {"where": file, "says": "damaged", "remedy": "copy it again"}
    for share in (0.0, 0.01, 0.5, 0.9, 0.999):
        file.write_bytes(content[: int(share * len(content))])
        zoo("data", "check", "mini-track", "--data", file).failed(4, **told)
        train(*ONE_STEP, data=file).failed(4, **told)
        out = ("--out", tmp_path / "p.h5")
        zoo("predict", run, "--data", file, *out).failed(4, **told)
        zoo("eval", run, "--data", file).failed(4, **told)


def test_a_file_with_a_flipped_bit(
    zoo: Call, train: Call, run: Path, tracks: Path, tmp_path: Path
) -> None:
    file = tmp_path / "flipped.h5"
    shutil.copy(tracks, file)
    with h5py.File(file, "r") as opened:
        chunk = opened["columns/pads"].id.get_chunk_info(0)
    content = bytearray(file.read_bytes())
    content[chunk.byte_offset + chunk.size // 2] ^= 1
    file.write_bytes(content)
    code, findings = check(zoo, file)
    assert code == 4
    assert findings[0]["remedy"]
    done = zoo("predict", run, "--data", file, "--out", tmp_path / "p.h5")
    done.failed(4, where=f"{file}: pads", says="damaged", remedy="copy it again")
    train(*ONE_STEP, data=file).failed(4, where=f"{file}: pads", says="damaged")


def test_files_that_are_not_ours(zoo: Call, train: Call, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "foreign.h5", "w") as foreign:
        foreign["events"] = np.zeros(3)
    file = tmp_path / "foreign.h5"
    train(*ONE_STEP, data=file).failed(4, where=file, says="not written by zoo", remedy="convert")
    text = tmp_path / "text.h5"
    text.write_text("these are no data")
    train(*ONE_STEP, data=text).failed(4, where=text, says="no HDF5", remedy="copy")
    train(*ONE_STEP, data=f"hdf5:{tmp_path}").failed(4, where=tmp_path, remedy="path")


def test_data_of_another_task(
    zoo: Call, train: Call, tracks: Path, run: Path, tmp_path: Path
) -> None:
    done = train(*ONE_STEP, model="mini-light/siren", data=tracks)
    done.failed(4, where=tracks, says="'mini-track', not of 'mini-light'", remedy="mini-track")
    done = zoo("data", "check", "mini-light", "--data", tracks)
    done.failed(4, where=tracks, says="'mini-track'", remedy="mini-track")
    flashes = tmp_path / "flashes.h5"
    words = ("data", "simulate", "mini-light", "--data", "flashes", "--events", 3)
    assert zoo(*words, "--out", flashes, "--workers", 1).code == 0
    done = zoo("predict", run, "--data", flashes, "--out", tmp_path / "p.h5")
    done.failed(4, where=flashes, says="'mini-light', not of 'mini-track'", remedy="mini-light")


def test_empty_data(zoo: Call, train: Call, run: Path, tracks: Path, tmp_path: Path) -> None:
    file = tmp_path / "empty.h5"
    shutil.copy(tracks, file)
    with h5py.File(file, "r+") as opened:
        for name in list(opened["columns"]):
            place = opened["columns"][name]
            shape, dtype, attributes = place.shape, place.dtype, dict(place.attrs)
            del opened["columns"][name]
            opened["columns"].create_dataset(name, shape=(0, *shape[1:]), dtype=dtype)
            opened["columns"][name].attrs.update(attributes)
        for name, shape in (("start", (1,)), ("group", (0,)), ("digest", (0, 32))):
            dtype = opened["blocks"][name].dtype
            del opened["blocks"][name]
            opened["blocks"][name] = np.zeros(shape, dtype)
    train(*ONE_STEP, data=file).failed(4, where="data.", says="0 independent", remedy="more")
    out = ("--out", tmp_path / "p.h5")
    done = zoo("predict", run, "--data", file, *out)
    done.failed(4, where=file, says="no samples")
    done = zoo("eval", run, "--data", file, "--split", "all")
    done.failed(4, where=file, says="no samples")
    done = zoo("data", "convert", "mini-track", "--data", file, *out)
    done.failed(4, where=file, says="no samples")
    assert zoo("data", "check", "mini-track", "--data", file).code == 4


def test_too_few_events_to_split(train: Call) -> None:
    done = train(*ONE_STEP, "--set", "data.events=2", data="tracks")
    done.failed(4, where="data.validation, data.test", says="2 independent", remedy="more")


def test_an_empty_split(zoo: Call, run: Path) -> None:
    done = zoo("eval", run, "--set", "data.test=0")
    done.failed(2, where="test", says="empty", remedy="data.test=0.1")


def test_a_split_that_holds_training_data(zoo: Call, run: Path) -> None:
    done = zoo("eval", run, "--set", "data.test=0.5")
    done.failed(4, where=run, says="split otherwise", remedy="data.test=0.1")


def test_data_of_another_detector(zoo: Call, planes: Path, tmp_path: Path) -> None:
    model = "dnn-roi/lite-unet"
    out = tmp_path / "run"
    done = zoo("train", model, "--data", planes, "--out", out, *ONE_STEP, "--device", "cpu")
    assert done.code == 0, done.stdout
    other = tmp_path / "other.h5"
    shutil.copy(planes, other)
    with h5py.File(other, "r+") as opened:
        header = json.loads(opened["zoo"][:].tobytes())
        header["facts"]["geometry"]["tick_ns"] = 512.0
        del opened["zoo"]
        opened["zoo"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    where, says = other, "geometry.tick_ns"
    done = zoo("predict", out, "--data", other, "--out", tmp_path / "p.h5")
    done.failed(4, where=where, says=says, remedy="same detector")
    done = zoo("eval", out, "--data", other)
    done.failed(4, where=where, says=says, remedy="same detector")


def test_a_missing_or_wrong_file_of_a_simulator(zoo: Call, tmp_path: Path) -> None:
    out = tmp_path / "planes.h5"

    def simulate(file: Path) -> Any:
        words = ("data", "simulate", "dnn-roi", "--data", "cosmics", "--events", 1)
        option = f"data.options.field_response={file}"
        return zoo(*words, "--workers", 1, "--out", out, "--set", option)

    absent = tmp_path / "absent.json.bz2"
    simulate(absent).failed(4, where=absent, says="No such file", remedy="path")
    cut = tmp_path / "cut.json.bz2"
    cut.write_bytes(bz2.compress(b"{}" * 1000)[:-5])
    simulate(cut).failed(4, where=cut, says="cannot be read", remedy="json.bz2")
    other = tmp_path / "other.json"
    other.write_text(json.dumps({"Store": {}}))
    simulate(other).failed(4, where=other, says="field response", remedy="FieldResponse")
    assert not out.exists()


def archive(path: Path, members: Mapping[str, NDArray[Any]]) -> Path:
    """A frame archive as Wire-Cell writes it."""
    with tarfile.open(path, "w:bz2") as opened:
        for name, array in members.items():
            stream = io.BytesIO()
            np.save(stream, array)
            info = tarfile.TarInfo(name)
            info.size = stream.tell()
            stream.seek(0)
            opened.addfile(info, stream)
    return path


def test_damaged_frames_of_real_charge(zoo: Call, tmp_path: Path) -> None:
    charge = np.random.default_rng(1).normal(size=(8, 500)).astype(np.float32)
    members = {
        "frame_gauss1_3.npy": charge,
        "channels_gauss1_3.npy": np.arange(8),
        "tickinfo_gauss1_3.npy": np.array([0.0, 500.0, 0.0]),
    }
    whole = archive(tmp_path / "frames.tar.bz2", members)
    wires = tmp_path / "wires.json"
    wires.write_text("{}")

    def check_frames(path: Path, *words: object) -> Any:
        return zoo("data", "check", "dnn-roi", "--data", f"real-charge:{path}", *words)

    wired = ("--set", f"data.options.wires={wires}")
    check_frames(whole).failed(2, where="wires", says="no wire file", remedy="Wire-Cell")
    cut = tmp_path / "cut.tar.bz2"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    check_frames(cut, *wired).failed(4, where=cut, says="truncated", remedy="copy or download")
    absent = tmp_path / "absent.tar.bz2"
    check_frames(absent, *wired).failed(4, where=absent, says="No such file", remedy="path")
    raw = {name.replace("gauss1", "raw1"): array for name, array in members.items()}
    raw_file = archive(tmp_path / "raw.tar.bz2", raw)
    check_frames(raw_file, *wired).failed(
        4, where=raw_file, says="raw1", remedy="signal processing"
    )
    check_frames(whole, *wired).failed(4, where=wires, says="Wire-Cell", remedy="anodes")
    absent = tmp_path / "absent.json"
    none = ("--set", f"data.options.wires={absent}")
    check_frames(whole, *none).failed(4, where=absent, says="No such file", remedy="json")


def test_reading_in_a_notebook_tells_the_same(tracks: Path) -> None:
    with pytest.raises(Exception, match="did you mean 'pads'") as caught:
        read("mini-track", str(tracks), frozenset({"pdas"}))
    assert type(caught.value).__name__ == "DataError"
