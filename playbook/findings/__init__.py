"""A result as a sentence, with n and interval: prose that survives next Monday's data."""

from playbook.findings.behaviour import drivers, instead
from playbook.findings.firmness import firm
from playbook.findings.markdown import Finding, together
from playbook.findings.measured import (
    burning,
    compared,
    credited_twice,
    harms,
    iterations,
    launches,
    rollouts,
    seen_by,
    tried,
    vendor,
)
from playbook.findings.plays import cards, contention, coverage, decisions, holdouts, lint, pressure
from playbook.findings.quality import bounds, fixes, lateness, volume
from playbook.findings.reasons import reasons
from playbook.findings.retention import pulse, retained
from playbook.findings.segments import differences, steps_take
from playbook.findings.sentences import audit, buckets, curve, effect, mix, of, share, steps, trend
from playbook.findings.tables import answers, claims, headline, outreach, plan, soundness, stuck
from playbook.findings.verdicts import checks, reached, sooner, whom, why_null

__all__ = [
    "Finding",
    "answers",
    "audit",
    "bounds",
    "buckets",
    "burning",
    "cards",
    "checks",
    "claims",
    "compared",
    "contention",
    "coverage",
    "credited_twice",
    "curve",
    "decisions",
    "differences",
    "drivers",
    "effect",
    "firm",
    "fixes",
    "harms",
    "headline",
    "holdouts",
    "instead",
    "iterations",
    "lateness",
    "launches",
    "lint",
    "mix",
    "of",
    "outreach",
    "plan",
    "pressure",
    "pulse",
    "reached",
    "reasons",
    "retained",
    "rollouts",
    "seen_by",
    "share",
    "sooner",
    "soundness",
    "steps",
    "steps_take",
    "stuck",
    "together",
    "trend",
    "tried",
    "vendor",
    "volume",
    "whom",
    "why_null",
]
