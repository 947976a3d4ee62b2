"""mini-graph: which fragments belong together, from the predictions of mini-points."""
