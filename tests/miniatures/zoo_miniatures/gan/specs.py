"""Fields of mini-gan."""

from __future__ import annotations

from zoo.api import Field, Specs

_LAYERS = Field(
    dims=("layer",), dtype="float32", unit="GeV", meaning="energy seen in each layer", minimum=0.0
)
SAMPLE: Specs = {
    "energy": Field(dtype="float32", unit="GeV", meaning="energy of the electron", minimum=0.0),
    "layers": _LAYERS,
}
PREDICTION: Specs = {"layers": _LAYERS}
