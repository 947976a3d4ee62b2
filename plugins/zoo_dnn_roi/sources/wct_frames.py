"""Frame archives of Wire-Cell's ``FrameFileSink``: npy members in a tar or zip file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from zoo.api import DataError
from zoo_dnn_roi.physics.frames import TaggedTraces, frame_shapes, read_frames
from zoo_dnn_roi.sources.wirecell import TAGS, Readout, WireCellSource
from zoo_dnn_roi.sources.wirecell_config import WctFramesConfig

__all__ = ["WctFrames"]

_FIELDS = {tag: field for field, tag in TAGS.items()}
_TAG = re.compile(rf"({'|'.join(_FIELDS)})(\d+)")


class WctFrames(WireCellSource):
    """Induction planes of the frames of one archive, without truth.

    An archive has no index: to read a frame, all before it are unpacked. ``zoo data convert``
    makes a file that is read at any place.

    Args:
        config: Settings.
        path: ``.tar``, ``.tar.gz``, ``.tar.bz2`` or ``.npz``.

    Raises:
        ConfigError, DataError: As for :class:`~zoo_dnn_roi.sources.wirecell.WireCellSource`; the
            archive is missing, damaged or too large.
    """

    def __init__(self, config: WctFramesConfig, path: str | Path) -> None:
        self._max_bytes = int(config.max_gib * 2**30)
        super().__init__(config, Path(path), _readouts(Path(path), self._max_bytes))

    def traces(
        self, readout: Readout, fields: frozenset[str]
    ) -> Iterator[tuple[str, TaggedTraces]]:
        """All of them in one pass through the archive; see :meth:`WireCellSource.traces`."""
        if not fields:
            return
        tags = {field: f"{TAGS[field]}{readout.anode}" for field in sorted(fields)}
        (frame,) = read_frames(
            readout.file, tags.values(), idents=[readout.event], max_bytes=self._max_bytes
        )
        for field, tag in tags.items():
            yield field, frame.traces[tag]


def _readouts(path: Path, max_bytes: int) -> list[Readout]:
    found: dict[tuple[int, int], dict[str, int]] = {}
    others = set()
    for (ident, tag), shape in frame_shapes(path, max_bytes=max_bytes).items():
        match = _TAG.fullmatch(tag)
        if match is None:
            others.add(tag)
            continue
        fields = found.setdefault((ident, int(match[2])), {})
        fields[_FIELDS[match[1]]] = shape[1]
    if not found:
        raise DataError(
            f"no tag that a network reads; found {', '.join(sorted(others)) or 'none'}",
            where=str(path),
            remedy=f"give frames with {', '.join(TAGS.values())}, each with the anode's number",
        )
    return [
        Readout(path, event, anode, f"event {event}", frozenset(fields), max(fields.values()))
        for (event, anode), fields in sorted(found.items())
    ]
