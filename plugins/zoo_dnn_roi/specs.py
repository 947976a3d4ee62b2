"""What a sample and a prediction of the task ``dnn-roi`` are. One row is one plane of one event."""

from __future__ import annotations

from zoo.api import Field, Specs

__all__ = ["PREDICTION", "SAMPLE", "SHOWER_FIELDS"]

_PLANE = ("wire", "tick")
_CHARGE = "e-/tick"


def _waveforms(meaning: str, *, optional: bool = False) -> Field:
    return Field(dims=_PLANE, dtype="float32", unit=_CHARGE, meaning=meaning, optional=optional)


def _mask(meaning: str, *, optional: bool = False) -> Field:
    return Field(
        dims=_PLANE, dtype="uint8", meaning=meaning, optional=optional, minimum=0, maximum=1
    )


def _wire_flag(meaning: str) -> Field:
    return Field(
        dims=("wire",), dtype="uint8", meaning=meaning, optional=True, minimum=0, maximum=1
    )


def _of_shower(meaning: str, unit: str = "", dims: tuple[int, ...] = ()) -> Field:
    return Field(
        dims=dims,
        dtype="float32",
        unit=unit,
        meaning=f"{meaning}; NaN without shower",
        optional=True,
        finite=False,
    )


SAMPLE: Specs = {
    "loose_lf": _waveforms("deconvolved with the loose low-frequency filter"),
    "tight_lf": _waveforms("deconvolved with the tight low-frequency filter", optional=True),
    "decon_charge": _waveforms("deconvolved charge, Gaussian filter, no region of interest"),
    "mp2": _mask("1 where the two other planes are active at a crossing (MP2)"),
    "mp3": _mask("1 where all three planes are active at a crossing (MP3)"),
    "traditional": _mask("the traditional ROI mask, which needs all planes", optional=True),
    "gauss": _waveforms("charge inside the traditional ROIs", optional=True),
    "truth": _waveforms("true charge, smeared as signal processing does", optional=True),
    "plane": Field(
        dtype="int64", meaning="0: first induction plane (U), 1: second (V)", minimum=0, maximum=1
    ),
    "theta_xz": Field(
        dtype="float32",
        unit="deg",
        meaning="angle of the track or shower to the wire plane; NaN if it has none",
        optional=True,
        finite=False,
    ),
    "shower_energy": _of_shower("energy of the electron", "MeV"),
    "vertex_wire": _of_shower("wire at which the shower starts, wire i from i to i + 1"),
    "vertex_tick": _of_shower("tick at which charge of its vertex arrives"),
    "direction": _of_shower(
        "direction of the electron across the wires and along the drift, of a unit vector",
        dims=(2,),
    ),
    "dead": _wire_flag("1 for a wire without signal"),
    "noisy": _wire_flag("1 for a wire of excess noise"),
    "rms": Field(
        dims=("wire",),
        dtype="float32",
        unit=_CHARGE,
        meaning="noise of a wire after deconvolution",
        optional=True,
        minimum=0,
    ),
}

SHOWER_FIELDS = frozenset(("shower_energy", "vertex_wire", "vertex_tick", "direction"))
"""What only the planes of a shower have."""

PREDICTION: Specs = {
    "score": Field(
        dims=("wire", "bin"),
        dtype="float32",
        meaning="probability that a time bin belongs to a region of interest",
        optional=True,
        minimum=0,
        maximum=1,
    ),
    "mask": _mask("1 inside a region of interest"),
    "charge": _waveforms("charge inside the regions of interest, as Wire-Cell takes it"),
}
