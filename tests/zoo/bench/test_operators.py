"""Peak operator, added memory and multiply-adds against closed forms."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
import torch
from torch import nn

from zoo import memory
from zoo.bench.case import Conditions
from zoo.bench.inference import torch_work
from zoo.bench.measure import measure
from zoo.engine.counting import multiply_adds

CHANNELS, SIDE = 16, 400
PIXELS = SIDE * SIDE
WITHOUT = Conditions(mode="inference", runtime="eager", precision="fp32", onednn="off")

needs_marks = pytest.mark.skipif(not memory.is_known(), reason="memory is told by Linux only")


@needs_marks
def test_the_mark_rises_with_an_array_and_can_be_lowered():
    memory.trim()
    memory.reset_high_water()
    before = memory.high_water()
    array = np.ones(8 * 2**20)  # 64 MiB
    assert memory.high_water() - before == pytest.approx(64 * 2**20, rel=0.05)
    del array
    memory.trim()
    memory.reset_high_water()
    assert memory.high_water() - before < 8 * 2**20


@needs_marks
def test_a_dense_convolution_holds_the_peak_with_its_columns():
    # A 3 x 3 convolution as one matrix product unfolds its input into 9 C H W float32 columns;
    # beside them live its input (C H W) and its output (4 H W).
    network = nn.Sequential(
        nn.Conv2d(4, CHANNELS, 1), nn.ReLU(), nn.Conv2d(CHANNELS, 4, 3, padding=1), nn.ReLU()
    ).eval()
    image = torch.zeros(1, 4, SIDE, SIDE)
    shapes: Mapping[str, tuple[int, ...]] = {"image": tuple(image.shape)}
    work = torch_work(WITHOUT, lambda: network(image), {"": network}, shapes)
    found = measure(work, repeats=2)
    assert found.operator is not None
    assert found.operator.name == "aten.convolution"
    assert found.operator.module == "2"
    assert found.operator.shapes[0] == (1, CHANNELS, SIDE, SIDE)
    columns, images = 9 * CHANNELS * PIXELS * 4, (CHANNELS + 4) * PIXELS * 4
    for added in (found.added, found.operator.added):
        assert added is not None
        assert 0.98 * (columns + images) < added < columns + images + 20 * 2**20
    assert found.multiply_adds == PIXELS * (4 * CHANNELS + 9 * CHANNELS * 4)
    assert found.parameters == 4 * CHANNELS + CHANNELS + 9 * CHANNELS * 4 + 4
    assert len(found.wall) == len(found.cpu) == 2


def test_multiply_adds_of_a_gradient():
    # y = W x: as many again for the gradient of W, and again for that of x.
    layer, x = nn.Linear(7, 5, bias=False), torch.zeros(3, 7, requires_grad=True)
    assert multiply_adds(lambda: layer(x)) == 3 * 7 * 5
    assert multiply_adds(lambda: layer(x).sum().backward()) == 3 * (3 * 7 * 5)


def test_onednn_is_on_again_afterwards():
    seen: list[bool] = []
    work = torch_work(WITHOUT, lambda: seen.append(torch._C._get_mkldnn_enabled()), {}, {})
    work.call()
    assert seen == [False]
    assert torch._C._get_mkldnn_enabled()
