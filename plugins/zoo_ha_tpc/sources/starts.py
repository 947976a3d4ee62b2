"""How tracks of the gun start, each from its key."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo.api import ConfigError, uniform
from zoo_ha_tpc.physics.helix import Tracks, length_inside
from zoo_ha_tpc.physics.pad_plane import PadPlane
from zoo_ha_tpc.sources.config import GunConfig

__all__ = ["draw_tracks", "drift_range", "transverse_momentum"]

Array = NDArray[np.float64]
Keys = NDArray[np.uint64]

_ATTEMPTS = 200
_SLACK_MM = 20.0  # by which lengths may be told too long
_TAG = 1000  # of the first attempt


def draw_tracks(keys: Keys, config: GunConfig, plane: PadPlane) -> tuple[Tracks, Array]:
    """Tracks of keys (N,), and their lengths in (z, y), mm, up to 20 mm too long.

    Raises:
        ConfigError: Hardly any track of these settings is as long as it must be.
    """
    tracks = _attempt(keys, config, plane, 0)
    length = length_inside(tracks, plane)
    for attempt in range(1, _ATTEMPTS):
        short = np.flatnonzero(length - _SLACK_MM < config.least_length_mm)
        if not len(short):
            return tracks, length
        again = _attempt(keys[short], config, plane, attempt)
        tracks = tracks.replaced(short, again)
        length[short] = length_inside(again, plane)
    raise ConfigError(
        f"no track of {config.least_length_mm:g} mm in {_ATTEMPTS} attempts",
        where="data.options.least_length_mm",
        remedy="ask for shorter tracks, or let them start elsewhere",
    )


def drift_range(config: GunConfig, plane: PadPlane) -> tuple[float, float]:
    """Least and largest drift at the start, mm.

    Raises:
        ConfigError: The plane has no such drift.
    """
    if config.x_mm is None:
        return 0.0, plane.drift_mm
    if config.x_mm[1] > plane.drift_mm:
        raise ConfigError(
            f"a drift of {config.x_mm[1]:g} mm, where {plane.name} has {plane.drift_mm:g}",
            where="data.options.x_mm",
            remedy="stay within the drift of the plane",
        )
    return config.x_mm


def transverse_momentum(part: Array, config: GunConfig) -> Array:
    """Quantiles of the spectrum at ``part`` in [0, 1), GeV/c."""
    least, largest = config.p_t_gev
    power = {"uniform": 0.0, "log-uniform": 1.0, "falling": config.falling_power}[config.spectrum]
    if power == 1:
        return np.asarray(least * (largest / least) ** part)
    one, other = least ** (1 - power), largest ** (1 - power)
    return np.asarray((one + part * (other - one)) ** (1 / (1 - power)))


def _attempt(keys: Keys, config: GunConfig, plane: PadPlane, attempt: int) -> Tracks:
    part = uniform(keys, 8, tag=_TAG + attempt).T
    backward = part[3] < config.backward
    phi = np.deg2rad(_between(part[1], *config.phi_deg))
    phi = np.where(backward, np.pi - phi, phi)
    height, depth = plane.y.length_mm / 2 - config.margin_mm, plane.z.length_mm
    if config.start == "face":
        z = np.where(backward, depth, 0.0)
    else:
        z = _between(part[6], config.margin_mm, depth - config.margin_mm)
    return Tracks(
        q_over_pt=np.where(part[2] < config.positive, 1, -1) / transverse_momentum(part[0], config),
        phi=np.pi - np.mod(np.pi - phi, 2 * np.pi),
        tan_lambda=_between(part[4], *config.tan_lambda),
        x_mm=_between(part[7], *drift_range(config, plane)),
        y_mm=_between(part[5], -height, height),
        z_mm=z,
    )


def _between(part: Array, low: float, high: float) -> Array:
    return low + part * (high - low)
