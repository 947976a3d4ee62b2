"""Exported graphs: the same answers for other numbers of voxels."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from zoo_sparse_reco.sparse.convolution import DownConv, SubmanifoldConv, UpConv
from zoo_sparse_reco.sparse.maps import level_maps
from zoo_sparse_reco.sparse.pooling import max_pool, mean_pool
from zoo_sparse_reco.sparse.tables import flatten_levels, table_names

NAMES = ("features", *table_names(2))
OTHER_SIZES = (1, 2, 150)


class Every(nn.Module):
    """One of every layer."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.down, self.up = SubmanifoldConv(2, 4), DownConv(4, 5), UpConv(13, 3)

    def forward(self, features: Tensor, *tables: Tensor) -> Tensor:
        fine, _ = level_maps(dict(zip(NAMES[1:], tables, strict=True)))
        assert fine.down is not None
        assert fine.up is not None
        hidden = self.first(features, fine.neighbours).relu()
        pooled = [pool(hidden, fine.down) for pool in (max_pool, mean_pool)]
        answer: Tensor = self.up(torch.cat([self.down(hidden, fine.down), *pooled], 1), fine.up)
        return answer


def example(make: Any, voxels: int) -> tuple[Tensor, ...]:
    grid = make((6, 5, 7), voxels=voxels, levels=2, seed=voxels)
    tables = flatten_levels(grid.levels)
    return (torch.randn(voxels, 2), *(torch.from_numpy(tables[name]) for name in NAMES[1:]))


@pytest.fixture
def net() -> Every:
    torch.manual_seed(0)
    return Every().eval()


def free_sizes() -> tuple[Any, ...]:
    return ({0: torch.export.Dim.DYNAMIC}, tuple({0: torch.export.Dim.DYNAMIC} for _ in NAMES[1:]))


@pytest.mark.filterwarnings("ignore")
def test_onnx(make: Any, net: Every, tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    program = torch.onnx.export(
        net, example(make, 60), dynamo=True, opset_version=18, input_names=list(NAMES),
        dynamic_shapes=free_sizes(), verbose=False,
    )  # fmt: skip
    assert program is not None
    kinds = {node.op_type for node in program.model.graph}
    assert not kinds & {"NonZero", "ScatterND", "ScatterElements", "Loop"}
    path = tmp_path / "net.onnx"
    program.save(str(path))
    session = onnxruntime.InferenceSession(str(path))
    for voxels in OTHER_SIZES:
        inputs = example(make, voxels)
        given = {name: one.numpy() for name, one in zip(NAMES, inputs, strict=True)}
        (found,) = session.run(None, given)
        np.testing.assert_allclose(found, net(*inputs).detach(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["export", "trace"])
@pytest.mark.filterwarnings("ignore")
def test_torch_programs(make: Any, net: Every, kind: str) -> None:
    with torch.no_grad():
        if kind == "export":
            program: Any = torch.export.export(
                net, example(make, 60), dynamic_shapes=free_sizes(), strict=False
            ).module()
        else:
            traced: Any = torch.jit
            program = traced.trace(net, example(make, 60), check_trace=False)
        for voxels in OTHER_SIZES:
            inputs = example(make, voxels)
            torch.testing.assert_close(program(*inputs), net(*inputs))
