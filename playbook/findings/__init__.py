"""A result as a sentence, with n and interval: prose that survives next Monday's data."""

from playbook.findings.sentences import (
    Finding,
    audit,
    buckets,
    curve,
    effect,
    mix,
    of,
    share,
    steps,
    together,
    trend,
)
from playbook.findings.tables import (
    answers,
    cards,
    claims,
    coverage,
    headline,
    plan,
    reach,
    soundness,
    stuck,
)

__all__ = [
    "Finding",
    "answers",
    "audit",
    "buckets",
    "cards",
    "claims",
    "coverage",
    "curve",
    "effect",
    "headline",
    "mix",
    "of",
    "plan",
    "reach",
    "share",
    "soundness",
    "steps",
    "stuck",
    "together",
    "trend",
]
