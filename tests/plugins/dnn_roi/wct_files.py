"""Files as Wire-Cell writes them, of an invented detector: pairs of HDF5 files, frame archives."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]

PLANES = (24, 24, 32)  # wires of A, B and C, the three planes of the invented detector
TICKS = 210  # no multiple of the networks' bins
MASKS = ("mp2_roi", "mp3_roi", "extend_roi")
WAVEFORMS = ("loose_lf", "tight_lf", "decon_charge", "gauss")

GEOMETRY = """\
name = "invented"
tick_ns = 400.0

[[planes]]
name = "A"
induction = true
channels = [0, {a}]
pitch_mm = 3.0
angle_deg = 60.0

[[planes]]
name = "B"
induction = true
channels = [{a}, {b}]
pitch_mm = 3.0
angle_deg = -20.0

[[planes]]
name = "C"
induction = false
channels = [{b}, {c}]
pitch_mm = 2.5
angle_deg = 0.0
"""


def geometry(folder: Path, planes: Sequence[int] = PLANES) -> Path:
    """A geometry file of the invented detector."""
    a, b, c = np.cumsum(planes).tolist()
    path = folder / "invented.toml"
    path.write_text(GEOMETRY.format(a=a, b=b, c=c))
    return path


def event(seed: int, channels: int = sum(PLANES), ticks: int = TICKS) -> Arrays:
    """Tag -> (channels, ticks): noise and one straight track, in the ranges of real frames."""
    rng = np.random.default_rng(seed)
    middle = (ticks * (0.2 + 0.6 * np.arange(channels) / channels)).astype(int)[:, None]
    distance = np.abs(np.arange(ticks) - middle)
    truth = (3000 * np.exp(-0.5 * (distance / 3) ** 2)).astype(np.float32)
    truth[truth < 1] = 0
    arrays: Arrays = {"deposplat": truth}
    for tag in WAVEFORMS:
        noise = rng.normal(0, 200, (channels, ticks)).astype(np.float32)
        arrays[tag] = truth + noise
    arrays["gauss"] *= distance < 12
    for tag, reach in zip(MASKS, (20, 10, 12), strict=True):
        arrays[tag] = np.where(distance < reach, np.float32(4000), np.float32(0))
    return arrays


def write_hdf5(
    path: Path,
    events: Mapping[int, Arrays],
    *,
    anodes: Sequence[int] = (0,),
    tick_first: bool = True,
    order: NDArray[Any] | None = None,
    tickinfo: Sequence[float] = (0.0, 400.0, 0.0),
) -> Path:
    """``HDF5FrameTap``: each array as one gzip chunk, (ticks, channels) unless told otherwise.

    Args:
        path: The file.
        events: Number -> tag -> (channels, ticks).
        anodes: Numbers of the anodes, which all have the same frames.
        tick_first: Order of the axes on disk.
        order: Order of the channels in the file; None: ascending.
        tickinfo: Time, sampling period, first tick.
    """
    with h5py.File(path, "w") as file:
        for number, arrays in events.items():
            group = file.create_group(str(number))
            for anode in anodes:
                for tag, array in arrays.items():
                    rows = np.arange(len(array)) if order is None else order
                    frame = array[rows].T if tick_first else array[rows]
                    zipped = {"compression": "gzip", "compression_opts": 2, "chunks": frame.shape}
                    group.create_dataset(f"frame_{tag}{anode}", data=frame, **zipped)
                    channels = (rows + anode * len(array)).astype(np.int32)
                    group.create_dataset(f"channels_{tag}{anode}", data=channels)
                    info = np.array(tickinfo, np.float64)
                    group.create_dataset(f"tickinfo_{tag}{anode}", data=info)
    return path


def write_pair(
    folder: Path,
    name: str = "1",
    events: Sequence[int] = (100, 101),
    *,
    offset: int = 100,
    truth: str = "deposplat",
    sizes: Mapping[str, int] | None = None,
    **options: Any,
) -> Path:
    """``g4-rec-NAME.h5`` and ``g4-tru-NAME.h5``; returns the first."""
    made = {number: event(number, **(sizes or {})) for number in events}
    reco = {
        n: {tag: a for tag, a in arrays.items() if tag != "deposplat"} for n, arrays in made.items()
    }
    true = {n - offset: {truth: arrays["deposplat"]} for n, arrays in made.items()}
    write_hdf5(folder / f"g4-tru-{name}.h5", true, **options)
    return write_hdf5(folder / f"g4-rec-{name}.h5", reco, **options)


def archive_members(
    events: Sequence[int] = (7,), anode: int = 1, sizes: Mapping[str, int] | None = None
) -> Iterator[tuple[str, NDArray[Any]]]:
    """``FrameFileSink``: members of frames without truth, in its order; Fortran-ordered frames."""
    for number in events:
        arrays = event(number, **(sizes or {}))
        for tag, array in arrays.items():
            if tag == "deposplat":
                continue
            name = f"{tag}{anode}_{number}.npy"
            channels = np.arange(len(array), dtype=np.int32)[::-1]
            yield f"frame_{name}", np.asfortranarray(array[::-1])
            yield f"channels_{name}", channels + np.int32(anode * len(array))
            yield f"tickinfo_{name}", np.array([0.0, 400.0, 0.0])
        yield f"chanmask_bad_{number}.npy", np.array([[3, 0, 210]], dtype=np.int32)


def write_tar(path: Path, members: Iterator[tuple[str, NDArray[Any]]]) -> Path:
    """A tar archive compressed by bzip2, written without the plugin."""
    with tarfile.open(path, "w:bz2") as archive:
        for name, array in members:
            content = io.BytesIO()
            np.save(content, array)
            info = tarfile.TarInfo(name)
            info.size = content.tell()
            content.seek(0)
            archive.addfile(info, content)
    return path
