"""Showers in MeV from networks: what predictions and exported programs share."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from zoo_calo.config import CaloConfig
from zoo_calo.models.common import conditions

__all__ = ["deposits", "shown"]


def shown(nets: Mapping[str, nn.Module], latent: Tensor, given: Tensor) -> Tensor:
    """Cells (N, layers, x, y) in the networks' units, after the post-processor where there is one.

    Args:
        nets: ``generator`` and perhaps ``post``.
        latent: (N, Z, 1, 1, 1).
        given: Conditions (N, C).
    """
    cells: Tensor = nets["generator"](latent, given)
    if "post" not in nets:
        return cells
    processed: Tensor = nets["post"](cells, given)
    return processed


def deposits(
    nets: Mapping[str, nn.Module],
    unit: Tensor,
    config: CaloConfig,
    inputs: Mapping[str, Tensor],
) -> Tensor:
    """float32 (N, cells), MeV, layer by layer.

    Args:
        nets: As for :func:`shown`.
        unit: MeV, (layers, 1, 1).
        config: Of the model.
        inputs: ``latent``, ``energy`` and perhaps ``theta``, as the codec makes them.
    """
    cells = shown(nets, inputs["latent"], conditions(config, inputs))
    return (cells * unit).flatten(1)
