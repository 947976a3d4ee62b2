"""The entry point of the tasks: plain data, neither torch nor numpy."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.api import Model, Task, hookimpl
from zoo_sparse_reco.clustering.task import TASK as SPARSE_CLUSTER
from zoo_sparse_reco.grouping.task import TASK as SPARSE_GROUP
from zoo_sparse_reco.task_sources import SOURCES

_HERE = "zoo_sparse_reco"
_SPARSE = "Graham and van der Maaten, arXiv:1706.01307"
_POINTS = frozenset({"point_x", "point_y", "point_z", "point_semantic", "point_end"})
_VOXELS = frozenset({"voxel_x", "voxel_y", "voxel_z", "deposit"})


@hookimpl
def zoo_api() -> tuple[int, int]:
    """The contract this plugin was written for."""
    return (1, 0)


@hookimpl
def zoo_tasks() -> Sequence[Task]:
    """The stages of the reconstruction."""
    return (
        Task(
            name="sparse-semantic",
            summary="what each voxel of a liquid-argon event is, and where particles start and end",
            sample=f"{_HERE}.specs:SAMPLE",
            prediction=f"{_HERE}.specs:PREDICTION",
            models={**_networks(), **_classical()},
            sources=SOURCES,
            codec=f"{_HERE}.codec:SparseCodec",
            learner=f"{_HERE}.learner:SparseLearner",
            metrics=f"{_HERE}.metrics:EventMetrics",
            figures=f"{_HERE}.figures:EventFigures",
            deploy=f"{_HERE}.deploy:SparseDeploy",
            select="loss",
            recipes={name: f"{_HERE}:recipes/{name}.toml" for name in ("paper", "better", "quick")},
            published=f"{_HERE}:published.toml",
            check=f"{_HERE}:check.toml",
        ),
        SPARSE_CLUSTER,
        SPARSE_GROUP,
    )


@hookimpl
def zoo_cards() -> Sequence[str]:
    """Public data sets."""
    return (f"{_HERE}:cards",)


def _networks() -> dict[str, Model]:
    return {
        "uresnet": Model(
            config=f"{_HERE}.config:UResNetConfig",
            summary="U-ResNet on sparse voxels as published, 10.96 M parameters",
            cite=f"Domine and Terao, arXiv:1903.05663; {_SPARSE}",
            networks=f"{_HERE}.models.networks:uresnet_networks",
        ),
        "uresnet-ppn": Model(
            config=f"{_HERE}.config:UResNetPpnConfig",
            summary="U-ResNet and points where particles start and tracks end, 15.55 M parameters",
            cite=f"Domine et al., arXiv:2006.14745; {_SPARSE}",
            networks=f"{_HERE}.models.networks:uresnet_ppn_networks",
        ),
    }


def _classical() -> dict[str, Model]:
    return {
        "local-dedx": Model(
            config=f"{_HERE}.baselines_config:LocalDedxConfig",
            summary="classes from energy per length and shape around each voxel, by fitted tables",
            predictor=f"{_HERE}.baselines:LocalDedx",
            baseline=True,
            needs=_VOXELS,
        ),
        "plane-agreement": Model(
            config=f"{_HERE}.baselines_config:PlaneAgreementConfig",
            summary="ghosts are where the charges of three planes do not agree",
            predictor=f"{_HERE}.baselines:PlaneAgreement",
            baseline=True,
            needs=_VOXELS | {"plane_charge"},
        ),
        "true-labels": Model(
            config=f"{_HERE}.baselines_config:TrueLabelsConfig",
            summary="true classes through the post-processing of fragments",
            predictor=f"{_HERE}.baselines:TrueLabels",
            oracle=True,
            needs=_VOXELS | {"semantic"},
        ),
        "true-points": Model(
            config=f"{_HERE}.baselines_config:TrueLabelsConfig",
            summary="true classes and points through the post-processing of both",
            predictor=f"{_HERE}.baselines:TruePoints",
            oracle=True,
            needs=_VOXELS | {"semantic"} | _POINTS,
        ),
    }
