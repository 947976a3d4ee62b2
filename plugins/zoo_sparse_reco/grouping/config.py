"""Settings of GrapPA: what the graph is, how large the network, how it learns and answers."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from zoo.api import Config
from zoo_sparse_reco.config import Augmentation

__all__ = ["GrappaConfig", "GrappaInteractionConfig", "GrappaShowerConfig", "GrappaTrackConfig"]

Distance = Annotated[float, Field(ge=0, le=1e6)]
Distances = tuple[
    Distance,
    Distance,
    Distance,
    Distance,
    Distance,
    Distance,
    Distance,
    Distance,
    Distance,
    Distance,
]
Weight = Annotated[float, Field(ge=0)]


class GrappaConfig(Config):
    """A network on a graph of clusters; what all three have."""

    stage: ClassVar[int]

    points: bool = True
    """Whether points of particles tell where nodes start and end; else their shape alone does."""
    point_distance: float = Field(5.0, gt=0, le=100)
    """A point belongs to nodes of its class that have a voxel this near, in voxels."""
    radius: float = Field(5.0, gt=0, le=100)
    """Voxels this near to its start tell the direction and the dE/dx there, likewise at its end."""
    smallest: int = Field(1, ge=1)
    """Clusters of fewer voxels are no nodes."""
    distances: Distances
    """Nodes have an edge if their nearest voxels are nearer than this, by their classes: 00, 01,
    02, 03, 11, 12, 13, 22, 23, 33 of shower 0, track 1, Michel 2, delta 3; 0: never."""
    width: int = Field(64, ge=1)
    """Features of a node and of an edge inside."""
    layers: int = Field(3, ge=1)
    """Rounds of message passing."""
    depth: int = Field(3, ge=1)
    """Linear layers of each perceptron."""
    momentum: float = Field(0.1, gt=0, le=1)
    """Share of each batch in the running averages of the normalisations."""
    grouping: Literal["score", "threshold"] = "score"
    """How scores of edges become groups: merged from the highest on as long as the loss falls, or
    all that edges above the threshold connect."""
    threshold: float = Field(0.5, gt=0, lt=1)
    """Least score of an edge that may join its nodes."""
    edge_weight: Weight = 1.0
    """Weight of the cross-entropy of edges."""
    augmentation: Augmentation = Augmentation()
    """Random changes of training events."""


class GrappaShowerConfig(GrappaConfig):
    """Fragments of showers, Michel electrons and delta rays to showers."""

    stage: ClassVar[int] = 0

    distances: Distances = (500, 0, 500, 500, 0, 0, 0, 25, 0, 25)
    """Nodes have an edge if their nearest voxels are nearer than this, by their classes: 00, 01,
    02, 03, 11, 12, 13, 22, 23, 33 of shower 0, track 1, Michel 2, delta 3; 0: never."""
    high_purity: bool = True
    """Learn edges only between nodes of groups that have exactly one primary fragment."""
    use_group_pred: bool = True
    """Learn primary fragments only in predicted groups that have exactly one; else in all."""
    primary_weight: Weight = 1.0
    """Weight of the cross-entropy of primary fragments."""


class GrappaTrackConfig(GrappaConfig):
    """Fragments of tracks to tracks."""

    stage: ClassVar[int] = 1

    distances: Distances = (0, 0, 0, 0, 100, 0, 0, 0, 0, 0)
    """Nodes have an edge if their nearest voxels are nearer than this, by their classes: 00, 01,
    02, 03, 11, 12, 13, 22, 23, 33 of shower 0, track 1, Michel 2, delta 3; 0: never."""


class GrappaInteractionConfig(GrappaConfig):
    """Particles to interactions, with what each particle is."""

    stage: ClassVar[int] = 2

    distances: Distances = (500, 500, 0, 0, 25, 25, 25, 0, 0, 0)
    """Nodes have an edge if their nearest voxels are nearer than this, by their classes: 00, 01,
    02, 03, 11, 12, 13, 22, 23, 33 of shower 0, track 1, Michel 2, delta 3; 0: never."""
    width: int = Field(128, ge=1)
    """Features of a node and of an edge inside."""
    types: bool = True
    """Whether it tells kinds of particles."""
    primaries: bool = True
    """Whether it tells particles from the vertex from all others."""
    momentum_loss: Literal["berhu", "log-cosh"] | None = None
    """Loss of momenta; `none`: it tells none."""
    vertices: bool = False
    """Whether particles from a vertex tell where it is."""
    balance: bool = True
    """Weigh kinds, and primaries, inversely to their share of the training particles."""
    type_weight: Weight = 1.0
    """Weight of the cross-entropy of kinds."""
    primary_weight: Weight = 1.0
    """Weight of the cross-entropy of primaries."""
    momentum_weight: Weight = 1.0
    """Weight of the loss of momenta, in GeV/c."""
    berhu: float = Field(0.2, gt=0)
    """Error from which the berHu loss is quadratic, GeV/c."""
    vertex_weight: Weight = 1.0
    """Weight of the squared error of vertices, in 100 voxels."""

    @model_validator(mode="after")
    def _of_primaries(self) -> Self:
        if self.vertices and not self.primaries:
            raise ValueError("vertices are those of primaries: set primaries = true")
        return self
