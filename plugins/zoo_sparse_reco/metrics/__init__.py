"""How well events are reconstructed: classes and ghosts of voxels, points, fragments."""

from zoo_sparse_reco.metrics.events import EventMetrics

__all__ = ["EventMetrics"]
