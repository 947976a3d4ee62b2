"""The task ``sparse-group``: fragments to showers and tracks, particles to interactions."""
