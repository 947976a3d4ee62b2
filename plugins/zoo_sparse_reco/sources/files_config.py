"""Settings of the sources that read files."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from zoo.api import Config

__all__ = [
    "EdepsimConfig",
    "FilesConfig",
    "LarcvConfig",
    "LarcvH5Config",
    "LarcvRootConfig",
    "MlrecoH5Config",
    "PilarnetConfig",
]

Class = Literal["shower", "track", "michel", "delta", "low-energy"]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Size = Annotated[int, Field(ge=1, le=65_536)]
Name = Annotated[str, Field(min_length=1)]
Producer = Annotated[str, Field(pattern=r"^\w*$")]


class FilesConfig(Config):
    """What all files of voxels share."""

    rows: int = Field(16, ge=1)
    """Events of a block, which are read together and which a split never separates."""
    look: int = Field(64, ge=1)
    """Events, spread over all files, that are looked at when they are opened."""
    scheme: Literal["spine", "hip-mip"] = "spine"
    """Classes that the labels are given in."""
    precedence: tuple[Class, ...] = ("michel", "track", "shower", "delta", "low-energy")
    """Whose voxel it is where several particles have it: the first of these classes, and in a class
    who left most energy. This order is SPINE's; Supera's has the track before the Michel."""
    duplicates: Literal["merge", "refuse"] = "merge"
    """What is done with voxels that an event lists more than once: their energies are added up, or
    the file is refused."""
    outside: Literal["refuse", "drop"] = "refuse"
    """What is done with voxels outside of the grid."""
    most_empty: Share = 0.05
    """Share of events without any voxel above which files are refused."""

    @field_validator("precedence")
    @classmethod
    def _each_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if sorted(value) != sorted(("shower", "track", "michel", "delta", "low-energy")):
            raise ValueError("name each of the five classes once")
        return value


class PilarnetConfig(FilesConfig):
    """PILArNet-M in HDF5, v1, v2 and v3."""

    shape: tuple[Size, Size, Size] = (768, 768, 768)
    """Voxels along x, y and z."""
    voxel_mm: Positive = 3.0
    """Edge of a voxel."""
    energy: Literal["value", "deposit"] = "value"
    """Which column is the energy: the voxel's value, which the public readers use, or the deposit
    beside it."""


class MlrecoH5Config(FilesConfig):
    """Cluster tensors of lartpc_mlreco3d and SPINE in HDF5."""

    dataset: Name = "cluster_label"
    """Dataset with a row for each voxel."""
    points: str = "coord_label"
    """Dataset with a row for each particle's start and end; read where there is one."""
    layout: Literal["auto", "mlreco", "spine"] = "auto"
    """Order of the columns; ``auto``: 10 are lartpc_mlreco3d's, 21 are SPINE's."""
    shape: tuple[Size, Size, Size] = (768, 768, 768)
    """Voxels along x, y and z."""
    voxel_mm: Positive = 3.0
    """Edge of a voxel."""


class LarcvConfig(FilesConfig):
    """What files of LArCV share."""

    energy: Producer = "pcluster"
    """Producer of the voxels (``sparse3d_...``), whose values are energies in MeV."""
    semantics: Producer = "pcluster_semantics"
    """Producer of their classes (``sparse3d_...``); read where there is one; empty: not read."""
    clusters: Producer = "pcluster"
    """Producer of the voxels of each particle (``cluster3d_...``); the same."""
    particles: Producer = "pcluster"
    """Producer of the particles (``particle_...``); the same."""
    unit_mm: Positive = 10.0
    """What one unit of the files' positions is: 10 where they are in cm. 3 where they count voxels
    of 3 mm."""


class LarcvRootConfig(LarcvConfig):
    """LArCV2 files in ROOT, read by uproot."""


class LarcvH5Config(LarcvConfig):
    """LArCV3 files in HDF5."""


class EdepsimConfig(FilesConfig):
    """Segments of edep-sim in HDF5, as larnd-sim takes them, made into voxels."""

    precedence: tuple[Class, ...] = ("track", "shower", "michel", "delta", "low-energy")
    """Whose voxel it is where several particles have it; this order is Supera's
    ``SemanticPriority``."""
    voxel_mm: Positive = 3.0
    """Edge of a voxel."""
    lower_mm: tuple[float, float, float] | None = None
    """Lower corner of the grid; ``none``: below all segments of all files, at whole voxels."""
    shape: tuple[Size, Size, Size] | None = None
    """Voxels along x, y and z; ``none``: up to the last segment of all files."""
    threshold_mev: float = Field(0.05, ge=0, allow_inf_nan=False)
    """Energy that a voxel must exceed (Supera: ``EnergyDepositThreshold``)."""
    delta_size: int = Field(3, ge=1)
    """Voxels beside the track below which a delta ray belongs to the track (``DeltaSize``)."""
    compton_size: int = Field(10, ge=1)
    """Connected voxels of electrons and photons that more than so many must be to be a shower and
    not of low energy (``ComptonSize``)."""
    scatter_size: int = Field(2, ge=1)
    """Voxels below which a lone piece of a track is of low energy (``LEScatterSize``)."""
    touch: int = Field(1, ge=0)
    """Voxels, along each axis, within which an electron starts at a track (``TouchDistance``)."""
    michel_mev: Positive = 60.0
    """Most energy of an electron from a muon at rest: its spectrum ends at 52.8 MeV, and photons of
    it are counted in."""
    wall_voxels: float = Field(1.0, ge=0)
    """A muon that ends so close to the end of all segments has left: it did not stop."""
