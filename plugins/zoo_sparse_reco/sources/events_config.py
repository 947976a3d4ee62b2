"""Settings of the simulator of events."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from zoo.api import Config

__all__ = [
    "DetectorConfig",
    "EventsConfig",
    "GhostsConfig",
    "KindConfig",
    "RainConfig",
    "VertexConfig",
]

KINDS = ("muon", "electron", "photon", "pion", "neutral_pion", "proton", "kaon")
"""Names of kinds in settings."""

Count = Annotated[int, Field(ge=0, le=100)]
Energy = Annotated[float, Field(ge=1, le=10_000)]
Edge = Annotated[float, Field(ge=30, le=6000)]
Spread = Annotated[float, Field(ge=0, le=0.5)]

_PRESETS: dict[str, dict[str, Any]] = {
    "pilarnet": {},
    "small": {
        "size_mm": (576.0, 576.0, 576.0),
        "vertices": (1, 1),
        "rain": (1, 3),
        "energy_factor": 0.4,
    },
}


def _check_ordered(name: str, given: tuple[float, float]) -> None:
    if given[0] > given[1]:
        raise ValueError(f"{name} must be least, largest, not {given[0]}, {given[1]}")


class KindConfig(Config):
    """One kind of primary particle."""

    weight: float = Field(1.0, ge=0, allow_inf_nan=False)
    """How often it is drawn, relative to other kinds."""
    most: int = Field(10, ge=0, le=100)
    """At one vertex, at most."""
    energy_mev: tuple[Energy, Energy] = (50.0, 1000.0)
    """Least and largest kinetic energy, drawn uniformly."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        _check_ordered("energy_mev", self.energy_mev)
        return self


class _KindsConfig(Config):
    particles: tuple[Count, Count]
    muon: KindConfig
    electron: KindConfig
    photon: KindConfig
    pion: KindConfig
    neutral_pion: KindConfig
    proton: KindConfig
    kaon: KindConfig

    @model_validator(mode="after")
    def _possible(self) -> Self:
        _check_ordered("particles", self.particles)
        kinds = [getattr(self, name) for name in KINDS]
        if self.particles[1] and not any(kind.weight * kind.most for kind in kinds):
            raise ValueError("no kind of particle has a weight and may occur")
        return self


class VertexConfig(_KindsConfig):
    """Several particles from one place, as a neutrino makes them."""

    particles: tuple[Count, Count] = (2, 6)
    """Least and largest number of particles."""
    muon: KindConfig = KindConfig(weight=1.0, most=1, energy_mev=(50.0, 1000.0))
    """Either charge, equally likely."""
    electron: KindConfig = KindConfig(weight=0.7, most=1, energy_mev=(50.0, 1000.0))
    """Negative."""
    photon: KindConfig = KindConfig(weight=0.4, most=2, energy_mev=(50.0, 1000.0))
    """Single ones."""
    pion: KindConfig = KindConfig(weight=1.0, most=2, energy_mev=(50.0, 600.0))
    """Either charge, equally likely."""
    neutral_pion: KindConfig = KindConfig(weight=0.6, most=2, energy_mev=(20.0, 600.0))
    """Two photons from the vertex."""
    proton: KindConfig = KindConfig(weight=1.5, most=4, energy_mev=(30.0, 400.0))
    """From 30 MeV, 7 mm."""
    kaon: KindConfig = KindConfig(weight=0.1, most=1, energy_mev=(50.0, 500.0))
    """Positive."""


class RainConfig(_KindsConfig):
    """Single particles anywhere."""

    particles: tuple[Count, Count] = (1, 1)
    """Least and largest number of particles at one place."""
    muon: KindConfig = KindConfig(weight=1.0, energy_mev=(30.0, 1500.0))
    """Either charge, equally likely."""
    electron: KindConfig = KindConfig(weight=0.6, energy_mev=(20.0, 600.0))
    """Negative."""
    photon: KindConfig = KindConfig(weight=0.6, energy_mev=(20.0, 600.0))
    """Single ones."""
    pion: KindConfig = KindConfig(weight=0.3, energy_mev=(30.0, 500.0))
    """Either charge, equally likely."""
    neutral_pion: KindConfig = KindConfig(weight=0.0, energy_mev=(20.0, 500.0))
    """Two photons from the same place."""
    proton: KindConfig = KindConfig(weight=0.5, energy_mev=(30.0, 400.0))
    """From 30 MeV, 7 mm."""
    kaon: KindConfig = KindConfig(weight=0.0, energy_mev=(50.0, 500.0))
    """Positive."""


class DetectorConfig(Config):
    """From energy to recorded charge. Constants of larnd-sim, in 0.5 kV/cm."""

    recombination: Literal["none", "birks", "box"] = "none"
    """Model of the charge that recombines; then ``deposit`` is the charge, as energy of a particle
    of 2.1 MeV/cm. ``none``: the energy itself, as in PILArNet."""
    field_kv_cm: float = Field(0.5, ge=0.05, le=2)
    """Drift field."""
    lifetime_us: float = Field(float("inf"), gt=0)
    """Of drifting electrons; the anode is at x = 0. ``inf``: none is lost, or that is corrected."""
    drift_cm_us: float = Field(0.1596, ge=0.01, le=1)
    """Speed of the drift."""
    longitudinal_cm2_us: float = Field(0.0, ge=0, le=1e-3)
    """Diffusion along x; measured about 4e-6."""
    transverse_cm2_us: float = Field(0.0, ge=0, le=1e-3)
    """Diffusion along y and z; about 8.8e-6."""
    energy_noise: Spread = 0.0
    """Relative spread of the energy of single voxels."""
    scale_spread: Spread = 0.0
    """Relative spread of the energy scale of whole events."""


class GhostsConfig(Config):
    """Three planes of wires (:mod:`zoo_sparse_reco.physics.wire_planes`)."""

    spread: float = Field(0.1, ge=0, le=0.33)
    """Share of a signal that is recorded one voxel before its own along x, and one after."""
    least_charge: float = Field(4000.0, ge=0, le=1e6)
    """Electrons on a wire at a time, without which it is silent."""
    relative_noise: Spread = 0.03
    """Relative spread of the charge of a wire."""
    noise_electrons: float = Field(200.0, ge=0, le=1e5)
    """Spread of it, electrons."""


class EventsConfig(Config):
    """Events in liquid argon, made of particles that start anywhere in a cube.

    Not simulated: decay in flight; elastic scattering on nuclei, and so nuclei that recoil;
    capture of neutrons; coherent scattering of photons, photonuclear reactions, pairs and
    bremsstrahlung of muons; the time of particles; space charge, dead channels, noise without
    charge. Nuclei break up by a coarse model. All of the cube is sensitive argon: nothing comes
    back from outside.
    """

    preset: Literal["pilarnet", "small"] = "pilarnet"
    """Settings that stand in where they are not given: ``pilarnet``, 768 voxels of 3 mm a side;
    ``small``, 192 of them, fewer particles, 0.4 of the energies."""
    size_mm: tuple[Edge, Edge, Edge] = (2304.0, 2304.0, 2304.0)
    """Edges of the grid."""
    voxel_mm: float = Field(3.0, ge=1.5, le=20)
    """Edge of a voxel; the grid is rounded to whole ones."""
    scheme: Literal["spine", "hip-mip"] = "spine"
    """Of the classes."""
    vertices: tuple[Count, Count] = (1, 1)
    """Least and largest number of multi-particle vertices; up to 20 for pile-up."""
    vertex: VertexConfig = VertexConfig()
    """What starts there."""
    rain: tuple[Count, Count] = (5, 9)
    """Least and largest number of single particles."""
    rain_particle: RainConfig = RainConfig()
    """What these are."""
    energy_factor: float = Field(1.0, ge=0.05, le=10)
    """On all energies of particles; never below 1 MeV."""
    threshold_mev: float = Field(0.05, ge=0, le=10)
    """Voxels with less energy are left out (Supera's threshold)."""
    detector: DetectorConfig = DetectorConfig()
    """From energy to charge."""
    ghosts: GhostsConfig | None = None
    """Three planes of wires, and with them ghosts; ``none``: a detector that reads voxels. A table
    ``{}`` takes the defaults. ``deposit`` is then the least of the charges of the three wires, as
    energy, of true voxels too."""

    @model_validator(mode="before")
    @classmethod
    def _preset(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        chosen = given.get("preset", "pilarnet")
        known = _PRESETS.get(chosen, {}) if isinstance(chosen, str) else {}
        return {**known, **given}

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        _check_ordered("vertices", self.vertices)
        _check_ordered("rain", self.rain)
        return self

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along x, y and z."""
        x, y, z = (round(edge / self.voxel_mm) for edge in self.size_mm)
        return x, y, z
