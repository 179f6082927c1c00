"""Stage 4, impact: did people do it, more than they would have without the play?"""

from playbook import answers
from playbook.impact.all_plays import all_plays
from playbook.impact.checking import checks
from playbook.impact.claims import claims, credits
from playbook.impact.comparisons import comparisons
from playbook.impact.days import over_days
from playbook.impact.effects import effect, effects, verdicts
from playbook.impact.harmed import harmed
from playbook.impact.harms import harms, messages_a_week
from playbook.impact.iterations import iterations, tried
from playbook.impact.lasting import lasting
from playbook.impact.launches import before_after, launches, live_since, openers
from playbook.impact.metrics import metrics
from playbook.impact.next_question import next_question
from playbook.impact.nulls import why_null
from playbook.impact.pairs import between_arms
from playbook.impact.reach import reach, seen
from playbook.impact.reached import among_reached
from playbook.impact.rollouts import rollout, rollout_by_period, rollouts
from playbook.impact.segments import for_whom
from playbook.impact.times import sooner, waiting
from playbook.impact.totals import totals
from playbook.impact.weeks import over_weeks
from playbook.results import Answer
from playbook.run import Run

__all__ = [
    "activation_by_week",
    "all_plays",
    "among_reached",
    "before_after",
    "between_arms",
    "checks",
    "claims",
    "comparisons",
    "credits",
    "effect",
    "effects",
    "for_whom",
    "harmed",
    "harms",
    "iterations",
    "lasting",
    "launches",
    "live_since",
    "messages_a_week",
    "metrics",
    "next_question",
    "openers",
    "over_days",
    "over_weeks",
    "reach",
    "rollout",
    "rollout_by_period",
    "rollouts",
    "seen",
    "sooner",
    "totals",
    "tried",
    "verdicts",
    "waiting",
    "why_null",
]


def activation_by_week(run: Run, id: str) -> Answer:
    """A share question by week of entry; see `playbook.answers.activation_by_week`."""
    return answers.activation_by_week(run, id, stage="impact")
