"""Settings of the sources that read files."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from zoo.api import Config

__all__ = [
    "FilesConfig",
    "FlashFilesConfig",
    "LutNpzConfig",
    "PhotonLibraryConfig",
    "SimpleSimConfig",
    "TablesConfig",
    "WatchmalConfig",
]

Length = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Corner = tuple[float, float, float]


class FilesConfig(Config):
    """What all files of light share."""

    geometry: str = ""
    """File of the sensors, in the order of the file's channels; needed."""
    sensor_radius_cm: Length = 4.0
    """Radius of its sensors, where the file does not tell."""
    dead: tuple[Annotated[int, Field(ge=0)], ...] = ()
    """Channels of the file whose sensors are dead: samples tell which (``alive``)."""
    look: int = Field(128, ge=1)
    """Rows, spread over all files, that are looked at when they are opened."""
    agreement: float = Field(0.25, ge=-10, le=1)
    """How far charges must follow the solid angles of the sensors: 1 is direct light alone, 0 a
    wrong order of the sensors. Below, files are refused; -10 accepts all."""


class FlashFilesConfig(FilesConfig):
    """Files of events and their hits."""

    index: Literal["auto", "start", "end"] = "auto"
    """Whether ``event_hits_index`` has the first hit of each event or the one after its last;
    ``auto``: the values tell, or the file is refused."""
    rows: int = Field(64, ge=1)
    """Events of a block, which a split never separates."""
    start_ns: float | None = None
    """When the light starts, in the clock of ``hit_time``; ``none``: hits are read without times.
    Constant times are never read."""
    group_index: float | None = Field(None, ge=1, le=3)
    """c over the speed of light pulses in the medium, which the file does not tell: models of hit
    times need it."""


class SimpleSimConfig(FlashFilesConfig):
    """HDF5 files of SimpleSim: positions in m, z vertical."""

    photons: Length = 10_000.0
    """Photons of each event, which the file does not tell."""
    emission: Literal["isotropic", "directed"] = "isotropic"
    """To all sides, or else; the order of the sensors is only checked where it is to all sides."""


class WatchmalConfig(FlashFilesConfig):
    """HDF5 files of WatChMaL's DataTools: positions in cm, y vertical."""

    photons: float = Field(0.0, ge=0, allow_inf_nan=False)
    """Photons of each event, which the file does not tell: this, or the next."""
    photons_per_mev: float = Field(0.0, ge=0, allow_inf_nan=False)
    """Photons for each MeV of an event's energy."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.photons and self.photons_per_mev:
            raise ValueError("give photons or photons_per_mev, not both")
        return self


class TablesConfig(FilesConfig):
    """Tables of visibilities by voxel."""

    photons: float = Field(0.0, ge=0, allow_inf_nan=False)
    """Photons that each voxel was simulated with; a sample's charge is what these saw. Needed."""
    exact: bool = False
    """Whether visibilities come from a formula: then they also are what is expected. Of a simulated
    table only the counts are known."""
    rows: int = Field(0, ge=0)
    """Voxels of a block, which a split never separates; 0: about 1 MiB."""
    sensor_radius_cm: Length = 10.0
    """Radius of the sensors, where the geometry does not tell."""


class PhotonLibraryConfig(TablesConfig):
    """HDF5 photon libraries: lengths in cm, x fastest."""


class LutNpzConfig(TablesConfig):
    """Light tables of larnd-sim, which do not tell where their voxels are."""

    low_cm: Corner | None = None
    """Lowest corner of the table; needed."""
    high_cm: Corner | None = None
    """Highest corner; needed."""
    reversed_axes: tuple[Literal["x", "y", "z"], ...] = ()
    """Axes along which voxels are counted from the highest corner: x in chambers of odd number."""
