"""Pictures: the plugin draws, the core saves PNG, PDF and the numbers as CSV."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from zoo.contract.metrics import Number
from zoo.contract.table import Table

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

__all__ = ["BinnedNumber", "Drawing", "Evaluation", "Figures", "Interactive"]


@dataclass(frozen=True, kw_only=True)
class BinnedNumber:
    """A number on all rows or in one bin, with its bootstrap interval.

    Attributes:
        number: Name, value, unit and direction.
        low, high: Limits of the 95 % interval.
        n: Rows.
        groups: Independent groups (events) behind them.
        trainings: Trainings whose mean it is.
        spread: Standard deviation over them; NaN of a single one.
        column: The binned row column; empty for all rows.
        lower, upper: Edges of the bin.
    """

    number: Number
    low: float
    high: float
    n: int
    groups: int
    trainings: int = 1
    spread: float = float("nan")
    column: str = ""
    lower: float = float("nan")
    upper: float = float("nan")


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """One model's row of an evaluation.

    Attributes:
        model: Id or run as the user named it.
        role: ``model``, ``baseline`` or ``oracle``.
        numbers: All rows first, then every bin.
        rows: Metric rows in id order, with ``group``, and with ``training`` where there are
            several trainings; ``None`` where the model could not run.
        unavailable: Why it could not run; empty when it did.
        trainings: What is known of each network behind it, as JSON values: ``model``, ``file``,
            ``sha256``, ``lineage``, ``config``, ``environment``, ``loss_fall``,
            ``under_trained``, and ``judged``, how many of the judged samples it was trained on.
        fitted_to: What a classical algorithm was fitted to, as JSON values: ``data``, ``split``,
            ``rows``, ``digest``, ``origin`` (data that were ``named``, those of the ``runs``, or
            the ``judged`` ones), ``note`` (why not those of the runs), and ``judged``, how many of
            the judged samples were among them. Empty: it needed no fit.
    """

    model: str
    role: str
    numbers: tuple[BinnedNumber, ...]
    rows: Table | None
    unavailable: str = ""
    trainings: tuple[Mapping[str, Any], ...] = ()
    fitted_to: Mapping[str, Any] = field(default_factory=dict)

    @property
    def leaked(self) -> bool:
        """Whether it saw samples that it is judged on, in a fit or a training: no win, no loss."""
        return any(one.get("judged") for one in (self.fitted_to, *self.trainings))

    @property
    def under_trained(self) -> bool:
        """Whether the loss of a training still fell at its end: it wins or loses nothing."""
        return any(training.get("under_trained") for training in self.trainings)


@dataclass(frozen=True, kw_only=True)
class Interactive:
    """What a reader can turn and click, beside the figure that is printed.

    It is shown in a frame that can reach neither the page around it nor any network: everything it
    needs is in here. Text of samples and models goes into ``data`` alone, which cannot become tags.

    Attributes:
        markup: HTML of the body, with its styles; scripts, handlers in it and what it would fetch
            are not let in.
        script: JavaScript, run once after the markup is there. It finds the data with
            ``JSON.parse(document.getElementById("data").textContent)``.
        data: JSON values.
        height: Of the frame, CSS pixels.
    """

    markup: str
    script: str
    data: Mapping[str, Any]
    height: int = 480


@dataclass(frozen=True)
class Drawing:
    """One figure, with what a reader needs to plot it again.

    Attributes:
        name: File stem.
        caption: One or two sentences: what is shown, how to read it.
        figure: A matplotlib figure, made without pyplot.
        data: Columns of the plotted numbers, written as CSV.
        interactive: The same for a screen; written as an HTML file, and shown below the figure.
    """

    name: str
    caption: str
    figure: Figure
    data: Mapping[str, NDArray[np.float64]]
    interactive: Interactive | None = None


class Figures:
    """Draws an evaluation.

    Attributes:
        needs: Raw sample fields that event displays read.
        displays: How many samples with predictions it wants for event displays.
    """

    needs: ClassVar[frozenset[str]] = frozenset()
    displays: ClassVar[int] = 0

    def __init__(self, facts: Mapping[str, object]) -> None:
        self.facts = facts

    def draw(
        self,
        evaluations: Mapping[str, Evaluation],
        samples: Table | None,
        predictions: Mapping[str, Table],
    ) -> Iterable[Drawing]:
        """Figures of all models together; ``samples`` and ``predictions`` are for displays."""
        return ()
