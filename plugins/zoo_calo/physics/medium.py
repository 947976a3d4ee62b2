"""The uniform medium that stands for a stack of plates in the parametrisation of showers.

Grindhammer and Peters, hep-ex/0001020, section 3.1: means weighted by mass, the frequency F_S of
the samplings, and e_hat, which tells by how much the materials differ.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo_calo.physics.materials import SCALE_ENERGY_MEV
from zoo_calo.physics.stack import Plate, Stack

__all__ = ["Depths", "Medium", "depths_of", "medium_of", "most_probable_mev"]

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Medium:
    """A mixture.

    Attributes:
        z: Mean atomic number.
        radiation_length, interaction_length: g/cm2.
        critical_mev: Critical energy.
        density: g/cm3, with the gaps between plates.
        moliere_mm: Moliere radius, with the gaps.
        lambda_mm: Interaction length, with the gaps.
        sampling_frequency: F_S, radiation lengths of matter per layer, inverted.
        e_hat: 1 / (1 + 0.007 (Z passive - Z active)).
    """

    z: float
    radiation_length: float
    interaction_length: float
    critical_mev: float
    density: float
    moliere_mm: float
    lambda_mm: float
    sampling_frequency: float
    e_hat: float


@dataclass(frozen=True, kw_only=True)
class Depths:
    """What lies in front of each sensitive plate, and how much of the energy there it sees.

    Attributes:
        x0: (plates,), radiation lengths up to the middle of each.
        interaction: (plates,), interaction lengths up to there.
        z_mm: (plates,), depth.
        share: (plates,), share of a minimum ionising particle's loss, from the middle of the plate
            before to this one's, that this one sees.
    """

    x0: Array
    interaction: Array
    z_mm: Array
    share: Array


def medium_of(stack: Stack) -> Medium:
    """The mean over all plates of a stack."""
    mass = _mass(stack.plates)
    share = mass / mass.sum()
    z = np.array([plate.of.z for plate in stack.plates])
    x0 = np.array([plate.of.radiation_length for plate in stack.plates])
    critical = np.array([plate.of.critical_of_fit_mev for plate in stack.plates])
    nuclear = np.array([plate.of.interaction_length for plate in stack.plates])
    active = np.array([plate.sensitive >= 0 for plate in stack.plates])
    radiation_length = 1 / float((share / x0).sum())
    critical_mev = radiation_length * float((share * critical / x0).sum())
    interaction_length = 1 / float((share / nuclear).sum())
    density = 10 * float(mass.sum()) / stack.depth_mm
    of_layer = float(mass.sum()) / len(stack.sensitive)
    passive_z = float(np.average(z[~active], weights=mass[~active]))
    return Medium(
        z=float((share * z).sum()),
        radiation_length=radiation_length,
        interaction_length=interaction_length,
        critical_mev=critical_mev,
        density=density,
        moliere_mm=10 * radiation_length * SCALE_ENERGY_MEV / critical_mev / density,
        lambda_mm=10 * interaction_length / density,
        sampling_frequency=radiation_length / of_layer,
        e_hat=1 / (1 + 0.007 * (passive_z - float(z[active][0]))),
    )


def depths_of(stack: Stack) -> Depths:
    """Depths of the sensitive plates of a stack."""
    mass = _mass(stack.plates)
    at = np.array([plate.sensitive >= 0 for plate in stack.plates])
    loss = mass * np.array([plate.of.minimum_loss for plate in stack.plates])
    return Depths(
        x0=_to_middles(mass / [plate.of.radiation_length for plate in stack.plates], at),
        interaction=_to_middles(mass / [plate.of.interaction_length for plate in stack.plates], at),
        z_mm=np.array([plate.middle_mm for plate in stack.sensitive]),
        share=loss[at] / np.diff(_to_middles(loss, at), prepend=0.0),
    )


def most_probable_mev(plate: Plate) -> float:
    """Most probable loss of a relativistic particle in a plate, MeV.

    Review of Particle Physics, "Passage of particles through matter": the Landau-Vavilov-Bichsel
    value where the density effect is complete, xi (ln(2 m_e c2 xi / (hbar omega_p)^2) + 0.2).
    """
    of = plate.of
    xi = 0.1535 * of.z_over_a * of.density * plate.thickness_mm / 10
    return xi * (float(np.log(2 * 0.511 * xi / (1e-6 * of.plasma_ev) ** 2)) + 0.2)


def _mass(plates: tuple[Plate, ...]) -> Array:
    """(plates,), g/cm2."""
    return np.array([plate.of.density * plate.thickness_mm / 10 for plate in plates])


def _to_middles(amount: Array, at: NDArray[np.bool_]) -> Array:
    return (np.cumsum(amount) - amount / 2)[at]
