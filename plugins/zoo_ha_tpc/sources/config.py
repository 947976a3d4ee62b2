"""Settings of the particle gun.

Defaults marked ModelHATPC are those of the public model of the response (tristandaret/ModelHATPC).
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from zoo.api import Config
from zoo_ha_tpc.physics.constants import MUON_GEV, RADIATION_LENGTH_M

__all__ = ["LEAST_FACTOR", "ElectronicsConfig", "GasConfig", "GunConfig", "ModulesConfig"]

LEAST_FACTOR = 0.5
"""Of gain and RC of a module; the largest is its inverse."""

Fraction = Annotated[float, Field(ge=0, le=1)]
Momentum = Annotated[float, Field(ge=0.05, le=100)]
Degrees = Annotated[float, Field(ge=-180, le=180)]
Slope = Annotated[float, Field(ge=-3, le=3)]
Distance = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Factor = Annotated[float, Field(ge=LEAST_FACTOR, le=1 / LEAST_FACTOR)]


class GasConfig(Config):
    """Argon with 3 % CF4 and 2 % isobutane at 275 V/cm."""

    drift_mm_us: float = Field(78.0, ge=1, le=1000)
    """Speed of the drift; from memory of the design report (arXiv:1901.03609)."""
    transverse_um_cm: float = Field(310.0, ge=0, le=2000)
    """Diffusion across the drift, um per square root of cm, in the field (ModelHATPC)."""
    longitudinal_um_cm: float = Field(210.0, ge=0, le=2000)
    """Along it; from memory."""
    clusters_per_mm: float = Field(3.4, gt=0, le=20)
    """Clusters of electrons along a track. Argon has 2.5 for a minimum ionising particle, the
    mixture about 2.7, a relativistic muon up to a third more (from memory). With the sizes of
    clusters, 3.4 give 95 electrons per cm; ModelHATPC has 100."""
    largest_cluster: int = Field(1000, ge=20, le=20_000)
    """Electrons at which the distribution of sizes ends: beyond, a delta ray leaves the track."""
    radiation_length_m: float = Field(RADIATION_LENGTH_M, gt=0)
    """Of argon 19.55 g/cm2, CF4 33.99, isobutane 45.23 and their densities at 20 degrees
    (Particle Data Group, from memory); ``inf``: no scattering."""


class ModulesConfig(Config):
    """Micromegas under a resistive layer."""

    gain: float = Field(1493.0, gt=0, le=100_000)
    """Mean gain (ModelHATPC, mean of the lower chamber)."""
    gains: tuple[Factor, ...] = ()
    """Factor on it for every module, row by row; empty: drawn."""
    gain_spread: float = Field(0.0, ge=0, le=0.5)
    """RMS of the logarithm of the factors that are drawn."""
    rc_ns_mm2: float = Field(120.0, ge=40, le=1000)
    """Resistance times capacitance of the layer (ModelHATPC)."""
    rcs: tuple[Factor, ...] = ()
    """Factor on it for every module, row by row; empty: drawn."""
    rc_spread: float = Field(0.0, ge=0, le=0.5)
    """RMS of the logarithm of the factors that are drawn."""
    dead: float = Field(0.0, ge=0, lt=1)
    """Share of the pads that are dead; the same pads for all tracks."""
    seed: int = Field(1, ge=0)
    """Of what is drawn: factors of gain do not depend on those of RC, nor either on dead pads."""


class ElectronicsConfig(Config):
    """AFTER chips."""

    peaking_ns: float = Field(412.0, ge=100, le=1000)
    """Peaking time (ModelHATPC)."""
    sampling_ns: float = Field(40.0, ge=10, le=200)
    """Between samples, at most a fifth of the peaking time; from memory: 25 MHz."""
    noise_electrons: float = Field(800.0, ge=0, le=20_000)
    """RMS of the noise, as charge; from memory of the design report (arXiv:1901.03609)."""
    noise: Literal["series", "parallel", "white"] = "series"
    """How samples of the noise are correlated: as white voltage noise at the amplifier, as white
    current, or not at all. That it is voltage noise is an assumption."""
    threshold_adc: float = Field(26.0, ge=5, le=4000)
    """Least amplitude of a hit, counts. 26 is six times the noise. Hits of noise alone are not
    simulated: at six times the noise they would be a few in a thousand events."""
    largest_adc: int = Field(4095, ge=100, le=65_535)
    """Where amplitudes saturate."""

    @model_validator(mode="after")
    def _sampled(self) -> Self:
        if self.sampling_ns > self.peaking_ns / 5:
            raise ValueError(
                f"sampling_ns is {self.sampling_ns:g}, more than a fifth of the peaking time of "
                f"{self.peaking_ns:g} ns"
            )
        return self


class GunConfig(Config):
    """One muon at a time over one pad plane."""

    plane: str = "ha-tpc"
    """Pad plane: a name, or a TOML file."""
    p_t_gev: tuple[Momentum, Momentum] = (0.2, 1.5)
    """Least and largest transverse momentum."""
    spectrum: Literal["uniform", "log-uniform", "falling"] = "uniform"
    """How it is distributed in between."""
    falling_power: float = Field(2.0, ge=0, le=10)
    """n of a falling spectrum, whose density goes as p_t^-n."""
    phi_deg: tuple[Degrees, Degrees] = (-60.0, 60.0)
    """Least and largest direction in (z, y), drawn uniformly."""
    backward: Fraction = 0.0
    """Share of tracks that run the other way, phi becoming 180 degrees - phi."""
    tan_lambda: tuple[Slope, Slope] = (0.0, 0.0)
    """Least and largest slope out of the plane; 0: along it, as in the talk."""
    positive: Fraction = 0.5
    """Share of positive charges."""
    start: Literal["volume", "face"] = "volume"
    """Tracks start anywhere, or on the face they enter by (z = 0, or the other one backward)."""
    x_mm: tuple[Distance, Distance] | None = None
    """Least and largest drift at the start; ``none``: all there is."""
    margin_mm: Distance = 50.0
    """Least distance of the start from the other edges of the plane."""
    least_length_mm: Distance = 100.0
    """Of a track in the plane; shorter ones are drawn again."""
    mass_gev: float = Field(MUON_GEV, gt=0)
    """Mass of the particle: a muon (Particle Data Group)."""
    step_mm: float = Field(3.0, ge=0.5, le=10)
    """Of the simulation."""
    gas: GasConfig = GasConfig()
    """What it crosses."""
    modules: ModulesConfig = ModulesConfig()
    """What amplifies and spreads the charge."""
    electronics: ElectronicsConfig = ElectronicsConfig()
    """What reads it out."""
    device: Literal["cpu", "cuda"] = "cpu"
    """Where the sums over pads are done; the samples are the same."""

    @model_validator(mode="after")
    def _ranges(self) -> Self:
        for name in ("p_t_gev", "phi_deg", "tan_lambda", "x_mm"):
            given = getattr(self, name)
            if given is not None and given[0] > given[1]:
                raise ValueError(f"{name} must be least, largest, not {given[0]:g}, {given[1]:g}")
        if self.start == "face" and not (self.phi_deg[0] > -90 and self.phi_deg[1] < 90):
            raise ValueError(
                f"tracks from a face go forward: phi_deg must lie within -90 and 90, not "
                f"{self.phi_deg[0]:g}, {self.phi_deg[1]:g}; backward gives the others"
            )
        return self
