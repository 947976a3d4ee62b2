"""What a light simulation loads: a point in cm in, the visibility of every sensor out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from zoo.api import Codec, Deploy, Field, Specs, uniform
from zoo_optics.config import SurrogateConfig
from zoo_optics.physics.detector import detector_of
from zoo_optics.physics.emission import isotropic
from zoo_optics.times.fields import TIME_OUTPUTS
from zoo_optics.times.head import times_of

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
        of_all = ("batch", len(self.detector.sensors))
        self.outputs: Specs = {
            "visibility": Field(
                dims=of_all,
                dtype="float32",
                meaning="probability that a photon is detected, by sensor",
                minimum=0,
            )
        }
        if config.gradient:
            self.additional = frozenset({"gradient"})
            gradient = Field(
                dims=(*of_all, 3),
                dtype="float32",
                unit="1/cm",
                meaning="derivative of the visibility by x, y and z of the position",
            )
            self.outputs = {**self.outputs, "gradient": gradient}
        if config.uncertainty:
            error = Field(
                dims=of_all,
                dtype="float32",
                meaning="its relative error, as the network has learnt it",
                minimum=0,
            )
            self.outputs = {**self.outputs, "relative_error": error}
        if config.time:
            times = {name: replace(field, dims=of_all) for name, field in TIME_OUTPUTS.items()}
            self.outputs = {**self.outputs, **times}

    def module(self, nets: Mapping[str, nn.Module], codec: Codec) -> nn.Module:
        """The network and the exponential; gradient, error and times of hits where wanted."""
        return _Answers(nets, self.config)

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


class _Answers(nn.Module):
    """``v``; then, where wanted, its gradient ``v d(log v)``, its error, the times of hits.

    The gradient is exact, layer by layer, without automatic differentiation.
    """

    def __init__(self, nets: Mapping[str, nn.Module], config: SurrogateConfig) -> None:
        super().__init__()
        self.net, self.config = nets["net"], config
        self.times = times_of(nets) if config.time else None

    def forward(
        self, position: Tensor, direction: Tensor | None = None
    ) -> Tensor | tuple[Tensor, ...]:
        net: Any = self.net  # a Surrogate
        inputs = (position,) if direction is None else (position, direction)
        if self.config.gradient:
            log_visibility, slope = net.with_slope(*inputs)
            visibility: Tensor = log_visibility.exp()
            answers = [visibility, visibility[..., None] * slope]
        else:
            answers = [net(*inputs).exp()]
        if self.config.uncertainty:
            answers.append(net.errors(*inputs))
        if self.times is not None:
            answers += self.times.everywhere(*inputs)
        return tuple(answers) if len(answers) > 1 else answers[0]
