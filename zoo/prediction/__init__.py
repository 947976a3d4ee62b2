"""Predictors from what a user names, and samples to predict."""

from __future__ import annotations

from zoo.prediction.loading import load, task_of
from zoo.prediction.sources import read

__all__ = ["load", "read", "task_of"]
