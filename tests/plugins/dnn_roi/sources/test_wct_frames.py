"""Frame archives as a source, and predictions written back as frames."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import h5py
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from zoo.api import DataError, Table, UsageError
from zoo.cli.app import app
from zoo.data.checks import check_source
from zoo_dnn_roi.frames_out import Charge, write_frames
from zoo_dnn_roi.physics.frame_writer import write_members
from zoo_dnn_roi.physics.frames import read_frames, read_members
from zoo_dnn_roi.physics.wirecell_charge import wirecell_charge
from zoo_dnn_roi.sources.wct_frames import WctFrames
from zoo_dnn_roi.sources.wct_hdf5 import WctHdf5
from zoo_dnn_roi.sources.wirecell_config import WctFramesConfig, WctHdf5Config
from zoo_dnn_roi.specs import SAMPLE

FIELDS = frozenset(
    {"loose_lf", "tight_lf", "decon_charge", "gauss", "mp2", "mp3", "traditional", "plane"}
)
Open = Callable[..., WctFrames]
CHARGE = Charge()


@pytest.fixture
def detector(tmp_path: Path, wct: ModuleType) -> str:
    return str(wct.geometry(tmp_path))


def opened(path: Path, detector: str, **options: Any) -> WctFrames:
    return WctFrames(WctFramesConfig.model_validate({"detector": detector} | options), path)


@pytest.mark.parametrize("suffix", [".tar.bz2", ".tar.gz", ".npz"])
def test_planes_are_what_was_written(
    tmp_path: Path, wct: ModuleType, detector: str, suffix: str
) -> None:
    path = tmp_path / f"f{suffix}"
    write_members(path, wct.archive_members((7, 8)))
    source = opened(path, detector)
    assert source.fields == FIELDS
    assert [(b.rows, b.group) for b in source.blocks()] == [(2, "event 7"), (2, "event 8")]
    assert check_source(source, SAMPLE).findings == ()
    table, written = source.read(source.blocks()[1], slice(0, 2), FIELDS), wct.event(8)
    np.testing.assert_array_equal(table["loose_lf"][1], written["loose_lf"][24:48])
    np.testing.assert_array_equal(table["mp3"][0], written["mp3_roi"][:24] / 4000)


def test_an_archive_of_other_tags(tmp_path: Path, detector: str) -> None:
    write_members(tmp_path / "f.tar", [("frame_raw1_7.npy", np.zeros((80, 9), np.float32))])
    with pytest.raises(DataError, match="no tag that a network reads; found raw1"):
        opened(tmp_path / "f.tar", detector)


def test_frames_that_lack_a_tag(tmp_path: Path, wct: ModuleType, detector: str) -> None:
    members = [m for m in wct.archive_members((7, 8)) if not m[0].endswith("mp2_roi1_8.npy")]
    write_members(tmp_path / "f.tar", members)
    with pytest.raises(DataError, match="missing tag: mp2_roi") as caught:
        opened(tmp_path / "f.tar", detector)
    assert "event 8" in caught.value.where


def test_the_size_of_an_archive_is_limited(tmp_path: Path, wct: ModuleType, detector: str) -> None:
    write_members(tmp_path / "f.tar", wct.archive_members())
    with pytest.raises(DataError, match="bytes unpacked"):
        opened(tmp_path / "f.tar", detector, max_gib=1e-4)


@pytest.mark.realdata
def test_the_real_file_has_the_charge_of_its_planes(real_data: Path) -> None:
    """Run 027409, APA 1: occupancies of U and V from the reference, section 4."""
    path = real_data / "dnn-roi" / "protodunehd-sp-frames-anode1.tar.bz2"
    source = WctFrames(WctFramesConfig(), path)
    (block,) = source.blocks()
    assert source.fields == {"gauss", "plane"}
    gauss = source.read(block, slice(0, 2), frozenset({"gauss"}))["gauss"]
    assert gauss.shape == (2, 800, 5999)
    occupancy = 100 * (gauss != 0).mean(axis=(1, 2))
    assert occupancy == pytest.approx([2.73, 2.45], abs=0.005)


def masks(source: WctFrames | WctHdf5, seed: int = 0) -> list[Table]:
    """Random masks of all planes, a table for each block, as ``zoo predict`` writes them."""
    rng = np.random.default_rng(seed)
    tables = []
    for block in source.blocks():
        ids = source.read(block, slice(0, block.rows), frozenset()).ids
        bins = rng.random((len(ids), 24, 21)) < 0.3
        mask = np.repeat(bins, 10, axis=2).astype(np.uint8)
        tables.append(Table({"id": ids, "mask": mask}))
    return tables


def test_an_archive_of_predictions(tmp_path: Path, wct: ModuleType, detector: str) -> None:
    path, out = tmp_path / "f.tar.bz2", tmp_path / "out.tar.bz2"
    write_members(path, wct.archive_members((7, 8)))
    source = opened(path, detector)
    tables = masks(source)
    assert write_frames(source, tables, out, Charge(scale=1.5)) == 2
    frames = read_frames(out)
    assert [(frame.ident, list(frame.traces)) for frame in frames] == [
        (7, ["dnnsp1"]),
        (8, ["dnnsp1"]),
    ]
    for frame, table in zip(frames, tables, strict=True):
        written, found = wct.event(frame.ident), frame.traces["dnnsp1"]
        by_channel = found.waveforms[np.argsort(found.channels)]
        for plane, rows in enumerate((slice(0, 24), slice(24, 48))):
            expected = wirecell_charge(
                written["decon_charge"][rows], table["mask"][plane] > 0, scale=1.5
            )
            np.testing.assert_array_equal(by_channel[rows], expected)
        np.testing.assert_array_equal(by_channel[48:], written["gauss"][48:])
        assert (found.time_ns, found.tick_ns, found.first_tick) == (0, 400, 0)
        assert frame.masks["bad"].tolist() == [[3, 0, 210]]
    names = [name for name, _ in read_members(out)]
    assert names[:3] == [f"{kind}_dnnsp1_7.npy" for kind in ("frame", "channels", "tickinfo")]
    assert np.array_equal(frames[0].traces["dnnsp1"].channels, 80 + np.arange(80)[::-1])


@pytest.mark.parametrize("tick_first", [True, False])
def test_an_hdf5_file_of_predictions(
    tmp_path: Path, wct: ModuleType, detector: str, tick_first: bool
) -> None:
    path = wct.write_pair(tmp_path, anodes=(0, 2), tick_first=tick_first)
    source = WctHdf5(WctHdf5Config(detector=detector), path)
    tables = masks(source)
    assert write_frames(source, tables, tmp_path / "out.h5", CHARGE) == 4
    with h5py.File(tmp_path / "out.h5") as file, h5py.File(path) as like:
        assert sorted(file) == ["100", "101"]
        frame = file["101/frame_dnnsp2"]
        assert frame.shape == like["101/frame_gauss2"].shape
        assert frame.compression == "gzip"
        np.testing.assert_array_equal(file["101/channels_dnnsp2"], like["101/channels_gauss2"])
        found = frame[...].T if tick_first else frame[...]
    written = wct.event(101)
    expected = wirecell_charge(written["decon_charge"][24:48], tables[3]["mask"][1] > 0)
    np.testing.assert_array_equal(found[24:48], expected)
    np.testing.assert_array_equal(found[48:], written["gauss"][48:])


def test_predictions_that_do_not_fit(tmp_path: Path, wct: ModuleType, detector: str) -> None:
    path, out = tmp_path / "f.tar", tmp_path / "out.tar"
    write_members(path, wct.archive_members((7, 8)))
    source = opened(path, detector)
    tables = masks(source)
    assert write_frames(source, tables[1:], out, CHARGE) == 1  # a split: frame 8 alone
    assert [frame.ident for frame in read_frames(out)] == [8]
    out.unlink()
    with pytest.raises(DataError, match="in another order"):
        write_frames(source, tables[::-1], out, CHARGE)
    with pytest.raises(DataError, match="a plane of a readout is not predicted"):
        write_frames(source, [tables[0].take(slice(0, 1))], out, CHARGE)
    foreign = [table.with_columns({"id": table.ids + np.uint64(1)}) for table in tables]
    with pytest.raises(DataError, match="not of these frames"):
        write_frames(source, foreign, out, CHARGE)
    with pytest.raises(DataError, match="not of these frames"):
        write_frames(source, [], out, CHARGE)
    short = [Table({"id": t.ids, "mask": t["mask"][:, :, :100]}) for t in tables]
    with pytest.raises(DataError, match="shape"):
        write_frames(source, short, out, CHARGE)
    assert not out.exists()


def test_frames_without_gauss(tmp_path: Path, wct: ModuleType, detector: str) -> None:
    members = [m for m in wct.archive_members() if "gauss" not in m[0]]
    write_members(tmp_path / "f.tar", members)
    source = opened(tmp_path / "f.tar", detector)
    with pytest.raises(DataError, match="no tag 'gauss'"):
        write_frames(source, masks(source), tmp_path / "out.tar", CHARGE)


def test_several_files_at_once_are_refused(tmp_path: Path, wct: ModuleType, detector: str) -> None:
    wct.write_pair(tmp_path, "1")
    wct.write_pair(tmp_path, "2")
    source = WctHdf5(WctHdf5Config(detector=detector), tmp_path)
    with pytest.raises(UsageError, match="2 files of frames"):
        write_frames(source, masks(source), tmp_path / "out.h5", CHARGE)


def zoo(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], prog_name="zoo")


@pytest.mark.slow
def test_an_invented_detector_from_files_to_frames(
    tmp_path: Path, wct: ModuleType, detector: str
) -> None:
    """Trained on HDF5 pairs and predicted from an archive through a geometry file alone."""
    wct.write_pair(tmp_path, "1", range(100, 104))
    wct.write_pair(tmp_path, "2", range(104, 108))
    options = ("--set", f"data.options.detector={detector}")
    run = tmp_path / "run"
    done = zoo(
        *("train", "dnn-roi/lite-unet", "--data", f"wct-hdf5:{tmp_path}", *options),
        *("--set", "training.steps=2", "--set", "training.batch=2", "--device", "cpu"),
        *("--set", "model.widths=[4, 8]", "--set", "data.validation=0.3", "--out", run),
    )
    assert done.exit_code == 0, done.stderr
    converted = tmp_path / "frames.h5"
    pairs = ("dnn-roi", "--data", f"wct-hdf5:{tmp_path}")
    done = zoo("data", "convert", *pairs, *options, "--out", converted)
    assert done.exit_code == 0, done.stderr
    done = zoo("eval", run, "--data", converted, "--split", "all", "--resamples", 20, "--json")
    assert done.exit_code == 0, done.stderr
    available = {row["model"]: not row["unavailable"] for row in json.loads(done.stdout)["models"]}
    assert available["dnn-roi/traditional"]
    assert all(available.values())

    archive = wct.write_tar(tmp_path / "f.tar.bz2", wct.archive_members((7, 8)))
    predict = ("predict", run, "--data", f"wct-frames:{archive}")
    predictions = tmp_path / "predictions.h5"
    done = zoo(*predict, *options, "--out", predictions)
    assert done.exit_code == 0, done.stderr
    out = tmp_path / "out.tar.bz2"
    frames = ("dnn-roi", "frames", predictions, "--like", f"wct-frames:{archive}", "--out", out)
    done = zoo(*frames, "--detector", detector, "--json")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["frames"] == 2
    with h5py.File(predictions) as file:
        mask, charge = file["columns/mask"][...] > 0, file["columns/charge"][...]
    found = read_frames(out)[1].traces["dnnsp1"]
    dnnsp = found.waveforms[np.argsort(found.channels)]
    # Where Wire-Cell drops nothing, its charge is that of the prediction.
    kept = ~mask[2][:, -1]
    np.testing.assert_array_equal(dnnsp[:24][kept], charge[2][kept])
    np.testing.assert_array_equal(dnnsp[48:], wct.event(8)["gauss"][48:])

    other = Path(detector).with_name("other.toml")
    other.write_text(Path(detector).read_text().replace("60.0", "50.0"))
    done = zoo(*predict, "--set", f"data.options.detector={other}", "--out", tmp_path / "no.h5")
    assert done.exit_code == 4
    assert "geometry" in done.stderr
    done = zoo(*frames[:3], "--like", f"real:{archive}", "--out", out)
    assert done.exit_code == 2
    assert "no source of Wire-Cell's files" in done.stderr
