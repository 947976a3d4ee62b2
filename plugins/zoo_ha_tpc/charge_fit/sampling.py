"""What samples and their noise do to the tops of pulses."""

from __future__ import annotations

from dataclasses import dataclass

from zoo_ha_tpc.physics.electronics import Noise, slope_noise

__all__ = ["Sampling", "sampling_of"]

_STEEPEST = 4.0  # RMS of the slope of noise: pulses that fall slower pass their half by noise


@dataclass(frozen=True)
class Sampling:
    """Samples of pulses.

    Attributes:
        interval_ns: Between two.
        slope_noise: RMS of the slope that noise has between the neighbours of a sample, over that
            of the noise, 1/ns.
    """

    interval_ns: float
    slope_noise: float

    @property
    def off_ns2(self) -> float:
        """Mean square of the time from a top to the next sample."""
        return self.interval_ns**2 / 12

    @property
    def least_slope(self) -> float:
        """Noise / ns: where a pulse falls slower, noise has it pass its half early."""
        return _STEEPEST * self.slope_noise


def sampling_of(noise: Noise, interval_ns: float, peaking_ns: float) -> Sampling:
    """Sampling of a chip.

    Args:
        noise: Its kind.
        interval_ns: Between samples.
        peaking_ns: Of the chip.
    """
    return Sampling(interval_ns, slope_noise(noise, interval_ns, peaking_ns))
