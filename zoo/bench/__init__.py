"""Time and memory of any model, each case in fresh processes.

Importing this loads no torch: an ONNX file is measured in a process without it.
"""

from __future__ import annotations

from zoo.bench.benching import bench
from zoo.bench.cases import Options
from zoo.bench.files import read_bench, write_bench
from zoo.bench.results import Bench, Row
from zoo.bench.subjects import Settings

__all__ = ["Bench", "Options", "Row", "Settings", "bench", "read_bench", "write_bench"]
