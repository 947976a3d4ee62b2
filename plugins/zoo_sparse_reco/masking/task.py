"""The task ``sparse-masked``: plain data, neither torch nor numpy."""

from __future__ import annotations

from zoo.api import Model, Task
from zoo_sparse_reco.task_sources import SOURCES

__all__ = ["TASK"]

_PACKAGE = "zoo_sparse_reco"
_HERE = f"{_PACKAGE}.masking"
_VOXELS = frozenset({"voxel_x", "voxel_y", "voxel_z", "deposit"})

TASK = Task(
    name="sparse-masked",
    summary="hidden voxels of a liquid-argon event: a backbone learns without labels",
    sample=f"{_PACKAGE}.specs:STAGE_SAMPLE",
    prediction=f"{_HERE}.specs:PREDICTION",
    models={
        "uresnet": Model(
            config=f"{_HERE}.config:MaskedUResNetConfig",
            summary="U-ResNet that tells what is hidden; sparse-semantic can begin --from it",
            cite="He et al., arXiv:2111.06377; Young et al., arXiv:2502.02558",
            networks=f"{_HERE}.models:masked_networks",
        ),
        "neighbour-mean": Model(
            config=f"{_HERE}.config:NeighbourMeanConfig",
            summary="the mean of the energies around, the density of voxels around",
            predictor=f"{_HERE}.baselines:NeighbourMean",
            baseline=True,
            needs=_VOXELS,
        ),
        "local-regression": Model(
            config=f"{_HERE}.config:LocalRegressionConfig",
            summary="regressions on energies, densities and lines around, fitted",
            predictor=f"{_HERE}.baselines:LocalRegression",
            baseline=True,
            needs=_VOXELS,
        ),
        "true-voxels": Model(
            config=f"{_HERE}.config:TrueVoxelsConfig",
            summary="the truth: no error at all",
            predictor=f"{_HERE}.baselines:TrueVoxels",
            oracle=True,
            needs=_VOXELS,
        ),
    },
    sources=SOURCES,
    codec=f"{_HERE}.codec:MaskedCodec",
    learner=f"{_HERE}.learner:MaskedLearner",
    metrics=f"{_HERE}.metrics:MaskedMetrics",
    figures=f"{_HERE}.figures:MaskedFigures",
    recipes={name: f"{_HERE}:recipes/{name}.toml" for name in ("better", "quick")},
    check=f"{_HERE}:check.toml",
)
