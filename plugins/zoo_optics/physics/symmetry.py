"""Whether turning or mirroring a detector gives the same detector.

A tank without reflections needs less: light that goes straight or is scattered in the water knows
of one sensor alone, so that turning a point and a sensor together changes nothing, wherever the
others are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from zoo.api import ConfigError
from zoo_optics.physics.detector import Cylinder, Detector

__all__ = ["NEAR", "mirror", "partners", "require_symmetry", "rings_of"]

Array = NDArray[np.float64]

NEAR = 1e-3
"""Share of the volume's half width by which places may differ; of 4 m it is 4 mm."""
_WHERE = "model.symmetry"


def require_symmetry(
    detector: Detector, symmetry: Sequence[str], facts: Mapping[str, Any], *, of_pairs: bool
) -> None:
    """Check that a detector has the symmetries that a model is to use.

    Args:
        detector: Sensors and volume.
        symmetry: Of ``rotation``, ``x``, ``y``, ``z``.
        facts: Of the data: what else breaks it (``shadow``), or makes it needless that all sensors
            have partners (``surfaces`` that reflect nothing).
        of_pairs: Whether the model is one of a point and a sensor; else all sensors must map on
            one another, and a rotation is none.

    Raises:
        ConfigError: Naming the symmetry and the sensor that breaks it.
    """
    if "rotation" in symmetry:
        _require_turnable(detector, symmetry, of_pairs=of_pairs)
    if "z" in symmetry and float(facts.get("shadow", {}).get("share", 0)) > 0:
        raise ConfigError(
            "the bars of the field cage are not the same seen from the other end",
            where=_WHERE,
            remedy="leave z out",
        )
    if of_pairs and _reflects_nothing(facts):
        _require_upright(detector, symmetry)
        return
    for axis in (name for name in symmetry if name in "xyz"):
        _require_partners(detector, mirror("xyz".index(axis)), f"mirrored in {axis}")
    if "rotation" in symmetry:
        for name, matrix in _turns(detector):
            _require_partners(detector, matrix, name)


def mirror(axis: int) -> Array:
    """Matrix (3, 3) of the mirror image in the middle of the volume along an axis."""
    matrix = np.eye(3)
    matrix[axis, axis] = -1
    return matrix


def partners(detector: Detector, matrix: Array) -> NDArray[np.int64]:
    """For every sensor the one at its image, int64 (sensors,); -1 where there is none.

    Args:
        detector: Sensors and volume; images are about its middle.
        matrix: (3, 3), orthogonal.
    """
    place, normal = _scaled(detector), detector.sensors.direction
    size = _size(detector)
    distance, found = KDTree(place).query((matrix @ (place * size).T).T / size)
    turned = (matrix @ normal.T).T
    same = (distance < NEAR) & (np.abs(normal[found] - turned).max(1) < NEAR)
    return np.where(same, found, -1).astype(np.int64)


def rings_of(detector: Detector) -> Iterator[NDArray[np.int64]]:
    """Sensors at one radius and height, ring by ring."""
    place = _scaled(detector)
    levels = [_levels(np.hypot(place[:, 0], place[:, 1])), _levels(place[:, 2])]
    _, ring = np.unique(np.stack(levels, 1), axis=0, return_inverse=True)
    order = np.argsort(ring.reshape(-1), kind="stable")
    cuts = np.flatnonzero(np.diff(ring.reshape(-1)[order])) + 1
    yield from np.split(order, cuts)


def _turns(detector: Detector) -> Iterator[tuple[str, Array]]:
    """Rotations between the sensors of each ring, and the mirror image in one's meridian plane."""
    place = _scaled(detector)
    radius = np.hypot(place[:, 0], place[:, 1])
    # A sensor on the axis has no azimuth: it counts as one at 0.
    azimuth = np.where(radius < NEAR, 0.0, np.arctan2(place[:, 1], place[:, 0]))
    done: set[int] = set()
    for ring in rings_of(detector):
        first = azimuth[ring[0]]
        for angle in np.unique(np.round((azimuth[ring] - first) % (2 * np.pi), 6)):
            number = round(float(angle) * 1e5)
            if number and number not in done:
                done.add(number)
                yield f"turned by {np.rad2deg(angle):.2f} degrees", _rotation(float(angle))
        across = _rotation(first) @ np.diag([1.0, -1, 1]) @ _rotation(-first)
        yield f"mirrored in the plane at {np.rad2deg(first):.2f} degrees", across


def _levels(values: Array) -> NDArray[np.int64]:
    """Numbers of groups of values, between which there are gaps."""
    order = np.argsort(values)
    level = np.concatenate([[0], np.cumsum(np.diff(values[order]) > NEAR)])
    numbers = np.empty(len(values), dtype=np.int64)
    numbers[order] = level
    return numbers


def _rotation(angle: float) -> Array:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])


def _require_partners(detector: Detector, matrix: Array, name: str) -> None:
    alone = np.flatnonzero(partners(detector, matrix) < 0)
    if len(alone):
        place = ", ".join(f"{x:.1f}" for x in detector.sensors.position_cm[alone[0]])
        raise ConfigError(
            f"{len(alone)} of {len(detector.sensors)} sensors have no partner when the detector is "
            f"{name}, the first is sensor {alone[0]} at ({place}) cm",
            where=_WHERE,
            remedy="leave this symmetry out",
        )


def _require_turnable(detector: Detector, symmetry: Sequence[str], *, of_pairs: bool) -> None:
    problem = ""
    if not isinstance(detector.volume, Cylinder):
        problem = "a box cannot be turned"
    elif not of_pairs:
        problem = "a network that answers for all sensors at once cannot be turned by any angle"
    elif {"x", "y"} & set(symmetry):
        problem = "rotation has the mirror images in x and y already"
    if problem:
        raise ConfigError(problem, where=_WHERE, remedy="leave rotation, or x and y, out")


def _require_upright(detector: Detector, symmetry: Sequence[str]) -> None:
    """Sensors must look neither left nor right, nor through a mirror that they stand in."""
    place, normal = _scaled(detector), detector.sensors.direction
    askew = np.zeros(len(place), dtype=bool)
    if "rotation" in symmetry:
        radius = np.hypot(place[:, 0], place[:, 1])
        across = place[:, 0] * normal[:, 1] - place[:, 1] * normal[:, 0]
        askew |= np.abs(across) > NEAR * np.maximum(radius, NEAR)
        askew |= (radius < NEAR) & (np.hypot(normal[:, 0], normal[:, 1]) > NEAR)
    for axis in (name for name in symmetry if name in "xyz"):
        at = "xyz".index(axis)
        askew |= (np.abs(place[:, at]) < NEAR) & (np.abs(normal[:, at]) > NEAR)
    if askew.any():
        raise ConfigError(
            f"{int(askew.sum())} of {len(askew)} sensors look askew, the first is sensor "
            f"{int(np.flatnonzero(askew)[0])}: their mirror images look another way",
            where=_WHERE,
            remedy="leave this symmetry out",
        )


def _reflects_nothing(facts: Mapping[str, Any]) -> bool:
    """Whether the facts say that no wall and no sensor sends light on."""
    surfaces = facts.get("surfaces")
    if not surfaces:
        return False
    return not (surfaces["wall_reflectivity"] or surfaces["sensor_reflectivity"])


def _size(detector: Detector) -> Array:
    size: Array = (detector.volume.high - detector.volume.low) / 2
    return size


def _scaled(detector: Detector) -> Array:
    """Places in units of half the volume, about its middle."""
    volume = detector.volume
    scaled: Array = (detector.sensors.position_cm - (volume.low + volume.high) / 2) / _size(
        detector
    )
    return scaled
