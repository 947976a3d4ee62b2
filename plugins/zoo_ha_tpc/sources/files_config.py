"""Settings of the sources that read files of events."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from zoo.api import Config

__all__ = [
    "EventNpzConfig",
    "HitNames",
    "PadNames",
    "PandasH5Config",
    "TrackFilesConfig",
    "TruthNames",
]

Scale = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class PadNames(Config):
    """What images are called: a number for each pad."""

    charge: str = "Qmax"
    """Largest amplitude of the waveform; 0 where the pad saw nothing. Needed."""
    time: str = "Tmax"
    """When that was; read where it is there."""
    width: str = "FWHM"
    """How long the waveform is above half of it; read where it is there."""


class HitNames(Config):
    """What lists of hits are called: a number for each pad that saw charge."""

    event: str = "event"
    """pandas: number of the event that a hit belongs to."""
    offsets: str = "hit_offsets"
    """.npz of several events: where the hits of each event begin, and where the last ones end."""
    row: str = "hit_row"
    """Row of the pad."""
    column: str = "hit_column"
    """Its column."""
    charge: str = "hit_charge"
    """Largest amplitude."""
    time: str = "hit_time"
    """When that was; read where it is there."""
    width: str = "hit_width"
    """How long the waveform is above half of it; read where it is there."""


class TruthNames(Config):
    """What the truth is called, a number for each event. What is not there is not read."""

    q_over_pt: str = "q_over_pt"
    """Charge over transverse momentum; without it, it follows from ``charge`` and ``p_t``."""
    charge: str = "charge"
    """Charge of the particle, in units of the positron's; without it: ``charge_of_all``."""
    p_t: str = "p_t"
    """Transverse momentum; without it, it follows from ``p_y`` and ``p_z``."""
    p_x: str = "p_x"
    """Momentum along the drift."""
    p_y: str = "p_y"
    """Momentum along the rows' axis, y."""
    p_z: str = "p_z"
    """Momentum along the columns' axis, z."""
    phi: str = "phi"
    """Direction in (z, y); without it, it follows from ``p_y`` and ``p_z``."""
    tan_lambda: str = "tan_lambda"
    """Slope out of the pad plane; without it, it follows from ``p_x`` and ``p_t``."""
    x_ini: str = "x_ini"
    """Where the track starts: distance from the pad plane."""
    y_ini: str = "y_ini"
    """Where the track starts, y."""
    z_ini: str = "z_ini"
    """Where the track starts, z."""


class TrackFilesConfig(Config):
    """What all files of events share."""

    plane: str = "ha-tpc"
    """Name of a detector that comes with the plugin, or its TOML file."""
    axes: Literal["rows-columns", "columns-rows"] = "rows-columns"
    """Order of the axes of an image."""
    flipped: tuple[Literal["rows", "columns"], ...] = ()
    """What images and hits count the other way round: rows from the top, columns from the far side.
    The truth is not turned."""
    charge_scale: Scale = 1.0
    """What charges are multiplied with to be ADC counts."""
    time_scale_ns: Scale = 1.0
    """What times and widths are multiplied with to be ns: 40 where they are samples of 40 ns."""
    pads: PadNames = PadNames()
    """Names of images."""
    hits: HitNames = HitNames()
    """Names of lists of hits."""
    truth: TruthNames = TruthNames()
    """Names of the truth."""
    momentum_unit: Literal["GeV", "MeV"] = "GeV"
    """Unit of momenta, over c."""
    length_unit: Literal["mm", "cm", "m"] = "mm"
    """Unit of places."""
    angle_unit: Literal["rad", "deg"] = "rad"
    """Unit of ``phi``."""
    origin_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """x, y, z of our origin in the frame of the file: on the plane, in its middle, at the outer
    edge of column 0."""
    charge_of_all: Literal[-1, 0, 1] = 0
    """Charge of every particle where files do not tell it: 1 for mu+; 0: not known."""
    rows: int = Field(16, ge=1)
    """Events that are read together."""


class EventNpzConfig(TrackFilesConfig):
    """numpy archives: images or lists of hits, with the truth."""


class PandasH5Config(TrackFilesConfig):
    """HDF5 files that pandas wrote: a row for each event, or for each hit."""

    key: str = ""
    """Frame of the images or hits; empty: the only one of the file, besides ``truth_key``."""
    truth_key: str = ""
    """Frame of the truth, a row for each event; empty: the truth is in the same frame."""
