"""Surrogates of the light."""
