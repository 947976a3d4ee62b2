"""What a network sees of a node, 33 numbers, and of an edge, 19."""
