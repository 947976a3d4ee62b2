"""Foreign files, as somebody else would write them."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest

TOML = """
file = "{file}"
name = "theirs"

[inputs.image]
dims = ["batch", 3, "wire", "bin"]

[outputs.mean]
dims = ["batch", "wire", "bin"]

[sizes]
wire = 8
"""


@pytest.fixture
def foreign_ts(tmp_path: Path) -> Path:
    """The TOML of a TorchScript that averages over channels."""
    import torch

    class Mean(torch.nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return image.mean(1)

    trace: Any = torch.jit.trace
    save: Any = torch.jit.save
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        save(trace(Mean(), torch.zeros(1, 3, 4, 4)), str(tmp_path / "mean.ts"))
    return written(tmp_path, "mean.ts")


@pytest.fixture
def foreign_onnx(tmp_path: Path) -> Path:
    """The TOML of an ONNX file that weights channels with three numbers and sums."""
    from onnx import TensorProto, checker, helper, save

    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, "w", "b"])
    mean = helper.make_tensor_value_info("mean", TensorProto.FLOAT, ["n", "w", "b"])
    weight = helper.make_tensor("weight", TensorProto.FLOAT, [1, 3, 1, 1], [0.2, 0.3, 0.5])
    axis = helper.make_tensor("axis", TensorProto.INT64, [1], [1])
    nodes = [
        helper.make_node("Mul", ["image", "weight"], ["weighted"]),
        helper.make_node("ReduceSum", ["weighted", "axis"], ["mean"], keepdims=0),
    ]
    graph = helper.make_graph(nodes, "mean", [image], [mean], [weight, axis])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    checker.check_model(model)
    save(model, str(tmp_path / "mean.onnx"))
    return written(tmp_path, "mean.onnx")


def written(folder: Path, file: str) -> Path:
    path = folder / "theirs.toml"
    path.write_text(TOML.format(file=file))
    return path
