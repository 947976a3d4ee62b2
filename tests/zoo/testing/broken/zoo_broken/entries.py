"""Entry points: plain data. ``correct`` keeps the contract, each other one breaks one rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from zoo.api import Model, SourceSpec, Task, hookimpl

_BASE = "zoo_broken.base"
_NETS = "zoo_broken.nets"
_FAULTS = "zoo_broken.faults"


class Entry:
    """Answers the hooks for a task whose parts are those of the correct plugin, but for some.

    Args:
        name: Of plugin and task.
        source: The simulator.
        networks: Of the one network.
        changes: Of the task.
    """

    def __init__(
        self,
        name: str,
        *,
        source: str = f"{_BASE}:Pulses",
        networks: str = f"{_NETS}:networks",
        config: str = f"{_BASE}:NetConfig",
        **changes: Any,
    ) -> None:
        self._task = replace(_correct(name, source, networks, config), **changes)

    @hookimpl
    def zoo_api(self) -> tuple[int, int]:
        return (1, 0)

    @hookimpl
    def zoo_tasks(self) -> Sequence[Task]:
        return (self._task,)


class WithCards(Entry):
    """It publishes weights, too."""

    @hookimpl
    def zoo_cards(self) -> Sequence[str]:
        return ("zoo_broken:cards",)


def _correct(name: str, source: str, networks: str, config: str) -> Task:
    return Task(
        name=name,
        summary="position along a wire from the pulse that it gives",
        sample=f"{_BASE}:SAMPLE",
        prediction=f"{_BASE}:PREDICTION",
        models={
            "net": Model(config=config, summary="convolutions", networks=networks),
            "centroid": Model(
                config=f"{_BASE}:NoConfig",
                summary="mean of the pulse over its training mean",
                predictor=f"{_BASE}:Centroid",
                baseline=True,
                needs=frozenset({"pulse"}),
            ),
        },
        sources={
            "pulses": SourceSpec(
                kind="simulator",
                factory=source,
                config=f"{_BASE}:PulsesConfig",
                summary="pulses of a position, with noise",
            )
        },
        codec=f"{_BASE}:PulseCodec",
        learner=f"{_NETS}:PulseLearner",
        metrics=f"{_BASE}:PulseMetrics",
        deploy=f"{_NETS}:PulseDeploy",
        check="zoo_broken:check.toml",
    )


correct = Entry("correct")
r02 = Entry("r02", config=f"{_FAULTS}.r02:NetConfig")
r02_extra = Entry("r02-extra", config=f"{_FAULTS}.r02:LooseConfig")
r03 = Entry("r03", networks=f"{_FAULTS}.r03:networks")
r04 = Entry("r04", learner=f"{_FAULTS}.r04:RandomLearner")
r05 = Entry("r05", codec=f"{_FAULTS}.r05:CentredCodec")
r06 = Entry("r06", networks=f"{_FAULTS}.r06:networks")
r07 = Entry("r07", networks=f"{_FAULTS}.r07:networks")
r08 = Entry("r08", learner=f"{_FAULTS}.r08:ForgetfulLearner")
r09 = Entry("r09", learner=f"{_FAULTS}.r09:CoupledLearner")
r10 = Entry("r10", deploy=f"{_FAULTS}.r10:OtherDeploy")
r11 = Entry("r11", source=f"{_FAULTS}.r11:DoublePulses")
r11_unit = Entry("r11-unit", prediction=f"{_FAULTS}.r11:PREDICTION")
r12 = Entry("r12", source=f"{_FAULTS}.r12:TogetherPulses")
r13 = Entry("r13", codec=f"{_FAULTS}.r13:CountingCodec")
r14 = Entry("r14", source=f"{_FAULTS}.r14:RepeatedPulses")
r15 = Entry("r15", metrics=f"{_FAULTS}.r15:CentredMetrics")
r16 = Entry("r16", metrics=f"{_FAULTS}.r16:LargestMetrics")
r16_nan = Entry("r16-nan", metrics=f"{_FAULTS}.r16:SilentMetrics")
r17 = WithCards("r17")
r18 = Entry("r18", figures=f"{_FAULTS}.r18:BrokenFigures")
