"""The entry point of mini-points."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.api import Model, SourceSpec, Task, hookimpl

_HERE = "zoo_miniatures.points"


@hookimpl
def zoo_api() -> tuple[int, int]:
    return (1, 0)


@hookimpl
def zoo_tasks() -> Sequence[Task]:
    return (
        Task(
            name="mini-points",
            summary="track or shower for every voxel, and the vertex they come from",
            sample=f"{_HERE}.specs:SAMPLE",
            prediction=f"{_HERE}.specs:PREDICTION",
            models={
                "neighbour-net": Model(
                    config=f"{_HERE}.config:NeighbourNetConfig",
                    summary="submanifold convolutions through tables of neighbours, two heads",
                    cite="Graham and van der Maaten, arXiv:1706.01307",
                    networks=f"{_HERE}.models:networks",
                ),
                "density": Model(
                    config=f"{_HERE}.config:DensityConfig",
                    summary="dense voxels are showers; the vertex is the brightest voxel",
                    predictor=f"{_HERE}.baselines:Density",
                    baseline=True,
                    needs=frozenset({"voxels", "charge"}),
                ),
                "nearest-voxel": Model(
                    config=f"{_HERE}.config:DensityConfig",
                    summary="true labels, and the occupied voxel nearest to the true vertex",
                    predictor=f"{_HERE}.baselines:NearestVoxel",
                    oracle=True,
                    needs=frozenset({"voxels", "label", "vertex"}),
                ),
            },
            sources={
                "events": SourceSpec(
                    kind="simulator",
                    factory=f"{_HERE}.sources:Events",
                    config=f"{_HERE}.config:EventsConfig",
                    summary="two tracks and a shower from one vertex, in voxels",
                )
            },
            codec=f"{_HERE}.codec:PointsCodec",
            learner=f"{_HERE}.learner:TwoHeads",
            metrics=f"{_HERE}.metrics:PointsMetrics",
            select="accuracy",
            recipes={"quick": "zoo_miniatures.points:recipes/quick.toml"},
        ),
    )
