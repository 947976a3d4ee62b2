"""Grids of the published files of layers.

Planes, bins and guns are those of the programs that made the files: ``create_hdf5.py`` and the
particle guns of https://github.com/FLC-QU-hep/getting_high (arXiv:2005.05334) and
https://github.com/FLC-QU-hep/neurIPS2021_hadron (arXiv:2112.09709). The detector's y is our depth,
its x is our x, its z our y.
"""

from __future__ import annotations

from zoo_calo.physics.grid import Box, Grid

__all__ = ["ECAL_FACE_MM", "ECAL_PLANES_MM", "HCAL_FACE_MM", "HCAL_PLANES_MM", "known_grid"]

ECAL_PLANES_MM = (
    *(1811, 1814, 1824, 1827, 1836, 1839, 1849, 1852, 1861, 1864, 1873, 1877, 1886, 1889, 1898),
    *(1902, 1911, 1914, 1923, 1926, 1938, 1943, 1955, 1960, 1971, 1976, 1988, 1993, 2005, 2010),
)
"""Whole mm below the hits of each of the 30 layers, in the detector's y."""

HCAL_PLANES_MM = (
    *(
        2079,
        2108,
        2134,
        2160,
        2187,
        2213,
        2239,
        2265,
        2294,
        2320,
        2346,
        2372,
        2398,
        2424,
        2450,
        2479,
    ),
    *(
        2506,
        2532,
        2558,
        2584,
        2610,
        2636,
        2662,
        2691,
        2717,
        2743,
        2769,
        2796,
        2822,
        2848,
        2877,
        2903,
    ),
    *(
        2929,
        2955,
        2981,
        3007,
        3033,
        3062,
        3088,
        3115,
        3141,
        3167,
        3193,
        3219,
        3248,
        3274,
        3300,
        3326,
    ),
)
"""Middle of the hits of each of the 48 layers, in the detector's y."""

ECAL_FACE_MM = 1810.0
"""Where photons of many angles start, 1 mm in front of the first plane."""
HCAL_FACE_MM = 2058.0
"""Assumed face of the first absorber, 21 mm in front of the first plane."""

_ECAL_CELL, _HCAL_CELL = 5.088333, 30.5  # mm
_ECAL_X, _ECAL_Y = -81.0, -77.0  # mm, lowest edges of 32 x 30 bins; the gun is at 0, 0
_HCAL_X, _HCAL_Y = -740.0 - 30.0, 271.0 - 1000.0  # mm, lowest edges seen from the gun at 30, 1000
_GUN_Y = -50.0  # mm, gun of the photons of many angles


def known_grid(shape: tuple[int, int, int], group: str = "") -> Grid | None:
    """The published grid of layers of that shape; ``None``: there is none.

    Args:
        shape: (layers, x, y).
        group: Of the file; it tells pions from photons where shapes could be both.
    """
    made = {
        (30, 30, 30): lambda: _ecal(shape, _ECAL_X + _ECAL_CELL, _ECAL_Y),
        (30, 32, 30): lambda: _ecal(shape, _ECAL_X, _ECAL_Y),
        (30, 30, 40): lambda: _ecal(shape, _ECAL_X + _ECAL_CELL, _ECAL_Y - _GUN_Y),
        (48, 48, 48): lambda: _hcal(shape, 0, 0),
        (48, 25, 25): lambda: _hcal(shape, 13, 11),
        (48, 13, 13): lambda: _hcal(shape, 19, 17),
        (78, 48, 48): lambda: _both(shape),
    }
    found = made.get(shape)
    if found is None or (group.startswith("hcal") and shape[0] != len(HCAL_PLANES_MM)):
        return None
    return found()


def _ecal(shape: tuple[int, int, int], low_x: float, low_y: float) -> Grid:
    return Grid(
        name=f"ILD electromagnetic calorimeter, {shape[1]} x {shape[2]} cells",
        depth_mm=tuple(plane + 0.5 - ECAL_FACE_MM for plane in ECAL_PLANES_MM),
        layer_weight=(1.0,) * 20 + (2.0,) * 10,  # the last ten lie behind twice the tungsten
        threshold_mev=0.1,
        mip_mev=0.2,
        box=_box(shape, _ECAL_CELL, low_x, low_y),
    )


def _hcal(shape: tuple[int, int, int], first_x: int, first_y: int) -> Grid:
    return Grid(
        name=f"ILD hadronic calorimeter, {shape[1]} x {shape[2]} cells",
        depth_mm=tuple(plane - HCAL_FACE_MM for plane in HCAL_PLANES_MM),
        layer_weight=(1.0,) * 48,
        threshold_mev=0.25,
        mip_mev=0.5,
        box=_box(shape, _HCAL_CELL, _HCAL_X + first_x * _HCAL_CELL, _HCAL_Y + first_y * _HCAL_CELL),
    )


def _both(shape: tuple[int, int, int]) -> Grid:
    """Both calorimeters in bins of the hadronic one; half a MIP is that of the hadronic one."""
    planes = [plane + 0.5 for plane in ECAL_PLANES_MM] + [float(plane) for plane in HCAL_PLANES_MM]
    return Grid(
        name=f"ILD calorimeters, {shape[1]} x {shape[2]} cells",
        depth_mm=tuple(plane - ECAL_FACE_MM for plane in planes),
        layer_weight=(1.0,) * 20 + (2.0,) * 10 + (1.0,) * 48,
        threshold_mev=0.25,
        mip_mev=0.5,
        box=_box(shape, _HCAL_CELL, _HCAL_X, _HCAL_Y),
    )


def _box(shape: tuple[int, int, int], cell: float, low_x: float, low_y: float) -> Box:
    return Box(nx=shape[1], ny=shape[2], cell_mm=cell, low_x_mm=low_x, low_y_mm=low_y)
