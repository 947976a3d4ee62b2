"""Constants of liquid argon and of particles.

Density, Z/A, excitation energy, density effect, radiation length and critical energy are those of
the Particle Data Group's page on liquid argon (Atomic and Nuclear Properties, 2022), which SPINE
uses too; masses are those of its summary tables.
"""

from __future__ import annotations

import numpy as np

from zoo_sparse_reco.physics.labels import Pid

__all__ = [
    "CRITICAL_MEV",
    "DENSITY",
    "ELECTRONS_PER_MEV",
    "ELECTRON_MASS",
    "EXCITATION_MEV",
    "MASS",
    "MOLIERE_CM",
    "NEUTRAL_PION_MASS",
    "NEUTRON",
    "RADIATION_CM",
    "XI_CM",
    "Z_OVER_A",
]

DENSITY = 1.396
"""g/cm3."""

Z_OVER_A = 18 / 39.948
"""mol/g."""

EXCITATION_MEV = 188e-6
"""Mean excitation energy."""

RADIATION_CM = 19.55 / DENSITY
"""Radiation length."""

CRITICAL_MEV = 32.84
"""Where electrons lose as much by radiation as by collisions."""

MOLIERE_CM = 9.04
"""Molière radius: 90 % of a shower's energy lies closer to its axis."""

XI_CM = 0.1535375 * Z_OVER_A * DENSITY
"""MeV/cm: half of K Z/A rho, K = 0.307075 MeV cm2/mol."""

ELECTRONS_PER_MEV = 1 / 23.6e-6
"""Electrons set free by 1 MeV: 23.6 eV each (Miyajima et al., Phys. Rev. A 9 (1974) 1438)."""

NEUTRON = 6
"""A neutron among the kinds of :class:`~zoo_sparse_reco.physics.labels.Pid`: it leaves no track."""

ELECTRON_MASS = 0.51099895
"""MeV."""

NEUTRAL_PION_MASS = 134.9768
"""MeV."""

MASS = np.zeros(7)
"""MeV, by kind (:class:`~zoo_sparse_reco.physics.labels.Pid`, and :data:`NEUTRON`)."""
MASS[Pid.ELECTRON] = ELECTRON_MASS
MASS[Pid.MUON] = 105.6583755
MASS[Pid.PION] = 139.57039
MASS[Pid.PROTON] = 938.27208816
MASS[Pid.KAON] = 493.677
MASS[NEUTRON] = 939.56542
MASS.flags.writeable = False
