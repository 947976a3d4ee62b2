"""Predictors from what a user names, and samples to predict."""

from __future__ import annotations

from zoo.prediction.loading import load, task_of
from zoo.prediction.sources import read, read_blocks

__all__ = ["load", "read", "read_blocks", "task_of"]
