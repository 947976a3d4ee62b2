"""Yields of sensors and the place of the light, from data and a model that stays as it is."""
