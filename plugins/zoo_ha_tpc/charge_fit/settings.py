"""What the fit to charges takes for known, from settings and from what the data say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from pydantic import Field

from zoo_ha_tpc.charge_fit.electrons import Ionisation
from zoo_ha_tpc.charge_fit.fit import ChargeSettings
from zoo_ha_tpc.charge_fit.response import Layer
from zoo_ha_tpc.charge_fit.sampling import sampling_of
from zoo_ha_tpc.fitting.config import TrackFitConfig
from zoo_ha_tpc.physics.electronics import Noise

__all__ = ["ChargeFitConfig", "charge_settings"]


class ChargeFitConfig(TrackFitConfig):
    """The fit to charges. What the data's facts say of the detector goes before the settings."""

    rc_ns_mm2: float = Field(120.0, gt=0)
    """Resistance times capacitance of the layer (ModelHATPC)."""
    gain: float = Field(1493.0, gt=0)
    """Mean gain (ModelHATPC)."""
    transverse_um_cm: float = Field(310.0, ge=0)
    """Diffusion across the drift, um per square root of cm (ModelHATPC)."""
    peaking_ns: float = Field(412.0, gt=0)
    """Peaking time of the electronics (ModelHATPC)."""
    sampling_ns: float = Field(40.0, gt=0)
    """Between samples of the electronics."""
    noise: Noise = "series"
    """How samples of the noise are correlated: as white voltage noise at the amplifier, as white
    current, or not at all (white)."""
    electrons_per_mm: float = Field(9.5, gt=0)
    """Mean number of electrons along a track: where the fit begins, for each track has its own."""
    ionisation_variance: float = Field(60.0, gt=0)
    """Variance of the number of electrons of a mm, of the bulk of its distribution: clusters of up
    to some 60 electrons. What lies beyond is in the tails of Student's t."""
    relative_error: float = Field(0.01, ge=0)
    """Standard deviation of charges from what the response says, relative to them."""
    rounds: int = Field(3, ge=1)
    """How often course and charges are fitted in turn."""


def charge_settings(config: ChargeFitConfig, facts: Mapping[str, Any]) -> ChargeSettings:
    """Settings for data with certain facts.

    Args:
        config: Settings.
        facts: Of the data: ``modules``, ``gas`` and ``electronics`` as the gun has them, if at all.
    """
    modules, gas = facts.get("modules", {}), facts.get("gas", {})
    electronics = facts.get("electronics", {})
    peaking_ns = float(electronics.get("peaking_ns", config.peaking_ns))
    sampling_ns = float(electronics.get("sampling_ns", config.sampling_ns))
    return ChargeSettings(
        Layer(
            rc_ns_mm2=_mean(modules.get("rc_ns_mm2"), config.rc_ns_mm2),
            gain=_mean(modules.get("gain"), config.gain),
            transverse_um_cm=float(gas.get("transverse_um_cm", config.transverse_um_cm)),
            peaking_ns=peaking_ns,
        ),
        Ionisation(config.electrons_per_mm, config.ionisation_variance, config.relative_error),
        sampling_of(electronics.get("noise", config.noise), sampling_ns, peaking_ns),
        rounds=config.rounds,
    )


def _mean(values: Any, default: float) -> float:
    return float(np.mean(values)) if values else default
