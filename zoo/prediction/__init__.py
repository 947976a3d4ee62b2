"""Predictors from what a user names, and samples to predict."""

from __future__ import annotations

from zoo.prediction.loading import load, task_of
from zoo.prediction.sources import facts_of, read, read_blocks

__all__ = ["facts_of", "load", "read", "read_blocks", "task_of"]
