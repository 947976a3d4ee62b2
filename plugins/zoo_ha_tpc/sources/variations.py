"""Variations of the gun: by how much the real detector may differ from the nominal one.

All random draws of a key stay the same: its track, its electrons, the noise of each pad.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["VARIATIONS"]

VARIATIONS: Mapping[str, Mapping[str, Any]] = {
    # Modules that differ in gain by a tenth, and a tenth less of all of them.
    "gain-spread-10%": {"modules": {"gain_spread": 0.1}},
    "gain-10%": {"modules": {"gain": 1493.0 * 0.9}},
    # RC of the layers: 50 to 150 ns/mm2 were seen over modules (from memory); two of three modules
    # within a fifth, and all of them a fifth lower.
    "rc-spread-20%": {"modules": {"rc_spread": 0.2}},
    "rc-20%": {"modules": {"rc_ns_mm2": 96.0}},
    # The design report's diffusion (arXiv:1901.03609, from memory) in place of ModelHATPC's.
    "diffusion-265": {"gas": {"transverse_um_cm": 265.0}},
    "noise-20%": {"electronics": {"noise_electrons": 960.0}},
    # One pad in fifty; chips of 72 pads fail as a whole too, which is not simulated.
    "dead-2%": {"modules": {"dead": 0.02}},
}
