"""All rules. A number is never given to another rule."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.errors import UsageError, suggestion
from zoo.testing.rule import Rule

__all__ = ["RULES", "choose_rules"]

_HERE = "zoo.testing.rules"

RULES: tuple[Rule, ...] = (
    Rule(
        number="R01",
        name="import light",
        meaning="the entry point loads, and imports neither torch, numpy nor h5py",
        symptom="every `zoo` command takes seconds to start, `zoo list` too",
        remedy="name classes as 'package.module:Name', and import nothing else in plugin.py",
        scope="plugin",
        check=f"{_HERE}.imports:import_light",
    ),
    Rule(
        number="R02",
        name="settings",
        meaning="settings of models and sources are immutable, refuse unknown keys, are described, "
        "have a JSON schema and valid defaults; recipes fit",
        symptom="a misspelt setting is ignored, `zoo info` does not explain one, no recipe fits",
        remedy="derive settings from zoo.api.Config, with a string under each field",
        scope="task",
        check=f"{_HERE}.configs:settings",
    ),
    Rule(
        number="R03",
        name="sizes",
        meaning="the networks answer at every size of the deploy's grid, with the declared outputs",
        symptom="a consumer's program fails at one size of its input and works at others",
        remedy="pad or crop inside of the network, and declare the true dims",
        scope="model",
        check=f"{_HERE}.forward:sizes",
        networks=True,
    ),
    Rule(
        number="R04",
        name="determinism",
        meaning="a prediction asked for twice has the same bits",
        symptom="the same file is judged differently each time",
        remedy="draw from Context or zoo.api.uniform, and switch dropout off in evaluation mode",
        scope="model",
        check=f"{_HERE}.predictions:determinism",
    ),
    Rule(
        number="R05",
        name="one by one",
        meaning="predict([a, b]) is predict([a]) and predict([b])",
        symptom="numbers depend on the batch size and on which events lie side by side",
        remedy="compute each sample from itself: no mean over the batch, no state",
        scope="model",
        check=f"{_HERE}.predictions:one_by_one",
        after=("R04",),
    ),
    Rule(
        number="R06",
        name="gradients",
        meaning="every parameter gets a gradient in the phase of its optimizer",
        symptom="a part of the network stays as it was initialised, and nobody notices",
        remedy="use the parameter in the loss, or make it a buffer",
        scope="model",
        check=f"{_HERE}.gradients:gradients",
        networks=True,
    ),
    Rule(
        number="R07",
        name="save and load",
        meaning="a saved model predicts after loading with the bits that it had",
        symptom="published weights give other numbers than the training that made them",
        remedy="keep all state in parameters, buffers and the codec's constants",
        scope="model",
        check=f"{_HERE}.saving:save_and_load",
        networks=True,
        after=("R04",),
    ),
    Rule(
        number="R08",
        name="kill and resume",
        meaning="a training that is killed ends with the bits of one that is not",
        symptom="a job that a batch system preempts gives another network",
        remedy="keep the learner's state in buffers, changed in `after` alone; draw from Context",
        scope="model",
        check=f"{_HERE}.trainings:kill_and_resume",
        networks=True,
        quick=False,
        after=("R04", "R13"),
    ),
    Rule(
        number="R09",
        name="two processes",
        meaning="two processes train what one does: the first gradient by sums, and every bit of a "
        "reproducible training",
        symptom="a training on two GPUs learns something else than on one",
        remedy="give each term of the loss as a sum over samples and their count",
        scope="model",
        check=f"{_HERE}.trainings:two_processes",
        networks=True,
        quick=False,
        after=("R04", "R13"),
    ),
    Rule(
        number="R10",
        name="export",
        meaning="the exported file is the model: on the grid, and between encode and decode",
        symptom="the program that loads the file finds something else than `zoo predict`",
        remedy="use operations that the format knows, and name inputs and outputs alike everywhere",
        scope="model",
        check=f"{_HERE}.exporting:exported",
        networks=True,
        quick=False,
        after=("R03", "R04", "R05"),
    ),
    Rule(
        number="R11",
        name="samples",
        meaning="simulators make what the task declares: fields, types, shapes, ranges, units",
        symptom="models train on swapped axes, wrong units or NaN",
        remedy="`zoo data check` on a simulated file shows every field",
        scope="task",
        check=f"{_HERE}.sources:samples",
    ),
    Rule(
        number="R12",
        name="keys",
        meaning="a simulated sample depends on its key alone, whatever else is asked for",
        symptom="a resumed simulation differs, and files of two machines do not fit together",
        remedy="draw everything from zoo.api.uniform, normal or generator of the keys",
        scope="task",
        check=f"{_HERE}.sources:keys",
    ),
    Rule(
        number="R13",
        name="workers",
        meaning="batches have the same bits from 0, 1 and 2 worker processes",
        symptom="a training cannot be repeated on a machine with other cores",
        remedy="draw augmentations from the keys given, and keep no state in the codec",
        scope="model",
        check=f"{_HERE}.loading:workers",
        networks=True,
    ),
    Rule(
        number="R14",
        name="splits",
        meaning="no event, and no copy of one, lies in two splits",
        symptom="the test is better than any new data",
        remedy="give all blocks of an event one Block.group; make every key another event",
        scope="task",
        check=f"{_HERE}.sources:splits",
    ),
    Rule(
        number="R15",
        name="metric rows",
        meaning="a metric row depends on its sample alone, and numbers on no order of rows",
        symptom="a table of results changes with the number of processes that made it",
        remedy="measure each sample from itself, and keep sums for `summarise`",
        scope="task",
        check=f"{_HERE}.metrics:rows",
    ),
    Rule(
        number="R16",
        name="metric extremes",
        meaning="no samples, one sample and NaN predictions are told, and end nothing",
        symptom="an empty bin ends an evaluation, or a model that fails on hard events looks good",
        remedy="return NaN where a number is undefined; let NaN through, or count it as a failure",
        scope="task",
        check=f"{_HERE}.metrics:extremes",
    ),
    Rule(
        number="R17",
        name="cards",
        meaning="the cards of published weights are complete and name models of this plugin",
        symptom="weights are offered that nobody can load, or without a licence",
        remedy="`zoo weights add` writes a whole card",
        scope="plugin",
        check=f"{_HERE}.cards:cards",
    ),
    Rule(
        number="R18",
        name="verbs",
        meaning="train, eval, report, predict, bench and export work on simulated samples",
        symptom="a command fails after hours of training",
        remedy="run the command that is named with ZOO_TRACEBACK=1",
        scope="model",
        check=f"{_HERE}.verbs:verbs",
        quick=False,
    ),
)


def choose_rules(numbers: Sequence[str] = (), *, quick: bool = False) -> tuple[Rule, ...]:
    """Rules by number, in their order.

    Args:
        numbers: Of the rules; empty: all.
        quick: Leave out those that start processes of their own for each model.

    Raises:
        UsageError: If there is no such rule.
    """
    known = {rule.number: rule for rule in RULES}
    asked = [number.strip().upper() for number in numbers]
    for number in asked:
        if number not in known:
            raise UsageError("no such rule", where=number, remedy=suggestion(number, known))
    return tuple(
        rule for rule in RULES if (not asked or rule.number in asked) and (rule.quick or not quick)
    )
