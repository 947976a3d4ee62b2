"""Settings of the two simulators."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from zoo.api import Config

__all__ = ["Geant4Config", "GflashConfig", "GunConfig"]

Energy = Annotated[float, Field(ge=0.1, le=1000)]
Degrees = Annotated[float, Field(ge=15, le=90)]
Factor = Annotated[float, Field(ge=0.5, le=2)]
Count = Annotated[int, Field(ge=1, le=1000)]


class GunConfig(Config):
    """One particle at a time into one detector."""

    detector: str = "ild-ecal"
    """Calorimeter: a name (ild-ecal, ild-ecal-angled, calochallenge, ahcal), or a TOML file."""
    particle: Literal["gamma", "e-", "pi+"] = "gamma"
    """What comes in."""
    energy_gev: tuple[Energy, Energy] = (10.0, 100.0)
    """Least and largest energy of photons, kinetic energy of the others."""
    spectrum: Literal["uniform", "log-uniform"] = "uniform"
    """How it is distributed in between."""
    energies_gev: tuple[Energy, ...] = ()
    """Fixed energies, all equally probable; if any, in place of the range."""
    theta_deg: tuple[Degrees, Degrees] = (90.0, 90.0)
    """Least and largest polar angle, drawn uniformly; 90 is along the layers' normal."""
    pool: int = Field(1, ge=1, le=16)
    """Cells of the grid are pool x pool of the detector's: 3 makes 10 x 10 of 30 x 30."""
    cells: tuple[Count, Count] | None = None
    """Keep so many of them along x and y, around the particle; ``none``: all."""
    threshold_mip: float = Field(0.0, ge=0, le=10)
    """Cells below are left out, in units of the grid's MIP; metrics cut at half of one anyway."""
    noise_mip: float = Field(0.0, ge=0, le=2)
    """RMS of the noise of every cell, in units of the MIP."""
    response: Factor = 1.0
    """Factor on all energies seen: a wrong calibration or sampling fraction."""
    absorber: Factor = 1.0
    """Factor on the thickness of the absorber; the grid that is told stays the nominal one."""

    @model_validator(mode="after")
    def _ranges(self) -> Self:
        for name in ("energy_gev", "theta_deg"):
            least, largest = getattr(self, name)
            if least > largest:
                raise ValueError(f"{name} must be least, largest, not {least:g}, {largest:g}")
        if self.noise_mip and self.threshold_mip < 2 * self.noise_mip:
            raise ValueError(
                f"a noise of {self.noise_mip:g} MIP fills every cell: give a threshold_mip of at "
                f"least {2 * self.noise_mip:g}"
            )
        return self


class Geant4Config(GunConfig):
    """Geant4 itself."""

    cut_mm: float = Field(0.7, ge=0.001, le=10)
    """Range below which secondaries are not produced; 0.7 mm is Geant4's default."""
    em_physics: Literal["standard", "option4", "penelope", "livermore"] = "standard"
    """Its electromagnetic physics. Rebuilt tables (see the page of the benchmark) serve the
    standard one only."""


class GflashConfig(GunConfig):
    """Parametrised showers; their free constants are in the detector's file."""
