"""What a sample and a prediction of the task ``ha-tpc`` are. One row is one track on one pad plane.

Frame: see :mod:`zoo_ha_tpc.physics.pad_plane`. A track moves along (cos(phi), sin(phi)) in (z, y);
with q/p_t in 1/(GeV/c) and B in T along +x, d(phi)/ds = 0.299792458 B q/p_t per metre of its length
in that plane. phi is its direction where it starts, at (z_ini, y_ini).
"""

from __future__ import annotations

from zoo.api import Field, Specs
from zoo_ha_tpc.quantities import QUANTITIES

__all__ = ["HITS", "PREDICTION", "SAMPLE", "TRUTH"]

HITS: Specs = {
    "hit_row": Field(
        dims=("hit",), dtype="uint8", ragged=True, meaning="row of each pad that saw charge"
    ),
    "hit_column": Field(dims=("hit",), dtype="uint8", ragged=True, meaning="its column"),
    "hit_charge": Field(
        dims=("hit",),
        dtype="uint16",
        unit="ADC",
        ragged=True,
        meaning="largest amplitude of its waveform (Qmax)",
    ),
    "hit_time": Field(
        dims=("hit",),
        dtype="uint16",
        unit="ns",
        ragged=True,
        optional=True,
        meaning="when that was (Tmax), from the time of the track",
    ),
    "hit_width": Field(
        dims=("hit",),
        dtype="uint16",
        unit="ns",
        ragged=True,
        optional=True,
        meaning="how long the waveform is above half of it (FWHM)",
    ),
}
"""Pads with charge, each once, by row and column."""

TRUTH: Specs = {
    "q_over_pt": Field(
        dtype="float32",
        unit="c/GeV",
        optional=True,
        meaning="charge over transverse momentum where the track starts",
    ),
    "phi": Field(
        dtype="float32",
        unit="rad",
        optional=True,
        meaning="its direction there in (z, y), -pi to pi",
    ),
    "tan_lambda": Field(
        dtype="float32", optional=True, meaning="its slope out of that plane: dx over length in it"
    ),
    "x_ini": Field(dtype="float32", unit="mm", optional=True, meaning="where it starts: drift"),
    "y_ini": Field(dtype="float32", unit="mm", optional=True, meaning="where it starts"),
    "z_ini": Field(dtype="float32", unit="mm", optional=True, meaning="where it starts"),
}
"""The track as it was, where that is known."""

SAMPLE: Specs = {
    **HITS,
    **TRUTH,
    "cluster_z": Field(
        dims=("cluster",),
        dtype="float32",
        unit="mm",
        ragged=True,
        optional=True,
        meaning="mean place of the electrons that arrive in each slice of the track, in its order",
    ),
    "cluster_y": Field(
        dims=("cluster",),
        dtype="float32",
        unit="mm",
        ragged=True,
        optional=True,
        meaning="the same, y",
    ),
    "cluster_electrons": Field(
        dims=("cluster",), dtype="float32", ragged=True, optional=True, meaning="how many they are"
    ),
}

PREDICTION: Specs = {
    **{
        name: Field(dtype="float32", unit=one.unit, meaning=one.meaning, optional=True)
        for name, one in QUANTITIES.items()
    },
    **{
        f"{name}_error": Field(
            dtype="float32",
            unit=one.unit,
            meaning=f"standard error of {name}",
            optional=True,
            minimum=0,
        )
        for name, one in QUANTITIES.items()
    },
}
"""What a model or a fit answers; each model some of it. NaN is refused: what cannot be fitted gets
the best guess there is, and a large error."""
