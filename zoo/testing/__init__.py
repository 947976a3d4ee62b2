"""Whether a plugin keeps the contract: numbered rules for its authors.

In the plugin's own test suite, one test for each rule and model::

    from zoo.testing import conformance

    test_conformance = conformance("my-plugin")

The same as a command: ``zoo check my-plugin``. Importing this loads neither torch nor numpy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from zoo.testing.catalogue import RULES, choose_rules
from zoo.testing.checker import Case, Checker, cases_of
from zoo.testing.rule import Result, Rule

__all__ = ["RULES", "Case", "Checker", "Result", "Rule", "cases_of", "choose_rules", "conformance"]


def conformance(*names: str, rules: Sequence[str] = (), quick: bool = False) -> Callable[..., None]:
    """A test function for pytest with one case for each rule and plugin, task or model.

    Args:
        names: Plugins, tasks, or ids of models.
        rules: Numbers of rules; empty: all.
        quick: Leave out the rules that start processes of their own for each model.

    Raises:
        PluginError: If there is nothing of a name.
        UsageError: If there is no such rule.
    """
    from zoo.testing.with_pytest import make_test

    return make_test(names, choose_rules(rules, quick=quick))
