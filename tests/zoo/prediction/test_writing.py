"""Predictions of a source in a file, and fields that a source lacks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from zoo.config.run import DataConfig
from zoo.contract.table import Table
from zoo.data.store import TableFile
from zoo.errors import DataError
from zoo.prediction.compatibility import missing_fields, require_fields
from zoo.prediction.loading import load
from zoo.prediction.sources import open_source, read, read_blocks
from zoo.prediction.writing import predict_file
from zoo.registry import registry

TASK = registry().task("mini-track")


def test_a_file_of_predictions_is_what_predict_returns(tmp_path: Path):
    source = open_source("mini-track", DataConfig(source="tracks", events=12))
    predictor = load("mini-track/centroid", facts=source.facts)
    told: list[tuple[int, int]] = []
    path = tmp_path / "predictions.h5"
    rows = predict_file(
        TASK,
        predictor,
        source,
        source.blocks(),
        path,
        limit=10,
        progress=lambda done, total: told.append((done, total)),
    )
    assert rows == 10
    assert told[-1] == (10, 10)
    file = TableFile(path)
    found = Table.concat([file.read(b, slice(0, b.rows), file.fields) for b in file.blocks()])
    samples = [source.read(b, slice(0, b.rows), predictor.needs) for b in source.blocks()]
    expected = predictor.predict(Table.concat(samples).take(slice(0, 10)))
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name])
    parts = list(read_blocks("mini-track", str(path), frozenset({"position"})))
    assert [part.rows for part in parts] == [block.rows for block in file.blocks()]
    np.testing.assert_array_equal(Table.concat(parts)["position"], expected["position"])
    assert read("mini-track", str(path), frozenset({"position"}), limit=3).rows == 3


def test_nothing_is_written_where_there_is_nothing_to_predict(tmp_path: Path):
    source = open_source("mini-track", DataConfig(source="tracks", events=2))
    predictor = load("mini-track/centroid", facts=source.facts)
    with pytest.raises(DataError, match="no samples"):
        predict_file(TASK, predictor, source, (), tmp_path / "predictions.h5")
    assert not list(tmp_path.iterdir())


def test_a_field_that_the_source_lacks_is_named():
    source = open_source("mini-track", DataConfig(source="untimed", events=2))
    assert missing_fields(source, frozenset({"pads", "drift_time"})) == {"drift_time"}
    predictor = load("mini-track/diffusion-fit", facts=source.facts)
    with pytest.raises(DataError, match="fit needs the field 'drift_time'"):
        require_fields("fit", predictor, source, "untimed")
