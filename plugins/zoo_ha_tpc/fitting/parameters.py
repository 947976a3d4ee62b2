"""What is told of a track: its parameters where it starts, with errors."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from zoo_ha_tpc.fitting.least_squares import Fit

__all__ = ["Parameters", "parameters_at"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Parameters:
    """Parameters of N tracks and their standard errors, float64 (N,), never NaN.

    Attributes:
        q_over_pt: Charge over transverse momentum, c/GeV.
        q_over_pt_error: Its standard error.
        phi: Direction where the track starts, -pi to pi, rad.
        phi_error: Its standard error.
        y_ini: Where it starts, mm.
        y_ini_error: Its standard error.
        z_ini: Where it starts, mm.
        z_ini_error: Its standard error.
    """

    q_over_pt: Array
    q_over_pt_error: Array
    phi: Array
    phi_error: Array
    y_ini: Array
    y_ini_error: Array
    z_ini: Array
    z_ini_error: Array

    @classmethod
    def joined(cls, parts: list[Parameters]) -> Parameters:
        """The tracks of all parts."""
        names = [one.name for one in fields(cls)]
        return cls(**{n: np.concatenate([getattr(part, n) for part in parts]) for n in names})

    def take(self, index: NDArray[np.int64]) -> Parameters:
        """The tracks of ``index``, in its order."""
        return Parameters(**{name: column[index] for name, column in self.parameters().items()})

    def parameters(self) -> dict[str, Array]:
        """By name."""
        return {one.name: getattr(self, one.name) for one in fields(Parameters)}


def parameters_at(
    fit: Fit,
    *,
    path_mm: Array,
    along_error_mm: Array,
    border: tuple[Array, Array],
    per_unit: float,
) -> Parameters:
    """The parameters some way along fitted arcs.

    Args:
        fit: Arcs and their covariance.
        path_mm: Where the track starts, along the arc, (N,).
        along_error_mm: Standard error of that, (N,).
        border: Normal (z, y) of the straight border of the plane on which it starts, zero where it
            starts elsewhere, (N,) each. On a border, an error of the arc across moves the start
            along the border.
        per_unit: Curvature of q/p_t = 1 c/GeV, 1/mm.
    """
    arcs = fit.arcs.at(path_mm)
    offset, angle, bend = _variances(fit.covariance, path_mm)
    across = np.sqrt(offset)
    cosine, sine = np.cos(arcs.phi), np.sin(arcs.phi)
    # The normal of the arc is (-sine, cosine); moved along the arc until it is on the border again.
    facing = border[0] * cosine + border[1] * sine
    back = (border[0] * sine - border[1] * cosine) / np.where(facing == 0, 1.0, facing)
    back = np.clip(back, -_GRAZING, _GRAZING)
    return Parameters(
        q_over_pt=arcs.curvature / per_unit,
        q_over_pt_error=np.sqrt(bend) / per_unit,
        phi=np.arctan2(sine, cosine),
        phi_error=np.minimum(np.sqrt(angle), np.pi),
        y_ini=arcs.y_mm,
        y_ini_error=np.hypot(along_error_mm * sine, across * (cosine + back * sine)),
        z_ini=arcs.z_mm,
        z_ini_error=np.hypot(along_error_mm * cosine, across * (back * cosine - sine)),
    )


_GRAZING = 20.0  # tangent of the angle from which on a border tells nothing


def _variances(covariance: Array, path: Array) -> tuple[Array, Array, Array]:
    """Of offset, angle and curvature, carried along the arc by a short path (N,)."""
    carry = np.zeros((len(path), 3, 3))
    carry[:, [0, 1, 2], [0, 1, 2]] = 1
    carry[:, 0, 1] = carry[:, 1, 2] = path
    carry[:, 0, 2] = path**2 / 2
    carried = carry @ covariance @ carry.transpose(0, 2, 1)
    return carried[:, 0, 0], carried[:, 1, 1], carried[:, 2, 2]
