"""The generator alone, as a fast simulation loads it: latent numbers and GeV in, MeV out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from zoo.api import Codec, ConfigError, Deploy, Field, Specs, uniform
from zoo_calo.config import CaloConfig
from zoo_calo.making import deposits
from zoo_calo.physics.grid import Grid, grid_of
from zoo_calo.units import cell_units

__all__ = ["ShowerDeploy"]

_MADE_OF = ("generator", "post")  # networks of an exported program


class ShowerDeploy(Deploy):
    """(latent, energy, perhaps angle) -> deposits of all cells, layer by layer.

    Raises:
        ConfigError: If predictions are refined: each step of that asks the critic, too.
    """

    sizes: tuple[Mapping[str, int], ...] = ({"batch": 10}, {"batch": 1}, {"batch": 2})
    checks: Mapping[str, int] = {"batch": 2}

    def __init__(self, config: CaloConfig, facts: Mapping[str, Any]) -> None:
        if config.refine:
            raise ConfigError(
                "a prediction that is refined asks the critic, which no program has",
                where=f"model.refine = {config.refine}",
                remedy="train with model.refine = 0",
            )
        self.config, grid = config, grid_of(facts)
        one = ("batch", 1, 1, 1, 1)
        self.inputs: Specs = {
            "latent": Field(
                dims=("batch", config.latent, 1, 1, 1),
                dtype="float32",
                meaning="uniform random numbers",
                minimum=-1,
                maximum=1,
            ),
            "energy": Field(
                dims=one, dtype="float32", unit="GeV", meaning="of the particle", minimum=0
            ),
        }
        if config.angle:
            angle = Field(
                dims=one, dtype="float32", unit="rad", meaning="polar; pi / 2 is the normal"
            )
            self.inputs = {**self.inputs, "theta": angle}
        self.outputs: Specs = {
            "deposits": Field(
                dims=("batch", grid.cells),
                dtype="float32",
                unit="MeV",
                meaning=f"of all cells: {_order(grid)}, the last one fastest",
                minimum=0,
            )
        }

    def module(self, nets: Mapping[str, nn.Module], codec: Codec) -> nn.Module:
        """Generator and post-processor with their units."""
        unit = torch.from_numpy(cell_units(self.config, grid_of(codec.facts)))
        return _Showers({name: nets[name] for name in _MADE_OF if name in nets}, unit, self.config)

    def example(
        self, dims: Mapping[str, int], keys: NDArray[np.uint64]
    ) -> Mapping[str, NDArray[Any]]:
        """Particles of 1 to 100 units of energy, and of 30 to 90 degrees."""
        chosen = keys[: dims["batch"]]
        made = {
            "latent": 2 * uniform(chosen, self.config.latent, 1, 1, 1, tag=1) - 1,
            "energy": self.config.energy_unit * 10 ** (2 * uniform(chosen, 1, 1, 1, 1, tag=2)),
            "theta": np.pi / 6 * (1 + 2 * uniform(chosen, 1, 1, 1, 1, tag=3)),
        }
        return {name: made[name].astype(np.float32) for name in self.inputs}


class _Showers(nn.Module):
    unit: Tensor

    def __init__(self, nets: Mapping[str, nn.Module], unit: Tensor, config: CaloConfig) -> None:
        super().__init__()
        self.nets, self.config = nn.ModuleDict(nets), config
        self.register_buffer("unit", unit)

    def forward(self, latent: Tensor, energy: Tensor, theta: Tensor | None = None) -> Tensor:
        inputs = {"latent": latent, "energy": energy}
        if theta is not None:
            inputs["theta"] = theta
        nets = dict(self.nets.items())
        # Simulations copy the memory of the result: it must be contiguous.
        return deposits(nets, self.unit, self.config, inputs).contiguous()


def _order(grid: Grid) -> str:
    return "layer, x, y" if grid.box is not None else "layer, alpha, r"
