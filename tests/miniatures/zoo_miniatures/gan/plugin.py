"""The entry point of mini-gan."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.api import Model, SourceSpec, Task, hookimpl

_HERE = "zoo_miniatures.gan"


@hookimpl
def zoo_api() -> tuple[int, int]:
    return (1, 0)


@hookimpl
def zoo_tasks() -> Sequence[Task]:
    return (
        Task(
            name="mini-gan",
            summary="longitudinal profiles of electron showers, given the energy",
            sample=f"{_HERE}.specs:SAMPLE",
            prediction=f"{_HERE}.specs:PREDICTION",
            models={
                "wgan-lo": Model(
                    config=f"{_HERE}.config:GanConfig",
                    summary="Wasserstein GAN with latent optimisation and an energy constrainer",
                    cite="Wu et al., LOGAN, arXiv:1912.00953",
                    networks=f"{_HERE}.models:networks",
                    second_order=True,
                ),
                "mean-shower": Model(
                    config=f"{_HERE}.config:BaselineConfig",
                    summary="the mean profile of that energy, without fluctuations",
                    predictor=f"{_HERE}.baselines:MeanShower",
                    baseline=True,
                    needs=frozenset({"energy"}),
                ),
                "simulation": Model(
                    config=f"{_HERE}.config:BaselineConfig",
                    summary="the simulation against itself, with other random numbers",
                    predictor=f"{_HERE}.baselines:Simulation",
                    oracle=True,
                    needs=frozenset({"energy"}),
                ),
            },
            sources={
                "showers": SourceSpec(
                    kind="simulator",
                    factory=f"{_HERE}.sources:Showers",
                    config=f"{_HERE}.config:ShowersConfig",
                    summary="GFlash profiles with sampling fluctuations",
                )
            },
            codec=f"{_HERE}.codec:ShowerCodec",
            learner=f"{_HERE}.learner:WganLatentOptimisation",
            metrics=f"{_HERE}.metrics:ShowerMetrics",
            deploy=f"{_HERE}.deploy:GeneratorDeploy",
            select="visible W1",
            recipes={"quick": "zoo_miniatures.gan:recipes/quick.toml"},
        ),
    )
