"""Settings of the networks: what they see and make, and how they are trained against each other.

Defaults are those of Buhmann et al., "Getting High", arXiv:2005.05334, and for pions of Buhmann et
al., "Hadrons, Better, Faster, Stronger", arXiv:2112.09709, as their public code has them.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from zoo.api import Config

__all__ = [
    "CaloConfig",
    "LatentStep",
    "PostProcessor",
    "WganAngleConfig",
    "WganConfig",
    "WganLiteConfig",
    "WganLoConfig",
    "WganPionConfig",
]

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]
AtLeastOne = Annotated[int, Field(ge=1)]
Fraction = Annotated[float, Field(ge=0, le=1)]


class LatentStep(Config):
    """How latent vectors are moved up the critic before a shower is made (arXiv:1912.00953)."""

    kind: Literal["none", "natural", "gradient"] = "none"
    """natural: dz = rate g / (damping + g^2) with the gradient g of the critic's value; gradient:
    dz = rate g; none: the latent vector stays."""
    relative: bool = True
    """Whether g is in units of its running root mean square. Without, the published damping of 5 is
    a million times larger than g^2, and nothing moves."""
    rate: Positive = 0.9
    """alpha."""
    damping: Positive = 1.0
    """natural: beta."""
    share: Fraction = 0.8
    """Of the latent vectors that move."""
    cost: NotNegative = 0.1
    """Weight of dz^2 in the losses of both players, w_r."""
    second_order: bool = True
    """Whether the players are differentiated through dz: 2 to 4 times the work."""
    memory: Annotated[float, Field(ge=0, lt=1)] = 0.9
    """relative: how much of the running mean of g^2 each step keeps."""


class PostProcessor(Config):
    """A network of single cells behind the generator, trained last; it shapes the spectrum."""

    begin: AtLeastOne | None = None
    """Update from which only this network is trained; none: there is none. It needs an optimizer,
    optimizers.post."""
    width: AtLeastOne = 128
    """Channels."""
    spectrum: NotNegative = 5.0
    """Weight of the maximum mean discrepancy between sorted cells."""
    change: NotNegative = 1.0
    """Weight of the mean squared change of a cell."""
    window: AtLeastOne = 100
    """Sorted cells compared at a time; windows overlap by a half."""
    cells: AtLeastOne = 2000
    """Most energetic cells that are compared."""
    sharpness: Positive = 200.0
    """Of the kernel exp(-s d^2), d in units of the networks' cells."""


class CaloConfig(Config):
    """What all networks of the task share."""

    latent: AtLeastOne = 100
    """Random numbers of a shower, uniform from -1 to 1; DDML gives 100."""
    angle: bool = False
    """Whether showers are made for a polar angle, too."""
    energy_unit: Positive = 1.0
    """GeV that the networks take for 1."""
    cell_unit: Literal["MeV", "MIP"] = "MeV"
    """Energy of a cell that the networks take for 1."""
    layer_weights: bool = False
    """Whether networks see cells times their layer's factor, such as 2 behind thick absorber."""
    threshold: NotNegative = 0.0
    """Cells of predictions below this are dropped; in units of the grid's threshold, half a MIP."""
    critic_updates: AtLeastOne = 5
    """Updates of the critic in a cycle."""
    constrainer_updates: Count = 5
    """Of the constrainer, after those."""
    generator_updates: AtLeastOne = 1
    """Of the generator, at the end of the cycle."""
    constrainer_first: Count = 0
    """Updates of the constrainer alone before the first cycle."""
    penalty: NotNegative = 5.0
    """Weight of the critic's gradient penalty, lambda."""
    kappa: NotNegative = 0.01
    """Weight of the constrainer in the generator's loss."""
    latent_step: LatentStep = LatentStep()
    """Latent optimisation."""
    refine: Count = 0
    """Latent steps of a prediction; a model with some cannot be exported."""
    post: PostProcessor = PostProcessor()
    """Network of single cells behind the generator."""

    @property
    def conditions(self) -> int:
        """Numbers that a shower is made for: energy, and perhaps angle."""
        return 1 + self.angle

    @model_validator(mode="after")
    def _refines_with_a_step(self) -> Self:
        if self.refine and self.latent_step.kind == "none":
            raise ValueError("refine needs latent_step.kind: natural or gradient")
        return self


class WganConfig(CaloConfig):
    """The networks of Getting High; other grids than 30 x 30 x 30 follow in the same pattern."""

    generator_width: AtLeastOne = 32
    """Channels before the last layer; four times as many at the start."""
    critic_width: AtLeastOne = 32
    """Channels after the first layer."""
    constrainer_width: AtLeastOne = 16
    """Channels after the first layer."""
    critic_unit: Positive = 1.0
    """Energy of a cell, in cell_unit, that critic and constrainer take for 1. As published, 1, they
    hardly see how much energy a shower has: every channel of their first convolution is normalised
    over all cells. With 100 its variance is below the 1e-5 that is added to it there, and they
    do."""


class WganLoConfig(WganConfig):
    """The same networks, whose latent vectors are optimised."""

    latent_step: LatentStep = LatentStep(kind="natural")
    """Latent optimisation."""


class WganAngleConfig(WganConfig):
    """The same networks for energy and angle."""

    angle: bool = True
    """Whether showers are made for a polar angle, too."""


class WganPionConfig(CaloConfig):
    """The networks for pion showers; other grids than 48 x 25 x 25 follow in the same pattern."""

    critic_updates: AtLeastOne = 10
    """Updates of the critic in a cycle."""
    constrainer_updates: Count = 0
    """Of the constrainer, after those."""
    constrainer_first: Count = 5000
    """Updates of the constrainer alone before the first cycle."""
    penalty: NotNegative = 25.0
    """Weight of the critic's gradient penalty, lambda."""
    kappa: NotNegative = 1.0
    """Weight of the constrainer in the generator's loss."""
    generator_width: AtLeastOne = 32
    """Channels of the third layer; four times as many at the start."""
    critic_widths: tuple[AtLeastOne, AtLeastOne] = (64, 128)
    """Channels of the critic's two groups of residual blocks."""
    critic_blocks: tuple[AtLeastOne, AtLeastOne] = (3, 4)
    """Blocks of each."""
    constrainer_widths: tuple[AtLeastOne, ...] = Field((5000, 1000, 100), min_length=1)
    """Of its hidden layers; the first has 150 million parameters on 48 x 25 x 25 cells."""


class WganLiteConfig(CaloConfig):
    """Ours, for speed: layers are channels, and a head makes their energies."""

    cell_unit: Literal["MeV", "MIP"] = "MIP"
    """Energy of a cell that the networks take for 1."""
    critic_updates: AtLeastOne = 3
    """Updates of the critic in a cycle."""
    constrainer_updates: Count = 0
    """Of the constrainer, after those."""
    kappa: NotNegative = 0.0
    """Weight of the constrainer in the generator's loss: the head knows the energy."""
    width: AtLeastOne = 48
    """Channels of the generator's images."""
    texture: Count = 8
    """Channels of pseudo-random numbers, made of the latent vector, for single cells."""
    head: AtLeastOne = 128
    """Width of the head that makes the energies of layers."""
    critic_width: AtLeastOne = 64
    """Channels of the critic after the first layer."""
    response: Positive = 30.0
    """MeV that all cells see per GeV, weighted if layers are: where the training begins."""
