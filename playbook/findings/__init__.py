"""A result as a sentence, with n and interval: prose that survives next Monday's data."""

from playbook.findings.behaviour import drivers, instead
from playbook.findings.firmness import firm
from playbook.findings.markdown import Finding, together
from playbook.findings.quality import bounds, fixes, lateness, volume
from playbook.findings.reasons import reasons
from playbook.findings.retention import pulse, retained
from playbook.findings.segments import differences, steps_take
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
    "differences",
    "drivers",
    "effect",
    "firm",
    "fixes",
    "headline",
    "instead",
    "lateness",
    "mix",
    "of",
    "outreach",
    "plan",
    "pulse",
    "reach",
    "reasons",
    "retained",
    "share",
    "soundness",
    "steps",
    "steps_take",
    "stuck",
    "together",
    "trend",
    "volume",
]
