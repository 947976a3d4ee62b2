"""Matching, numbers and losses, by hand and against slow references."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from zoo.api import DataError, Ragged, Table
from zoo.cli.app import app
from zoo_sparse_reco.chain.drawings import judged
from zoo_sparse_reco.chain.judging.judge import Judged, JudgeJob
from zoo_sparse_reco.chain.judging.losses import SHOWN, mixtures
from zoo_sparse_reco.chain.judging.matching import agreement, matched
from zoo_sparse_reco.chain.judging.numbers import NUMBERS, confusion, intervals
from zoo_sparse_reco.chain.judging.rows import measured

TRUE = [f"{name}=truth" for name in ("semantic", "cluster", "shower", "track", "interaction")]


def test_clusters_match_by_intersection_over_union() -> None:
    """True 0 has 4 voxels, 3 of them and none else in found 7: 3/4. True 1 and found 8 share 2 of
    5: 2/5. Found 9 has one voxel of no true cluster."""
    true = np.array([0, 0, 0, 0, 1, 1, 1, -1, -1])
    found = np.array([7, 7, 7, -1, 8, 8, -1, 8, 9])
    one = matched(true, found)
    np.testing.assert_array_equal(one.pairs, [[0, 7]])
    np.testing.assert_array_equal(one.true, [0, 1])
    np.testing.assert_array_equal(one.found, [7, 8, 9])
    few = matched(true, found, smallest=3)
    np.testing.assert_array_equal(few.found, [7, 8])
    np.testing.assert_array_equal(few.true, [0, 1])
    assert not len(matched(true, found, smallest=4).pairs)


def test_agreement_counts_all_pairs_with_lost_voxels_alone() -> None:
    rng = np.random.default_rng(4)
    true, found = rng.integers(0, 5, 200), rng.integers(-1, 6, 200)
    alone = np.where(found < 0, 100 + np.arange(200), found)
    one = agreement(true, found)
    # Hubert and Arabie, J. Classif. 2 (1985) 193, over all pairs of voxels.
    first, second = np.triu_indices(200, 1)
    both = [labels[first] == labels[second] for labels in (true, alone)]
    expected = both[0].sum() * both[1].sum() / len(first)
    mean = (both[0].sum() + both[1].sum()) / 2
    ari = ((both[0] & both[1]).sum() - expected) / (mean - expected)
    assert one.ari == pytest.approx(ari)
    shares = [np.bincount(alone[true == k]).max() / (true == k).sum() for k in range(5)]
    assert one.efficiency == pytest.approx(np.mean(shares))
    pure = [np.bincount(true[found == k]).max() / (found == k).sum() for k in range(6)]
    assert one.purity == pytest.approx(np.mean(pure))
    nothing = agreement(np.full(3, -1), np.arange(3))
    assert np.isnan([nothing.ari, nothing.efficiency, nothing.purity]).all()


def test_numbers_of_true_events(true_reco: Table, events: Table) -> None:
    rows = [measured(events, row, true_reco, row) for row in range(events.rows)]
    found = intervals(rows, resamples=20)
    for name in ("particles found", "particles right", "interactions found", "kind right"):
        assert found[name].value == 1
        assert found[name].low == found[name].high == 1
    assert found["vertex, 68 % within voxels"].value < 1e-3
    assert found["track energy by range, 68 % within"].value < 0.2
    assert set(found) == set(NUMBERS)
    counts = confusion(rows)
    assert counts.sum() == counts.trace() > 0


def test_energies_and_angles_of_a_matched_particle_by_hand(true_reco: Table, events: Table) -> None:
    """The first matched particle of the first event, from the columns of the truth alone."""
    row = measured(events, 0, true_reco, 0)
    group, number = row.matches["particle"].pairs[0]
    first = int(np.flatnonzero(events["particle_id"][0] == group)[0])
    assert row.particles.energy_true[0] == events["particle_energy"][0][first]
    inside = events["voxel_group"][0] == group
    assert row.particles.energy_sum[0] == pytest.approx(
        events["deposit"][0][inside].sum(), rel=1e-5
    )
    momentum = events["particle_momentum"][0][first].astype(float)
    way = true_reco["particles/direction"][0][number].astype(float)
    angle = np.degrees(np.arccos(momentum @ way / np.linalg.norm(momentum)))
    assert row.particles.angle[0] == pytest.approx(angle, abs=1e-3)


def test_an_energy_resolution_is_the_quantile_of_the_errors(
    true_reco: Table, events: Table
) -> None:
    rows = [measured(events, row, true_reco, row) for row in range(events.rows)]
    errors = np.concatenate(
        [
            np.abs(one.energy_sum / one.energy_true - 1)[~one.track & one.contained]
            for one in (row.particles for row in rows)
        ]
    )
    value = intervals(rows, 0)["shower energy, 68 % within"].value
    assert value == pytest.approx(np.quantile(errors[np.isfinite(errors)], 0.68))


def test_the_resolution_over_the_median_ignores_a_common_scale(
    true_reco: Table, events: Table
) -> None:
    """Energies of showers times any factor have the same spread over their median."""
    name = "shower energy over that, 68 % within"

    def spread(factor: float) -> float:
        energy = true_reco["particles/energy"]
        scaled = Ragged(energy.values * np.float32(factor), energy.offsets)
        reco = true_reco.with_columns({"particles/energy": scaled})
        rows = [measured(events, row, reco, row) for row in range(events.rows)]
        pairs = [one.particles for one in rows]
        ratio = np.concatenate(
            [(one.energy_sum / one.energy_true)[~one.track & one.contained] for one in pairs]
        )
        value = intervals(rows, 0)[name].value
        assert value == pytest.approx(np.quantile(np.abs(ratio / np.median(ratio) - 1), 0.68))
        return value

    assert 0 < spread(1.0) < 1
    assert spread(0.8) == pytest.approx(spread(1.0), rel=1e-5)


def test_other_voxels_and_missing_truth_are_refused(true_reco: Table, events: Table) -> None:
    with pytest.raises(DataError, match="was reconstructed with"):
        measured(events, 0, true_reco, 1)
    bare = Table({"id": events.ids, "voxel_x": events["voxel_x"]})
    with pytest.raises(DataError, match="know no true fragments, particles or interactions"):
        measured(bare, 0, true_reco, 0)


def test_a_truth_without_particles_leaves_their_numbers_open(
    true_reco: Table, events: Table
) -> None:
    names = ("voxel_x", "fragment", "voxel_group")
    bare = Table({"id": events.ids, **{name: events[name] for name in names}})
    found = intervals([measured(bare, 0, true_reco, 0)], 0)
    assert np.isnan(found["interaction ARI"].value)
    assert np.isnan(found["interactions found"].value)
    assert np.isnan(found["interactions right"].value)
    assert np.isnan(found["voxels of the right class"].value)
    assert found["particles found"].value == 1
    assert np.isnan(found["kind right"].value)
    assert found["kind right"].told() == {"value": None, "low": None, "high": None}


def test_lost_voxels_lower_the_efficiency_and_nothing_else(true_reco: Table, events: Table) -> None:
    lost = true_reco["voxels/particle"].values.copy()
    lost[::2] = -1
    half = true_reco.with_columns(
        {"voxels/particle": Ragged(lost, true_reco["voxels/particle"].offsets)}
    )
    found = measured(events, 0, half, 0).agreements["particle"]
    assert found.purity == 1
    assert found.efficiency < 0.7


def test_mixtures_replace_one_stage_after_another() -> None:
    found = mixtures()
    assert found["truth"] == frozenset()
    assert found["up to shower"] == {"semantic", "cluster", "shower"}
    assert found["track alone"] == {"track"}
    assert len(found) == 1 + 5 + 4


def test_the_commands_from_events_to_judgement(event_file: Path, tmp_path: Path) -> None:
    """`reco` with SPINE's file, `judge` with figures, `losses` with its picture; all as JSON."""
    reco, folder = tmp_path / "reco.h5", tmp_path / "judged"
    data = ["--data", str(event_file)]
    told = _told(["reco", "cluster=truth", *data, "--out", str(reco)])
    assert told["events"] == 5
    assert told["stages"]["semantic"]["model"] == "sparse-semantic/local-dedx"
    judged = _told(
        ["judge", str(reco), *data, "--out", str(folder), "--resamples", "5", "--displays", "1"]
    )
    assert 0 < judged["numbers"]["particle ARI"]["value"] <= 1
    names = {path.stem for path in folder.glob("*.png")}
    assert {"energies", "vertices", "kinds"} <= names
    assert any(name.startswith("event-") for name in names)
    few = ["--limit", "2", "--resamples", "5"]
    lost = _told(["losses", "cluster=truth", *data, "--out", str(folder), *few])
    assert lost["events"] == 2
    assert lost["rows"]["truth"]["particle ARI"]["value"] == 1
    assert set(lost["rows"]["up to interaction"]) == set(SHOWN)
    assert (folder / "stage-losses.png").stat().st_size > 10_000
    text = CliRunner().invoke(app, ["sparse-reco", "judge", str(reco), *data, "--resamples", "0"])
    assert "interactions found" in text.output
    assert "true kind" in text.output


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["reco", "ghosts=truth", "--data", "{events}", "--out", "{out}"], 2, "no stage"),
        (["reco", "--data", "{out}", "--out", "{out}"], 4, "no such file"),
        (["reco", "--data", "{events}", "--out", "{out}", "--shard", "3"], 2, "no share"),
        (["judge", "{events}", "--data", "{events}"], 4, "no file of reconstructed events"),
        (["losses", "semantic=nothing/here", "--data", "{events}"], 2, "no such id"),
    ],
)
def test_errors_of_the_commands(
    event_file: Path, tmp_path: Path, arguments: list[str], code: int, message: str
) -> None:
    places: Mapping[str, str] = {"events": str(event_file), "out": str(tmp_path / "reco.h5")}
    given = [one.format(**places) for one in arguments]
    told = CliRunner().invoke(app, ["sparse-reco", *given, "--json"])
    assert told.exit_code == code, told.output
    assert message in json.loads(told.stdout)["message"]


def _told(arguments: list[str]) -> dict[str, object]:
    told = CliRunner().invoke(app, ["sparse-reco", *arguments, "--json"])
    assert told.exit_code == 0, told.output
    found: dict[str, object] = json.loads(told.stdout)
    return found


def test_events_are_drawn_by_the_clusters_whose_truth_is_known(
    true_reco: Table, events: Table, event_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of edep-sim, whose files know no interactions."""
    known = [name for name in events if name != "id" and not name.startswith("interaction")]
    bare = Table({"id": events.ids, **{name: events[name] for name in known}})
    rows = [measured(bare, row, true_reco, row) for row in range(bare.rows)]
    pairs = [(bare, row, true_reco, row) for row in range(bare.rows)]
    monkeypatch.setattr(judged, "paired", lambda *_: iter(pairs))
    job = JudgeJob(reco=event_file, data=str(event_file))
    told = {"by interactions": []}
    drawings = list(judged.judged_drawings(Judged(rows, told), job, 1))
    caption = drawings[-1].caption
    assert "and by particle" in caption
    assert "by interaction" not in caption
