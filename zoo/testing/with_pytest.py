"""Rules as tests of pytest, which only this module needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from zoo.testing.checker import Checker, cases_of
from zoo.testing.rule import Rule

__all__ = ["make_test"]


def make_test(names: Sequence[str], rules: Sequence[Rule]) -> Callable[..., None]:
    """A parametrised test; all of its cases share what is made for them."""
    cases = [case for name in names for case in cases_of(name, rules)]
    checker = Checker(rules)

    @pytest.mark.parametrize(
        ("rule", "subject"), cases, ids=[f"{rule.number}-{subject}" for rule, subject in cases]
    )
    def test(rule: Rule, subject: str) -> None:
        result = checker.check(rule, subject)
        told = f"{rule.number} {rule.name}, {subject}: {result.message}"
        if result.status == "skipped":
            pytest.skip(told)
        if result.status == "expected failure":
            pytest.xfail(f"{result.reason} ({told})")
        if not result.good:
            lines = [told, f"holds elsewhere: {rule.meaning}", f"symptom: {rule.symptom}"]
            pytest.fail("\n".join([*lines, f"remedy: {result.remedy}"]), pytrace=False)

    return test
