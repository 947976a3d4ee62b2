"""The task ``sparse-group``: plain data, neither torch nor numpy."""

from __future__ import annotations

from zoo.api import Model, Task
from zoo_sparse_reco.task_sources import STAGE_SOURCES

__all__ = ["TASK"]

_HERE = "zoo_sparse_reco.grouping"
_GRAPPA = "Drielsma et al., arXiv:2007.01335"
_POINTS = frozenset({f"input_point_{name}" for name in ("x", "y", "z", "semantic", "end")})
_INPUTS = frozenset({"input_semantic", "input_fragment", "input_particle"})
_VOXELS = frozenset({"voxel_x", "voxel_y", "voxel_z", "deposit"})
_GROUPS = frozenset({"particle", "voxel_group", "interaction", "pid"})


def _network(name: str, summary: str) -> Model:
    return Model(
        config=f"{_HERE}.config:Grappa{name}Config",
        summary=summary,
        cite=_GRAPPA,
        networks=f"{_HERE}.models.grappa:networks",
    )


TASK = Task(
    name="sparse-group",
    summary="which fragments are one shower or track, which particles one interaction, and what "
    "they are",
    sample="zoo_sparse_reco.specs:STAGE_SAMPLE",
    prediction=f"{_HERE}.specs:PREDICTION",
    models={
        "grappa-shower": _network(
            "Shower", "fragments to showers, and the first of each: a graph network"
        ),
        "grappa-track": _network("Track", "fragments to tracks: a graph network"),
        "grappa-interaction": _network(
            "Interaction", "particles to interactions, and their kinds: a graph network"
        ),
        "nearest-start": Model(
            config=f"{_HERE}.classical.config:NearestStartConfig",
            summary="all three by distances and directions, which are fitted",
            predictor=f"{_HERE}.classical.predictors:NearestStart",
            baseline=True,
            needs=_VOXELS | _INPUTS | _POINTS,
        ),
        "true-groups": Model(
            config=f"{_HERE}.classical.config:TrueGroupsConfig",
            summary="true groups of the input clusters",
            predictor=f"{_HERE}.classical.predictors:TrueGroups",
            oracle=True,
            needs=_INPUTS
            | _GROUPS
            | {"voxel_x"}
            | {"particle_id", "particle_primary", "particle_momentum"}
            | {"interaction_id", "interaction_vertex"},
        ),
    },
    sources=STAGE_SOURCES,
    codec=f"{_HERE}.codec:GrappaCodec",
    learner=f"{_HERE}.learner:GrappaLearner",
    metrics=f"{_HERE}.metrics:GroupMetrics",
    figures=f"{_HERE}.figures:GroupFigures",
    deploy=f"{_HERE}.deploy:GrappaDeploy",
    select="loss",
    recipes={name: f"{_HERE}:recipes/{name}.toml" for name in ("paper", "better", "quick")},
    published=f"{_HERE}:published.toml",
    check=f"{_HERE}:check.toml",
)
"""What :mod:`zoo_sparse_reco.plugin` registers."""
