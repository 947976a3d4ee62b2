"""From voxels to particles and interactions: links between tasks, and all stages one by one.

What a stage says is told to the next one in columns ``input_...``; at the end stand tables of
voxels, fragments, particles and interactions, in one file, and their comparison with the truth.
"""
