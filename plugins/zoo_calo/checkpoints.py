"""Parameter files of Getting High (https://github.com/FLC-QU-hep/getting_high) as ours.

Its training writes bare state dicts, ``netG_itrs_N.pth`` the one of the generator (``DCGAN_G``):
``conv1_1`` of the energy, ``conv1_100`` of the latent numbers, and ``main_conv`` with three
transposed convolutions, each before a normalisation, and the last one. Energies are GeV, cells MeV.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.api import Checkpoint, Conversion
from zoo_calo.physics.detector_files import read_stack

__all__ = ["getting_high"]

_DETECTOR = "ild-ecal"  # of that data set


def getting_high(checkpoint: Checkpoint, facts: Mapping[str, Any]) -> Conversion:
    """The generator as that of ``calo/wgan``; critic and constrainer are not in its file.

    Args:
        checkpoint: ``netG_itrs_N.pth``.
        facts: Of the showers; without a grid, that of the ILD is taken.

    Raises:
        WeightsError: If the first layer is missing or of another shape.
    """
    stem, width = checkpoint.tensor("conv1_100.weight", 5).shape[:2]
    names = {
        "from_latent.weight": "conv1_100.weight",
        "from_conditions.weight": "conv1_1.weight",
        "last.weight": "main_conv.9.weight",
    }
    for number in range(3):
        names[f"body.{3 * number}.weight"] = f"main_conv.{3 * number}.weight"
        for kind in ("weight", "bias"):
            names[f"body.{3 * number + 1}.{kind}"] = f"main_conv.{3 * number + 1}.{kind}"
    return Conversion(
        names={f"generator/{ours}": theirs for ours, theirs in names.items()},
        config={
            "latent": stem,
            "generator_width": width // 4,
            "energy_unit": 1.0,
            "cell_unit": "MeV",
        },
        facts={} if "grid" in facts else read_stack(_DETECTOR).grid.facts(),
        built=frozenset({"critic", "constrainer"}),
        notes=("critic and constrainer begin anew: a training from this file trains them first",),
    )
