"""Figures on disk, and one offline HTML page of a run or an evaluation."""

from __future__ import annotations

from zoo.report.drawings import draw_figures
from zoo.report.report import write_report

__all__ = ["draw_figures", "write_report"]
