"""Exported files, run without the networks' code; torch is imported only for files that need it."""

from __future__ import annotations

from zoo.runtimes.header import ExportHeader, export_format, read_export_header
from zoo.runtimes.predictor import ExportedPredictor, load_exported
from zoo.runtimes.runtime import Runtime, open_runtime

__all__ = [
    "ExportHeader",
    "ExportedPredictor",
    "Runtime",
    "export_format",
    "load_exported",
    "open_runtime",
    "read_export_header",
]
