"""Predictions as Wire-Cell writes them: frames of the tag ``dnnsp``, in the format of the input.

The induction planes hold the charge inside the predicted regions, as Wire-Cell's ``DNNROIFinding``
takes it; the collection planes pass their ``gauss`` through. Channels and ticks that the prediction
left out are zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError, Table, UsageError, new_hdf5, open_hdf5
from zoo_dnn_roi.physics.frame_writer import write_members
from zoo_dnn_roi.physics.frames import TaggedTraces, read_members
from zoo_dnn_roi.physics.wirecell_charge import wirecell_charge
from zoo_dnn_roi.sources.wct_frames import WctFrames
from zoo_dnn_roi.sources.wct_hdf5 import WctHdf5, is_tick_first
from zoo_dnn_roi.sources.wirecell import Readout, WireCellSource

__all__ = ["TAG", "Charge", "write_frames"]

TAG = "dnnsp"
"""The tag of Wire-Cell's configurations, followed by the number of the anode."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """Settings of ``DNNROIFinding`` after the network; see :func:`wirecell_charge`."""

    scale: float = 1.0
    offset: float = 0.0
    keep_negative: bool = False


def write_frames(
    source: WireCellSource, predictions: Iterable[Table], out: Path, charge: Charge
) -> int:
    """Write the frames of all readouts that are predicted; others are left out.

    Args:
        source: The frames that were predicted, of one file.
        predictions: Tables with ``mask``, in the order of the source: as ``zoo predict`` has them.
        out: HDF5 for :class:`WctHdf5`, an archive for :class:`WctFrames`; it appears only when it
            is complete.
        charge: How a mask becomes charge.

    Returns:
        The number of frames.

    Raises:
        DataError: A plane of a readout is not predicted, predictions are of other data, in another
            order or of another size, or there is no ``gauss`` to pass through.
        UsageError: The file cannot be written, or there are several input files.
    """
    files = {readout.file for readout in source.readouts}
    if len(files) != 1:
        raise UsageError(
            f"{len(files)} files of frames", where=str(source.path), remedy="give one of them"
        )
    frames = _frames(source, predictions, charge)
    if isinstance(source, WctHdf5):
        return _write_hdf5(out, frames)
    if isinstance(source, WctFrames):
        return _write_archive(out, frames, files.pop())
    raise TypeError(f"{type(source).__name__} has no writer")


def _frames(
    source: WireCellSource, predictions: Iterable[Table], charge: Charge
) -> Iterator[tuple[Readout, TaggedTraces]]:
    masks = _Masks(predictions, str(source.path))
    written = 0
    for block in source.blocks():
        readout = source.readout(block)
        found = masks.take(source.ids(readout))
        if found is not None:
            written += 1
            yield readout, _predicted(source, readout, found, charge)
    masks.require_empty()
    if not written:
        raise masks.foreign()


class _Masks:
    """Masks by id, from tables in the order in which they are asked for: one table is held."""

    def __init__(self, predictions: Iterable[Table], where: str) -> None:
        self._tables = iter(predictions)
        self._where = where
        self._held: dict[int, NDArray[np.uint8]] = {}

    def take(self, ids: NDArray[np.uint64]) -> list[NDArray[np.uint8]] | None:
        """The masks of a readout; None if none of its planes is next."""
        wanted = ids.tolist()
        while len(self._held) < len(wanted):
            table = next(self._tables, None)
            if table is None:
                break
            self._held.update(zip(table.ids.tolist(), table["mask"], strict=True))
        present = [id_ in self._held for id_ in wanted]
        if not any(present):
            return None
        if not all(present):
            raise DataError(
                "a plane of a readout is not predicted",
                where=self._where,
                remedy="predict without --limit, with the same data.options.planes",
            )
        return [self._held.pop(id_) for id_ in wanted]

    def require_empty(self) -> None:
        """Refuse predictions that nothing asked for."""
        if self._held or next(self._tables, None) is not None:
            raise self.foreign()

    def foreign(self) -> DataError:
        """What predictions of other data are told."""
        return DataError(
            "the predictions are not of these frames, or in another order",
            where=self._where,
            remedy="give the file and the planes that `zoo predict` read",
        )


def _predicted(
    source: WireCellSource, readout: Readout, masks: list[NDArray[np.uint8]], charge: Charge
) -> TaggedTraces:
    layout = source.layout
    _require_gauss(source, readout)
    wanted = frozenset({"decon_charge", "gauss"} & source.fields)
    traces = dict(source.traces(readout, wanted))
    like = traces["decon_charge"]
    order = layout.order(like.channels, readout.where)
    ticks = layout.tick_slice(readout.ticks, readout.where)
    out = np.zeros(like.waveforms.shape, np.float32)
    charges = source.cut(like, readout, "decon_charge", source.planes)
    for plane, decon, mask in zip(source.planes, charges, masks, strict=True):
        out[order[plane.used], ticks] = wirecell_charge(
            decon,
            mask > 0,
            scale=charge.scale,
            offset=charge.offset,
            keep_negative=charge.keep_negative,
        )
    collection = [plane for plane in layout.planes if not plane.induction]
    for plane in collection:
        passed = source.cut(traces["gauss"], readout, "gauss", [plane])[0]
        out[order[plane.used], ticks] = passed
    return replace(like, waveforms=out, summary=None)


def _require_gauss(source: WireCellSource, readout: Readout) -> None:
    collects = any(not plane.induction for plane in source.layout.planes)
    missing = {"decon_charge", *(["gauss"] if collects else [])} - source.fields
    for tag in sorted(missing):
        raise DataError(
            f"it has no tag '{tag}'",
            where=readout.where,
            remedy="write decon_charge, and gauss, which the collection plane passes through",
        )


def _write_archive(out: Path, frames: Iterable[tuple[Readout, TaggedTraces]], like: Path) -> int:
    written: set[int] = set()
    count = 0

    def members() -> Iterator[tuple[str, NDArray[np.generic]]]:
        nonlocal count
        for readout, traces in frames:
            count += 1
            written.add(readout.event)
            name = f"{TAG}{readout.anode}_{readout.event}.npy"
            info = np.array([traces.time_ns, traces.tick_ns, traces.first_tick])
            yield f"frame_{name}", np.asfortranarray(traces.waveforms)
            yield f"channels_{name}", traces.channels.astype(np.int32)
            yield f"tickinfo_{name}", info
        for name, mask in read_members(like, lambda name: name.startswith("chanmask_")):
            if int(name[: -len(".npy")].rpartition("_")[2]) in written:
                yield name, mask

    write_members(out, members())
    return count


def _write_hdf5(out: Path, frames: Iterable[tuple[Readout, TaggedTraces]]) -> int:
    count = 0
    with new_hdf5(out) as file:
        for readout, traces in frames:
            count += 1
            name = f"{TAG}{readout.anode}"
            tick_first = _stored_tick_first(readout)
            frame = traces.waveforms.T if tick_first else traces.waveforms
            group = file.require_group(str(readout.event))
            group.create_dataset(
                f"frame_{name}",
                data=frame,
                chunks=frame.shape,
                compression="gzip",
                compression_opts=2,
            )
            group[f"channels_{name}"] = traces.channels.astype(np.int32)
            info = np.array([traces.time_ns, traces.tick_ns, traces.first_tick])
            group[f"tickinfo_{name}"] = info
    return count


def _stored_tick_first(readout: Readout) -> bool:
    with open_hdf5(readout.file) as file:
        group, name = file[str(readout.event)], f"decon_charge{readout.anode}"
        shape, channels = group[f"frame_{name}"].shape, group[f"channels_{name}"].size
    return is_tick_first(shape, channels, readout.where)
