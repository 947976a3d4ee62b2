"""The entry point of the task ``calo``: plain data, neither torch nor numpy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zoo.api import Consumer, Model, Ref, SourceSpec, Task, hookimpl

_HERE = "zoo_calo"
_GETTING_HIGH = "Buhmann et al., arXiv:2005.05334"
_PIONS = "Buhmann et al., arXiv:2112.09709"


@hookimpl
def zoo_api() -> tuple[int, int]:
    """The contract this plugin was written for."""
    return (1, 1)


@hookimpl
def zoo_tasks() -> Sequence[Task]:
    """``calo``."""
    return (
        Task(
            name="calo",
            summary="showers in the cells of a calorimeter, given energy and angle",
            sample=f"{_HERE}.specs:SAMPLE",
            prediction=f"{_HERE}.specs:PREDICTION",
            models={**_networks(), **_classical()},
            sources=_sources(),
            codec=f"{_HERE}.codec:ShowerCodec",
            learner=f"{_HERE}.learner:ShowerLearner",
            metrics=f"{_HERE}.metrics:CaloMetrics",
            figures=f"{_HERE}.figures:CaloFigures",
            deploy=f"{_HERE}.deploy:ShowerDeploy",
            select="corrected JS",
            recipes={
                name: f"{_HERE}:recipes/{name}.toml"
                for name in ("better", "paper", "quick", "reduced")
            },
            published=f"{_HERE}:published.toml",
            check=f"{_HERE}:check.toml",
        ),
    )


@hookimpl
def zoo_cards() -> Sequence[str]:
    """Public data sets."""
    return (f"{_HERE}:cards",)


@hookimpl
def zoo_commands() -> Mapping[str, Ref]:
    """``zoo calo``: showers made, converted and judged."""
    return {"calo": f"{_HERE}.commands:app"}


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
            checkpoints={"getting-high": f"{_HERE}.checkpoints:getting_high"},
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


def _classical() -> dict[str, Model]:
    return {
        "gflash": Model(
            config=f"{_HERE}.baselines_config:GflashShowersConfig",
            summary="parametrised showers, their constants fitted to the training showers",
            cite="Grindhammer and Peters, hep-ex/0001020",
            predictor=f"{_HERE}.baselines:GflashShowers",
            baseline=True,
            needs=frozenset({"energy"}),
        ),
        "another-shower": Model(
            config=f"{_HERE}.baselines_config:AnotherShowerConfig",
            summary="a training shower of that energy: the reference against itself",
            predictor=f"{_HERE}.baselines:AnotherShower",
            oracle=True,
            needs=frozenset({"energy"}),
        ),
    }


def _sources() -> dict[str, SourceSpec]:
    return {
        "geant4": SourceSpec(
            kind="simulator",
            factory=f"{_HERE}.sources.geant4:Geant4",
            config=f"{_HERE}.sources.config:Geant4Config",
            summary="Geant4 in a stack of plates (extra geant4)",
        ),
        "gflash": SourceSpec(
            kind="simulator",
            factory=f"{_HERE}.sources.gflash:Gflash",
            config=f"{_HERE}.sources.config:GflashConfig",
            summary="parametrised showers in a stack of plates",
        ),
        **_adapters(),
    }


def _adapters() -> dict[str, SourceSpec]:
    files = {
        "getting-high": ("getting_high:GettingHigh", "layers in HDF5, as of Getting High"),
        "calochallenge": ("calochallenge:CaloChallenge", "HDF5 and binning of the CaloChallenge"),
        "lcio": ("lcio_file:Lcio", "SimCalorimeterHits of LCIO, through a cell map"),
        "edm4hep": ("edm4hep_file:Edm4hep", "hits of EDM4hep, through a cell map (extra edm4hep)"),
        "point-cloud": ("point_cloud:PointCloud", "points in HDF5, as of CaloClouds"),
        "calo-h5": ("calo_h5:CaloH5", "what `zoo calo generate` writes"),
    }
    return {
        name: SourceSpec(
            kind="adapter",
            factory=f"{_HERE}.sources.{reader}",
            config=f"{_HERE}.sources.files_config:{reader.partition(':')[2]}Config",
            summary=summary,
        )
        for name, (reader, summary) in files.items()
    }
