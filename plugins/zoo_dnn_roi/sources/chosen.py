"""Which induction planes of a detector become samples.

A sample is one plane, and all samples of a data set have one shape: planes of different size, like
the first and second of ICARUS, cannot be rows of one table. One of them is chosen, or both are
cropped to one size.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from zoo.api import ConfigError

__all__ = ["chosen_planes"]


class _Plane(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def wires(self) -> int: ...


_P = TypeVar("_P", bound=_Plane)


def chosen_planes(induction: Sequence[_P], names: Sequence[str], detector: str) -> tuple[_P, ...]:
    """The induction planes of some names, in the order of the detector.

    Args:
        induction: All that there are.
        names: Those that are wanted; none: all.
        detector: Its name, for errors.

    Raises:
        ConfigError: There is no plane of a name, or they are not of one size.
    """
    known = {plane.name: plane for plane in induction}
    for name in names:
        if name not in known:
            raise ConfigError(
                f"{detector} has no induction plane '{name}'",
                where="data.options.planes",
                remedy=f"choose of {', '.join(known)}",
            )
    planes = tuple(plane for name, plane in known.items() if name in (names or known))
    if len({plane.wires for plane in planes}) > 1:
        sizes = ", ".join(f"{plane.name}: {plane.wires}" for plane in planes)
        raise ConfigError(
            f"planes of different size ({sizes})",
            where="data.options.planes",
            remedy=f"choose one (data.options.planes=['{planes[0].name}']), or crop them",
        )
    return planes
