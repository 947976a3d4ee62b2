"""What another program loads: hits of a plane, or clusters, to estimates in standard units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from zoo.api import Codec, Deploy, Field, Specs, generator, uniform
from zoo_ha_tpc.clusters import feature_names, summary_names
from zoo_ha_tpc.config import ClusterNetConfig, ImageConfig, Loss, TrackConfig
from zoo_ha_tpc.models.heads import answers
from zoo_ha_tpc.physics.pad_plane import plane_of

__all__ = ["ClusterDeploy", "ImageDeploy"]


class ImageDeploy(Deploy):
    """Flat hits of any number of tracks in; the constants of the codec give the answers units."""

    sizes: tuple[Mapping[str, int], ...] = (
        {"batch": 4, "hit": 700},
        {"batch": 1, "hit": 176},
        {"batch": 2, "hit": 301},
    )
    checks: Mapping[str, int] = {"batch": 2, "hit": 40}

    def __init__(self, config: ImageConfig, facts: Mapping[str, Any]) -> None:
        self.config, self.plane = config, plane_of(facts)
        index = {"event": "its track, from 0", "row": "its row", "column": "its column"}
        self.inputs: Specs = {
            "hits": Field(dims=("batch",), dtype="int64", meaning="number of hits of each track"),
            **{
                name: Field(dims=("hit",), dtype="int64", meaning=f"of each hit: {meaning}")
                for name, meaning in index.items()
            },
            "values": Field(
                dims=("hit", len(config.images)),
                dtype="float32",
                meaning=f"{', '.join(config.images)} of each hit, as the codec scales them",
            ),
        }
        self.outputs: Specs = _outputs(config)

    def module(self, nets: Mapping[str, nn.Module], codec: Codec) -> nn.Module:
        """The network, and what its numbers mean."""
        return _ImageAnswers(nets, self.config.loss)

    def example(
        self, dims: Mapping[str, int], keys: NDArray[np.uint64]
    ) -> Mapping[str, NDArray[Any]]:
        """Hits on different pads, spread over the plane and shared out evenly."""
        batch, count = dims["batch"], dims["hit"]
        rows, columns = self.plane.shape
        hits = np.full(batch, count // batch, np.int64)
        hits[: count % batch] += 1
        rng = generator(keys[0])
        pad = np.concatenate([rng.permutation(rows * columns)[:number] for number in hits])
        values = rng.uniform(0.1, 1, (count, len(self.config.images)))
        return {
            "hits": hits,
            "event": np.repeat(np.arange(batch), hits),
            "row": pad // columns,
            "column": pad % columns,
            "values": values.astype(np.float32),
        }


class ClusterDeploy(Deploy):
    """Clusters of any number of tracks in, in the order and units of the codec."""

    sizes: tuple[Mapping[str, int], ...] = (
        {"batch": 4, "cluster": 100},
        {"batch": 1, "cluster": 7},
        {"batch": 2, "cluster": 208},
    )
    checks: Mapping[str, int] = {"batch": 2, "cluster": 5}

    def __init__(self, config: ClusterNetConfig, facts: Mapping[str, Any]) -> None:
        self.config = config
        features, summary = feature_names(config), summary_names(config)
        self.inputs: Specs = {
            "clusters": Field(
                dims=("batch", "cluster", len(features)),
                dtype="float32",
                meaning=f"of each cluster: {', '.join(features)}",
            ),
            "present": Field(
                dims=("batch", "cluster"),
                dtype="float32",
                meaning="1 for a cluster, 0 where a track has no more of them",
            ),
            "summary": Field(
                dims=("batch", len(summary)),
                dtype="float32",
                meaning=f"of each track: {', '.join(summary)}",
            ),
        }
        if config.start != "direct":
            told = {"start": "classical estimate", "scale": "its error"}
            self.inputs = {
                **self.inputs,
                **{
                    name: Field(
                        dims=("batch", len(config.targets)),
                        dtype="float32",
                        meaning=f"{meaning}, {_UNITS}",
                    )
                    for name, meaning in told.items()
                },
            }
        self.outputs: Specs = _outputs(config)

    def module(self, nets: Mapping[str, nn.Module], codec: Codec) -> nn.Module:
        """The network, and what its numbers mean."""
        return _ClusterAnswers(nets, self.config.loss)

    def example(
        self, dims: Mapping[str, int], keys: NDArray[np.uint64]
    ) -> Mapping[str, NDArray[Any]]:
        """Tracks of which the first has a cluster in every place, and each other one fewer."""
        chosen, places = keys[: dims["batch"]], dims["cluster"]
        count = np.maximum(1, places - np.arange(dims["batch"]))
        present = np.arange(places) < count[:, None]
        shapes = {name: spec.dims[1:] for name, spec in self.inputs.items()}
        made: dict[str, NDArray[Any]] = {}
        for tag, (name, dims_of) in enumerate(shapes.items()):
            shape = [dims[dim] if isinstance(dim, str) else dim for dim in dims_of]
            made[name] = 2 * uniform(chosen, *shape, tag=tag) - 1
        made["present"] = present
        made["clusters"] = made["clusters"] * present[..., None]
        if "scale" in made:
            made["scale"] = 0.01 + np.abs(made["scale"])
        return {name: array.astype(np.float32) for name, array in made.items()}


class _ImageAnswers(nn.Module):
    def __init__(self, nets: Mapping[str, nn.Module], loss: Loss) -> None:
        super().__init__()
        self.net, self.loss = nets["net"], loss

    def forward(
        self, hits: Tensor, event: Tensor, row: Tensor, column: Tensor, values: Tensor
    ) -> Tensor | tuple[Tensor, ...]:
        return _plainly(answers(self.net(hits, event, row, column, values), self.loss, {}))


class _ClusterAnswers(nn.Module):
    def __init__(self, nets: Mapping[str, nn.Module], loss: Loss) -> None:
        super().__init__()
        self.net, self.loss = nets["net"], loss

    def forward(
        self,
        clusters: Tensor,
        present: Tensor,
        summary: Tensor,
        start: Tensor | None = None,
        scale: Tensor | None = None,
    ) -> Tensor | tuple[Tensor, ...]:
        raw = self.net(clusters, present, summary, start, scale)
        if start is None or scale is None:
            return _plainly(answers(raw, self.loss, {}))
        return _plainly(answers(raw, self.loss, {"start": start, "scale": scale}))


def _plainly(found: Mapping[str, Tensor]) -> Tensor | tuple[Tensor, ...]:
    """Outputs in their order; one alone as it is."""
    return tuple(found.values()) if len(found) > 1 else found["value"]


def _outputs(config: TrackConfig) -> Specs:
    dims = ("batch", len(config.targets))
    names = ", ".join(config.targets)
    value = Field(dims=dims, dtype="float32", meaning=f"{names}, {_UNITS}")
    if not config.uncertainty:
        return {"value": value}
    error = Field(
        dims=dims,
        dtype="float32",
        meaning="standard error of each, over its standard deviation, not yet calibrated",
        minimum=0,
    )
    return {"value": value, "error": error}


_UNITS = "less the mean and over the standard deviation of each, which the codec has"
