"""Optics: how much light each sensor sees of a point, learnt, and events found with it."""
