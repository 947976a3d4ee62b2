"""Whether published weights still give the numbers that their cards state."""

from __future__ import annotations

from zoo.auditing.auditing import Audit, Checked, audit

__all__ = ["Audit", "Checked", "audit"]
