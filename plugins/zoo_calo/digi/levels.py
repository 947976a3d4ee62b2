"""Energy resolution of the same showers as deposited (SIM) and as read out (digi)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Table
from zoo_calo.digi.calibration import LinearCalibration, fit_calibration
from zoo_calo.digi.electronics import Electronics, digitise
from zoo_calo.digi.resolution import EnergyPoint, energy_points, stochastic_term
from zoo_calo.fidelity.robust import Peak
from zoo_calo.physics.grid import Grid

__all__ = ["Level", "levels"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Level:
    """Of one level.

    Attributes:
        calibration: Fitted to the training showers at this level.
        energy: (N,), GeV, of the judged showers.
        points: Linearity and resolution in bins of the energy of the particle.
    """

    calibration: LinearCalibration
    energy: Array
    points: list[EnergyPoint]

    @property
    def terms(self) -> tuple[float, float]:
        """Stochastic and constant term, as :func:`zoo_calo.digi.resolution.stochastic_term`."""
        return stochastic_term(self.points)

    def told(self) -> dict[str, Any]:
        """As JSON values, energies in GeV."""
        a, b = self.terms
        return {
            "factors": self.calibration.factor.tolist(),
            "stochastic_term": a if np.isfinite(a) else None,
            "constant_term": b if np.isfinite(b) else None,
            "points": [
                {
                    "energy": point.energy,
                    "showers": point.showers,
                    "mean90": _told(point.mean90),
                    "gaussian": _told(point.gaussian),
                }
                for point in self.points
            ],
        }


def _told(peak: Peak) -> dict[str, float]:
    """Mean over the particle's energy, width over mean, each with its standard error."""
    return {
        "mean": peak.mean,
        "mean_error": peak.mean_error,
        "resolution": peak.resolution,
        "resolution_error": peak.width_error / peak.mean if peak.mean else float("nan"),
    }


def levels(
    training: Table, judged: Table, grid: Grid, electronics: Electronics
) -> dict[str, Level]:
    """``sim``: all deposits; ``digi``: digitised. Each with its own linear calibration.

    Args:
        training: ``id``, ``energy``, ``cell``, ``deposit``: the calibrations are fitted to them.
        judged: The same of other showers.
        grid: Of both.
        electronics: Of the digitisation; noise is drawn from the ids.

    Raises:
        DataError: As :func:`zoo_calo.digi.calibration.fit_calibration`.
    """
    pairs = {
        "sim": (training, judged),
        "digi": tuple(digitise(one, grid, electronics, one.ids) for one in (training, judged)),
    }
    found = {}
    for name, (fitted, told) in pairs.items():
        calibration = fit_calibration(fitted, training["energy"], grid)
        energy = calibration.energy(told)
        points = energy_points(energy, judged["energy"].astype(np.float64))
        found[name] = Level(calibration, energy, points)
    return found
