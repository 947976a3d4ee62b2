"""Tracks in a silicon barrel: a plugin of detector-zoo."""
