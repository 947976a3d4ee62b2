"""Metric rows, their numbers with intervals, and comparisons on the same events."""

from __future__ import annotations

from zoo.evaluation.bins import numbers_of
from zoo.evaluation.comparing import compare
from zoo.evaluation.evaluation import evaluate
from zoo.evaluation.paired import Difference, paired_differences
from zoo.evaluation.resampling import Resampler
from zoo.evaluation.results import Results, read_results, write_results
from zoo.evaluation.rows import measure, metrics_for

__all__ = [
    "Difference",
    "Resampler",
    "Results",
    "compare",
    "evaluate",
    "measure",
    "metrics_for",
    "numbers_of",
    "paired_differences",
    "read_results",
    "write_results",
]
