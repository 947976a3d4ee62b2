"""Settings of the fits."""

from __future__ import annotations

from pydantic import Field

from zoo.api import Config
from zoo_ha_tpc.physics.constants import MUON_GEV, RADIATION_LENGTH_M

__all__ = ["FirstPadConfig", "OracleFitConfig", "ScatteringConfig", "TrackFitConfig"]


class ScatteringConfig(Config):
    """What scatters, and in what."""

    mass_gev: float = Field(MUON_GEV, gt=0)
    """Mass that tracks are taken to have, GeV/c^2: a muon's (PDG)."""
    radiation_length_m: float = Field(RADIATION_LENGTH_M, gt=0)
    """Of the gas: argon with 3 % CF4 and 2 % isobutane at one atmosphere and 20 degrees, from
    19.55, 33.99 and 45.23 g/cm2 of the three (PDG)."""


class TrackFitConfig(ScatteringConfig):
    """The fit to the pads."""

    noise_adc: float = Field(4.4, gt=0)
    """Standard deviation of a charge: 800 electrons at 4096 ADC for 120 fC."""
    threshold_adc: float = Field(25.0, gt=0)
    """Below it a pad reports no charge."""
    saturation_adc: float = Field(4095.0, gt=0)
    """Charges from here on are lower limits."""
    tracks: int = Field(20_000, ge=100)
    """Training tracks that corrections and errors are fitted to: those of the lowest ids, so the
    order in which they come does not matter."""
    passes: int = Field(4, ge=1)
    """How often corrections and tracks are fitted in turn."""


class FirstPadConfig(Config):
    """Where the first pad lies: nothing to set."""


class OracleFitConfig(ScatteringConfig):
    """The fit to the true clusters."""

    transverse_um_cm: float = Field(310.0, gt=0)
    """Diffusion across the drift, um per square root of cm, where the data's facts lack it
    (``gas``)."""
