"""DDML: fast simulation in DD4hep and Geant4, its regular grid of cells."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from zoo.api import Codec, ConsumerContract, UsageError
from zoo_calo.codec import ShowerCodec
from zoo_calo.consumers.program import PROGRAM
from zoo_calo.physics.grid import Box, Grid

__all__ = ["LATENT", "Ddml"]

LATENT = 100
"""Random numbers that it draws for a shower, uniform from -1 to 1."""
_SHAPES = {"latent": (LATENT, 1, 1, 1), "energy": (1, 1, 1, 1)}  # in its order
_RUNTIMES = {"onnx": "ONNXInference", "ts": "TorchInference"}


class Ddml(ConsumerContract):
    """(1, 100, 1, 1, 1) and (1, 1, 1, 1, 1) in; a float32 for every cell out, MeV.

    From ``RegularGridGANModel.cc`` and ``ONNXInference.cc`` of DDML: inputs go in by their order,
    latent numbers and GeV. Of the first output it copies as many floats as its grid has cells,
    layer by layer, x before y, and takes those above zero for energies; another type or order is
    garbage without a message.
    """

    def check(self, inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> list[str]:
        """Violations for one point of the grid, each a sentence."""
        found = []
        if set(inputs) != set(_SHAPES) or len(outputs) != 1:
            number = f"{len(inputs)} inputs and {len(outputs)} outputs"
            return [f"{number} instead of latent numbers, energy; deposits: it knows no angle"]
        for name, shape in _SHAPES.items():
            array = inputs[name]
            if array.dtype != np.float32 or array.shape[1:] != shape:
                found.append(
                    f"the input {name} is {array.dtype} {array.shape}, not float32 (1, "
                    f"{', '.join(map(str, shape))})"
                )
        (output,) = outputs.values()
        if output.dtype != np.float32:
            found.append(f"the output is {output.dtype} instead of float32")
        if not output.flags.c_contiguous:
            found.append("the output is not contiguous in memory")
        if output.ndim != 2 or len(output) != len(inputs["latent"]):
            found.append(f"the output is {output.shape}, not flat for each shower")
        if not ((output >= 0) & np.isfinite(output)).all():
            found.append("the output is no energy: it is negative or not finite")
        return found

    def files(self, name: str, info: Mapping[str, Any], codec: Codec) -> Mapping[str, str]:
        """``NAME.ddml.json``, its settings, and ``NAME.ddml.py``, which makes showers with it.

        Args:
            name: Stem of the exported file.
            info: ``model``, ``format``, ``file`` and ``sha256`` are used.
            codec: A :class:`~zoo_calo.codec.ShowerCodec`.

        Raises:
            UsageError: If the cells are no box.
            TypeError: If it is another codec.
        """
        if not isinstance(codec, ShowerCodec):
            raise TypeError(f"a ShowerCodec is needed, not {type(codec).__name__}")
        grid = codec.grid
        if grid.box is None:
            raise UsageError(
                "it has square cells in layers, and this grid has rings",
                where=grid.name,
                remedy="export without --for",
            )
        side = _sidecar(info, grid, grid.box)
        return {
            f"{name}.ddml.json": json.dumps(side, indent=2) + "\n",
            f"{name}.ddml.py": PROGRAM,
        }


def _sidecar(info: Mapping[str, Any], grid: Grid, box: Box) -> dict[str, Any]:
    runtime = _RUNTIMES[info["format"]]
    return {
        "model": info["model"],
        "file": info["file"],
        "format": info["format"],
        "sha256": info["sha256"],
        "detector": grid.name,
        "plugin": f"RegularGridGAN{'' if runtime == 'ONNXInference' else 'Torch'}",
        "runtime": runtime,
        "properties": {
            "LatentVectorSize": LATENT,
            "NCellsX": box.nx,
            "NCellsY": box.ny,
            "NCellsZ": grid.layers,
            "CellSizeX": box.cell_mm,
            "CellSizeY": box.cell_mm,
            "ModelPath": info["file"],
        },
        "input": [
            {"shape": [1, LATENT, 1, 1, 1], "dtype": "float32", "is": "uniform from -1 to 1"},
            {"shape": [1, 1, 1, 1, 1], "dtype": "float32", "unit": "GeV"},
        ],
        "output": {
            "cells": grid.cells,
            "dtype": "float32",
            "order": "layer, x, y; y fastest",
            "unit": "MeV",
            "meaning": "energy in the sensitive material, not weighted",
        },
        "cell_mm": box.cell_mm,
        "low_edge_mm": {"x": box.low_x_mm, "y": box.low_y_mm},
        "depth_mm": list(grid.depth_mm),
        "layer_weight": list(grid.layer_weight),
        "threshold_mev": grid.threshold_mev,
    }
