"""Fields of mini-light."""

from __future__ import annotations

from zoo.api import Field, Specs

SAMPLE: Specs = {
    "position": Field(dims=(3,), dtype="float32", unit="mm", meaning="where the flash was"),
    "charge": Field(
        dims=("pmt",), dtype="float32", unit="PE", meaning="photoelectrons seen", minimum=0.0
    ),
}
PREDICTION: Specs = {
    "share": Field(
        dims=("pmt",), dtype="float32", meaning="expected share of the light", minimum=0.0
    ),
}
