"""Links between tasks: what they fill, and that a stage is trained on either."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zoo.api import DataError, Ragged, Table, UsageError, evaluate, facts_of, load, read
from zoo_sparse_reco.chain.joining import joined
from zoo_sparse_reco.chain.links import ClassesLink, FragmentsLink, ParticlesLink
from zoo_sparse_reco.chain.links_config import ClassesConfig, FragmentsConfig, ParticlesConfig
from zoo_sparse_reco.chain.stages import chosen as chosen_models


def _ragged(*rows: Sequence[int]) -> Ragged:
    return Ragged.of([np.array(row, np.int32) for row in rows])


@pytest.fixture
def samples(voxels_of: Callable[[Any], Table]) -> Table:
    """Two events of three voxels and one."""
    table = voxels_of([{"voxel_x": [0, 1, 2]}, {"voxel_x": [5]}])
    return table.with_columns({"voxel_group": _ragged([4, 4, 2], [0])})


def test_groups_of_two_models_get_numbers_of_their_own() -> None:
    """Showers 3 and 7 and tracks 0 and 5, by hand; the second event has showers alone."""
    found = joined(_ragged([3, 7, -1, -1, -1], [2]), _ragged([-1, -1, 5, 0, -1], [-1]))
    np.testing.assert_array_equal(found[0], [0, 1, 3, 2, -1])
    np.testing.assert_array_equal(found[1], [0])


def test_classes_and_points_become_inputs(samples: Table) -> None:
    said = {
        "semantic": Ragged.of([np.array([0, 1, 5], np.int8), np.array([4], np.int8)]),
        **{
            f"point_{axis}": Ragged.of([np.ones(1, np.float32), np.zeros(0, np.float32)])
            for axis in "xyz"
        },
        "point_semantic": Ragged.of([np.ones(1, np.int8), np.zeros(0, np.int8)]),
    }
    link = ClassesLink(ClassesConfig())
    linked = link.link(samples, Table({"id": samples.ids, **said}))
    np.testing.assert_array_equal(linked["input_semantic"][0], [0, 1, 5])
    assert linked["input_point_x"].lengths.tolist() == [1, 0]
    np.testing.assert_array_equal(linked["input_point_end"][0], [0.5])  # it tells no ends
    assert "voxel_group" in linked
    assert "input_semantic" in link.facts({})["inputs"]
    # For what later stages say the truth stands, where it is known.
    np.testing.assert_array_equal(linked["input_particle"][0], [4, 4, 2])
    np.testing.assert_array_equal(linked["input_fragment"][0], [-1, -1, -1])


def test_a_model_without_points_says_that_there_are_none(samples: Table) -> None:
    said = Table({"id": samples.ids, "semantic": _ragged([0, 1, 1], [1])})
    linked = ClassesLink(ClassesConfig()).link(samples, said)
    assert linked["input_point_x"].lengths.tolist() == [0, 0]
    assert linked["input_point_end"].values.dtype == np.float32


def test_fragments_become_inputs_and_the_rest_stays(samples: Table) -> None:
    said = Table({"id": samples.ids, "fragment": _ragged([0, 0, -1], [0])})
    link = FragmentsLink(FragmentsConfig())
    linked = link.link(samples.with_columns({"input_semantic": _ragged([1, 1, 4], [1])}), said)
    np.testing.assert_array_equal(linked["input_fragment"][0], [0, 0, -1])
    np.testing.assert_array_equal(linked["input_semantic"][0], [1, 1, 4])
    before = link.facts({"inputs": ["input_semantic"]})
    assert before["inputs"] == ["input_fragment", "input_semantic"]


def test_two_links_fill_the_particles_in_turn(samples: Table) -> None:
    showers = Table({"id": samples.ids, "group": _ragged([0, -1, -1], [-1])})
    tracks = Table({"id": samples.ids, "group": _ragged([-1, 0, -1], [0])})
    first, second = (ParticlesLink(ParticlesConfig()) for _ in range(2))
    facts = second.facts(first.facts({}))
    assert facts["inputs"] == ["input_particle"]
    linked = second.link(first.link(samples, showers), tracks)
    np.testing.assert_array_equal(linked["input_particle"][0], [0, 1, -1])
    np.testing.assert_array_equal(linked["input_particle"][1], [0])


def test_truth_that_stands_for_particles_is_not_taken_for_a_link_before(samples: Table) -> None:
    """A plain file has the truth in ``input_particle``; the fact ``inputs`` tells that it is no
    prediction."""
    plain = samples.with_columns({"input_particle": samples["voxel_group"]})
    said = Table({"id": samples.ids, "group": _ragged([0, -1, -1], [-1])})
    link = ParticlesLink(ParticlesConfig())
    link.facts({})
    np.testing.assert_array_equal(link.link(plain, said)["input_particle"][0], [0, -1, -1])


def test_one_stage_can_be_studied_with_the_truth_of_the_other(samples: Table) -> None:
    said = Table({"id": samples.ids, "group": _ragged([0, -1, -1], [-1])})
    link = ParticlesLink(ParticlesConfig(others="truth"))
    assert "voxel_group" in link.needs
    linked = link.link(samples, said)
    np.testing.assert_array_equal(linked["input_particle"][0], [2, 1, 0])
    np.testing.assert_array_equal(linked["input_particle"][1], [0])


def test_what_does_all_stages_gives_showers_and_tracks(samples: Table) -> None:
    both = [
        np.array([[0, -1, 0], [-1, 0, 0], [-1, -1, -1]], np.int32),
        np.full((1, 3), 0, np.int32),
    ]
    both[1][0, 0] = -1
    said = Table(
        {"id": samples.ids, "group": _ragged([0, 0, -1], [0]), "stage_group": Ragged.of(both)}
    )
    linked = ParticlesLink(ParticlesConfig()).link(samples, said)
    np.testing.assert_array_equal(linked["input_particle"][0], [0, 1, -1])


CLASSES: Mapping[str, Any] = {"source": "classes", "model": "sparse-semantic/local-dedx"}


def test_predictions_are_stored_once_and_read_again(
    linked_files: Mapping[str, tuple[str, Path]],
) -> None:
    """`zoo data convert` of each link, upon the file of the one before."""
    task, classes = linked_files["classes"]
    assert "input_semantic" in facts_of(task, str(classes))["inputs"]
    called = read(task, str(classes), frozenset({"input_semantic", "semantic"}))
    right = called["input_semantic"].values == called["semantic"].values
    assert 0.5 < right.mean() < 1
    task, particles = linked_files["particles"]
    filled = set(facts_of(task, str(particles))["inputs"])
    assert {"input_semantic", "input_fragment", "input_particle"} <= filled
    found = read(task, str(particles), frozenset({"input_particle", "input_fragment"}))
    of, fragment = found["input_particle"].values, found["input_fragment"].values
    assert (of[fragment < 0] == -1).all()
    assert (of[fragment >= 0] >= 0).all()


def test_baselines_are_judged_on_predictions(
    linked_files: Mapping[str, tuple[str, Path]],
) -> None:
    """On predicted classes the oracle of the fragments is no longer right everywhere."""
    _, path = linked_files["classes"]
    table = evaluate(["sparse-cluster/dbscan"], str(path), split="all", resamples=2, displays=False)
    oracle = table.evaluations["sparse-cluster/true-fragments"]
    value = next(one.number.value for one in oracle.numbers if one.number.name == "fragment ARI")
    assert 0 < value < 100


SMALL = ("training.steps=1", "training.batch=2", "training.validate_every=1", "data.validation=0.4")
STAGES: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "cluster": (
        "classes",
        "sparse-cluster/graph-spice",
        ("model.filters=2", "model.depth=2", "model.reps=1"),
    ),
    "shower": ("fragments", "sparse-group/grappa-shower", ("model.width=4",)),
    "track": ("fragments", "sparse-group/grappa-track", ("model.width=4",)),
    "interaction": ("particles", "sparse-group/grappa-interaction", ("model.width=4",)),
}


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_is_trained_on_predictions_or_on_the_truth(
    stage: str,
    linked_files: Mapping[str, tuple[str, Path]],
    command: Callable[..., str],
    tmp_path: Path,
) -> None:
    """An update on each; the model knows which fields were predictions, and does its stage."""
    source, model, small = STAGES[stage]
    _, path = linked_files[source]
    truth = ("data.events=4", "data.options.preset=small", "data.options.energy_factor=0.1")
    told = {}
    for name, data, more in (("linked", str(path), ()), ("true", "events", truth)):
        out = str(tmp_path / name)
        command(
            *("train", model, "--recipe", "quick", "--data", data, "--out", out),
            settings=[*SMALL, *small, *more],
        )
        told[name] = load(out).facts.get("inputs", ())
    assert "input_semantic" in told["linked"]
    assert not told["true"]
    assert chosen_models([str(tmp_path / "linked")])[stage] == str(tmp_path / "linked")


def test_links_follow_one_another_without_a_file(event_file: Path) -> None:
    """The upstream of a link is a link; the names of all models are recorded."""
    from zoo.config.run import DataConfig
    from zoo.data.linked import upstream_models
    from zoo.prediction.sources import open_source

    chain = {
        "source": "fragments",
        "model": "sparse-cluster/dbscan",
        "upstream": {**CLASSES, "upstream": {"path": str(event_file)}},
    }
    source = open_source("sparse-group", DataConfig(**chain))
    names = [model["model"] for model in upstream_models(source)]
    assert names == ["sparse-cluster/dbscan", "sparse-semantic/local-dedx"]
    block = source.blocks()[0]
    table = source.read(block, slice(0, 1), frozenset({"input_fragment"}))
    assert {"input_fragment", "input_semantic", "interaction"} <= set(table)


def test_a_link_without_a_model_is_refused(event_file: Path) -> None:
    from zoo.config.run import DataConfig
    from zoo.prediction.sources import open_source

    with pytest.raises(UsageError, match="a link needs samples of sparse-semantic"):
        open_source("sparse-cluster", DataConfig(source="classes"))
    other = {"source": "fragments", "model": "sparse-cluster/dbscan"}
    config = DataConfig(**other, upstream={"path": str(event_file)})
    # Events of sparse-semantic have all fields that sparse-cluster must have, but no classes that
    # the models of fragments could read.
    source = open_source("sparse-group", config)
    with pytest.raises(DataError, match=r"input_.*: the file has no such field"):
        source.read(source.blocks()[0], slice(0, 1), frozenset({"input_fragment"}))
