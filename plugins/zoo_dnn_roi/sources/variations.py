"""Variations of the simulators: by how much the real detector may differ from the nominal one.

Each changes settings from their defaults. All random draws of a key stay the same: its muons, its
bad channels, its noise. All but diffusion and lifetime leave the true charge as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo_dnn_roi.sources.config import ANALYTIC_WIDE

__all__ = ["VARIATIONS"]

VARIATIONS: Mapping[str, Mapping[str, Any]] = {
    # Deconvolved ProtoDUNE-HD data have 240 and 246 electrons of noise on U and V, Wire-Cell's
    # simulation with the measured spectra 200 and 202.
    "noise-1.2": {"noise_scale": 1.2},
    # The same excess if it were noise that the channels of a board share: 5 counts raise the
    # deconvolved noise of U and V by 16 to 17 %.
    "coherent-noise": {"coherent_adc": 5.0},
    # As many as are dead, of five times the noise: the training code of the DNN-ROI talk makes
    # single channels 2 to 15 times as noisy, because they give false regions.
    "noisy-2-percent": {"noisy": 0.02},
    # 41 of 2560 channels (1.6 %) are masked as bad in a frame of ProtoDUNE-HD, run 27409.
    "dead-2-percent": {"dead": 0.02},
    # The constants of ICARUS's Wire-Cell configuration, against 7.2 and 12.0 in that of
    # ProtoDUNE-HD. MicroBooNE measured 3.74 cm2/s along the drift (arXiv:2104.06551).
    "diffusion": {"detector": {"longitudinal_cm2_s": 4.0, "transverse_cm2_s": 8.8}},
    # Argon purer than Wire-Cell's default of 8 ms: configurations of it use 35 to 50 ms, and
    # ProtoDUNE-SP had more than 30 ms for weeks (arXiv:2507.08586).
    "lifetime": {"detector": {"lifetime_ms": 35.0}},
    # A calibration that is wrong by five per cent, the uncertainty of the energy scale that DUNE
    # allows for electrons (conceptual design report, The Single-Phase ProtoDUNE, table 2.2).
    "gain": {"gain": 1.05},
    # Planes half a millimetre further apart, DUNE's tolerance for the position of a wire (SP-FD-10,
    # JINST 15 (2020) T08009). Where the nominal response is a file, the difference between that
    # file and our closed form comes on top.
    "field-response": {"signal_response": ANALYTIC_WIDE},
}
