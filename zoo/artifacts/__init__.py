"""Files that a training leaves: run directory, model file, their canonical form and digests."""
