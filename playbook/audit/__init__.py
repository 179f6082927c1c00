"""Stage 1, the collection audit: the questions that matter, what they need, and is it there.

A check is a section, and what makes violations of its rows: it is written where its topic is, and
named here.
"""

from playbook.audit.agreement import agreement, agreement_violations
from playbook.audit.broken_rules import broken_rules as rules
from playbook.audit.broken_rules import examples, rule_violations, rules_by_week
from playbook.audit.destinations import copies, copy_violations, destinations, purpose_violations
from playbook.audit.fixes import list_of_fixes, ranked_violations
from playbook.audit.freshness import freshness, lateness, source_violations
from playbook.audit.identified import identified_events as identities
from playbook.audit.identity import (
    crawler_violations,
    device_violations,
    devices,
    disposable_violations,
    people_violations,
    who,
)
from playbook.audit.identity import known_people as people
from playbook.audit.identity import people_by_disposable_domain as disposable
from playbook.audit.identity import rows_of_crawlers as crawlers
from playbook.audit.ids import id_violations
from playbook.audit.ids import ids_in_doubt as ids
from playbook.audit.order import cause_violations, causes, visit_violations
from playbook.audit.order import events_of_visits as visits
from playbook.audit.plan import data_points, point_violations
from playbook.audit.questions import (
    answer,
    answer_violations,
    bounds_of,
    every_answer,
    question_violations,
    questions,
    verdicts,
)
from playbook.audit.questions import bounds_of_answers as bounds
from playbook.audit.questions import headline_answer as headline
from playbook.audit.soundness import duplicate_violations, duplicates, log_violations, soundness
from playbook.audit.violation import VIOLATION
from playbook.audit.volume import day_violations, volume
from playbook.results import SEVERITIES, Result
from playbook.results.section import section
from playbook.run import Run

CHECKS = {
    data_points: point_violations,
    questions: question_violations,
    destinations: purpose_violations,
    rules: rule_violations,
    freshness: source_violations,
    soundness: log_violations,
    duplicates: duplicate_violations,
    causes: cause_violations,
    visits: visit_violations,
    devices: device_violations,
    people: people_violations,
    ids: id_violations,
    crawlers: crawler_violations,
    disposable: disposable_violations,
    agreement: agreement_violations,
    copies: copy_violations,
    bounds: answer_violations,
    volume: day_violations,
}


@section("audit.violations")
def violations(run: Run) -> Result:
    """Every defect of plan and data as a row: what `playbook check` writes and counts.

    Returns:
        Shape `table`: `check` (the family), `subject` (what it is about), `seen`, `expected`,
        `where`, `since`, `rows` of `of` and their `share`, `severity` (`blocking`: a question
        has no answer for it; `warning`: it touches one row in a hundred, or moves an answer by
        a point; else `note`), `questions` (how many need the subject; null: none is declared),
        `moves` (by how much it moves the answer that it moves most; null: unknown) and `owner`;
        the worst first.
    """
    return ranked_violations(run, CHECKS)


@section("audit.fixes")
def fixes(run: Run) -> Result:
    """What to fix first: the violations by the questions they unblock and the answers they move.

    Returns:
        Shape `table`: `what`, `where`, `owner`, `rows`, `share`, `severity`, `questions`,
        `moves`; the most worthwhile first.
    """
    return list_of_fixes(run, violations(run))


__all__ = [
    "SEVERITIES",
    "VIOLATION",
    "agreement",
    "answer",
    "bounds",
    "bounds_of",
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
    "identities",
    "ids",
    "lateness",
    "people",
    "questions",
    "rules",
    "rules_by_week",
    "soundness",
    "verdicts",
    "violations",
    "visits",
    "volume",
    "who",
]
