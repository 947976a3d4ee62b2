"""Binning of the CaloChallenge: rings in radius and angle, layer by layer, from XML.

``<Bins><Bin pid name><Layer id r_edges n_bin_alpha/>...``. A layer with a single edge has no bins.
Files are data of others: document types and entities are refused unread, and so is a large file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

from zoo.api import DataError
from zoo_calo.physics.grid import Rings

__all__ = ["Binning", "read_binnings"]

_MOST_BYTES = 2**20
_MOST_BINS = 2**20


@dataclass(frozen=True, slots=True)
class Binning:
    """Bins of one particle.

    Attributes:
        particle: Its name.
        layers: Numbers of the layers that have bins.
        rings: Bins of each of them.
    """

    particle: str
    layers: tuple[int, ...]
    rings: tuple[Rings, ...]

    @property
    def voxels(self) -> int:
        """How many bins in all."""
        return sum(ring.alphas * (len(ring.r_mm) - 1) for ring in self.rings)


def read_binnings(path: Path) -> list[Binning]:
    """All binnings of a file.

    Raises:
        DataError: It is missing, no such XML, or its edges do not rise.
    """
    where = str(path)
    try:
        with path.open("rb") as stream:
            content = stream.read(_MOST_BYTES + 1)
    except OSError as error:
        raise DataError(
            f"cannot be read ({error.strerror})", where=where, remedy="check data.options.binning"
        ) from error
    if len(content) > _MOST_BYTES or b"\0" in content:
        raise _fault("no text of at most 1 MiB", where)
    if re.search(rb"<!\s*(DOCTYPE|ENTITY)", content, re.IGNORECASE):
        raise _fault("a document type or entities, which are never read", where)
    try:
        root = ET.fromstring(content)
    except ET.ParseError as error:
        raise _fault(f"no XML ({error})", where) from error
    found = [_binning(bin_, where) for bin_ in root.iter("Bin")]
    if not found:
        raise _fault("no <Bin>", where)
    return found


def _binning(bin_: ET.Element, where: str) -> Binning:
    layers, rings = [], []
    for layer in bin_.iter("Layer"):
        try:
            number = int(layer.attrib["id"])
            edges = tuple(float(edge) for edge in layer.attrib["r_edges"].split(","))
            alphas = int(layer.attrib["n_bin_alpha"])
        except (KeyError, ValueError) as error:
            raise _fault(f"a layer that is not told ({error})", where) from error
        rising = all(a < b for a, b in pairwise(edges))
        if not rising or edges[0] < 0 or edges[-1] == float("inf") or not 1 <= alphas <= _MOST_BINS:
            raise _fault(f"layer {number}: {alphas} angles, radii {edges}", where)
        if len(edges) > 1:
            layers.append(number)
            rings.append(Rings(r_mm=edges, alphas=alphas))
    found = Binning(str(bin_.attrib.get("name", "")), tuple(layers), tuple(rings))
    if not 0 < found.voxels <= _MOST_BINS or sorted(set(layers)) != layers:
        raise _fault(f"{found.voxels} bins in layers {layers}", where)
    return found


def _fault(problem: str, where: str) -> DataError:
    return DataError(
        problem, where=where, remedy="give the binning_dataset_*.xml of the CaloChallenge"
    )
