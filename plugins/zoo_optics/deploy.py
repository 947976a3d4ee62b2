"""What a light simulation loads: a point in cm in, the visibility of every sensor out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from zoo.api import Codec, Deploy, Field, Specs, uniform
from zoo_optics.config import SurrogateConfig
from zoo_optics.physics.detector import detector_of
from zoo_optics.physics.emission import isotropic

__all__ = ["OpticsDeploy"]


class OpticsDeploy(Deploy):
    """Units, box and scale are inside: a point in cm to the probability of detection."""

    sizes: tuple[Mapping[str, int], ...] = ({"batch": 16}, {"batch": 1}, {"batch": 2})
    settings: frozenset[str] = frozenset({"gradient"})
    checks: Mapping[str, int] = {"batch": 32}

    def __init__(self, config: SurrogateConfig, facts: Mapping[str, Any]) -> None:
        self.config, self.detector = config, detector_of(facts)
        self.inputs: Specs = {
            "position": Field(
                dims=("batch", 3), dtype="float32", unit="cm", meaning="where the light starts"
            )
        }
        if config.direction:
            self.inputs = {
                **self.inputs,
                "direction": Field(
                    dims=("batch", 3), dtype="float32", meaning="unit vector of the light's axis"
                ),
            }
        self.outputs: Specs = {
            "visibility": Field(
                dims=("batch", len(self.detector.sensors)),
                dtype="float32",
                meaning="probability that a photon is detected, by sensor",
                minimum=0,
            )
        }
        if config.gradient:
            self.additional = frozenset({"gradient"})
            self.outputs = {
                **self.outputs,
                "gradient": Field(
                    dims=("batch", len(self.detector.sensors), 3),
                    dtype="float32",
                    unit="1/cm",
                    meaning="derivative of the visibility by x, y and z of the position",
                ),
            }

    def module(self, nets: Mapping[str, nn.Module], codec: Codec) -> nn.Module:
        """The network and the exponential; where it is wanted, the gradient too."""
        net = nets["net"]
        return _WithGradient(net) if self.config.gradient else _Visibility(net)

    def example(
        self, dims: Mapping[str, int], keys: NDArray[np.uint64]
    ) -> Mapping[str, NDArray[Any]]:
        """Points spread over the volume."""
        chosen = keys[: dims["batch"]]
        points = self.detector.volume.points(uniform(chosen, 3)).astype(np.float32)
        if not self.config.direction:
            return {"position": points}
        axis = isotropic(uniform(chosen, 2, tag=1)).astype(np.float32)
        return {"position": points, "direction": axis}


class _Visibility(nn.Module):
    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, position: Tensor, direction: Tensor | None = None) -> Tensor:
        if direction is None:
            log_visibility: Tensor = self.net(position)
        else:
            log_visibility = self.net(position, direction)
        return log_visibility.exp()


class _WithGradient(nn.Module):
    """``v`` and ``dv = v d(log v)``: exact, layer by layer, without automatic differentiation."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, position: Tensor, direction: Tensor | None = None) -> tuple[Tensor, Tensor]:
        log_visibility, slope = self.net.with_slope(position, direction)  # type: ignore[operator]  # a Surrogate's
        visibility = log_visibility.exp()
        return visibility, visibility[..., None] * slope
