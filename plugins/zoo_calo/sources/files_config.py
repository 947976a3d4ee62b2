"""Settings of the sources that read files."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from zoo.api import Config

__all__ = [
    "CaloChallengeConfig",
    "CaloH5Config",
    "Edm4hepConfig",
    "FilesConfig",
    "GettingHighConfig",
    "HitFilesConfig",
    "LcioConfig",
    "PointCloudConfig",
]

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1)]


class FilesConfig(Config):
    """What all files of showers share."""

    rows: int = Field(0, ge=0)
    """Showers of a block, which a split never separates; 0: about 4 MiB of cells."""
    look: int = Field(128, ge=1)
    """Showers, spread over all files, that are looked at when they are opened."""
    plausible_mev_per_gev: tuple[Positive, Positive] = (1.0, 1500.0)
    """Visible energy for each GeV of the particle between which the median of a file must lie: by
    it, layers in GeV and particles in MeV are found."""
    most_empty: Share = 0.05
    """Share of showers without any energy above which a file is refused."""


class CaloH5Config(FilesConfig):
    """HDF5 files of cells with energy, as ``zoo calo generate`` writes them."""


class GettingHighConfig(FilesConfig):
    """HDF5 files of layers: Getting High's photons, pions, photons of many angles."""

    group: str = ""
    """Group with ``energy`` and ``layers``; empty: the only one there is."""
    crop: str = ""
    """Part of every layer that is read: ``25x25`` or ``13x13`` of pions, or ``13:38,11:36``, first
    and last cells along x and y as Python counts; empty: all. Energy beyond it is ``outside``."""

    @field_validator("crop")
    @classmethod
    def _crop(cls, value: str) -> str:
        from zoo_calo.sources.crops import crop_of

        if value:
            crop_of(value)
        return value


class CaloChallengeConfig(FilesConfig):
    """HDF5 files of the CaloChallenge and their binning."""

    binning: str = ""
    """XML file of the bins; empty: the one beside the file that has as many."""
    particle: str = ""
    """Which of the particles of the XML file; empty: the one with as many bins as the file."""
    layer_pitch_mm: float = Field(0.0, ge=0, allow_inf_nan=False)
    """Depth of a layer, which the files do not tell; 0: 3.4 mm of 45 layers (data sets 2 and 3),
    and 1 for any other, so that depths count layers."""
    threshold_mev: float | None = Field(None, ge=0, allow_inf_nan=False)
    """Energy below which a voxel does not count; ``none``: that of the challenge's evaluation,
    0.5 keV / 0.033 of 45 layers and 10 MeV of data set 1."""


class HitFilesConfig(FilesConfig):
    """Files of hits at places, which a cell map sorts into cells."""

    map: str = ""
    """The cell map: ``ild-ecal``, ``ild-hcal``, or a TOML or JSON file; empty: the one that the
    file itself tells, if zoo wrote it."""
    rows: int = Field(64, ge=1)
    """Events of a block, which a split never separates."""


class EventFilesConfig(HitFilesConfig):
    """Files of simulated events: hits, and particles that made them."""

    collections: tuple[Name, ...] = ()
    """Collections of hits that are read together; needed, unless zoo wrote the file."""
    particles: Name = "MCParticle"
    """Collection of the simulated particles."""
    primary: Literal["only", "first", "sum"] = "only"
    """What the energy is of: the only particle that the generator handed over, refusing events with
    several; the first one; or all together."""
    theta: bool = False
    """Whether the polar angle is read, from the primary's momentum in the frame of the map."""


class LcioConfig(EventFilesConfig):
    """LCIO files of SimCalorimeterHit."""


class Edm4hepConfig(EventFilesConfig):
    """EDM4hep files in ROOT, read by uproot."""

    particles: Name = "MCParticles"
    """Collection of the simulated particles."""
    tree: Name = "events"
    """Tree of the events."""


class PointCloudConfig(HitFilesConfig):
    """HDF5 files of points, as CaloClouds uses them: ``energy`` and ``events``."""

    map: str = "caloclouds"
    """The cell map: ``caloclouds``, whose depth is the number of the layer, or a file."""
    unit: Literal["GeV", "MeV"] = "GeV"
    """Of the points' energies."""
