"""Checks of what has gone wrong before: factors of layers, angles, labels, cores, containment.

Each finding has one number, a verdict and a sentence. ``fail`` needs both a size that matters and
three standard errors; ``unknown`` says what the samples lack.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chisquare, kstest

from zoo_calo.fidelity.robust import mean90
from zoo_calo.observables.cores import core_cells, core_widths
from zoo_calo.observables.hits import hits_of
from zoo_calo.observables.numbers import LAST_LAYERS, contained, last_share
from zoo_calo.observables.profiles import longitudinal
from zoo_calo.physics.grid import Grid

__all__ = [
    "Finding",
    "angle_slope",
    "check",
    "containment",
    "last_layers",
    "layer_factor",
    "same_core",
    "uniform_label",
]

Array = NDArray[np.float64]
Verdict = Literal["pass", "fail", "unknown"]

_SIGMAS = 3.0
_LEVEL = 1e-3  # of tests of labels: one in a thousand right samples fails


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Attributes:
        name: Of the check.
        number: What it measured; NaN where it could not.
        unit: Of the number.
        verdict: Whether that is right.
        sentence: What it means.
    """

    name: str
    number: float
    unit: str
    verdict: Verdict
    sentence: str

    def told(self) -> dict[str, Any]:
        """As JSON values: ``None`` for a number that is not known."""
        return asdict(self) | {"number": self.number if np.isfinite(self.number) else None}


def check(reference: Mapping[str, Any], generated: Mapping[str, Any], grid: Grid) -> list[Finding]:
    """All checks.

    Args:
        reference: ``energy``, ``cell``, ``deposit``; ``theta`` and ``outside`` where known.
        generated: The same of generated showers.
        grid: Of both.
    """
    return [
        layer_factor(reference, grid),
        last_layers(reference, generated, grid),
        angle_slope(reference, generated, grid),
        *(
            uniform_label(showers[name], f"{name} of the {whose}")
            for whose, showers in (("reference", reference), ("generated showers", generated))
            for name in ("energy", "theta")
            if name in showers
        ),
        same_core(reference, generated, grid),
        containment(reference, generated, grid),
    ]


def layer_factor(showers: Mapping[str, Any], grid: Grid) -> Finding:
    """Whether deposits have been multiplied by the weights of their layers already.

    The same silicon behind thicker absorber sees the same shower: over the depth, deposits as
    measured go on without a step where layers begin to count more, and weighted ones rise by that
    factor. A parabola of the depth with an odd-even term is fitted to the logarithm of the profile
    around that border, together with a step.
    """
    name = "weight of the last layers"
    border, factor = _border(grid)
    if border < 6:
        return _unknown(name, f"the grid has {grid.layers} layers, too few to see a step")
    hits = hits_of(showers, grid).above(grid.threshold_mev)
    profile = hits.table(hits.layer, grid.layers, hits.deposit)
    near = slice(border - min(border, 8), min(border + 8, grid.layers))
    mean = profile.mean(0)[near]
    if hits.showers < 20 or (mean <= 0).any():
        return _unknown(name, "there are too few showers, or layers without energy")
    step, error = _step(profile[:, near], np.cumsum(grid.layer_weight)[near], border - near.start)
    good = abs(step) < max(np.log(1.25), _SIGMAS * error)
    seen = float(np.exp(step))
    text = (
        f"at layer {border} deposits rise by a factor of {seen:.2f} +- {seen * error:.2f}, those "
        f"as measured by 1; the grid weighs the layers from there on {factor:g} times"
    )
    remedy = "" if good else ": they are weighted already, or the layers are not those of the grid"
    return Finding(name, seen, "", "pass" if good else "fail", f"{text}{remedy}.")


def _border(grid: Grid) -> tuple[int, float]:
    """Layer from which on weights differ, and by which factor; where they do not, the last ten."""
    weight = np.asarray(grid.layer_weight)
    changes = np.flatnonzero(weight[1:] != weight[:-1]) + 1
    border = int(changes[-1]) if len(changes) else grid.layers - LAST_LAYERS
    return border, float(weight[border] / weight[border - 1]) if border > 0 else 1.0


def last_layers(reference: Mapping[str, Any], generated: Mapping[str, Any], grid: Grid) -> Finding:
    """The share of visible energy in the last ten layers, generated over reference."""
    name = "share of the last layers"
    if grid.layers <= LAST_LAYERS:
        return _unknown(name, f"the grid has no more than {LAST_LAYERS} layers")
    shares = [last_share(longitudinal(_counted(one, grid))) for one in (reference, generated)]
    return _ratio(name, shares, "of the visible energy lies in the last ten layers")


def angle_slope(reference: Mapping[str, Any], generated: Mapping[str, Any], grid: Grid) -> Finding:
    """The slope of visible energy per energy against the angle, generated less reference."""
    name = "slope in angle"
    if "theta" not in reference or "theta" not in generated:
        return _unknown(name, "the showers have no angle")
    slopes = [_slope(one, grid) for one in (reference, generated)]
    if not np.isfinite(slopes).all():
        return _unknown(name, "all showers have one angle, or there are too few")
    (true, true_error), (made, made_error) = slopes
    number, error = made - true, float(np.hypot(true_error, made_error))
    bad = abs(number) > _SIGMAS * error and abs(number) > 0.5
    text = (
        f"visible energy changes by {true:+.2f} +- {true_error:.2f} % in ten degrees in the "
        f"reference and by {made:+.2f} +- {made_error:.2f} % in the generated showers"
    )
    return Finding(name, number, "% / 10 deg", "fail" if bad else "pass", f"{text}.")


def uniform_label(values: Any, label: str) -> Finding:
    """Whether labels are uniform between their extremes, or take a few values equally often.

    Of N uniform numbers, those between the extremes are uniform there: the Kolmogorov-Smirnov test
    of these needs no known limits.
    """
    name = f"uniform {label}"
    found = np.sort(np.asarray(values, np.float64))
    distinct, counts = np.unique(found, return_counts=True)
    if len(distinct) == 1:
        return _unknown(name, f"all are {distinct[0]:g}")
    if len(distinct) <= 20:
        chance = float(chisquare(counts).pvalue)
        what = f"{len(distinct)} values are equally frequent"
    else:
        low, high = found[0], found[-1]
        chance = float(kstest((found[1:-1] - low) / (high - low), "uniform").pvalue)
        what = f"they are uniform from {low:.4g} to {high:.4g}"
    good = chance > _LEVEL
    sentence = f"that {what} has p = {chance:.2g}{'' if good else ': they are not'}."
    return Finding(name, chance, "p", "pass" if good else "fail", sentence)


def same_core(reference: Mapping[str, Any], generated: Mapping[str, Any], grid: Grid) -> Finding:
    """The share of the reference outside of the narrowest core that holds all generated hits."""
    name = "same core"
    hits = [_counted(one, grid) for one in (reference, generated)]
    if not core_widths(grid):
        return _unknown(name, "the grid has no core that is smaller than itself")
    for width in core_widths(grid):
        inside = core_cells(grid, width)
        if not inside[hits[1].cell].all():
            continue
        lost = float(hits[0].energy[~inside[hits[0].cell]].sum() / max(hits[0].energy.sum(), 1e-30))
        good = lost < 1e-3
        text = (
            f"generated showers have no hit outside of {width} x {width} cells, and the reference "
            f"has {100 * lost:.2g} % of its energy there"
        )
        remedy = "" if good else ": cut it to the same core, or all distances are those of the cut"
        return Finding(name, lost, "", "pass" if good else "fail", f"{text}{remedy}.")
    return Finding(name, 0.0, "", "pass", "generated showers fill the whole grid.")


def containment(reference: Mapping[str, Any], generated: Mapping[str, Any], grid: Grid) -> Finding:
    """Visible energy in the outermost cells, generated over reference; and what the grid misses."""
    name = "containment"
    edge = _edge(grid)
    shares = []
    for one in (reference, generated):
        hits = _counted(one, grid)
        total = hits.total(hits.energy)
        outer = hits.total(np.where(edge[hits.cell], hits.energy, 0))
        shares.append(np.divide(outer, total, out=np.full_like(total, np.nan), where=total > 0))
    found = _ratio(name, shares, "of the visible energy lies in the outermost cells")
    if "outside" not in reference:
        return found
    held = float(np.nanmean(contained(hits_of(reference, grid), reference["outside"])))
    sentence = f"{found.sentence} The grid holds {100 * held:.1f} % of what the detector saw."
    return Finding(name, found.number, found.unit, found.verdict, sentence)


def _counted(showers: Mapping[str, Any], grid: Grid) -> Any:
    return hits_of(showers, grid).above(grid.threshold_mev)


def _unknown(name: str, why: str) -> Finding:
    return Finding(name, float("nan"), "", "unknown", f"not tested: {why}.")


def _ratio(name: str, shares: list[Array], what: str) -> Finding:
    """Generated over reference; fails beyond three errors and a tenth."""
    known = [share[np.isfinite(share)] for share in shares]
    if min(map(len, known)) < 2 or known[0].mean() <= 0:
        return _unknown(name, "there are too few showers with energy there")
    (true, e), (made, f) = ((x.mean(), x.std(ddof=1) / len(x) ** 0.5) for x in known)
    number, error = float(made / true), float(np.hypot(f / true, made * e / true**2))
    bad = abs(number - 1) > max(_SIGMAS * error, 0.1)
    sentence = f"{100 * true:.2f} % {what} in the reference, {100 * made:.2f} % in the generated."
    return Finding(name, number, "", "fail" if bad else "pass", sentence)


def _step(profile: Array, depth: Array, border: int) -> tuple[float, float]:
    """Step of the log of the mean profile at a layer, and its error from twenty parts."""
    k = np.arange(profile.shape[1])
    x = (depth - depth[border]) / (depth[-1] - depth[0])
    odd = np.where(k % 2, 1.0, -1.0)
    design = np.stack([np.ones_like(x), x, x**2, odd, (k >= border).astype(float)], axis=1)
    inverse = np.linalg.pinv(design)

    def of(rows: Array) -> float:
        return float((inverse @ np.log(np.maximum(rows.mean(0), 1e-12)))[-1])

    left_out = [of(np.delete(profile, slice(i, None, 20), axis=0)) for i in range(20)]
    error = float(np.std(left_out)) * 19**0.5  # a jackknife of groups
    return of(profile), error


def _slope(showers: Mapping[str, Any], grid: Grid) -> tuple[float, float]:
    """Percent of the mean in ten degrees, by least squares over showers, and its error.

    Showers further than five rms90 from mean90 are left out: a few with hardly any energy would
    decide.
    """
    hits = _counted(showers, grid)
    energy = np.asarray(showers["energy"], np.float64)
    response = hits.total(hits.energy) / np.where(energy > 0, energy, np.nan)
    theta = np.degrees(np.asarray(showers["theta"], np.float64))
    peak = mean90(response[np.isfinite(response)])
    kept = np.abs(response - peak.mean) <= 5 * peak.width
    x, y = theta[kept] - theta[kept].mean(), response[kept]
    spread = float(x @ x)
    if len(y) < 60 or spread <= 0:
        return float("nan"), float("nan")
    slope = float(x @ y) / spread
    off = y - y.mean() - slope * x
    error = float(np.sqrt(np.sum((x * off) ** 2))) / spread  # widths may change with the angle
    scale = 1000 / float(y.mean())
    return scale * slope, scale * error


def _edge(grid: Grid) -> NDArray[np.bool_]:
    """(cells,), the outermost of every layer."""
    if grid.box is not None:
        x, y = np.divmod(np.arange(grid.box.nx * grid.box.ny), grid.box.ny)
        outer = (x == 0) | (x == grid.box.nx - 1) | (y == 0) | (y == grid.box.ny - 1)
        return np.tile(outer, grid.layers)
    rings = [len(ring.r_mm) - 1 for ring in grid.rings]
    return np.concatenate(
        [
            np.tile(np.arange(n) == n - 1, ring.alphas)
            for n, ring in zip(rings, grid.rings, strict=True)
        ]
    )
