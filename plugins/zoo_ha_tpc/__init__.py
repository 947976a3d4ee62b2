"""Momentum, angle and position of tracks from images of a pad plane."""
