"""The truth stands for what earlier stages would say, where no link says it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from zoo.api import DataError
from zoo_sparse_reco.sources.events_config import EventsConfig
from zoo_sparse_reco.sources.files_config import PilarnetConfig
from zoo_sparse_reco.sources.staged import STAND_INS, StagedEvents, staged_files
from zoo_sparse_reco.specs import INPUTS, SAMPLE
from zoo_sparse_reco.task_sources import SOURCES, STAGE_SOURCES

Write = Callable[..., Path]


def test_every_input_has_a_stand_in_of_its_kind() -> None:
    assert set(STAND_INS) == set(INPUTS)
    for name, true in STAND_INS.items():
        assert INPUTS[name].ragged == SAMPLE[true].ragged
    assert set(STAGE_SOURCES) == set(SOURCES)
    assert STAGE_SOURCES["events"].factory.endswith(":StagedEvents")


def test_a_simulator_gives_only_what_is_asked_for() -> None:
    source = StagedEvents(EventsConfig.model_validate({"preset": "small"}))
    keys = np.array([5, 8], np.uint64)
    inputs = source.simulate(keys, frozenset({"input_semantic", "input_point_end", "deposit"}))
    assert set(inputs) == {"id", "input_semantic", "input_point_end", "deposit"}
    truth = source.simulate(keys, frozenset({"semantic", "point_end"}))
    assert set(truth) == {"id", "semantic", "point_end"}
    np.testing.assert_array_equal(inputs["input_semantic"].values, truth["semantic"].values)
    np.testing.assert_array_equal(inputs["input_point_end"].values, truth["point_end"].values)
    assert inputs["input_point_end"].values.dtype == np.float32
    assert source.facts["grid"]["scheme"] == "spine"


def test_files_have_inputs_of_the_truth_that_they_know(pilarnet: Write) -> None:
    source = staged_files(PilarnetConfig(), str(pilarnet()))
    assert {"input_semantic", "input_fragment", "input_particle"} <= source.fields
    assert "input_point_x" not in source.fields
    block = source.blocks()[0]
    table = source.read(block, slice(0, 1), frozenset({"input_particle", "voxel_x"}))
    assert set(table) == {"id", "input_particle", "voxel_x"}
    assert table["input_particle"][0].tolist() == [3, 3, -1, 4, 4]
    with pytest.raises(DataError, match="point_x"):
        source.read(block, slice(0, 1), frozenset({"input_point_x"}))
