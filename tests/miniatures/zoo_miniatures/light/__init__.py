"""mini-light: how light spreads over photomultipliers, one gradient per epoch."""
