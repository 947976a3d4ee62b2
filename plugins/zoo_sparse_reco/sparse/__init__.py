"""Sparse convolution that needs nothing but numpy and torch.

============= =====================================================================
tables        who neighbours whom, level by level, from coordinates (numpy, for codecs)
maps          these tables as tensors, with the lists that CPUs use, made once per batch
convolution   layers: ``SubmanifoldConv``, ``DownConv``, ``UpConv``
pooling       ``max_pool``, ``mean_pool``
pair_form     the computation on CPUs: gather, multiply, add up, offset by offset
table_form    the computation in exported graphs: plain operations with free sizes
gpu_form      the computation on GPUs: no atomic additions
triton_kernel it as one kernel, where there is Triton; ``level_maps(tables, triton=False)`` forgoes
              it
convert       weights of MinkowskiEngine and spconv
============= =====================================================================

Names of tables (:func:`~zoo_sparse_reco.sparse.tables.flatten_levels`): level 0 is the finest.
``neighbours_0`` (N_0, 27) has for every voxel the rows of its neighbours; columns are offsets in
lexicographic order of (dx, dy, dz), column 13 is the voxel itself, -1: no voxel. ``parent_0``
(N_0,) is the row in level 1 of the voxel that holds it, ``slot_0`` (N_0,) where in that one it
lies, ``4 (x % 2) + 2 (y % 2) + z % 2``; ``children_1`` (N_1, 8) are the rows in level 0 of what a
voxel of level 1 holds, by slot, -1: none. The coarsest level has no ``parent`` and no ``slot``.
All are int32. In 2-D there are 9 columns (4 is the voxel itself) and 4 slots. A network makes
``maps = level_maps(tables)`` once per forward pass and gives ``maps[level].neighbours``, ``.down``
or ``.up`` to its layers; a first layer with another kernel has a table of its own, from
``neighbour_table(coordinates, events, 5)``, and a ``NeighbourMap`` made of it.
"""
