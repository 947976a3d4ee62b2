"""Settings of the sources that read Wire-Cell's files."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from zoo.api import Config

__all__ = ["WctFramesConfig", "WctHdf5Config", "WireCellConfig"]


class WireCellConfig(Config):
    """What all Wire-Cell files share."""

    detector: str = "protodune-hd"
    """Name of a detector that comes with the plugin, or a geometry file (``.toml``)."""
    planes: tuple[str, ...] = ()
    """Induction planes to read, of one size; empty: all of the detector."""


class WctHdf5Config(WireCellConfig):
    """Pairs of reconstructed and true frames of ``HDF5FrameTap``."""

    truth: Literal["auto", "deposplat", "ductor", "none"] = "auto"
    """Tag of the true charge; ``auto``: the one that there is; ``none``: read no truth."""
    event_offset: int | None = None
    """Number of a reconstructed event less that of its truth; absent: 0 or 100, as files say."""


class WctFramesConfig(WireCellConfig):
    """Frame archives of ``FrameFileSink``."""

    max_gib: float = Field(4.0, gt=0)
    """Largest unpacked size of an archive, GiB."""
