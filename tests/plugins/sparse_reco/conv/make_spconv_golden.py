"""Makes spconv_golden.json: what spconv 2.3.8 answers on a CPU. Run with spconv importable.

    pip install --target FOLDER spconv==2.3.8
    PYTHONPATH=FOLDER python tests/plugins/sparse_reco/conv/make_spconv_golden.py OUT

All numbers are small and whole, so that float32 is exact and the file is the same everywhere.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import spconv.pytorch as spconv  # type: ignore[import-not-found,unused-ignore]
import torch
from spconv.core import ConvAlgo  # type: ignore[import-not-found,unused-ignore]

SIZE, VOXELS, EVENTS = 6, 12, 2  # an even size: spconv drops what is left over of an odd one
KINDS = ("submanifold", "strided", "transposed")


def whole(*shape: int) -> torch.Tensor:
    return torch.randint(-3, 4, shape).float()


def answers(dims: int) -> dict[str, Any]:
    torch.manual_seed(dims)
    shape = (EVENTS, *[SIZE] * dims)
    chosen = torch.randperm(int(np.prod(shape)))[:VOXELS].sort().values.numpy()
    indices = np.stack(np.unravel_index(chosen, shape), 1).astype(np.int32)
    options = {"bias": False, "algo": ConvAlgo.Native}
    name = f"{dims}d"
    layers = (
        getattr(spconv, f"SubMConv{name}")(2, 2, 3, **options),
        getattr(spconv, f"SparseConv{name}")(2, 3, 2, stride=2, indice_key="down", **options),
        getattr(spconv, f"SparseInverseConv{name}")(3, 2, 2, indice_key="down", **options),
    )
    tensor = spconv.SparseConvTensor(
        whole(VOXELS, 2), torch.from_numpy(indices), [SIZE] * dims, EVENTS
    )
    made: dict[str, Any] = {"indices": indices.tolist(), "features": as_whole(tensor.features)}
    for kind, layer in zip(KINDS, layers, strict=True):
        layer.weight.data = whole(*layer.weight.shape)
        with torch.no_grad():
            tensor = layer(tensor)
        made[kind] = {
            "weight": as_whole(layer.weight),
            "indices": tensor.indices.tolist(),
            "features": as_whole(tensor.features),
        }
    return made


def as_whole(tensor: torch.Tensor) -> Any:
    assert (tensor == tensor.round()).all()
    return tensor.detach().int().tolist()


if __name__ == "__main__":
    text = json.dumps({str(dims): answers(dims) for dims in (2, 3)}, separators=(",", ":"))
    Path(sys.argv[1]).write_text(text + "\n")
