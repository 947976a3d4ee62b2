"""What a rule is, what came of it, and how its code says so. Imports neither torch nor numpy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from zoo.contract.refs import Ref

__all__ = ["BlockedError", "NotApplicable", "Result", "Rule", "Scope", "Status", "Violation"]

Scope = Literal["plugin", "task", "model"]
"""What a rule looks at."""

Status = Literal["pass", "fail", "skipped", "expected failure", "unexpected pass"]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One promise of the contract.

    Attributes:
        number: ``R04``; never given to another rule.
        name: One or two words.
        meaning: What holds where it passes, one sentence.
        symptom: What users meet where it does not.
        remedy: What an author does then, where the failure itself does not tell.
        scope: What it looks at: a plugin, a task or a model.
        check: ``(subject) -> str``, a remark on what was looked at. It raises
            :class:`Violation` or any other error where the rule is broken, and
            :class:`NotApplicable` where there is nothing to look at.
        networks: Whether it is about models with networks only.
        quick: Whether ``--quick`` looks at it, too.
        after: Rules on which it builds: where one of them fails it would only tell the same.
    """

    number: str
    name: str
    meaning: str
    symptom: str
    remedy: str
    scope: Scope
    check: Ref
    networks: bool = False
    quick: bool = True
    after: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Result:
    """What came of one rule on one subject.

    Attributes:
        rule: It.
        subject: Name of a plugin or task, or id of a model.
        status: ``expected failure``: declared in the check file, with its reason; ``unexpected
            pass``: declared there, and it passes.
        message: Of a pass what was looked at, of a failure what is wrong, of what was skipped why.
        remedy: What to do about a failure; else empty.
        reason: Why a failure is expected; else empty.
        seconds: How long it took.
    """

    rule: Rule
    subject: str
    status: Status
    message: str = ""
    remedy: str = ""
    reason: str = ""
    seconds: float = 0.0

    @property
    def good(self) -> bool:
        """Whether nothing is to be done."""
        return self.status not in ("fail", "unexpected pass")

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        about: Mapping[str, Any] = {
            name: getattr(self.rule, name) for name in ("number", "name", "meaning", "symptom")
        }
        return {**about, **{k: v for k, v in asdict(self).items() if k != "rule"}}


class Violation(Exception):  # noqa: N818  # it is a finding
    """A rule is broken.

    Args:
        message: What is wrong, one sentence without a final stop.
        remedy: What to do; empty: the rule's own.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        self.message, self.remedy = message, remedy
        super().__init__(message)


class NotApplicable(Exception):  # noqa: N818  # it is a finding
    """There is nothing to look at; the text is the reason."""


class BlockedError(Exception):
    """Something that a rule needs cannot be made, which another rule tells.

    Args:
        rule: Number of the rule that tells it.
        cause: What went wrong.
    """

    def __init__(self, rule: str, cause: Exception) -> None:
        self.rule, self.cause = rule, cause
        super().__init__(rule)
