"""All stages on events: what is true comes out true; edge cases."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from zoo.api import DataError, Predictor, Ragged, Table, UsageError
from zoo_sparse_reco.chain.inputs import fields_to_read, shown
from zoo_sparse_reco.chain.judging.rows import measured
from zoo_sparse_reco.chain.running import Chain
from zoo_sparse_reco.chain.specs import RECO
from zoo_sparse_reco.chain.stages import DEFAULTS, STAGES, TRUTH, chosen, open_stages
from zoo_sparse_reco.physics.labels import Pid, Semantic
from zoo_sparse_reco.physics.voxel_grid import VoxelGrid
from zoo_sparse_reco.specs import SAMPLE


@pytest.fixture(scope="module")
def classical(facts: Mapping[str, Any], grid: VoxelGrid) -> Chain:
    """The baselines, fitted to nothing."""
    return Chain(open_stages(chosen([]), facts), grid)


def test_the_truth_comes_out_as_it_went_in(true_reco: Table, events: Table) -> None:
    for row in range(events.rows):
        found = measured(events, row, true_reco, row)
        assert found.right[0] == found.right[1]
        assert all(one.ari == 1 and one.purity == 1 for one in found.agreements.values())
        assert (found.vertex_apart < 1e-3).all()


def test_tables_agree_with_one_another(true_reco: Table) -> None:
    for row in range(true_reco.rows):
        particle = true_reco["voxels/particle"][row]
        inside = particle >= 0
        counts = np.bincount(particle[inside], minlength=len(true_reco["particles/pid"][row]))
        np.testing.assert_array_equal(counts, true_reco["particles/voxels"][row])
        energy = np.bincount(particle[inside], true_reco["voxels/deposit"][row][inside])
        np.testing.assert_allclose(true_reco["particles/energy"][row], energy, rtol=1e-5)
        of = true_reco["particles/interaction"][row]
        told = true_reco["voxels/interaction"][row]
        np.testing.assert_array_equal(of[particle[inside]], told[inside])
        fragment = true_reco["voxels/fragment"][row]
        held = true_reco["fragments/particle"][row]
        np.testing.assert_array_equal(held[fragment[inside]], particle[inside])
        low = true_reco["voxels/semantic"][row] == Semantic.LOW_ENERGY
        assert (particle[low] == -1).all()


def test_true_tracks_have_their_energies_by_range(true_reco: Table, events: Table) -> None:
    """Protons that stop, by the simulation's own truth, to 5 %: straggling is 1 to 2 %."""
    checked = 0
    for row in range(events.rows):
        found = measured(events, row, true_reco, row).particles
        stops = found.contained & (found.pid_true == Pid.PROTON) & (found.energy_true > 60)
        checked += int(stops.sum())
        ratio = found.energy_range[stops] / found.energy_true[stops]
        assert ((ratio < 1.05) & (ratio > 0.5)).all()  # a proton may stop in a nucleus
    assert checked


def test_baselines_make_particles_of_the_right_size(classical: Chain, events: Table) -> None:
    reco = classical(events)
    rows = [measured(events, row, reco, row) for row in range(events.rows)]
    assert np.mean([row.agreements["particle"].purity for row in rows]) > 0.6
    assert np.mean([row.agreements["interaction"].efficiency for row in rows]) > 0.6
    score = reco["particles/pid_score"].values
    np.testing.assert_allclose(score.sum(axis=1), 1, atol=1e-5)
    unit = np.linalg.norm(reco["particles/direction"].values, axis=1)
    np.testing.assert_allclose(unit[~np.isnan(unit)], 1, atol=1e-5)


def test_an_event_does_not_depend_on_the_others(classical: Chain, events: Table) -> None:
    every, alone = classical(events), classical(events.take([3]))
    for name in RECO:
        np.testing.assert_array_equal(every[name][3], alone[name][0], err_msg=name)


def test_events_without_and_with_one_voxel(
    classical: Chain, voxels_of: Callable[[Any], Table]
) -> None:
    one = {name: [7] for name in ("voxel_x", "voxel_y", "voxel_z")}
    reco = classical(voxels_of([{"voxel_x": []}, one, {"voxel_x": []}]))
    assert reco["voxels/x"].lengths.tolist() == [0, 1, 0]
    assert reco["particles/pid"].lengths[[0, 2]].sum() == 0
    alone = classical(voxels_of([{"voxel_x": []}]))
    assert alone.rows == 1
    assert alone["particles/start"].values.shape == (0, 3)


@pytest.mark.parametrize("semantic", range(6))
def test_events_of_one_class(
    facts: Mapping[str, Any],
    grid: VoxelGrid,
    voxels_of: Callable[[Any], Table],
    semantic: int,
) -> None:
    """A line of thirty voxels, all of it of one class: a particle, but of low energy and ghosts."""
    count = 30
    line = {"voxel_x": np.arange(count) + 20, "voxel_y": [9] * count, "voxel_z": [9] * count}
    samples = voxels_of([line]).with_columns(
        {
            "semantic": Ragged.of([np.full(count, semantic, np.int8)]),
            **{f"point_{axis}": Ragged.of([np.zeros(0, np.float32)]) for axis in "xyz"},
            "point_semantic": Ragged.of([np.zeros(0, np.int8)]),
            "point_end": Ragged.of([np.zeros(0, np.int8)]),
        }
    )
    chain = Chain(open_stages(chosen(["semantic=truth"]), facts), grid)
    reco = chain(samples)
    clustered = semantic < Semantic.LOW_ENERGY
    assert len(reco["particles/pid"][0]) == int(clustered)
    if clustered:
        assert reco["particles/voxels"][0][0] == count
        np.testing.assert_allclose(abs(reco["particles/direction"][0][0]), [1, 0, 0], atol=1e-6)
        assert not np.isnan(reco["interactions/vertex"][0]).any()


def test_an_event_of_200_000_voxels(voxels_of: Callable[[Any], Table]) -> None:
    """256 muons through all of a grid of 768 voxels, each 230.1 cm from middle to middle."""
    grid = VoxelGrid(name="test", shape=(768, 64, 64), voxel_mm=3.0)
    x, y, z = (one.ravel() for one in np.meshgrid(np.arange(768), *[np.arange(0, 64, 4)] * 2))
    order = np.lexsort((z, y, x))
    track = ((y // 4) * 16 + z // 4)[order]
    samples = voxels_of(
        [{f"voxel_{n}": one[order] for n, one in zip("xyz", (x, y, z), strict=True)}]
    )
    truth = {"semantic": 1, "pid": 2, "fragment": track, "particle": track, "voxel_group": track}
    columns = {
        **{
            name: Ragged.of([np.broadcast_to(one, track.shape).astype(SAMPLE[name].dtype)])
            for name, one in {**truth, "interaction": track // 4}.items()
        },
        **{
            name: Ragged.of([np.zeros((0, *SAMPLE[name].dims[1:]), SAMPLE[name].dtype)])
            for name in ("point_x", "point_y", "point_z", "point_semantic", "point_end")
        },
        "particle_id": Ragged.of([np.arange(256, dtype=np.int32)]),
        "particle_primary": Ragged.of([np.ones(256, np.int8)]),
        "particle_momentum": Ragged.of([np.ones((256, 3), np.float32)]),
        "interaction_id": Ragged.of([np.arange(64, dtype=np.int32)]),
        "interaction_vertex": Ragged.of([np.zeros((64, 3), np.float32)]),
    }
    stages = open_stages({stage.name: TRUTH for stage in STAGES}, grid.facts)
    reco = Chain(stages, grid)(samples.with_columns(columns))
    assert reco["voxels/x"].lengths.tolist() == [196_608]
    assert (reco["particles/voxels"][0] == 768).all()
    np.testing.assert_allclose(reco["particles/length"][0], 230.1, rtol=1e-4)
    assert not reco["particles/contained"][0].any()
    assert (reco["interactions/particles"][0] == 4).all()


def test_a_stage_sees_what_was_said_and_not_the_truth(events: Table) -> None:
    said = {
        "input_semantic": Ragged(
            np.full(len(events["semantic"].values), 3, np.int8), events["semantic"].offsets
        )
    }
    seen = shown(events, {"semantic", "deposit", "input_fragment"}, said, "cluster")
    assert (seen["semantic"].values == 3).all()
    assert (seen["input_fragment"].values == -1).all()  # nobody has made fragments yet
    true = shown(events, {"semantic"}, said, "cluster", truth=True)
    np.testing.assert_array_equal(true["semantic"].values, events["semantic"].values)
    with pytest.raises(DataError, match="no field 'plane_charge'"):
        shown(events, {"plane_charge"}, said, "semantic")


def test_fields_that_a_stage_before_tells_are_not_read() -> None:
    told = frozenset({"input_semantic"})
    stages = [
        (frozenset({"voxel_x", "deposit"}), told, False),
        (frozenset({"semantic", "input_semantic", "fragment"}), frozenset[str](), False),
    ]
    assert fields_to_read(stages) == {"voxel_x", "deposit", "fragment"}
    stages[1] = (stages[1][0], frozenset(), True)
    assert "semantic" in fields_to_read(stages)


def test_models_are_told_to_stages() -> None:
    found = chosen(["sparse-semantic/plane-agreement", "track=truth"])
    assert found == {**DEFAULTS, "semantic": "sparse-semantic/plane-agreement", "track": TRUTH}
    assert chosen(["sparse-group/grappa-track@v1"])["track"] == "sparse-group/grappa-track@v1"
    every = chosen(["sparse-group/true-groups"])
    assert {every[name] for name in ("shower", "track", "interaction")} == {
        "sparse-group/true-groups"
    }


@pytest.mark.parametrize(
    ("refs", "message"),
    [
        (["ghosts=truth"], "no stage 'ghosts'"),
        (["semantic=truth", "semantic=truth"], "two models for the stage semantic"),
        (["sparse-reco/all"], "no such id"),
    ],
)
def test_models_that_make_no_sense_are_refused(refs: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        chosen(refs)


def test_a_model_of_another_stage_is_refused(facts: Mapping[str, Any]) -> None:
    truth = {stage.name: TRUTH for stage in STAGES}
    with pytest.raises(UsageError, match="cannot do the stage cluster"):
        open_stages({**truth, "cluster": "sparse-semantic/local-dedx"}, facts)


def test_a_model_with_other_classes_is_refused(
    facts: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Trained(Predictor):
        needs = frozenset({"voxel_x"})
        model = "sparse-semantic/uresnet"
        facts: Mapping[str, Any] = {"grid": {"scheme": "hip-mip"}}

    monkeypatch.setattr("zoo_sparse_reco.chain.stages.load", lambda *_, **__: Trained())
    truth = {stage.name: TRUTH for stage in STAGES}
    with pytest.raises(DataError, match="scheme 'hip-mip'"):
        open_stages({**truth, "semantic": "some/run"}, facts)
