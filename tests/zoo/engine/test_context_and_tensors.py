"""Random numbers keyed by sample, and conversions."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

from zoo.contract.codec import Batch
from zoo.contract.table import Ragged
from zoo.engine.context import prediction_context, step_context, torch_seed
from zoo.engine.tensors import to_numpy, to_tensors
from zoo.errors import PluginError

CPU = torch.device("cpu")
IDS = np.arange(50_000, dtype=np.uint64) * np.uint64(7919)


def test_numbers_have_their_distribution() -> None:
    context = step_context(1, 2, "net", IDS, CPU)
    flat, bell = context.uniform(4), context.normal(4)
    assert flat.dtype == bell.dtype == torch.float32
    assert flat.shape == bell.shape == (50_000, 4)
    assert float(flat.min()) >= 0
    assert float(flat.max()) < 1
    # 200 000 draws: mean and deviation within five standard errors.
    assert float(flat.mean()) == pytest.approx(0.5, abs=5 * 12**-0.5 / 200_000**0.5)
    assert float(bell.mean()) == pytest.approx(0.0, abs=5 / 200_000**0.5)
    assert float(bell.std()) == pytest.approx(1.0, abs=5 / 400_000**0.5)


def test_a_sample_has_its_numbers_in_any_batch_and_no_others() -> None:
    whole = step_context(1, 2, "net", IDS[:9], CPU)
    part = step_context(1, 2, "net", IDS[4:6], CPU)
    assert torch.equal(whole.uniform(3)[4:6], part.uniform(3))
    base = part.normal(3)
    others = [
        part.normal(3, tag=1),
        step_context(2, 2, "net", IDS[4:6], CPU).normal(3),
        step_context(1, 3, "net", IDS[4:6], CPU).normal(3),
        step_context(1, 2, "net", IDS[5:7], CPU).normal(3),
    ]
    assert not any(torch.equal(base, other) for other in others)


def test_rounding_to_float32_does_not_reach_one(monkeypatch: pytest.MonkeyPatch) -> None:
    almost = np.full((2, 1), 1 - 2.0**-53)
    assert np.float32(almost[0, 0]) == 1
    monkeypatch.setattr("zoo.engine.context.uniform", lambda *_, **__: almost)
    assert float(step_context(1, 2, "net", IDS[:2], CPU).uniform(1).max()) < 1


def test_prediction_context_takes_keys_as_they_are() -> None:
    context = prediction_context(IDS[:3], CPU)
    assert (context.phase, context.step) == ("predict", 0)
    assert context.keys is not None
    assert torch.equal(context.uniform(2), prediction_context(IDS[:3], CPU).uniform(2))


def test_seeds_differ_by_place_and_suit_torch() -> None:
    seeds = {
        torch_seed(s, t, m, r) for s in range(2) for t in range(3) for m in (0, 1) for r in (0, 1)
    }
    assert len(seeds) == 24
    for seed in seeds:
        torch.manual_seed(seed)


class Pair(NamedTuple):
    a: Any
    b: Any


def test_there_and_back() -> None:
    batch = Batch(
        {
            "x": np.arange(6, dtype=np.float32).reshape(2, 3)[:, ::-1],
            "flag": np.array([True, False]),
            "hits": Ragged(np.arange(5.0), np.array([0, 2, 5])),
            "nested": {"list": [np.int32(3), np.zeros(2, np.int64)], "pair": Pair(np.ones(1), "x")},
            "size": 7,
        },
        {"big": np.array([1.0, 2.0], ">f8"), "scalar": np.array(2.5)},
        IDS[:2],
    )
    tensors = to_tensors(batch, CPU)
    assert tensors.ids is batch.ids
    assert tensors.inputs["x"].dtype == torch.float32
    assert tensors.inputs["flag"].dtype == torch.bool
    assert tensors.inputs["hits"].offsets.dtype == torch.int64
    assert tensors.inputs["size"] == 7
    assert isinstance(tensors.inputs["nested"]["pair"], Pair)
    assert tensors.targets["scalar"].shape == ()
    back = to_numpy(tensors.inputs)
    np.testing.assert_array_equal(back["x"], batch.inputs["x"])
    np.testing.assert_array_equal(back["hits"][1], [2.0, 3.0, 4.0])
    assert back["nested"]["pair"].b == "x"
    np.testing.assert_array_equal(to_numpy(tensors.targets)["big"], [1.0, 2.0])


def test_bfloat16_becomes_float32_and_gradients_are_dropped() -> None:
    value = torch.tensor([1.5], dtype=torch.bfloat16, requires_grad=True)
    found = to_numpy([value])[0]
    assert found.dtype == np.float32
    assert found[0] == 1.5


def test_arrays_that_must_not_be_written_are_copied() -> None:
    frozen = np.arange(3.0)
    frozen.setflags(write=False)
    tensor = to_tensors(Batch({"x": frozen}, {}, IDS[:3]), CPU).inputs["x"]
    tensor += 1
    assert frozen[0] == 0


def test_text_is_refused_by_name() -> None:
    with pytest.raises(PluginError, match="dtype") as caught:
        to_tensors(Batch({"label": np.array(["a"])}, {}, IDS[:1]), CPU)
    assert "label" in caught.value.where
