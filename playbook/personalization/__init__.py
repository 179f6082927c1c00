"""Stage 3, personalization design: plays by persona, intent and acquisition, tried on history."""

from playbook.personalization.audiences import audience
from playbook.personalization.cards import cards
from playbook.personalization.cells import matrix
from playbook.personalization.dryrun import by_day, contention, decisions, pressure
from playbook.personalization.holdouts import holdouts
from playbook.personalization.lint import lint

__all__ = [
    "audience",
    "by_day",
    "cards",
    "contention",
    "decisions",
    "holdouts",
    "lint",
    "matrix",
    "pressure",
]
