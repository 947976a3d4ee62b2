"""What of a detector is not as believed: dead sensors, their yields, where the light starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from zoo.api import Config, ConfigError

__all__ = ["Faults", "FaultsConfig", "alive_channels"]

Array = NDArray[np.float64]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class FaultsConfig(Config):
    """What of the detector is not as believed; the same for all flashes."""

    dead: float = Field(0.0, ge=0, lt=1)
    """Share of the sensors that are dead: they see nothing, and samples tell which (``alive``)."""
    yield_rms: float = Field(0.0, ge=0, le=1)
    """RMS of the logarithm of the sensors' yields, whose mean is 0 over those alive."""
    seed: int = Field(1, ge=0)
    """Which sensors are dead, and what yields the others have."""
    position_error_cm: tuple[Finite, Finite, Finite] = (0.0, 0.0, 0.0)
    """What samples tell too much of every position: the light starts elsewhere than believed."""


@dataclass(frozen=True)
class Faults:
    """The faults of one detector.

    Attributes:
        config: How many.
        alive: bool (sensors,).
        yields: float64 (sensors,), factors on what is detected; 0 of dead sensors.
    """

    config: FaultsConfig
    alive: NDArray[np.bool_]
    yields: Array

    @classmethod
    def of(cls, config: FaultsConfig, sensors: int) -> Faults:
        """Drawn from the seed: the same dead sensors whatever their yields."""
        rng = np.random.default_rng(config.seed)
        order, deviate = rng.permutation(sensors), rng.standard_normal(sensors)
        alive = np.ones(sensors, dtype=bool)
        alive[order[: int(config.dead * sensors)]] = False
        deviate -= deviate[alive].mean()
        return cls(config, alive, np.where(alive, np.exp(config.yield_rms * deviate), 0.0))

    def facts(self) -> dict[str, Any]:
        """``alive`` where sensors are dead; what else is wrong, where something is.

        A calibration is compared with ``yields`` and ``position_error_cm``; nothing is trained on
        them.
        """
        told: dict[str, Any] = {}
        if self.config.dead:
            told["alive"] = self.alive
        if self.config.yield_rms:
            told["yields"] = self.yields
        if any(self.config.position_error_cm):
            told["position_error_cm"] = list(self.config.position_error_cm)
        return told

    def columns(self, position_cm: Array) -> dict[str, Any]:
        """``position`` as it is believed, of flashes at (N, 3), and ``alive`` if some are dead."""
        told = position_cm + np.array(self.config.position_error_cm)
        columns: dict[str, Any] = {"position": told.astype(np.float32)}
        if self.config.dead:
            columns["alive"] = np.tile(self.alive, (len(position_cm), 1))
        return columns


def alive_channels(channels: NDArray[np.int64], dead: Sequence[int]) -> NDArray[np.bool_]:
    """Which of the sensors are alive, bool (sensors,).

    Args:
        channels: (sensors,), channel of each.
        dead: Channels of dead ones.

    Raises:
        ConfigError: If there is no such channel, or no sensor is left.
    """
    unknown = sorted(set(dead) - set(channels.tolist()))
    if unknown:
        raise ConfigError(
            f"no sensor has the channel {unknown[0]}",
            where="data.options.dead",
            remedy=f"channels are {int(channels.min())} to {int(channels.max())}",
        )
    alive = ~np.isin(channels, np.array(dead, dtype=np.int64))
    if not alive.any():
        raise ConfigError(
            "all sensors are dead", where="data.options.dead", remedy="name fewer channels"
        )
    return alive
