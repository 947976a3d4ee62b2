"""What the metrics compare with the truth: which residuals there are, and how they are measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError
from zoo_ha_tpc.quantities import QUANTITIES, completed, true_values

__all__ = ["RESIDUALS", "Residual", "residuals_of", "told", "truths"]

Array = NDArray[np.float64]

PULL_LIMIT = 20.0
"""A pull beyond counts as one of this size, or a single one would make the mean."""

SMALLEST_MOMENTUM = 0.01
"""A component below has no relative residual, GeV/c."""


@dataclass(frozen=True, kw_only=True)
class Residual:
    """Predicted minus true.

    Attributes:
        column: Of the metric rows.
        quantity: As in the predictions.
        label: In the names of numbers.
        unit: Of the numbers.
        factor: From the row's unit to that of the numbers.
        relative: Whether it is divided by the truth.
        margin: How much more bias is still no worse, in the numbers' unit.
    """

    column: str
    quantity: str
    label: str
    unit: str
    factor: float
    relative: bool
    margin: float


def _relative(quantity: str, label: str) -> Residual:
    return Residual(
        column=f"relative_{quantity}",
        quantity=quantity,
        label=label,
        unit="%",
        factor=100,
        relative=True,
        margin=1,
    )


def _absolute(quantity: str, label: str, unit: str, factor: float, margin: float) -> Residual:
    return Residual(
        column=f"residual_{quantity}",
        quantity=quantity,
        label=label,
        unit=unit,
        factor=factor,
        relative=False,
        margin=margin,
    )


RESIDUALS = (
    _relative("q_over_pt", "1/p_t"),
    _relative("p_t", "p_t"),
    _relative("p_y", "p_y"),
    _relative("p_z", "p_z"),
    *(_absolute(name, f"{name}, absolute", "MeV/c", 1e3, 10) for name in ("p_t", "p_y", "p_z")),
    _absolute("phi", "phi", "mrad", 1e3, 1),
    _absolute("sin_phi", "sin(phi)", "1e-3", 1e3, 1),
    _absolute("y_ini", "y_ini", "mm", 1, 0.2),
    _absolute("z_ini", "z_ini", "mm", 1, 0.2),
)
"""Those of 1/p_t carry the sign of the charge: -2 where it is wrong and the size is right."""


def truths(samples: Mapping[str, Any]) -> dict[str, Array]:
    """True value of every quantity that the samples know, float64 (N,)."""
    needs = dict.fromkeys(QUANTITIES, frozenset({"q_over_pt", "phi"}))
    needs |= {name: frozenset({name}) for name in ("q_over_pt", "phi", "y_ini", "z_ini")}
    needs |= {"p_t": frozenset({"q_over_pt"}), "sin_phi": frozenset({"phi"})}
    return {name: true_values(samples, name) for name in QUANTITIES if needs[name] <= set(samples)}


def told(predictions: Mapping[str, Any]) -> dict[str, Array]:
    """Predicted quantities and errors, with those that follow from them, float64 (N,).

    Besides those of :func:`zoo_ha_tpc.quantities.completed`, p_t and phi of p_y and p_z.

    Raises:
        DataError: A prediction is not finite.
    """
    names = [*QUANTITIES, *(f"{name}_error" for name in QUANTITIES)]
    known = {n: np.asarray(predictions[n], np.float64) for n in names if n in predictions}
    for name, values in known.items():
        if not np.isfinite(values).all():
            raise DataError(
                f"{np.sum(~np.isfinite(values))} predictions are not finite",
                where=name,
                remedy="check the weights; a training with NaN gives such predictions",
            )
    if {"p_y", "p_z"} <= set(known):
        known = _from_components(known) | known
    return completed(known)


def _from_components(known: Mapping[str, Array]) -> dict[str, Array]:
    y, z = known["p_y"], known["p_z"]
    p_t = np.maximum(np.hypot(y, z), 1e-9)
    found = {"p_t": p_t, "phi": np.arctan2(y, z)}
    if {"p_y_error", "p_z_error"} <= set(known):
        y_error, z_error = known["p_y_error"], known["p_z_error"]
        found["p_t_error"] = np.hypot(y * y_error, z * z_error) / p_t
        found["phi_error"] = np.hypot(z * y_error, y * z_error) / p_t**2
    return found


def residuals_of(true: Mapping[str, Array], found: Mapping[str, Array]) -> dict[str, Any]:
    """Columns of the metric rows, float32 (N,): residuals, and pulls where an error is told.

    Args:
        true: Of :func:`truths`.
        found: Of :func:`told`.
    """
    columns: dict[str, Array] = {}
    for one in RESIDUALS:
        name = one.quantity
        if name not in true or name not in found:
            continue
        apart = found[name] - true[name]
        if name == "phi":
            apart = wrapped(apart)
        columns[one.column] = _over(apart, true[name], name) if one.relative else apart
        if f"{name}_error" in found:
            error = np.maximum(found[f"{name}_error"], 1e-12)
            columns[f"pull_{name}"] = np.clip(apart / error, -PULL_LIMIT, PULL_LIMIT)
    return {name: values.astype(np.float32) for name, values in columns.items()}


def wrapped(angle: Array) -> Array:
    """Into (-pi, pi]."""
    return np.asarray(np.pi - (np.pi - angle) % (2 * np.pi))


def _over(apart: Array, true: Array, name: str) -> Array:
    smallest = 0.0 if name == "q_over_pt" else SMALLEST_MOMENTUM
    known = np.abs(true) > smallest
    return np.where(known, apart / np.where(known, true, 1.0), np.nan)
