"""Parameter files of another program with the pad network's layers in a list ``layers``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.api import Checkpoint, Conversion

__all__ = ["NAMES", "listed"]

NAMES = {
    "0.weight": "layers.0.weight",
    **{f"1.{kind}": f"layers.1.{kind}" for kind in ("weight", "bias")},
    "1.running_mean": "layers.1.running_mean",
    "1.running_var": "layers.1.running_var",
    "1.num_batches_tracked": "layers.1.num_batches_tracked",
    "3.weight": "layers.2.weight",
    "3.bias": "layers.2.bias",
    "6.weight": "layers.3.weight",
    "6.bias": "layers.3.bias",
}


def listed(checkpoint: Checkpoint, facts: Mapping[str, Any]) -> Conversion:
    return Conversion(
        names={f"net/body.{ours}": theirs for ours, theirs in NAMES.items()},
        config={"width": checkpoint.tensor("layers.0.weight", 4).shape[0]},
        constants=checkpoint.extras.get("scaling", {"mean": 0.0, "std": 1.0}),
        notes=("its positions are those of the pads",),
    )
