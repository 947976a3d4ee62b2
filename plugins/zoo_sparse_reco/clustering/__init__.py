"""The task ``sparse-cluster``: voxels of known class into fragments, pieces of one particle.

=================== ============================================================================
task                what is registered: plain data
config              settings of networks, of their losses, and of what follows them
codec, targets      events to batches and back; which voxels are clustered with which
networks            ``spice``: embeddings, margins, seeds; ``graph-spice``: scores of edges
losses, learner     what they learn
greedy              from embeddings, margins and seeds to clusters
edges               from scores of edges to clusters
dbscan, baselines   rows without a network
metrics, figures    how well
deploy              what another program loads
=================== ============================================================================

Classes are clustered one by one: two voxels of different classes are never in one fragment. Voxels
of low energy, ghosts and voxels of no known class are of none: SPINE clusters classes 0 to 3 alone.
"""
