"""The Triton kernel without a GPU: its results by the interpreter, and that it compiles."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from zoo_sparse_reco.sparse import triton_kernel
from zoo_sparse_reco.sparse.maps import level_maps

needs_triton = pytest.mark.skipif(find_spec("triton") is None, reason="triton is not installed")


@needs_triton
def test_results() -> None:
    script = Path(__file__).with_name("triton_interpreted.py")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(script)], capture_output=True, text=True, check=False
    )
    assert done.stdout == "done\n", done.stderr


@needs_triton
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("capability", "number"), [(80, "fp32"), (90, "bf16")])
def test_it_compiles(
    capability: int, number: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To machine code of two generations of GPUs, which needs none."""
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    from triton import compile as to_machine_code
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    constants = {"OFFSETS": 27, "ROWS": 64, "BLOCK_IN": 32, "BLOCK_OUT": 32, "PRECISION": "ieee"}
    types = dict.fromkeys(triton_kernel._kernel.arg_names, "i32")
    types |= dict.fromkeys(("features", "weight", "result"), f"*{number}")
    types |= dict.fromkeys(("table", "order"), "*i32") | dict.fromkeys(constants, "constexpr")
    source = ASTSource(fn=triton_kernel._kernel, signature=types, constexprs=constants)
    assert to_machine_code(source, target=GPUTarget("cuda", capability, 32)).asm["cubin"]


def test_it_is_for_gpus_only() -> None:
    assert not triton_kernel.usable(torch.zeros(3, 3))


def test_it_can_be_forgone() -> None:
    tables = {
        "neighbours_0": torch.zeros(0, 27),
        "children_1": torch.zeros(0, 8),
        "parent_0": torch.zeros(0),
        "slot_0": torch.zeros(0),
        "neighbours_1": torch.zeros(0, 27),
    }
    for triton in (True, False):
        fine, coarse = level_maps(tables, triton=triton)
        for kernel_map in (fine.neighbours, fine.down, fine.up, coarse.neighbours):
            assert kernel_map is not None
            assert kernel_map.triton is triton
