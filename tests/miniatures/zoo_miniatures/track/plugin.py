"""The entry point of mini-track."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.api import Model, SourceSpec, Task, hookimpl

_HERE = "zoo_miniatures.track"


@hookimpl
def zoo_api() -> tuple[int, int]:
    return (1, 1)


@hookimpl
def zoo_tasks() -> Sequence[Task]:
    return (
        Task(
            name="mini-track",
            summary="position of a track on a pad plane, with its uncertainty",
            sample=f"{_HERE}.specs:SAMPLE",
            prediction=f"{_HERE}.specs:PREDICTION",
            models={
                "pad-net": Model(
                    config=f"{_HERE}.config:PadNetConfig",
                    summary="convolutions over pads, mean and variance",
                    cite="Nix and Weigend, ICNN 1994",
                    networks=f"{_HERE}.models:networks",
                    compile_safe=True,
                    checkpoints={"listed": f"{_HERE}.checkpoints:listed"},
                ),
                "centroid": Model(
                    config=f"{_HERE}.config:BaselineConfig",
                    summary="line through the centres of charge of the rows",
                    predictor=f"{_HERE}.baselines:Centroid",
                    baseline=True,
                    needs=frozenset({"pads"}),
                ),
                "diffusion-fit": Model(
                    config=f"{_HERE}.config:BaselineConfig",
                    summary="the same, rows fitted with the width that the drift time tells",
                    predictor=f"{_HERE}.baselines:DiffusionFit",
                    baseline=True,
                    needs=frozenset({"pads", "drift_time"}),
                ),
            },
            sources={
                "tracks": SourceSpec(
                    kind="simulator",
                    factory=f"{_HERE}.sources:Tracks",
                    config=f"{_HERE}.config:TracksConfig",
                    summary="straight tracks in a small TPC",
                ),
                "untimed": SourceSpec(
                    kind="simulator",
                    factory=f"{_HERE}.sources:Untimed",
                    config=f"{_HERE}.config:TracksConfig",
                    summary="the same, read out without drift time",
                ),
            },
            codec=f"{_HERE}.codec:PadCodec",
            learner=f"{_HERE}.learner:Heteroscedastic",
            metrics=f"{_HERE}.metrics:PositionMetrics",
            deploy=f"{_HERE}.deploy:PadDeploy",
            recipes={"quick": "zoo_miniatures.track:recipes/quick.toml"},
        ),
    )
