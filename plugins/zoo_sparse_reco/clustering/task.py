"""The task ``sparse-cluster``: plain data."""

from __future__ import annotations

from collections.abc import Mapping

from zoo.api import Model, Task
from zoo_sparse_reco.task_sources import STAGE_SOURCES

__all__ = ["TASK"]

_PLUGIN = "zoo_sparse_reco"
_HERE = f"{_PLUGIN}.clustering"
_VOXELS = frozenset({"voxel_x", "voxel_y", "voxel_z", "input_semantic"})
_POINTS = frozenset({"input_point_x", "input_point_y", "input_point_z", "input_point_semantic"})

_MODELS: Mapping[str, Model] = {
    "spice": Model(
        config=f"{_HERE}.config:SpiceConfig",
        summary="embeddings, margins and seeds of voxels, clustered seed by seed",
        cite="Koh et al., arXiv:2007.03083",
        networks=f"{_HERE}.networks:spice_networks",
    ),
    "graph-spice": Model(
        config=f"{_HERE}.config:GraphSpiceConfig",
        summary="edges between neighbouring voxels, cut where fragments meet",
        cite="Koh et al., arXiv:2007.03083; Drielsma et al., arXiv:2102.01033",
        networks=f"{_HERE}.networks:graph_spice_networks",
    ),
    "dbscan": Model(
        config=f"{_HERE}.config:DbscanConfig",
        summary="connected voxels of a class, tracks broken at points",
        cite="Ester et al., KDD 1996; Domine et al., arXiv:2006.14745",
        predictor=f"{_HERE}.baselines:Dbscan",
        baseline=True,
        needs=_VOXELS | _POINTS,
    ),
    "dbscan-bends": Model(
        config=f"{_HERE}.config:DbscanBendsConfig",
        summary="connected voxels of a class, tracks broken where they are no line",
        cite="Ester et al., KDD 1996",
        predictor=f"{_HERE}.baselines:DbscanBends",
        baseline=True,
        needs=_VOXELS,
    ),
    "true-fragments": Model(
        config=f"{_HERE}.config:TrueFragmentsConfig",
        summary="true fragments, cut where the classes that the stage is told differ",
        predictor=f"{_HERE}.baselines:TrueFragments",
        oracle=True,
        needs=frozenset({"input_semantic", "fragment"}),
    ),
}

TASK = Task(
    name="sparse-cluster",
    summary="which voxels of a class are of one fragment, a connected piece of a particle",
    sample=f"{_PLUGIN}.specs:STAGE_SAMPLE",
    prediction=f"{_HERE}.specs:PREDICTION",
    models=_MODELS,
    sources=STAGE_SOURCES,
    codec=f"{_HERE}.codec:ClusterCodec",
    learner=f"{_HERE}.learner:ClusterLearner",
    metrics=f"{_HERE}.metrics:ClusterMetrics",
    figures=f"{_HERE}.figures:ClusterFigures",
    deploy=f"{_HERE}.deploy:ClusterDeploy",
    select="loss",
    recipes={
        name: f"{_PLUGIN}:clustering/recipes/{name}.toml" for name in ("paper", "better", "quick")
    },
    published=f"{_PLUGIN}:clustering/published.toml",
    check=f"{_PLUGIN}:clustering/check.toml",
)
"""Voxels and their classes in, fragments out; classes are those of a link, or true ones."""
