"""How deep the energy of a shower goes: gamma distributions whose parameters fluctuate.

Electromagnetic: Grindhammer and Peters, hep-ex/0001020, sections 2.1 and 3.2, with the numbers for
sampling calorimeters. Hadronic: Bock et al., Nucl. Instrum. Meth. 186 (1981) 533, from memory.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainc

from zoo_calo.physics.medium import Medium

__all__ = [
    "PAIR_LENGTH_X0",
    "Shape",
    "drawn_shapes",
    "electromagnetic_share",
    "hadronic_shapes",
    "in_layers",
    "mean_shape",
]

Array = NDArray[np.float64]

PAIR_LENGTH_X0 = 9 / 7
"""Mean depth at which a photon of high energy becomes a pair, radiation lengths."""

_LEAST_ALPHA = 1.1  # below, a shower has no maximum
_LEAST_T = 0.5
_WIDEST = 0.5  # of the logarithms; the fits of the widths diverge near 10 critical energies


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Parameters of (b t)^(alpha - 1) e^(-b t), arrays of one entry for each shower.

    Attributes:
        alpha: Its power.
        b: Its rate, per length.
    """

    alpha: Array
    b: Array

    @property
    def mean(self) -> Array:
        """Mean depth, alpha / b."""
        return self.alpha / self.b


def mean_shape(medium: Medium, energy_gev: Array) -> tuple[Array, Array]:
    """Logarithms of the depth T of the maximum (radiation lengths) and of alpha, mean."""
    log_y = np.log(1e3 * energy_gev / medium.critical_mev)
    t_hom = log_y - 0.812
    alpha_hom = 0.81 + (0.458 + 2.26 / medium.z) * log_y
    f_s = medium.sampling_frequency
    t = t_hom - 0.55 / f_s - 0.69 * (1 - medium.e_hat)
    return np.log(np.maximum(t, _LEAST_T)), np.log(
        np.maximum(alpha_hom - 0.476 / f_s, _LEAST_ALPHA)
    )


def drawn_shapes(medium: Medium, energy_gev: Array, normals: Array) -> Shape:
    """Showers of these energies; ``normals`` (2, N) are standard normal."""
    log_y = np.log(1e3 * energy_gev / medium.critical_mev)
    log_t, log_alpha = mean_shape(medium, energy_gev)
    sigma_t = 1 / np.maximum(-2.5 + 1.25 * log_y, 1 / _WIDEST)
    sigma_alpha = 1 / np.maximum(-0.82 + 0.79 * log_y, 1 / _WIDEST)
    rho = 0.784 - 0.023 * log_y
    both, either = np.sqrt((1 + rho) / 2) * normals[0], np.sqrt((1 - rho) / 2) * normals[1]
    alpha = np.maximum(np.exp(log_alpha + sigma_alpha * (both - either)), _LEAST_ALPHA)
    return Shape(alpha=alpha, b=(alpha - 1) / np.exp(log_t + sigma_t * (both + either)))


def hadronic_shapes(energy_gev: Array) -> Shape:
    """The part of hadronic showers that is not electromagnetic, in interaction lengths.

    The same for all showers of one energy: it fluctuates by the share that is electromagnetic.
    """
    log_e = np.log(energy_gev)
    return Shape(alpha=0.6165 + 0.3183 * log_e, b=np.maximum(0.9099 - 0.0237 * log_e, 0.5))


def electromagnetic_share(energy_gev: Array) -> Array:
    """Mean share of a pion's energy that becomes neutral pions, 1 - E^(k - 1) with k = 0.82.

    Gabriel, Groom et al., Nucl. Instrum. Meth. A 338 (1994) 336, E in GeV, from memory.
    """
    return np.clip(1 - np.maximum(energy_gev, 1.0) ** (0.82 - 1), 0.02, 0.98)


def in_layers(shape: Shape, start: Array, edges: Array) -> Array:
    """Share of the energy between edges (N, layers + 1) of showers that begin at ``start`` (N,).

    Edges and starts are in the length unit of the shapes; returns (N, layers).
    """
    depth = np.maximum(edges - start[:, None], 0)
    return np.diff(gammainc(shape.alpha[:, None], shape.b[:, None] * depth), axis=1)
