"""What the parametrisation cannot know of a detector: its free constants."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Response"]


@dataclass(frozen=True, kw_only=True)
class Response:
    """Constants of one detector, in its file; a baseline fits its own to the training showers.

    The defaults of the radii are fitted to Geant4: photons of 2 to 20 GeV in the detector
    ``ild-ecal``, energy within a radius, six groups of layers. The parametrisation comes from
    calorimeters without gaps between their plates; in other showers the RMS of the difference is
    0.05 with them and 0.17 without (``tests/plugins/calo/radii.py``).

    Attributes:
        e_over_mip: Signal of an electromagnetic shower over that of minimum ionising particles that
            lose the same energy. Below 1 where the absorber is the heavier material.
        h_over_mip: The same of the hadronic part of a shower.
        core, tail: Factors on the two radii of electromagnetic showers.
        core_growth: Power of the depth, in mean depths of the shower, by which the core's grows
            faster than in the parametrisation.
        core_share: Factor on the share of the core.
        hadron_radius: Radius of the hadronic part, in interaction lengths.
        clump_mev: By how much particles of one shower come together: variance over mean of the
            energy seen in a plate, beyond that of independent ones.
        spot: Factor on the energies of particles that cross a plate.
        layers: Factor on the signal of each plate; none: 1.
    """

    e_over_mip: float = 0.8
    h_over_mip: float = 0.7
    core: float = 1.25
    tail: float = 1.67
    core_growth: float = 0.7
    core_share: float = 0.8
    hadron_radius: float = 0.5
    clump_mev: float = 0.14
    spot: float = 1.0
    layers: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        for name in ("e_over_mip", "h_over_mip", "core", "tail", "hadron_radius", "spot"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} = {getattr(self, name)}")
