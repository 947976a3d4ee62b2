"""What is estimated of a track: names, units, and how one follows from another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["QUANTITIES", "Quantity", "completed", "true_values"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Quantity:
    """One number of a track.

    Attributes:
        unit: As in the specs.
        meaning: One line.
    """

    unit: str
    meaning: str


QUANTITIES: Mapping[str, Quantity] = {
    "q_over_pt": Quantity("c/GeV", "charge over transverse momentum"),
    "p_t": Quantity("GeV/c", "transverse momentum"),
    "p_y": Quantity("GeV/c", "its y component, p_t sin(phi)"),
    "p_z": Quantity("GeV/c", "its z component, p_t cos(phi)"),
    "phi": Quantity("rad", "direction in (z, y) where the track starts"),
    "sin_phi": Quantity("", "sin(phi)"),
    "y_ini": Quantity("mm", "where it starts"),
    "z_ini": Quantity("mm", "where it starts"),
}


def true_values(samples: Mapping[str, Any], name: str) -> Array:
    """The true value of a quantity, float64 (N,).

    Raises:
        KeyError: The samples lack what it follows from.
    """
    if name in ("q_over_pt", "phi", "y_ini", "z_ini"):
        return np.asarray(samples[name], np.float64)
    phi = np.asarray(samples["phi"], np.float64)
    if name == "sin_phi":
        return np.asarray(np.sin(phi))
    p_t = 1 / np.abs(np.asarray(samples["q_over_pt"], np.float64))
    factors = {"p_t": np.ones_like(phi), "p_y": np.sin(phi), "p_z": np.cos(phi)}
    return np.asarray(p_t * factors[name])


def completed(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Estimates, and those that follow from them: none is replaced.

    Args:
        columns: Name of a quantity, or ``NAME_error`` -> (N,).

    Returns:
        The same and, where they can be had, ``p_t``, ``p_y``, ``p_z`` of ``q_over_pt`` and ``phi``,
        ``sin_phi`` of ``phi``, with errors by linear propagation where both have one.
    """
    known: dict[str, Any] = dict(columns)
    if "phi" in known:
        known.setdefault("sin_phi", np.sin(known["phi"]))
        if "phi_error" in known:
            known.setdefault("sin_phi_error", np.abs(np.cos(known["phi"])) * known["phi_error"])
    if "q_over_pt" in known:
        known.setdefault("p_t", 1 / np.maximum(np.abs(known["q_over_pt"]), _SMALLEST))
        if "q_over_pt_error" in known:
            known.setdefault("p_t_error", known["p_t"] ** 2 * known["q_over_pt_error"])
    if "p_t" in known and "phi" in known:
        p_t, phi = known["p_t"], known["phi"]
        for name, along, across in (
            ("p_y", np.sin(phi), np.cos(phi)),
            ("p_z", np.cos(phi), np.sin(phi)),
        ):
            known.setdefault(name, p_t * along)
            if "p_t_error" in known and "phi_error" in known:
                error = np.hypot(along * known["p_t_error"], p_t * across * known["phi_error"])
                known.setdefault(f"{name}_error", error)
    return known


_SMALLEST = 1e-3  # c/GeV: a straight track counts as one of 1 TeV/c
