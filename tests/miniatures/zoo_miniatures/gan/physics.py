"""Longitudinal profile of electron showers, Grindhammer and Peters, hep-ex/0001020 (GFlash)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainc

from zoo.api import normal

__all__ = ["facts_of", "fluctuated", "mean_profile", "profile", "sampled"]

Array = NDArray[np.float64]
_PROFILE, _SAMPLING = 1, 2  # tags of independent random numbers


def facts_of(*, layers: int, thickness: float, sampling: float) -> Mapping[str, Any]:
    """Constants of one calorimeter: lead, critical energy 7.4 MeV, Z = 82."""
    return {
        "edges": thickness * np.arange(layers + 1, dtype=np.float64),
        "critical_energy": 0.0074,
        "charge_number": 82,
        "sampling": sampling,
    }


def mean_profile(energy: Array, facts: Mapping[str, Any]) -> tuple[Array, Array]:
    """Mean ``(N,)`` of ln T and ln alpha: depth of the maximum in X0, and shape.

    T = ln y - 0.858 and alpha = 0.21 + (0.492 + 2.38 / Z) ln y with y = E / Ec (sec. 3.1).
    """
    log_y = np.log(energy / facts["critical_energy"])
    alpha = 0.21 + (0.492 + 2.38 / facts["charge_number"]) * log_y
    return np.log(log_y - 0.858), np.log(alpha)


def fluctuated(
    energy: Array, keys: NDArray[np.uint64], facts: Mapping[str, Any], tag: int = 0
) -> tuple[Array, Array]:
    """ln T and ln alpha ``(N,)`` with their correlated fluctuations (sec. 3.1)."""
    log_y = np.log(energy / facts["critical_energy"])
    maximum, shape = mean_profile(energy, facts)
    width_t, width_a = 1 / (-1.4 + 1.26 * log_y), 1 / (-0.58 + 0.86 * log_y)
    correlation = 0.705 - 0.023 * log_y
    first, second = normal(keys, 2, tag=_PROFILE + tag).T
    plus, minus = np.sqrt((1 + correlation) / 2), np.sqrt((1 - correlation) / 2)
    return (
        maximum + width_t * (plus * first + minus * second),
        shape + width_a * (plus * first - minus * second),
    )


def profile(energy: Array, log_t: Array, log_alpha: Array, facts: Mapping[str, Any]) -> Array:
    """Energy ``(N, layers)``, GeV, between the layers' edges: a gamma distribution in depth."""
    alpha = np.exp(log_alpha)[:, None]
    rate = (alpha - 1) / np.exp(log_t)[:, None]
    contained = gammainc(alpha, rate * facts["edges"])
    layers: Array = energy[:, None] * np.diff(contained, axis=1)
    return layers


def sampled(
    layers: Array, keys: NDArray[np.uint64], facts: Mapping[str, Any], tag: int = 0
) -> Array:
    """The same with sampling fluctuations, sigma = s sqrt(E GeV), never negative."""
    noise = normal(keys, layers.shape[1], tag=_SAMPLING + tag)
    seen: Array = np.maximum(0.0, layers + facts["sampling"] * np.sqrt(layers) * noise)
    return seen
