"""Stage 1, the collection audit: the questions that matter, what they need, and is it there."""

from playbook.audit.agreement import agreement
from playbook.audit.destinations import copies, destinations
from playbook.audit.fixes import SEVERITIES, VIOLATION, fixes, violations
from playbook.audit.identity import crawlers, devices, disposable, people, who
from playbook.audit.order import causes, visits
from playbook.audit.plan import by_week, data_points, examples
from playbook.audit.plan import violations as rules
from playbook.audit.questions import (
    answer,
    bounds,
    bounds_of,
    every_answer,
    headline,
    questions,
    verdicts,
)
from playbook.audit.soundness import duplicates, freshness, lateness, soundness, volume

__all__ = [
    "SEVERITIES",
    "VIOLATION",
    "agreement",
    "answer",
    "bounds",
    "bounds_of",
    "by_week",
    "causes",
    "copies",
    "crawlers",
    "data_points",
    "destinations",
    "devices",
    "disposable",
    "duplicates",
    "every_answer",
    "examples",
    "fixes",
    "freshness",
    "headline",
    "lateness",
    "people",
    "questions",
    "rules",
    "soundness",
    "verdicts",
    "violations",
    "visits",
    "volume",
    "who",
]
