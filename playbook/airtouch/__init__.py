"""The simulated Airtouch: seeded tables with planted truths (`TRUTH`) that tests must recover."""

from __future__ import annotations

from playbook.airtouch.truth import END, START, TRUTH
from playbook.airtouch.writing import write

__all__ = ["END", "START", "TRUTH", "write"]
