"""Exports: one file that a program without this package loads, proven equal to the model."""

from __future__ import annotations

from zoo.export.exporting import Exported, export

__all__ = ["Exported", "export"]
