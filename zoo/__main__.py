"""``python -m zoo``."""

from __future__ import annotations

from zoo.cli.app import main

main()
