"""Weights of other libraries of sparse convolution, to the layout here and back.

Here a weight is (offsets, C_in, C_out), offsets in lexicographic order of (dx, dy, dz): z is
fastest. All mean the same product: an output voxel at u adds up ``weight[d]`` times the input voxel
at u + d; of a strided one, at 2 u + d; transposed, the other way round.

- **MinkowskiEngine** 0.5: ``kernel`` (offsets, C_in, C_out) with x fastest, or (C_in, C_out) where
  there is one offset (its ``src/kernel_region.hpp``). Not compared with it: read, not run.
- **spconv** 2.x: ``weight`` (C_out, k, k, k, C_in), the axes in the order of its ``indices`` after
  the event, often z, y, x. Compared with spconv 2.3.8 on a CPU.

Arrays of numpy and tensors of torch are taken alike, and the same is returned.
"""

from __future__ import annotations

from itertools import product
from math import prod
from typing import Any, TypeVar

from zoo.api import DataError

__all__ = ["from_minkowski", "from_spconv", "to_minkowski", "to_spconv"]

Array = TypeVar("Array", bound=Any)


def from_minkowski(kernel: Array, dims: int = 3) -> Array:
    """(offsets, C_in, C_out), z fastest.

    Args:
        kernel: (offsets, C_in, C_out), x fastest; of one offset (C_in, C_out).
        dims: 2 or 3.

    Raises:
        DataError: It is no kernel of a cube.
    """
    if kernel.ndim == 2:
        kernel = kernel.reshape(1, *kernel.shape)
    size = _size_of(kernel, dims, "a kernel of MinkowskiEngine")
    # The order of x fastest, read backwards along the axes, is its own inverse.
    turned: Array = kernel[_order(size, tuple(reversed(range(dims))))]
    return turned


def to_minkowski(weight: Array, dims: int = 3) -> Array:
    """The inverse of :func:`from_minkowski`.

    Raises:
        DataError: It is no weight of a cube.
    """
    size = _size_of(weight, dims, "a weight")
    turned: Array = weight[_order(size, tuple(reversed(range(dims))))]
    if size == 1:
        turned = turned[0]
    return turned


def from_spconv(weight: Array, axes: str = "xyz") -> Array:
    """(offsets, C_in, C_out), z fastest.

    Args:
        weight: (C_out, k, k, k, C_in) or (C_out, k, k, C_in).
        axes: What the axes of its network's indices are: ``xyz``, ``zyx``, ``xy``, ``yx`` or so on.

    Raises:
        DataError: Its shape is another, or the axes do not fit.
    """
    dims = weight.ndim - 2
    chosen = _axes(axes, dims)
    sizes = set(weight.shape[1:-1])
    if len(sizes) != 1:
        raise DataError(
            f"a weight of shape {tuple(weight.shape)}",
            where="weight of spconv",
            remedy="give (C_out, k, k, k, C_in) with equal sizes along the axes",
        )
    (size,) = sizes
    offsets = prod(weight.shape[1:-1])
    flat = weight.reshape(weight.shape[0], offsets, weight.shape[-1]).swapaxes(0, 2).swapaxes(0, 1)
    turned: Array = flat[_order(size, chosen)]
    return turned


def to_spconv(weight: Array, dims: int = 3, axes: str = "xyz") -> Array:
    """The inverse of :func:`from_spconv`.

    Raises:
        DataError: It is no weight of a cube, or the axes do not fit.
    """
    size = _size_of(weight, dims, "a weight")
    chosen = _axes(axes, dims)
    back = tuple(chosen.index(axis) for axis in range(dims))
    flat = weight[_order(size, back)].swapaxes(0, 1).swapaxes(0, 2)
    shaped: Array = flat.reshape(flat.shape[0], *[size] * dims, flat.shape[-1])
    return shaped


def _order(size: int, axes: tuple[int, ...]) -> list[int]:
    """Where each offset, z fastest, is in a cube whose axis ``i`` is our axis ``axes[i]``."""
    steps = [size ** (len(axes) - 1 - place) for place in range(len(axes))]
    return [
        sum(offset[axis] * step for axis, step in zip(axes, steps, strict=True))
        for offset in product(range(size), repeat=len(axes))
    ]


def _axes(axes: str, dims: int) -> tuple[int, ...]:
    """Our number of each of their axes."""
    if sorted(axes) != list("xyz"[:dims]):
        raise DataError(
            f"axes '{axes}' of a weight with {dims}",
            where="weight of spconv",
            remedy="name each once, such as xyz or zyx",
        )
    return tuple("xyz".index(axis) for axis in axes)


def _size_of(weight: Any, dims: int, what: str) -> int:
    """Of the cube along each axis.

    Raises:
        DataError: It is none.
    """
    offsets = weight.shape[0]
    size: int = round(float(offsets) ** (1 / dims))
    if weight.ndim != 3 or size**dims != offsets:
        raise DataError(
            f"{what} of shape {tuple(weight.shape)} in {dims} dimensions",
            where="conversion of weights",
            remedy=f"give (k^{dims}, C_in, C_out)",
        )
    return size
