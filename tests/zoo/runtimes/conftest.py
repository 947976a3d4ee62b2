from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from zoo.contract.codec import Codec
from zoo.contract.deploy import Deploy
from zoo.contract.specs import Field, Specs
from zoo.export.formats import write_module
from zoo.runtimes import ExportHeader


class Affine(nn.Module):
    """(N, T, 2), (N,) -> twice the first plus the second, and the sum over T."""

    def forward(self, wave: Tensor, offset: Tensor) -> tuple[Tensor, Tensor]:
        return 2 * wave + offset[:, None, None], wave.sum(dim=1)


class Turned(nn.Module):
    """(N, T, 2), (N,) -> views of the first, whose memory is not in the order of their values."""

    def forward(self, wave: Tensor, offset: Tensor) -> tuple[Tensor, Tensor]:
        return wave.transpose(0, 1), wave[:, :, 0].T


class AffineDeploy(Deploy):
    sizes: tuple[Mapping[str, int], ...] = ({"batch": 2, "tick": 5}, {"batch": 1, "tick": 3})

    def __init__(self) -> None:
        self.inputs: Specs = {
            "wave": Field(dims=("batch", "tick", 2), dtype="float32", meaning="waveform"),
            "offset": Field(dims=("batch",), dtype="float32", meaning="pedestal"),
        }
        self.outputs: Specs = {
            "moved": Field(dims=("batch", "tick", 2), dtype="float32", meaning="2 wave + offset"),
            "area": Field(dims=("batch", 2), dtype="float32", meaning="sum over ticks"),
        }

    def module(self, nets: Mapping[str, nn.Module], codec: Codec) -> nn.Module:
        return Affine()

    def example(
        self, dims: Mapping[str, int], keys: NDArray[np.uint64]
    ) -> Mapping[str, NDArray[Any]]:
        raise NotImplementedError  # these tests bring their own inputs


@pytest.fixture(scope="session")
def header() -> ExportHeader:
    deploy = AffineDeploy()
    return ExportHeader(
        model="mini/affine",
        plugin="mini",
        plugin_version="1.2",
        api="1.0",
        config={"gain": 2.0, "widths": [1, 2]},
        facts={"channels": np.arange(6, dtype=np.int32).reshape(2, 3), "name": "wall"},
        constants={"threshold": float("inf")},
        inputs=deploy.inputs,
        outputs=deploy.outputs,
    )


@pytest.fixture(scope="session", params=["onnx", "pt2", "ts"])
def _written(
    request: pytest.FixtureRequest, header: ExportHeader, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """One file for all tests: the exporter of ONNX takes a second."""
    path = tmp_path_factory.mktemp("exported") / f"affine.{request.param}"
    inputs = (torch.zeros(2, 5, 2), torch.zeros(2))
    module = Affine().eval()
    write_module(request.param, module, inputs, AffineDeploy(), header=header.dumps(), path=path)
    return path


@pytest.fixture
def exported(_written: Path, tmp_path: Path) -> Path:
    """A file of its own for each test, which may damage it."""
    return Path(shutil.copy(_written, tmp_path))


@pytest.fixture
def turned(header: ExportHeader, tmp_path: Path) -> Path:
    path = tmp_path / "turned.ts"
    inputs = (torch.zeros(2, 5, 2), torch.zeros(2))
    write_module("ts", Turned(), inputs, AffineDeploy(), header=header.dumps(), path=path)
    return path
