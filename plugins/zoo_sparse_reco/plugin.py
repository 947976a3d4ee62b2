"""The entry point of the task ``sparse-semantic``: plain data, neither torch nor numpy."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.api import Model, SourceSpec, Task, hookimpl

_HERE = "zoo_sparse_reco"
_SPARSE = "Graham and van der Maaten, arXiv:1706.01307"
_TRUTH = frozenset({"semantic"})
_POINTS = frozenset({"point_x", "point_y", "point_z", "point_semantic"})


@hookimpl
def zoo_api() -> tuple[int, int]:
    """The contract this plugin was written for."""
    return (1, 0)


@hookimpl
def zoo_tasks() -> Sequence[Task]:
    """``sparse-semantic``."""
    return (
        Task(
            name="sparse-semantic",
            summary="what each voxel of a liquid-argon event is, and where particles start and end",
            sample=f"{_HERE}.specs:SAMPLE",
            prediction=f"{_HERE}.specs:PREDICTION",
            models={**_networks(), **_classical()},
            sources=_sources(),
            codec=f"{_HERE}.codec:SparseCodec",
            learner=f"{_HERE}.learner:SparseLearner",
            metrics=f"{_HERE}.metrics:EventMetrics",
            figures=f"{_HERE}.figures:EventFigures",
            deploy=f"{_HERE}.deploy:SparseDeploy",
            select="loss",
            recipes={
                name: f"{_HERE}:recipes/{name}.toml" for name in ("paper", "better", "quick")
            },
            published=f"{_HERE}:published.toml",
        ),
    )


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
            summary="U-ResNet and points where particles start and tracks end",
            cite=f"Domine et al., arXiv:2006.14745; {_SPARSE}",
            networks=f"{_HERE}.models.networks:uresnet_ppn_networks",
        ),
    }


def _classical() -> dict[str, Model]:
    return {}


def _sources() -> dict[str, SourceSpec]:
    return {}
