"""The truth of a file becomes that of the task: momenta, angles, places, in its units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError
from zoo_ha_tpc.sources.files_config import TrackFilesConfig

__all__ = ["missing_truth", "truth_columns", "truth_fields"]

Array = NDArray[np.float64]

_GEV = {"GeV": 1.0, "MeV": 1e-3}
_MM = {"mm": 1.0, "cm": 10.0, "m": 1000.0}
_RAD = {"rad": 1.0, "deg": np.pi / 180}

_WAYS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "q_over_pt": (("q_over_pt",), ("charge", "p_t"), ("charge", "p_y", "p_z")),
    "phi": (("phi",), ("p_y", "p_z")),
    "tan_lambda": (("tan_lambda",), ("p_x", "p_t"), ("p_x", "p_y", "p_z")),
    "x_ini": (("x_ini",),),
    "y_ini": (("y_ini",),),
    "z_ini": (("z_ini",),),
}
"""What each field follows from; the first way that a file allows is taken."""


def truth_fields(known: frozenset[str], config: TrackFilesConfig) -> frozenset[str]:
    """Fields of the task that follow from what a file tells.

    Args:
        known: Names of ``config.truth`` that the file has.
        config: May give the charge.
    """
    return frozenset(field for field in _WAYS if _way(field, known, config) is not None)


def truth_columns(
    raw: Mapping[str, Any], fields: frozenset[str], config: TrackFilesConfig, where: str
) -> dict[str, NDArray[np.float32]]:
    """Fields of the task, float32 (N,).

    Args:
        raw: By name of ``config.truth``, (N,) in the units of the file.
        fields: What is asked for, of the task's truth.
        config: Units, origin, charge.
        where: Names the file in errors.

    Raises:
        DataError: Something is missing, not finite, or no charge.
    """
    known = frozenset(raw)
    values = {name: np.asarray(value, np.float64) for name, value in raw.items()}
    for name, value in values.items():
        if not np.isfinite(value).all():
            raise DataError(
                f"{np.count_nonzero(~np.isfinite(value))} values are not finite",
                where=f"{where}: {getattr(config.truth, name)}",
                remedy="leave events without truth out",
            )
    found, maker = {}, _Maker(values, config, where)
    for field in sorted(fields & _WAYS.keys()):
        way = _way(field, known, config)
        if way is None:
            raise missing_truth(field, known, config, where)
        found[field] = maker.make(field, way).astype(np.float32)
    return found


def missing_truth(
    field: str, known: frozenset[str], config: TrackFilesConfig, where: str
) -> DataError:
    """What to say where a field does not follow from what a file tells."""
    ways = " or ".join(", ".join(getattr(config.truth, n) for n in way) for way in _WAYS[field])
    told = ", ".join(sorted(getattr(config.truth, n) for n in known)) or "nothing"
    charge = field == "q_over_pt" and not config.charge_of_all and "charge" not in known
    return DataError(
        f"missing truth: {field} needs {ways}; there is {told}",
        where=where,
        remedy="--set data.options.charge_of_all=1 if all are positive, or set data.options.truth"
        if charge
        else "set data.options.truth.NAME to what the file calls it",
    )


def _way(field: str, known: frozenset[str], config: TrackFilesConfig) -> tuple[str, ...] | None:
    have = known | ({"charge"} if config.charge_of_all else frozenset())
    return next((way for way in _WAYS[field] if have.issuperset(way)), None)


@dataclass(frozen=True)
class _Maker:
    """Fields by their names, of what a file tells.

    Attributes:
        values: By name of ``config.truth``, float64 (N,).
        config: Units, origin, charge.
        where: Names the file in errors.
    """

    values: Mapping[str, Array]
    config: TrackFilesConfig
    where: str

    def make(self, field: str, way: tuple[str, ...]) -> Array:
        """One field, float64 (N,), of the names in ``way``."""
        if field == "q_over_pt":
            return self._q_over_pt(way)
        if field == "phi":
            return self._phi(way)
        if field == "tan_lambda":
            return self.values[field] if way == (field,) else self.values["p_x"] / self._p_t(way)
        axis = ("x_ini", "y_ini", "z_ini").index(field)
        return self.values[field] * _MM[self.config.length_unit] - self.config.origin_mm[axis]

    def _p_t(self, way: tuple[str, ...]) -> Array:
        values = self.values
        p_t = values["p_t"] if "p_t" in way else np.hypot(values["p_y"], values["p_z"])
        if not np.all(p_t > 0):
            raise DataError(
                f"{np.count_nonzero(p_t <= 0)} transverse momenta are not above 0",
                where=self.where,
                remedy="leave events without a particle out",
            )
        return p_t

    def _q_over_pt(self, way: tuple[str, ...]) -> Array:
        gev = _GEV[self.config.momentum_unit]
        if way == ("q_over_pt",):
            return self.values["q_over_pt"] / gev
        p_t = self._p_t(way) * gev
        if "charge" not in self.values:
            return self.config.charge_of_all / p_t
        charge = self.values["charge"]
        if not np.all(np.abs(charge) == 1):
            raise DataError(
                f"charges from {charge.min():g} to {charge.max():g} instead of 1 and -1",
                where=f"{self.where}: {self.config.truth.charge}",
                remedy="write the charge of the particle, not of the pads; set data.options.truth",
            )
        return charge / p_t

    def _phi(self, way: tuple[str, ...]) -> Array:
        if way == ("p_y", "p_z"):
            return np.arctan2(self.values["p_y"], self.values["p_z"])
        phi = self.values["phi"] * _RAD[self.config.angle_unit]
        if np.any(np.abs(phi) > 2 * np.pi + 1e-6):
            raise DataError(
                f"angles up to {np.abs(self.values['phi']).max():g} {self.config.angle_unit}",
                where=f"{self.where}: {self.config.truth.phi}",
                remedy="set data.options.angle_unit",
            )
        return np.arctan2(np.sin(phi), np.cos(phi))
