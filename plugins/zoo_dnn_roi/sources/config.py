"""Settings of the sources."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from zoo.api import Config

__all__ = [
    "ANALYTIC_WIDE",
    "LEAST_TICKS",
    "LEAST_WIRES",
    "CosmicsConfig",
    "DetectorConfig",
    "RealChargeConfig",
    "ShowersConfig",
    "SimulatorConfig",
    "TracksConfig",
]

ANALYTIC_WIDE = "analytic-wide"
"""In place of a file: the analytic field response of planes half a millimetre further apart."""

LEAST_WIRES, LEAST_TICKS = 24, 400
"""Of a plane and of a readout that simulators make."""

Fraction = Annotated[float, Field(ge=0, le=1)]
Angle = Annotated[float, Field(ge=0, lt=90)]
ShowerEnergy = Annotated[float, Field(ge=60, le=20_000)]


class DetectorConfig(Config):
    """One face of a ProtoDUNE-HD anode, a smaller piece of it, or what a geometry file says.

    What stands in the ``[readout]`` of a geometry file may be set here; the setting wins. What the
    file says of planes and ticks may not: its digest is a fact of the data.
    """

    geometry: str = ""
    """Name of a detector that comes with the plugin, or a geometry file (``.toml``); empty: a face
    of ProtoDUNE-HD of so many wires."""
    wires: int = Field(400, ge=LEAST_WIRES)
    """Wires of U and of V; W gets as many as cover the same length. A geometry file has its own."""
    ticks: int = Field(6000, ge=LEAST_TICKS)
    """Samples of one readout, 500 ns each, where a geometry file does not say otherwise."""
    drift_length_mm: float = Field(3530.0, gt=0)
    """Depth of the drift volume."""
    longitudinal_cm2_s: float = Field(7.2, ge=0, allow_inf_nan=False)
    """Diffusion constant along the drift."""
    transverse_cm2_s: float = Field(12.0, ge=0, allow_inf_nan=False)
    """Diffusion constant across the drift."""
    lifetime_ms: float = Field(8.0, gt=0, allow_inf_nan=False)
    """Electron lifetime."""

    @model_validator(mode="before")
    @classmethod
    def _no_name(cls, given: Any) -> Any:
        if isinstance(given, str):
            raise ValueError(f"name a detector or geometry file as detector.geometry={given}")
        return given


class SimulatorConfig(Config):
    """What all simulated events share."""

    detector: DetectorConfig = DetectorConfig()
    """The readout."""
    planes: tuple[str, ...] = ()
    """Induction planes to hand out, of one size; empty: both. All three are always simulated."""
    field_response: str = ""
    """Wire-Cell field response file (.json or .json.bz2); empty: our analytic one."""
    signal_response: str = ""
    """Field response of the signals where it is not the one that the deconvolution assumes: a file,
    or ``analytic-wide``: our analytic one of planes half a millimetre further apart."""
    gain: float = Field(1.0, gt=0, allow_inf_nan=False)
    """Factor on the electronics gain of the signals; the deconvolution assumes 1, noise stays."""
    noise_spectrum: str = ""
    """Wire-Cell noise spectrum file, likewise."""
    noise_scale: float = Field(1.0, ge=0)
    """Factor on the noise of all channels."""
    coherent_adc: float = Field(0.0, ge=0)
    """RMS of noise that the channels of a front-end board share, ADC counts."""
    dead: Fraction = 0.0
    """Fraction of dead channels, drawn anew for every event."""
    noisy: Fraction = 0.0
    """Fraction of noisy channels, likewise."""
    noisy_factor: float = Field(5.0, ge=1)
    """Factor on the noise of a noisy channel."""
    cosmics: tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]] = (5, 20)
    """Least and largest number of cosmic muons in an event."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.cosmics[0] > self.cosmics[1]:
            raise ValueError(f"cosmics must be least, largest, not {self.cosmics}")
        return self


class CosmicsConfig(SimulatorConfig):
    """Cosmic-ray events: what networks train on."""


class TracksConfig(SimulatorConfig):
    """One straight muon of known angle, alone or among cosmic muons: a test set."""

    theta_xz: tuple[Angle, ...] = Field((0, 10, 20, 30, 40, 50, 60, 70, 75, 80, 85), min_length=1)
    """Angles, degrees; each event draws one. 0: parallel to the wire planes."""
    length_mm: float = Field(1400.0, gt=0)
    """Length of the muon."""
    cosmics: tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]] = (0, 0)
    """Least and largest number of cosmic muons beside it."""


class ShowersConfig(SimulatorConfig):
    """One electron shower of known angle and energy, alone or among cosmic muons: a test set."""

    theta_xz: tuple[Angle, ...] = Field((0, 10, 20, 30, 40, 50, 60, 70, 75, 80, 85), min_length=1)
    """Angles of the electron, degrees; each event draws one. 0: parallel to the wire planes."""
    energy_mev: tuple[ShowerEnergy, ShowerEnergy] = (100.0, 5000.0)
    """Least and largest energy of the electron, MeV, drawn log-uniformly; equal: fixed."""
    vertex_z: tuple[Fraction, Fraction] = (0.1, 0.4)
    """Where the electron starts along the beam, as a share of the readout's length from the side
    it comes from: least and largest, drawn uniformly."""
    vertex_x: tuple[Fraction, Fraction] = (0.1, 0.4)
    """Likewise along the drift."""
    cosmics: tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]] = (0, 0)
    """Least and largest number of cosmic muons beside it."""

    @model_validator(mode="after")
    def _ranges(self) -> Self:
        for name in ("energy_mev", "vertex_z", "vertex_x"):
            least, largest = getattr(self, name)
            if least > largest:
                raise ValueError(f"{name} must be least, largest, not {least}, {largest}")
        return self


class RealChargeConfig(Config):
    """The measured charge of a Wire-Cell frame as truth, simulated and reconstructed anew."""

    wires: str = ""
    """Wire-Cell wire file of the detector (.json or .json.bz2); needed."""
    field_response: str = ""
    """Wire-Cell field response file (.json or .json.bz2); empty: our analytic one."""
    noise_spectrum: str = ""
    """Wire-Cell noise spectrum file, likewise."""
    charge_floor: float = Field(5000.0, ge=0)
    """Electrons that a measured region of interest must hold to count as true. Fakes hold up to
    3000, tracks above 20 000 on most wires; between 4000 and 7000 lie 3 % of the regions."""
    noise_scale: float = Field(1.0, ge=0)
    """Factor on the noise of all channels."""
    replicas: int = Field(1, ge=1)
    """How often noise is drawn for each frame; a bootstrap counts them as one event."""
    seed: int = Field(0, ge=0)
    """Of the noise."""
