"""The baseline's rules on events drawn by hand, what a fit finds, and the oracle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from zoo.api import DataError, Table
from zoo_sparse_reco.clustering_measures import Overlaps
from zoo_sparse_reco.grouping.classical.config import NearestStartConfig, TrueGroupsConfig
from zoo_sparse_reco.grouping.classical.fitting import best_cuts, mean_ari
from zoo_sparse_reco.grouping.classical.kinds import KindTable
from zoo_sparse_reco.grouping.classical.predictors import NearestStart, TrueGroups
from zoo_sparse_reco.grouping.classical.rules import GRIDS, ROUND, Cuts, joined
from zoo_sparse_reco.grouping.classical.scene import scene_of
from zoo_sparse_reco.grouping.specs import PREDICTION
from zoo_sparse_reco.grouping.stages import STAGES
from zoo_sparse_reco.grouping.truth import truth_of, types_of

TableOf = Callable[..., Table]
RandomEvents = Callable[..., Table]
Line = Callable[..., Any]
Facts = dict[str, Any]


def _event(pieces: list[tuple[Any, int, int, int]], **more: Any) -> dict[str, Any]:
    """Pieces: voxels, class, group, interaction; each a fragment, in their order."""
    owner: dict[tuple[int, ...], int] = {}
    for number, (place, *_) in enumerate(pieces):
        for one in place:
            owner.setdefault(tuple(int(v) for v in one), number)
    place = np.array(sorted(owner))
    fragment = np.array([owner[tuple(one)] for one in place.tolist()])
    kind, group, interaction = (np.array([piece[k] for piece in pieces]) for k in (1, 2, 3))
    first = [int(np.flatnonzero(group == one)[0]) for one in group]
    leader = np.array(first)  # groups bear the number of their first fragment
    return {
        "place": place,
        "semantic": kind[fragment],
        "fragment": fragment,
        "particle": fragment,
        "voxel_group": leader[fragment],
        "interaction": interaction[fragment],
        "pid": np.array([1, 2, 1, 1])[kind][fragment],
        "particle_id": np.arange(len(pieces)),
        "particle_primary": np.ones(len(pieces)),
        "particle_momentum": np.full((len(pieces), 3), 100.0),
        "interaction_id": np.unique(interaction),
        "interaction_vertex": np.zeros((len(np.unique(interaction)), 3)),
        **more,
    }


@pytest.fixture
def showers(line_of: Line) -> dict[str, Any]:
    """Two showers along x, 25 voxels apart, of three fragments each, and a lonely one behind."""
    pieces = []
    for group, y in ((0, 10), (1, 35)):
        pieces.append((line_of([5, y, 30], [1, 0, 0], 12), 0, group, group))
        pieces.append((line_of([22, y + 2, 31], [1, 0.1, 0], 6), 0, group, group))
        pieces.append((line_of([36, y - 3, 30], [1, -0.1, 0], 5), 0, group, group))
    pieces.append((line_of([5, 55, 5], [0, 0, 1], 4), 0, 2, 2))
    starts = [[5.0, 10.5, 30.5], [5.0, 35.5, 30.5], [5.5, 55.5, 5.0]]
    return _event(pieces, points=starts, point_semantic=[0, 0, 0])


def groups_of(table: Table, stage: int, cuts: Cuts) -> Any:
    scene = scene_of(table, STAGES[stage], "spine")
    return scene, joined(scene, STAGES[stage].name, cuts)


def test_fragments_join_the_shower_in_whose_cone_they_lie(
    showers: dict[str, Any], table_of: TableOf
) -> None:
    scene, found = groups_of(table_of([showers]), 0, Cuts(touch=2, angle=15, reach=60))
    assert scene.nodes.number.tolist() == list(range(7))
    assert found.group.tolist() == [0, 0, 0, 1, 1, 1, 2]
    assert found.first.tolist() == [True, False, False, True, False, False, True]
    _, near = groups_of(table_of([showers]), 0, Cuts(touch=2, angle=15, reach=25))
    assert near.group.tolist() == [0, 0, 1, 2, 2, 3, 4]
    _, narrow = groups_of(table_of([showers]), 0, Cuts(touch=2, angle=2, reach=60))
    assert len(set(narrow.group.tolist())) == 7


def test_tracks_join_what_goes_on(table_of: TableOf, line_of: Line) -> None:
    """A track in two pieces, 3 voxels apart, and one that crosses between them."""
    pieces = [
        (line_of([5, 10, 10], [1, 0, 0], 15), 1, 0, 0),
        (line_of([24, 10, 10], [1, 0, 0], 15), 1, 0, 0),
        (line_of([22, 3, 10], [0, 1, 0], 15), 1, 1, 1),
    ]
    table = table_of([_event(pieces)])
    _, found = groups_of(table, 1, Cuts(touch=6, angle=15, reach=0))
    assert found.group.tolist() == [0, 0, 1]
    _, found = groups_of(table, 1, Cuts(touch=2, angle=15, reach=0))
    assert found.group.tolist() == [0, 1, 2]


@pytest.fixture
def interactions(line_of: Line) -> dict[str, Any]:
    """Two tracks and a distant photon from one vertex with a Michel electron at an end; a muon that
    crosses elsewhere; a photon that points nowhere."""
    pieces = [
        (line_of([10, 20, 20], [1, 0, 0], 15), 1, 0, 0),
        (line_of([10, 20, 20], [0, 1, 0], 12), 1, 1, 0),
        (line_of([10, 20, 40], [0, 0, 1], 12), 0, 2, 0),
        (line_of([26, 21, 20], [0, 1, 1], 6), 2, 3, 0),
        (line_of([3, 55, 3], [1, 0, 1], 40), 1, 4, 1),
        (line_of([50, 5, 50], [0, 1, 0], 8), 0, 5, 2),
    ]
    starts = [[10.5, 20.5, 20.5], [10.5, 21.0, 20.5], [10.5, 20.5, 40], [26.5, 21.5, 20.5]]
    starts += [[3.5, 55.5, 3.5], [50.5, 5.0, 50.5]]
    return _event(pieces, points=starts, point_semantic=[1, 1, 0, 2, 1, 0])


def test_particles_join_at_vertices_and_showers_point_back(
    interactions: dict[str, Any], table_of: TableOf
) -> None:
    scene, found = groups_of(table_of([interactions]), 2, Cuts(touch=3, angle=10, reach=60))
    assert scene.nodes.number.tolist() == list(range(6))
    assert found.group.tolist() == [0, 0, 0, 0, 1, 2]
    assert found.first.tolist() == [True, True, True, False, True, True]
    for node in range(4):
        assert np.linalg.norm(found.vertex[node] - [10.5, 20.5, 20.5]) < 1
    _, short = groups_of(table_of([interactions]), 2, Cuts(touch=3, angle=10, reach=10))
    assert short.group.tolist() == [0, 0, 1, 0, 2, 3]


def test_events_do_not_mix(
    showers: dict[str, Any], interactions: dict[str, Any], table_of: TableOf, facts: Facts
) -> None:
    baseline = NearestStart(NearestStartConfig(), facts)
    table = table_of([showers, interactions])
    whole = baseline.predict(table)
    for row in range(2):
        alone = baseline.predict(table.take([row]))
        for name in set(PREDICTION) & set(whole):
            if name != "stage":
                np.testing.assert_array_equal(whole[name][row], alone[name][0])
    assert whole["stage"].tolist() == [3, 3]
    for name in set(whole) - {"id"}:
        values = whole[name] if name == "stage" else whole[name].values
        assert values.dtype.name == PREDICTION[name].dtype, name


def test_a_fit_finds_cuts_that_join_all(
    showers: dict[str, Any], interactions: dict[str, Any], table_of: TableOf, facts: Facts
) -> None:
    table = table_of([showers, interactions, showers])
    baseline = NearestStart(NearestStartConfig(), facts)
    baseline.fit([table.take([2, 0]), table.take([1])])
    for stage in (STAGES[0], STAGES[2]):
        scene = scene_of(table, stage, "spine")
        truth = truth_of(table, scene.nodes, stage).group
        assert baseline.cuts[stage.name] == best_cuts(scene, truth, stage.name)
        found = joined(scene, stage.name, baseline.cuts[stage.name])
        best = max(
            mean_ari(
                scene.nodes.event, truth, joined(scene, stage.name, one).group, scene.nodes.sizes
            )
            for one in GRIDS[stage.name]
        )
        assert mean_ari(scene.nodes.event, truth, found.group, scene.nodes.sizes) == best
    assert set(GRIDS) == set(ROUND) == {stage.name for stage in STAGES}


def test_a_fit_without_truth_is_refused(table_of: TableOf, facts: Facts) -> None:
    event = {"place": [[1, 1, 1]], "semantic": [1], "fragment": [0], "voxel_group": [0]}
    table = table_of([{**event, "interaction": [-1], "pid": [-1], "particle": [0]}])
    for training in ([table], []):
        with pytest.raises(DataError, match="no training event with known groups"):
            NearestStart(NearestStartConfig(), facts).fit(training)


def test_mean_ari_is_that_of_the_metrics() -> None:
    rng = np.random.default_rng(6)
    event = np.sort(rng.integers(0, 5, 60))
    sizes = rng.integers(1, 9, 60)
    true, found = event * 10 + rng.integers(0, 3, 60), event * 10 + rng.integers(0, 4, 60)
    expected = []
    for one in range(5):
        own = event == one
        pair = [np.repeat(values[own], sizes[own]) for values in (true, found)]
        expected.append(Overlaps.of(*pair).adjusted_rand_index())
    assert mean_ari(event, true, found, sizes) == pytest.approx(np.mean(expected))
    unknown = np.full(60, -1)
    assert mean_ari(event, unknown, found, sizes) == 0
    assert mean_ari(event[:1], true[:1], found[:1], sizes[:1]) == 1


def test_kinds_are_shares_of_a_cell(random_events: RandomEvents) -> None:
    table = random_events(12, clusters=12, seed=9)
    scene = scene_of(table, STAGES[2], "spine")
    kind = types_of(table, scene.nodes)
    fitted = KindTable.fitted(scene, kind)
    np.testing.assert_allclose(fitted.shares.sum(axis=-1), 1)
    # In these events the class tells the kind.
    assert (fitted.scores(scene).argmax(axis=1) == kind).all()
    before = KindTable.unfitted().scores(scene)
    np.testing.assert_allclose(before.sum(axis=1), 1, rtol=1e-6)
    assert before[scene.nodes.semantic == 0][0].tolist() == [0.5, 0.5, 0, 0, 0, 0]


def test_the_oracle_knows_the_groups(
    interactions: dict[str, Any], table_of: TableOf, facts: Facts
) -> None:
    empty = {name: [] for name in interactions}
    table = table_of([interactions, empty])
    found = TrueGroups(TrueGroupsConfig(), facts).predict(table)
    rows = found["node_stage"][0] == 2
    assert found["node_group"][0][rows].tolist() == [0, 0, 0, 0, 1, 2]
    assert found["node_pid_score"][0][rows].argmax(axis=1).tolist() == [2, 2, 1, 1, 2, 1]
    assert found["node_momentum"][0][rows] == pytest.approx(np.full(6, np.sqrt(3) * 100))
    assert (found["node_primary_score"][0][rows] == 1).all()
    assert len(found["node_id"][1]) == 0
    baseline = NearestStart(NearestStartConfig(), facts).predict(table)
    assert len(baseline["node_id"][1]) == 0
