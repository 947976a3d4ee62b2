"""Fields of mini-track."""

from __future__ import annotations

from zoo.api import Field, Specs

SAMPLE: Specs = {
    "pads": Field(dims=("row", "pad"), dtype="float32", unit="ADC", meaning="charge of each pad"),
    "position": Field(
        dtype="float32", unit="mm", meaning="where the track crosses the middle of the plane"
    ),
    "drift": Field(
        dtype="float32", unit="mm", meaning="true drift distance: for binning only", minimum=0.0
    ),
    "drift_time": Field(
        dtype="float32",
        unit="us",
        meaning="time from trigger to arrival",
        minimum=0.0,
        optional=True,
    ),
}
PREDICTION: Specs = {
    "position": Field(dtype="float32", unit="mm", meaning="estimate of the position"),
    "sigma": Field(dtype="float32", unit="mm", meaning="its standard deviation", minimum=0.0),
    "accepted": Field(
        dtype="int8", meaning="1 where sigma is below the tuned cut", minimum=0, maximum=1
    ),
}
