"""Batches on their way to the device keep their order and their values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from zoo.contract.codec import Batch
from zoo.engine.tensors import to_tensors
from zoo.engine.transfer import Transfer

CPU = torch.device("cpu")


def batch(number: int) -> Batch:
    inputs = {"x": np.full((2, 3), number, np.float32), "nested": [np.arange(number + 1)]}
    return Batch(inputs, {}, np.arange(2, dtype=np.uint64))


def test_on_a_cpu_no_batch_is_asked_for_before_it_is_due() -> None:
    asked = []

    def batches() -> Iterator[Batch | None]:
        for number in range(3):
            asked.append(number)
            yield batch(number)

    transfer = Transfer(CPU)
    ahead = transfer.ahead(batches())
    first = next(ahead)
    assert asked == [0]
    assert first is not None
    assert torch.equal(transfer.take(first).inputs["x"], torch.zeros(2, 3))


def test_on_a_gpu_the_next_is_begun_before_it_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    """The order, without a GPU: what is begun is only noted."""
    begun: list[Any] = []
    transfer = Transfer(CPU)
    monkeypatch.setattr(transfer, "_stream", object())
    monkeypatch.setattr(transfer, "_begin", lambda batch, _: begun.append(batch))
    given = [batch(0), None, batch(2)]
    ahead = transfer.ahead(iter(given))
    for number, expected in enumerate(given):
        assert next(ahead) is expected
        assert len(begun) == sum(b is not None for b in given[: number + 2])
    assert next(ahead, "end") == "end"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_copy_that_was_begun_has_the_values() -> None:
    device = torch.device("cuda")
    transfer = Transfer(device)
    for number, given in enumerate(transfer.ahead(batch(n) for n in range(20))):
        assert given is not None
        moved, plain = transfer.take(given), to_tensors(batch(number), device)
        assert torch.equal(moved.inputs["x"], plain.inputs["x"])
        assert torch.equal(moved.inputs["nested"][0], plain.inputs["nested"][0])
