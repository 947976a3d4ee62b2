"""What a sample and a prediction of the task ``optics`` are. One row is one flash of light."""

from __future__ import annotations

from zoo.api import Field, Specs
from zoo_optics.times.fields import TIME_COLUMNS

__all__ = ["PREDICTION", "SAMPLE", "WINDOWS"]

SAMPLE: Specs = {
    "position": Field(dims=(3,), dtype="float32", unit="cm", meaning="where the light starts"),
    "direction": Field(
        dims=(3,),
        dtype="float32",
        meaning="unit vector of the light's axis; zero where it has none",
        optional=True,
    ),
    "photons": Field(dtype="float32", meaning="photons that start there", minimum=0),
    "charge": Field(
        dims=("sensor",), dtype="float32", unit="PE", meaning="photo-electrons seen", minimum=0
    ),
    "alive": Field(
        dims=("sensor",),
        dtype="bool",
        meaning="false: a dead sensor, whose charge is none; the facts then have `alive`, too",
        optional=True,
    ),
    "expected": Field(
        dims=("sensor",),
        dtype="float32",
        unit="PE",
        meaning="photo-electrons expected, where the simulation knows",
        optional=True,
        minimum=0,
    ),
    "hit_sensor": Field(
        dims=("hit",),
        dtype="int32",
        meaning="sensor of each hit",
        optional=True,
        ragged=True,
        minimum=0,
    ),
    "hit_time": Field(
        dims=("hit",),
        dtype="float32",
        unit="ns",
        meaning="time of each hit, from the start of the light",
        optional=True,
        ragged=True,
    ),
    "window": Field(
        dtype="uint64", meaning="readout window that the flash and the charge are of", optional=True
    ),
    "flash_us": Field(
        dtype="float32", unit="us", meaning="time of the flash in its window", optional=True
    ),
    "segment_cm": Field(
        dims=("segment", 3),
        dtype="float32",
        unit="cm",
        meaning="where each segment of charge would lie had the flash been at time 0",
        optional=True,
        ragged=True,
    ),
    "segment_photons": Field(
        dims=("segment",),
        dtype="float32",
        meaning="photons of each segment, by its charge",
        optional=True,
        ragged=True,
        minimum=0,
    ),
}

WINDOWS = frozenset({"window", "flash_us", "segment_cm", "segment_photons"})
"""Fields of samples whose flash is to be matched with its charge."""

PREDICTION: Specs = {
    "charge": Field(
        dims=("sensor",), dtype="float32", unit="PE", meaning="photo-electrons expected", minimum=0
    ),
    "relative_error": Field(
        dims=("sensor",),
        dtype="float32",
        meaning="relative error of the expectation, as the model has learnt it",
        optional=True,
        minimum=0,
    ),
    **TIME_COLUMNS,
}
