"""Files of reconstructed events: whole or not at all, in parts that are kept, and SPINE's."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import h5py
import numpy as np
import pytest

from zoo.api import DataError, Table, UsageError
from zoo_sparse_reco.chain import job as job_module
from zoo_sparse_reco.chain.data import Data
from zoo_sparse_reco.chain.files.parts import Shard
from zoo_sparse_reco.chain.files.reco_file import about_reco, read_reco, write_reco
from zoo_sparse_reco.chain.files.spine_file import write_spine
from zoo_sparse_reco.chain.job import RecoJob, reconstruct
from zoo_sparse_reco.chain.meters import StageMeter, added
from zoo_sparse_reco.chain.specs import RECO
from zoo_sparse_reco.physics.voxel_grid import VoxelGrid

TRUE = tuple(f"{name}=truth" for name in ("semantic", "cluster", "shower", "track", "interaction"))


def _job(data: Path, out: Path, **more: object) -> RecoJob:
    return RecoJob(models=TRUE, data=str(data), out=out, **more)  # type: ignore[arg-type]


def _nothing(done: int, total: int) -> None:
    """Nobody listens."""


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two events, so that five events have three parts."""
    monkeypatch.setattr(job_module, "PART_EVENTS", 2)


@pytest.fixture
def written(tmp_path: Path, true_reco: Table, grid: VoxelGrid) -> Path:
    """A file of the true events."""
    path = tmp_path / "reco.h5"
    with write_reco(path, {"grid": grid.facts["grid"], "stages": {}}) as writer:
        writer.append(true_reco.take([0, 1]))
        writer.append(true_reco.take([2, 3, 4]))
    return path


def test_a_file_has_what_was_written(written: Path, true_reco: Table) -> None:
    tables = list(read_reco(written, together=2))
    assert [table.rows for table in tables] == [2, 2, 1]
    found = Table.concat(tables)
    np.testing.assert_array_equal(found.ids, true_reco.ids)
    for name in RECO:
        np.testing.assert_array_equal(found[name].values, true_reco[name].values)
        np.testing.assert_array_equal(found[name].offsets, true_reco[name].offsets)
    assert about_reco(written)["events"] == 5
    with h5py.File(written) as file:
        assert file["particles/energy"].attrs["unit"] == "MeV"


def test_foreign_and_damaged_files_are_refused(written: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.h5"
    with h5py.File(other, "w") as file:
        file["x"] = 1
    with pytest.raises(DataError, match="no file of reconstructed events"):
        about_reco(other)
    with h5py.File(written, "a") as file:
        del file["particles/end"]
    with pytest.raises(DataError, match="lacks particles/end"):
        list(read_reco(written))
    cut = tmp_path / "cut.h5"
    cut.write_bytes(written.read_bytes()[:3000])
    with pytest.raises(DataError, match="truncated, damaged"):
        about_reco(cut)


@pytest.mark.usefixtures("small_parts")
def test_shares_make_the_file_that_one_process_makes(event_file: Path, tmp_path: Path) -> None:
    whole, shared = tmp_path / "whole.h5", tmp_path / "shared.h5"
    told = reconstruct(_job(event_file, whole), _nothing)
    assert told["events"] == 5
    assert told["took"]["tables"]["seconds"] > 0
    assert not whole.with_name("whole.h5.parts").exists()
    for share in ("1/2", "0/2"):
        part = reconstruct(_job(event_file, shared, shard=share), _nothing)
        assert not shared.exists()
        assert part["parts"] == (2 if share == "0/2" else 1)
    joined = reconstruct(_job(event_file, shared), _nothing)
    assert joined["particles"] == told["particles"]
    one, other = Table.concat(list(read_reco(whole))), Table.concat(list(read_reco(shared)))
    for name in RECO:
        np.testing.assert_array_equal(one[name].values, other[name].values)


@pytest.mark.usefixtures("small_parts")
def test_a_killed_job_goes_on(event_file: Path, tmp_path: Path) -> None:
    """Killed after the first part and within the second: no file, and one part is not made anew."""
    out = tmp_path / "reco.h5"
    child = os.fork()
    if not child:

        def stop(done: int, total: int) -> None:
            if done == 3:
                os.kill(os.getpid(), signal.SIGKILL)

        job_module.PIECE_VOXELS = 1  # one event at a time
        reconstruct(_job(event_file, out), stop)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    parts = out.with_name("reco.h5.parts")
    assert not out.exists()
    kept = parts / "part-000000.h5"
    assert [path.name for path in sorted(parts.glob("part-*"))] == [kept.name]
    before = kept.stat().st_mtime_ns
    seen: list[int] = []
    reconstruct(
        _job(event_file, out),
        lambda *_: seen.append(kept.stat().st_mtime_ns if kept.exists() else 0),
    )
    assert set(seen) == {before}
    assert about_reco(out)["events"] == 5
    assert not parts.exists()


def test_a_finished_job_is_left_and_another_refused(event_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "reco.h5"
    reconstruct(_job(event_file, out), _nothing)
    before = out.stat().st_mtime_ns
    assert reconstruct(_job(event_file, out), _nothing)["events"] == 5
    assert out.stat().st_mtime_ns == before
    with pytest.raises(UsageError, match="another file is here"):
        reconstruct(_job(event_file, out, limit=2), _nothing)


def test_parts_of_another_job_are_not_touched(event_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "reco.h5"
    reconstruct(_job(event_file, out, shard="0/2"), _nothing)
    with pytest.raises(UsageError, match="parts of another job"):
        reconstruct(_job(event_file, out, limit=2), _nothing)


@pytest.mark.parametrize("text", ["2/2", "x", "1", "-1/2", "0/0"])
def test_shares_that_make_no_sense(text: str) -> None:
    with pytest.raises(UsageError, match="no share of the work"):
        Shard(text)


def test_pieces_are_bounded_and_parts_stay_together(event_file: Path) -> None:
    data = Data(str(event_file))
    sizes = [(first, table.rows) for first, table in data.pieces(frozenset({"voxel_x"}), 2, 10**9)]
    assert sizes == [(0, 2), (2, 2), (4, 1)]
    single = [table.rows for _, table in data.pieces(frozenset({"voxel_x"}), 2, 1)]
    assert single == [1] * 5
    assert data.events == 5
    assert Data(str(event_file), limit=3).events == 3


def test_data_of_others_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        _ = Data(str(tmp_path / "none.h5")).task
    plain = tmp_path / "plain.h5"
    with h5py.File(plain, "w") as file:
        file["x"] = 1
    with pytest.raises(DataError, match="no file that zoo wrote"):
        _ = Data(str(plain)).task
    with h5py.File(plain, "a") as file:
        file["zoo"] = np.frombuffer(b'{"task": "mini-track"}', np.uint8)
    with pytest.raises(DataError, match="task 'mini-track'"):
        _ = Data(str(plain)).task


def test_time_and_memory_add_up() -> None:
    meter = StageMeter()
    for _ in range(2):
        with meter.stage("one"):
            held = bytearray(2**22)
    assert meter.told["one"]["seconds"] > 0
    assert len(held) == 2**22
    told = {"one": {"seconds": 1.0, "cpu_seconds": 0.5, "peak_mib": 10.0}}
    more = {"one": {"seconds": 2.0, "cpu_seconds": 0.5, "peak_mib": 7.0}, "two": told["one"]}
    assert added([told, more])["one"] == {"seconds": 3.0, "cpu_seconds": 1.0, "peak_mib": 10.0}
    assert added([told, more])["two"] == told["one"]


def test_the_file_for_spine_s_users(written: Path, tmp_path: Path, true_reco: Table) -> None:
    """Read as SPINE's reader does: a region reference of each event into each product."""
    out = tmp_path / "spine.h5"
    write_spine(written, out)
    with h5py.File(out) as file:
        # SPINE refuses files that do not tell a configuration.
        assert json.loads(file["info"].attrs["cfg"]) == {"zoo": about_reco(written)["stages"]}
        assert len(file["events"]) == true_reco.rows
        for row in range(true_reco.rows):
            event = file["events"][row]
            particles = file["reco_particles"][event["reco_particles"]]
            interactions = file["reco_interactions"][event["reco_interactions"]]
            points = file["points"][event["points"]].reshape(-1, 3)
            deposits = file["depositions"][event["depositions"]]
            assert file["index"][event["index"]][0] == row
            np.testing.assert_array_equal(particles["pid"], true_reco["particles/pid"][row])
            place = true_reco["voxels/x"][row] + 0.5
            np.testing.assert_allclose(points[:, 0], place * 0.3, rtol=1e-6)  # voxels of 3 mm
            for number, one in enumerate(particles):
                np.testing.assert_array_equal(
                    one["index"], np.flatnonzero(true_reco["voxels/particle"][row] == number)
                )
                assert one["depositions_sum"] == pytest.approx(deposits[one["index"]].sum())
                assert one["size"] == len(one["index"])
            for number, one in enumerate(interactions):
                assert (
                    list(one["particle_ids"])
                    == np.flatnonzero(true_reco["particles/interaction"][row] == number).tolist()
                )
            vertex = true_reco["interactions/vertex"][row] * 0.3
            np.testing.assert_allclose(interactions["vertex"], vertex, rtol=1e-6)


def test_topologies_are_those_of_the_primaries(written: Path, tmp_path: Path) -> None:
    out = tmp_path / "spine.h5"
    write_spine(written, out)
    with h5py.File(out) as file:
        assert file["reco_particles"].attrs["class_name"] == "RecoParticle"
        for one in file["reco_interactions"][:]:
            counts = one["primary_particle_counts"]
            tags = zip(counts, ("g", "e", "mu", "pi", "p", "K"), strict=True)
            assert one["topology"].decode() == "".join(f"{n}{tag}" for n, tag in tags if n)
