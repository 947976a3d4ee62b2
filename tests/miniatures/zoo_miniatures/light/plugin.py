"""The entry point of mini-light."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.api import Model, SourceSpec, Task, hookimpl

_HERE = "zoo_miniatures.light"


@hookimpl
def zoo_api() -> tuple[int, int]:
    return (1, 0)


@hookimpl
def zoo_tasks() -> Sequence[Task]:
    return (
        Task(
            name="mini-light",
            summary="share of the light that each photomultiplier sees, given a point",
            sample=f"{_HERE}.specs:SAMPLE",
            prediction=f"{_HERE}.specs:PREDICTION",
            models={
                "siren": Model(
                    config=f"{_HERE}.config:SirenConfig",
                    summary="SIREN of (point, photomultiplier), normalised over an event",
                    cite="Sitzmann et al., arXiv:2006.09661",
                    networks=f"{_HERE}.models:networks",
                ),
                "inverse-square": Model(
                    config=f"{_HERE}.config:NothingConfig",
                    summary="1/distance^2, without angle and attenuation",
                    predictor=f"{_HERE}.baselines:InverseSquare",
                    baseline=True,
                    needs=frozenset({"position"}),
                ),
                "optics": Model(
                    config=f"{_HERE}.config:NothingConfig",
                    summary="the expectation that the charges were drawn from: the Poisson floor",
                    predictor=f"{_HERE}.baselines:Optics",
                    oracle=True,
                    needs=frozenset({"position"}),
                ),
            },
            sources={
                "flashes": SourceSpec(
                    kind="simulator",
                    factory=f"{_HERE}.sources:Flashes",
                    config=f"{_HERE}.config:FlashesConfig",
                    summary="isotropic flashes in a box, photomultipliers on its floor and roof",
                )
            },
            codec=f"{_HERE}.codec:LightCodec",
            learner=f"{_HERE}.learner:ShareLearner",
            metrics=f"{_HERE}.metrics:ShareMetrics",
            deploy=f"{_HERE}.deploy:SirenDeploy",
            recipes={"quick": "zoo_miniatures.light:recipes/quick.toml"},
        ),
    )
