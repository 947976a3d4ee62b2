"""Model files from parameter files of other programs."""

from __future__ import annotations

from zoo.conversion.converting import Converted, convert
from zoo.conversion.foreign import read_checkpoint

__all__ = ["Converted", "convert", "read_checkpoint"]
