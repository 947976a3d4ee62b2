"""Variations of the simulator: by how much the real detector may differ from the nominal one.

All draws of a key stay the same: its particles and where they go. Ranges are those that larnd-sim
fits its parameters in, where no other source stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["VARIATIONS"]

VARIATIONS: Mapping[str, Mapping[str, Any]] = {
    # The nominal simulation records energy itself; here charge, which protons lose more of.
    "recombination-birks": {"detector": {"recombination": "birks"}},
    "recombination-box": {"detector": {"recombination": "box"}},
    # What PoLAr-MAE cuts PILArNet-M at, in place of Supera's 0.05 MeV.
    "threshold-0.13": {"threshold_mev": 0.13},
    # The middle of the ranges, 4 and 8.8 cm2/s: 1.1 to 1.6 mm after 1.4 ms.
    "diffusion": {"detector": {"longitudinal_cm2_us": 4.0e-6, "transverse_cm2_us": 8.8e-6}},
    # 2 ms at a drift of up to 1.4 ms, not corrected.
    "lifetime-2.2-ms": {"detector": {"lifetime_us": 2200.0}},
    # The pitches of pixels in use, 3.87 and 4.43 mm, are larger than 3 mm.
    "voxel-4-mm": {"voxel_mm": 4.0},
    # Wires in place of pixels.
    "ghosts": {"ghosts": {}},
    # An energy scale that differs by five per cent from event to event, and noise of voxels.
    "energy-noise": {"detector": {"energy_noise": 0.1, "scale_spread": 0.05}},
}
