"""Figures of groupings: clusterings, edges, kinds of particles, events."""
