"""Settings of what makes clusters of voxels."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from zoo.api import Config
from zoo_sparse_reco.config import Augmentation, BackboneConfig, Feature, Fraction, Weight

__all__ = [
    "ClusterConfig",
    "DbscanBendsConfig",
    "DbscanConfig",
    "GraphSpiceConfig",
    "SpiceConfig",
    "TrueFragmentsConfig",
]

Distance = Annotated[float, Field(gt=0, le=20)]


class ClusterConfig(BackboneConfig):
    """What both networks have."""

    features: tuple[Feature, ...] = Field(("coordinates", "deposit"), min_length=1)
    """What it sees of each voxel; charges of planes make three columns, coordinates too."""
    depth: int = Field(5, ge=2)
    """Levels, each of half the resolution of the one before."""
    input_kernel: int = Field(5, ge=1)
    """Size of the first convolution, odd."""
    augmentation: Augmentation = Augmentation()
    """Random changes of training events."""


class SpiceConfig(ClusterConfig):
    """Embeddings, margins and seeds: one encoder, two decoders (arXiv:2007.03083)."""

    filters: int = Field(64, ge=1)
    """Features of a voxel on the finest level, F; on level l they are (l + 1) F."""
    depth: int = Field(7, ge=2)
    """Levels, each of half the resolution of the one before."""
    largest_margin: float = Field(2.0, gt=0)
    """Margins are at most this; half the longest axis of the grid has length 1."""
    mask: Literal["bce", "lovasz"] = "bce"
    """Loss of which voxels belong to which cluster: cross-entropy, or the Lovasz hinge of the
    publication."""
    mask_weight: Weight = 1.0
    """Weight of that loss."""
    seed_weight: Weight = 1.0
    """Weight of the distance of a seed's score from the voxel's probability of its own cluster."""
    smoothing_weight: Weight = 1.0
    """Weight of the distance of a voxel's margin from the mean of its cluster."""
    inter_weight: Weight = 1.0
    """Weight of what keeps the middles of clusters apart."""
    inter_distance: float = Field(0.2, ge=0)
    """Middles of clusters nearer than twice this are pushed apart."""
    fewest_voxels: int = Field(2, ge=1)
    """Classes with fewer voxels in an event teach nothing."""
    probability: float = Field(0.5, gt=0, le=1)
    """A voxel is of the cluster of a seed if its probability is at least this."""
    seed: Fraction = 0.0
    """Voxels whose score is below this start no cluster."""
    smallest: int = Field(2, ge=1)
    """A seed that gets fewer voxels, itself included, starts none either; they go to others."""


class GraphSpiceConfig(ClusterConfig):
    """Scores of edges between neighbouring voxels of one class (SPINE's Graph-SPICE)."""

    normalise: bool = False
    """Whether the features of voxels are normalised before edges are scored."""
    dice_weight: Weight = 0.8
    """Weight of minus the logarithm of the Dice coefficient of cut edges, event by event."""
    entropy_weight: Weight = 0.2
    """Weight of the cross-entropy of edges."""
    cut: Fraction = 0.1
    """An edge whose probability of a cut is above this is cut."""
    smallest: int = Field(3, ge=1)
    """Connected pieces of fewer voxels are orphans: their voxels go where most neighbours are."""


class DbscanBendsConfig(Config):
    """DBSCAN of each class, tracks broken where the shape of the event says so."""

    shower: Distance = 1.999
    """Longest step between voxels of showers, in voxels."""
    track: Distance = 1.999
    """Of tracks, in either scheme of classes."""
    michel: Distance = 1.999
    """Of Michel electrons."""
    delta: Distance = 1.999
    """Of deltas."""
    smallest: int = Field(3, ge=1, le=10_000)
    """Pieces of fewer voxels are no fragments."""
    break_radius: float = Field(5.0, ge=0, le=50)
    """Tracks are cut within this distance of a point, in voxels; 0: not at all."""


class DbscanConfig(DbscanBendsConfig):
    """DBSCAN of each class, tracks broken at points."""


class TrueFragmentsConfig(Config):
    """True fragments: no settings."""
