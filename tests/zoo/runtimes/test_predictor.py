from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zoo.contract.codec import Batch, Codec
from zoo.contract.table import Table
from zoo.errors import DataError, PluginError, UsageError
from zoo.runtimes import ExportedPredictor, load_exported, open_runtime


class AffineCodec(Codec):
    needs: frozenset[str] = frozenset({"wave"})

    def encode(self, samples: Table) -> Batch:
        wave = samples["wave"]
        assert "truth" not in samples
        return Batch({"wave": wave, "offset": wave[:, 0, 0]}, {}, samples.ids)

    def decode(self, outputs: Any, samples: Table) -> Table:
        return Table({"id": samples.ids, "area": outputs["area"]})


class HalfCodec(AffineCodec):
    def encode(self, samples: Table) -> Batch:
        return Batch({"wave": samples["wave"]}, {}, samples.ids)


class DrawingCodec(AffineCodec):
    """Adds "random" numbers: the ids themselves."""

    def encode(self, samples: Table) -> Batch:
        drawn = samples.ids.astype(np.float32)
        wave = samples["wave"] + drawn[:, None, None]
        return Batch({"wave": wave, "offset": drawn}, {}, samples.ids)


def samples() -> Table:
    wave = np.arange(30, dtype=np.float32).reshape(5, 3, 2)
    return Table({"id": np.arange(5, dtype=np.uint64), "wave": wave, "truth": wave})


@pytest.mark.parametrize("batch", [1, 2, 9])
def test_batches_join_in_order(exported: Path, batch: int) -> None:
    predictor = ExportedPredictor(open_runtime(exported), AffineCodec(None, {}, {}), batch=batch)
    found = predictor.predict(samples())
    assert found.ids.tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(found["area"], samples()["wave"].sum(axis=1))
    assert predictor.model == "mini/affine"


def test_keys_seed_what_the_codec_draws_and_the_ids_stay(exported: Path) -> None:
    predictor = ExportedPredictor(open_runtime(exported), DrawingCodec(None, {}, {}), batch=2)
    keys = np.array([7, 8, 9, 10, 11], np.uint64)
    found = predictor.predict(samples(), keys)
    # The drawn offset is the key, and each sum over three ticks has three of it.
    own = predictor.predict(samples())["area"] - 3 * np.arange(5)[:, None]
    np.testing.assert_array_equal(found["area"], own + 3 * keys[:, None])
    assert found.ids.tolist() == [0, 1, 2, 3, 4]


def test_missing_fields_and_no_samples(exported: Path) -> None:
    predictor = ExportedPredictor(open_runtime(exported), AffineCodec(None, {}, {}))
    with pytest.raises(DataError, match="wave: mini/affine needs this field"):
        predictor.predict(samples().select(["truth"]))
    with pytest.raises(DataError, match="no samples"):
        predictor.predict(samples().take(slice(0, 0)))
    with pytest.raises(UsageError, match="batch of 0"):
        ExportedPredictor(predictor.runtime, predictor.codec, batch=0)


def test_a_file_for_its_consumer_only(exported: Path) -> None:
    predictor = ExportedPredictor(open_runtime(exported), HalfCodec(None, {}, {}))
    with pytest.raises(UsageError, match="takes wave, offset, the codec makes wave"):
        predictor.predict(samples())


def test_a_model_of_no_installed_plugin(exported: Path) -> None:
    with pytest.raises(PluginError, match="mini/affine"):
        load_exported(exported)
