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
from zoo_optics.times.head import HitTimes, times_of

__all__ = ["OpticsDeploy"]


class OpticsDeploy(Deploy):
    """Units, box and scale are inside: a point in cm to the probability of detection."""

    sizes: tuple[Mapping[str, int], ...] = ({"batch": 16}, {"batch": 1}, {"batch": 2})

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
        """The network and the exponential; error and distribution of times where learnt."""
        seen = (_WithError if self.config.uncertainty else _Visibility)(nets["net"])
        return _Timed(seen, times_of(nets)) if self.config.time else seen

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


class _WithError(nn.Module):
    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, position: Tensor, direction: Tensor | None = None) -> tuple[Tensor, Tensor]:
        inputs = (position,) if direction is None else (position, direction)
        log_visibility, error = self.net(*inputs, with_error=True)
        return log_visibility.exp(), error


class _Timed(nn.Module):
    def __init__(self, seen: nn.Module, times: HitTimes) -> None:
        super().__init__()
        self.seen, self.times = seen, times

    def forward(self, position: Tensor, direction: Tensor | None = None) -> tuple[Tensor, ...]:
        inputs = (position,) if direction is None else (position, direction)
        seen = self.seen(*inputs)
        seen = (seen,) if isinstance(seen, Tensor) else seen
        return *seen, *self.times.everywhere(*inputs)
