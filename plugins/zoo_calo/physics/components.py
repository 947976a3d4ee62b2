"""The parts that a shower is made of, and what each plate sees of them on average.

An electron is one electromagnetic shower; a photon is two, of the electron and the positron that it
becomes; a charged pion is one of its neutral pions and a hadronic part. Only here does the kind of
particle matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, gammaincinv

from zoo.api import normal, uniform
from zoo_calo.physics.longitudinal import (
    PAIR_LENGTH_X0,
    drawn_shapes,
    electromagnetic_share,
    hadronic_shapes,
    in_layers,
)
from zoo_calo.physics.medium import Depths, Medium
from zoo_calo.physics.radial import Radial, radial_of
from zoo_calo.physics.response import Response

__all__ = ["Component", "Matter", "Particle", "components", "interaction_depth"]

Array = NDArray[np.float64]
Keys = NDArray[np.uint64]
Particle = Literal["gamma", "e-", "pi+"]

_LEAST_GEV = 0.05  # the fits end there: a few critical energies of heavy absorbers
_SHALLOWEST, _DEEPEST = 0.05, 8.0  # mean depths; the fits of the radii are exponential in them
_INTRINSIC = 0.5  # sqrt(GeV), fluctuation of the hadronic part's signal by nuclear binding
_CONCENTRATION = 5.0  # of the electromagnetic share of pions: an RMS of 0.2 at a mean of a half
_SHAPES, _STARTS = 11, 12  # tags of the random numbers


@dataclass(frozen=True, kw_only=True)
class Matter:
    """What showers develop in.

    Attributes:
        medium: The mixture.
        depths: The plates that see them.
        response: Free constants.
    """

    medium: Medium
    depths: Depths
    response: Response


@dataclass(frozen=True, kw_only=True)
class Component:
    """A part of every shower.

    Attributes:
        visible: (N, plates), mean energy seen, MeV.
        radial: (N, plates), radii in mm.
    """

    visible: Array
    radial: Radial


def components(
    matter: Matter, particle: Particle, energy_gev: Array, slant: Array, keys: Keys
) -> list[Component]:
    """The parts of the showers of particles.

    Args:
        matter: What they come into.
        particle: What they are.
        energy_gev: (N,).
        slant: (N,), length of the way through a plate of unit thickness.
        keys: (N,), of the random numbers.
    """
    normals = normal(keys, 4, tag=_SHAPES).T
    numbers = uniform(keys, 3, tag=_STARTS).T
    if particle == "e-":
        start = np.zeros(len(keys))
        return [_electromagnetic(matter, energy_gev, start, slant, normals[:2])]
    if particle == "gamma":
        start = -PAIR_LENGTH_X0 * np.log1p(-numbers[0])
        parts = (energy_gev * numbers[1], energy_gev * (1 - numbers[1]))
        drawn = (normals[:2], normals[2:])
        return [
            _electromagnetic(matter, part, start, slant, one)
            for part, one in zip(parts, drawn, strict=True)
        ]
    return _pion(matter, energy_gev, slant, normals[:2], numbers)


def interaction_depth(keys: Keys) -> Array:
    """Where hadrons interact, (N,), interaction lengths along their way."""
    return -np.log1p(-uniform(keys, 1, tag=_STARTS)[:, 0])


def _pion(
    matter: Matter, energy_gev: Array, slant: Array, normals: Array, numbers: Array
) -> list[Component]:
    depths = matter.depths
    start = -np.log1p(-numbers[0])
    # The same place in radiation lengths; nowhere, if it lies behind the last plate.
    x0 = np.interp(
        start / slant, np.append(0.0, depths.interaction), np.append(0.0, depths.x0), right=np.inf
    )
    mean = electromagnetic_share(energy_gev)
    share: Array = betaincinv(
        _CONCENTRATION * mean, _CONCENTRATION * (1 - mean), numbers[1]
    ).astype(np.float64)
    neutral = _electromagnetic(matter, energy_gev * share, x0 * slant, slant, normals)
    return [
        neutral,
        _hadronic(matter, energy_gev, share, start=start, slant=slant, number=numbers[2]),
    ]


def _electromagnetic(
    matter: Matter, energy_gev: Array, start: Array, slant: Array, normals: Array
) -> Component:
    depths, medium, response = matter.depths, matter.medium, matter.response
    of_fit = np.maximum(energy_gev, _LEAST_GEV)
    shape = drawn_shapes(medium, of_fit, normals)
    share = in_layers(shape, start, np.append(0.0, depths.x0) * slant[:, None])
    behind = np.maximum(depths.x0 * slant[:, None] - start[:, None], 0)
    tau = np.minimum(behind / shape.mean[:, None], _DEEPEST)
    radial = radial_of(medium, of_fit[:, None], tau)
    growth = np.maximum(tau, _SHALLOWEST) ** response.core_growth
    return Component(
        visible=_seen(matter, 1e3 * energy_gev * response.e_over_mip, share),
        radial=Radial(
            core=response.core * medium.moliere_mm * growth * radial.core,
            tail=response.tail * medium.moliere_mm * radial.tail,
            share=np.minimum(response.core_share * radial.share, 1),
        ),
    )


def _hadronic(
    matter: Matter, energy_gev: Array, neutral: Array, *, start: Array, slant: Array, number: Array
) -> Component:
    depths, response = matter.depths, matter.response
    energy = np.maximum(energy_gev * (1 - neutral), 1e-6)
    edges = np.append(0.0, depths.interaction) * slant[:, None]
    share = in_layers(hadronic_shapes(energy_gev), start, edges)
    many = np.maximum(energy / _INTRINSIC**2, 0.1)
    signal = 1e3 * energy * response.h_over_mip * gammaincinv(many, number) / many
    radius = np.full(share.shape, response.hadron_radius * matter.medium.lambda_mm)
    return Component(
        visible=_seen(matter, signal, share),
        radial=Radial(core=radius, tail=radius, share=np.ones(share.shape)),
    )


def _seen(matter: Matter, signal_mev: Array, share: Array) -> Array:
    factor = np.asarray(matter.response.layers or 1.0)
    seen: Array = signal_mev[:, None] * share * matter.depths.share * factor
    return seen
