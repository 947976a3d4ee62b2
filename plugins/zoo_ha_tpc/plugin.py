"""The entry point of the task ``ha-tpc``: plain data, neither torch nor numpy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zoo.api import Model, Ref, SourceSpec, Task, hookimpl

_HERE = "zoo_ha_tpc"
_HITS = frozenset({"hit_row", "hit_column", "hit_charge"})
_TRUE_CLUSTERS = frozenset({"cluster_z", "cluster_y", "cluster_electrons", "x_ini", "tan_lambda"})
_RESNET = "He et al., arXiv:1512.03385"


@hookimpl
def zoo_api() -> tuple[int, int]:
    """The contract this plugin was written for."""
    return (1, 0)


@hookimpl
def zoo_tasks() -> Sequence[Task]:
    """``ha-tpc``."""
    return (
        Task(
            name="ha-tpc",
            summary="momentum, direction and start of a track from the pads of a TPC",
            sample=f"{_HERE}.specs:SAMPLE",
            prediction=f"{_HERE}.specs:PREDICTION",
            models={**_networks(), **_classical()},
            sources=_sources(),
            codec=f"{_HERE}.codec:ImageCodec",
            learner=f"{_HERE}.learner:TrackLearner",
            metrics=f"{_HERE}.metrics:HaTpcMetrics",
            figures=f"{_HERE}.figures:HaTpcFigures",
            deploy=f"{_HERE}.deploy:ImageDeploy",
            select="loss",
            recipes={name: f"{_HERE}:recipes/{name}.toml" for name in ("better", "paper")},
            check=f"{_HERE}:check.toml",
        ),
    )


@hookimpl
def zoo_cards() -> Sequence[str]:
    """Published weights."""
    return (f"{_HERE}:cards",)


@hookimpl
def zoo_commands() -> Mapping[str, Ref]:
    """``zoo ha-tpc recipe``: settings of a training by its name."""
    return {"ha-tpc": f"{_HERE}.commands:app"}


def _networks() -> dict[str, Model]:
    return {
        "cluster-net": Model(
            config=f"{_HERE}.config:ClusterNetConfig",
            summary="convolutions along the clusters of the classical fit, which it corrects",
            networks=f"{_HERE}.models.cluster_net:networks",
            codec=f"{_HERE}.codec:ClusterCodec",
            deploy=f"{_HERE}.deploy:ClusterDeploy",
        ),
        **{f"resnet{layers}": _resnet(layers) for layers in (18, 34, 50, 101, 152)},
        "googlenet": Model(
            config=f"{_HERE}.config:GoogLeNetConfig",
            summary="GoogLeNet on images of the plane, 5.6 M parameters",
            cite="Szegedy et al., arXiv:1409.4842",
            networks=f"{_HERE}.models.image_nets:googlenet_networks",
        ),
        "vit": Model(
            config=f"{_HERE}.config:ViTConfig",
            summary="vision transformer on patches of the plane, 5.4 M parameters and more",
            cite="Dosovitskiy et al., arXiv:2010.11929",
            networks=f"{_HERE}.models.image_nets:vit_networks",
        ),
        "convnext": Model(
            config=f"{_HERE}.config:ConvNeXtConfig",
            summary="ConvNeXt on images of the plane, 3.4 M parameters and more",
            cite="Liu et al., arXiv:2201.03545",
            networks=f"{_HERE}.models.image_nets:convnext_networks",
        ),
    }


def _resnet(layers: int) -> Model:
    return Model(
        config=f"{_HERE}.config:ResNetConfig",
        summary=f"ResNet of {layers} layers on images of the plane",
        cite=_RESNET,
        networks=f"{_HERE}.models.image_nets:resnet{layers}_networks",
    )


def _classical() -> dict[str, Model]:
    return {
        "track-fit": Model(
            config=f"{_HERE}.fitting.config:TrackFitConfig",
            summary="clusters and a fitted curve: the classical reconstruction",
            predictor=f"{_HERE}.baselines:TrackFit",
            baseline=True,
            needs=_HITS,
        ),
        "charge-fit": Model(
            config=f"{_HERE}.charge_fit.settings:ChargeFitConfig",
            summary="the same, then a fit to what all pads report, with its covariance",
            predictor=f"{_HERE}.baselines:ChargeFit",
            baseline=True,
            needs=_HITS,
        ),
        "first-pad": Model(
            config=f"{_HERE}.fitting.config:FirstPadConfig",
            summary="where the first pad with charge lies",
            predictor=f"{_HERE}.baselines:FirstPad",
            baseline=True,
            needs=_HITS,
        ),
        "oracle-fit": Model(
            config=f"{_HERE}.fitting.config:OracleFitConfig",
            summary="fit of where the electrons arrived: only scattering and diffusion are left",
            predictor=f"{_HERE}.baselines:OracleFit",
            oracle=True,
            needs=_TRUE_CLUSTERS,
        ),
    }


def _sources() -> dict[str, SourceSpec]:
    return {
        "gun": SourceSpec(
            kind="simulator",
            factory=f"{_HERE}.sources.gun:Gun",
            config=f"{_HERE}.sources.config:GunConfig",
            summary="muons through gas, resistive pads and electronics",
        ),
        "event-npz": SourceSpec(
            kind="adapter",
            factory=f"{_HERE}.sources.event_npz:EventNpz",
            config=f"{_HERE}.sources.files_config:EventNpzConfig",
            summary="one .npz file for each event, or a folder of them",
        ),
        "pandas-h5": SourceSpec(
            kind="adapter",
            factory=f"{_HERE}.sources.pandas_h5:PandasH5",
            config=f"{_HERE}.sources.files_config:PandasH5Config",
            summary="tables that pandas wrote to HDF5",
        ),
    }
