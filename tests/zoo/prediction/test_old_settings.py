"""A model file of an older version of its plugin still predicts, with the same numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from zoo.artifacts.model_file import ModelRecord, write_model
from zoo.config.migration import Migration
from zoo.contract.table import Table
from zoo.deprecation import ChangeNotice
from zoo.errors import WeightsError
from zoo.prediction import load
from zoo_miniatures.track.config import PadNetConfig


@pytest.fixture
def old_file(record: ModelRecord, tmp_path: Path) -> Path:
    """The model file as the first version wrote it: ``channels``, and percent."""
    config = {name: value for name, value in record.config.items() if name != "width"}
    config["keep_percent"] = 100 * config.pop("keep")
    old = {**config, "channels": record.config["width"]}
    write_model(tmp_path / "old.safetensors", replace(record, config=old))
    return tmp_path / "old.safetensors"


def test_it_is_read_and_said(
    old_file: Path, model_file: Path, samples: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = Migration(
        since="2.0",
        moved={"channels": "width", "keep_percent": "keep"},
        converted={"keep_percent": lambda percent: percent / 100},
    )
    monkeypatch.setattr(PadNetConfig, "migrations", (change,))
    with pytest.warns(ChangeNotice, match=r"old\.safetensors: written for an older version"):
        old = load(old_file)
    one, other = (p.predict(samples) for p in (old, load(model_file)))
    np.testing.assert_array_equal(one["position"], other["position"])


def test_without_a_migration_it_is_refused(old_file: Path) -> None:
    with pytest.raises(WeightsError, match="config does not suit this version") as caught:
        load(old_file)
    assert "use that version" in caught.value.remedy
