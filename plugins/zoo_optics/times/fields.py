"""Fields of times, of predictions and of exported files."""

from __future__ import annotations

from zoo.api import Field, Specs

__all__ = ["TIME_COLUMNS", "TIME_OUTPUTS"]


def _of_sensors(unit: str, meaning: str, minimum: float | None = None) -> Field:
    return Field(
        dims=("sensor",),
        dtype="float32",
        unit=unit,
        meaning=meaning,
        optional=True,
        minimum=minimum,
    )


TIME_OUTPUTS: Specs = {
    "time_prompt": _of_sensors("", "share of the light in the Gaussian core of its residuals", 0),
    "time_shift": _of_sensors("ns", "middle of the core, against t - R / c_n = 0"),
    "time_width": _of_sensors("ns", "RMS of the core", 0),
    "time_tail": _of_sensors("ns", "mean delay of the light that is not in the core", 0),
}
"""The distribution of the light; what networks and exported files answer with."""

TIME_COLUMNS: Specs = {
    **TIME_OUTPUTS,
    "time_mean": _of_sensors("ns", "mean residual of the light"),
    "time_rms": _of_sensors("ns", "RMS of the light's residuals", 0),
    "time_flat": _of_sensors("", "share of hits that are spread evenly: dark hits, strays", 0),
    "time_window": Field(
        dims=(2,),
        dtype="float32",
        unit="ns",
        meaning="first and last time at which hits are recorded",
        optional=True,
    ),
}
"""Fields of predictions of a model with ``model.time``."""
