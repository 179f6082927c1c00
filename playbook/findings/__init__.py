"""A result as a sentence, with n and interval: prose that survives next Monday's data."""

from playbook.findings.markdown import Finding, together
from playbook.findings.quality import bounds, fixes, lateness, volume
from playbook.findings.sentences import audit, buckets, curve, effect, mix, of, share, steps, trend
from playbook.findings.tables import (
    answers,
    cards,
    claims,
    coverage,
    headline,
    outreach,
    plan,
    reach,
    soundness,
    stuck,
)

__all__ = [
    "Finding",
    "answers",
    "audit",
    "bounds",
    "buckets",
    "cards",
    "claims",
    "coverage",
    "curve",
    "effect",
    "fixes",
    "headline",
    "lateness",
    "mix",
    "of",
    "outreach",
    "plan",
    "reach",
    "share",
    "soundness",
    "steps",
    "stuck",
    "together",
    "trend",
    "volume",
]
