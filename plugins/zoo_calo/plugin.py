"""The entry point of the task ``calo``: plain data, neither torch nor numpy."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.api import Consumer, Model, Task, hookimpl

_HERE = "zoo_calo"
_GETTING_HIGH = "Buhmann et al., arXiv:2005.05334"
_PIONS = "Buhmann et al., arXiv:2112.09709"


@hookimpl
def zoo_api() -> tuple[int, int]:
    """The contract this plugin was written for."""
    return (1, 0)


@hookimpl
def zoo_tasks() -> Sequence[Task]:
    """``calo``."""
    return (
        Task(
            name="calo",
            summary="showers in the cells of a calorimeter, given energy and angle",
            sample=f"{_HERE}.specs:SAMPLE",
            prediction=f"{_HERE}.specs:PREDICTION",
            models=_networks(),
            sources={},
            codec=f"{_HERE}.codec:ShowerCodec",
            learner=f"{_HERE}.learner:ShowerLearner",
            metrics=f"{_HERE}.metrics:CaloMetrics",
            deploy=f"{_HERE}.deploy:ShowerDeploy",
            select="visible energy",
            recipes={name: f"{_HERE}:recipes/{name}.toml" for name in ("better", "paper", "quick")},
        ),
    )


@hookimpl
def zoo_consumers() -> Sequence[Consumer]:
    """DDML, with either of its runtimes."""
    return (
        Consumer(
            name="ddml",
            summary="DDML, fast simulation in Geant4: RegularGridGANModel with ONNXInference",
            task="calo",
            format="onnx",
            contract=f"{_HERE}.consumers.ddml:Ddml",
        ),
        Consumer(
            name="ddml-torch",
            summary="DDML, fast simulation in Geant4: RegularGridGANModel with TorchInference",
            task="calo",
            format="ts",
            contract=f"{_HERE}.consumers.ddml:Ddml",
        ),
    )


def _networks() -> dict[str, Model]:
    return {
        "wgan": Model(
            config=f"{_HERE}.config:WganConfig",
            summary="Wasserstein GAN in 3-D as published, generator of 3.66 M parameters",
            cite=_GETTING_HIGH,
            networks=f"{_HERE}.models.wgan:networks",
            second_order=True,
        ),
        "wgan-lo": Model(
            config=f"{_HERE}.config:WganLoConfig",
            summary="the same networks with latent optimisation",
            cite=f"Wu et al., LOGAN, arXiv:1912.00953; {_GETTING_HIGH}",
            networks=f"{_HERE}.models.wgan:networks",
            second_order=True,
        ),
        "wgan-angle": Model(
            config=f"{_HERE}.config:WganAngleConfig",
            summary="the same networks for energy and angle",
            cite=_GETTING_HIGH,
            networks=f"{_HERE}.models.wgan:networks",
            second_order=True,
        ),
        "wgan-pion": Model(
            config=f"{_HERE}.config:WganPionConfig",
            summary="deeper generator and a residual critic for pions, as published",
            cite=_PIONS,
            networks=f"{_HERE}.models.pion:networks",
            second_order=True,
        ),
        "wgan-lite": Model(
            config=f"{_HERE}.config:WganLiteConfig",
            summary="fast: layers as channels, a head for their energies",
            networks=f"{_HERE}.models.lite:networks",
            second_order=True,
        ),
    }
