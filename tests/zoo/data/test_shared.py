from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from zoo.contract.codec import Batch
from zoo.contract.table import Ragged
from zoo.data import shared

LARGE = np.arange(2**17, dtype=np.float32).reshape(2, -1)


def batch() -> Batch:
    fixed = np.broadcast_to(np.float32(1), (2, 2**17))
    ragged = Ragged(LARGE.reshape(-1), np.array([0, 5, LARGE.size]))
    inputs: dict[str, Any] = {"x": LARGE, "fixed": fixed, "n": 3, "small": np.ones(2)}
    return Batch(inputs, {"r": ragged}, np.arange(2, dtype=np.uint64))


@pytest.mark.parametrize("free", [True, False])
def test_batches_come_back_as_they_were(monkeypatch: pytest.MonkeyPatch, free: bool):
    if not free:
        monkeypatch.setattr(shared, "_FOLDER", "/nonexistent")
    sent = shared.share(batch())
    assert isinstance(sent.inputs["x"], torch.Tensor) == free
    assert isinstance(sent.targets["r"].values, torch.Tensor) == free
    assert isinstance(sent.inputs["small"], np.ndarray)
    back, expected = shared.unshare(sent), batch()
    for name in ("x", "fixed", "small"):
        np.testing.assert_array_equal(back.inputs[name], expected.inputs[name])
        assert back.inputs[name].dtype == expected.inputs[name].dtype
    assert back.inputs["n"] == 3
    np.testing.assert_array_equal(back.targets["r"][1], expected.targets["r"][1])
    assert shared.share(None) is None
