"""Materials of calorimeters.

All but the densities are those of the Particle Data Group (Review of Particle Physics, "Atomic and
nuclear properties of materials"), from memory; densities are those of Geant4's materials, for both
simulations to cross the same matter.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["MATERIALS", "SCALE_ENERGY_MEV", "Material"]

SCALE_ENERGY_MEV = 21.2
"""E_s = m_e c2 sqrt(4 pi / alpha), of multiple scattering (hep-ex/0001020 rounds so)."""


@dataclass(frozen=True, kw_only=True)
class Material:
    """One material; a compound has the mean of its elements by mass.

    Attributes:
        geant4: Its name in Geant4.
        z: Atomic number.
        z_over_a: Its mean ratio to the atomic mass.
        density: g/cm3.
        radiation_length: g/cm2.
        critical_mev: Critical energy of electrons, Rossi's definition.
        interaction_length: Nuclear, g/cm2.
        minimum_loss: Energy loss of a minimum ionising particle, MeV cm2/g.
        plasma_ev: Plasma energy, eV.
        absorber: Whether a stack has it to absorb.
    """

    geant4: str
    z: float
    z_over_a: float
    density: float
    radiation_length: float
    critical_mev: float
    interaction_length: float
    minimum_loss: float
    plasma_ev: float
    absorber: bool = False

    @property
    def x0_mm(self) -> float:
        """Radiation length, mm."""
        return 10 * self.radiation_length / self.density

    @property
    def lambda_mm(self) -> float:
        """Nuclear interaction length, mm."""
        return 10 * self.interaction_length / self.density

    @property
    def moliere_mm(self) -> float:
        """Moliere radius E_s X0 / E_c, mm."""
        return SCALE_ENERGY_MEV * self.x0_mm / self.critical_mev

    @property
    def critical_of_fit_mev(self) -> float:
        """Critical energy as the parametrisation of showers takes it, 2.66 (X0 Z / A)^1.1 MeV."""
        return 2.66 * math.pow(self.radiation_length * self.z_over_a, 1.1)


MATERIALS: Mapping[str, Material] = {
    "tungsten": Material(
        geant4="G4_W",
        z=74,
        z_over_a=0.40252,
        density=19.3,
        radiation_length=6.76,
        critical_mev=7.97,
        interaction_length=191.9,
        minimum_loss=1.145,
        plasma_ev=80.32,
        absorber=True,
    ),
    "iron": Material(
        geant4="G4_Fe",
        z=26,
        z_over_a=0.46557,
        density=7.874,
        radiation_length=13.84,
        critical_mev=21.68,
        interaction_length=132.1,
        minimum_loss=1.451,
        plasma_ev=55.17,
        absorber=True,
    ),
    "silicon": Material(
        geant4="G4_Si",
        z=14,
        z_over_a=0.49848,
        density=2.33,
        radiation_length=21.82,
        critical_mev=40.19,
        interaction_length=108.4,
        minimum_loss=1.664,
        plasma_ev=31.05,
    ),
    "silicon-dioxide": Material(  # for the glass fibre of printed circuit boards
        geant4="G4_SILICON_DIOXIDE",
        z=10.80,
        z_over_a=0.49930,
        density=2.32,
        radiation_length=27.05,
        critical_mev=50.58,
        interaction_length=97.8,
        minimum_loss=1.699,
        plasma_ev=31.01,
    ),
    "polystyrene": Material(  # of scintillators
        geant4="G4_POLYSTYRENE",
        z=5.613,
        z_over_a=0.53768,
        density=1.06,
        radiation_length=43.79,
        critical_mev=93.11,
        interaction_length=81.7,
        minimum_loss=1.936,
        plasma_ev=21.75,
    ),
}
