"""Grouping without a network: distances and directions, and the truth."""
