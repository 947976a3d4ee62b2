"""What classes and scores of voxels become: points of particles, and connected fragments.

Networks, baselines and oracle all go through the same functions.
"""

from zoo_sparse_reco.points.fragments import fragments_of
from zoo_sparse_reco.points.proposals import Proposals, points_of

__all__ = ["Proposals", "fragments_of", "points_of"]
