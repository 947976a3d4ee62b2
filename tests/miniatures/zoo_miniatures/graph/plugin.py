"""The entry point of mini-graph."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.api import Model, SourceSpec, Task, hookimpl

_HERE = "zoo_miniatures.graph"


@hookimpl
def zoo_api() -> tuple[int, int]:
    return (1, 0)


@hookimpl
def zoo_tasks() -> Sequence[Task]:
    return (
        Task(
            name="mini-graph",
            summary="which fragments of an event belong to one particle",
            sample=f"{_HERE}.specs:SAMPLE",
            prediction=f"{_HERE}.specs:PREDICTION",
            models={
                "edge-net": Model(
                    config=f"{_HERE}.config:EdgeNetConfig",
                    summary="message passing over all pairs of fragments",
                    cite="Battaglia et al., arXiv:1806.01261",
                    networks=f"{_HERE}.models:networks",
                ),
                "nearest": Model(
                    config=f"{_HERE}.config:NearestConfig",
                    summary="fragments nearer than a distance belong together",
                    predictor=f"{_HERE}.baselines:Nearest",
                    baseline=True,
                    needs=frozenset({"nodes", "edges"}),
                ),
            },
            sources={
                "fragments": SourceSpec(
                    kind="link",
                    factory=f"{_HERE}.sources:Fragments",
                    config=f"{_HERE}.config:FragmentsConfig",
                    summary="voxels of mini-points in coarse cells, with their predicted scores",
                    upstream="mini-points",
                )
            },
            codec=f"{_HERE}.codec:GraphCodec",
            learner=f"{_HERE}.learner:EdgeLearner",
            metrics=f"{_HERE}.metrics:EdgeMetrics",
            recipes={"quick": "zoo_miniatures.graph:recipes/quick.toml"},
            check="zoo_miniatures.graph:check.toml",
        ),
    )
