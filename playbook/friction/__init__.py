"""Stage 2, the friction analysis: the questions inverted; where people stop, and who they are."""

from playbook.friction.bottom_line import bottom_line
from playbook.friction.cohorts import cohort
from playbook.friction.drafts import came_back, stopped, stuck
from playbook.friction.drivers import drivers
from playbook.friction.firmness import firm
from playbook.friction.lifecycle import active, pulse
from playbook.friction.paths import instead
from playbook.friction.questions import answer, curve, members
from playbook.friction.retention import retained, retention
from playbook.friction.roles import roles
from playbook.friction.segments import by_week, differences
from playbook.friction.shifts import shifts
from playbook.friction.times import time_curves, times
from playbook.friction.verification import bots, reasons

__all__ = [
    "active",
    "answer",
    "bots",
    "bottom_line",
    "by_week",
    "came_back",
    "cohort",
    "curve",
    "differences",
    "drivers",
    "firm",
    "instead",
    "members",
    "pulse",
    "reasons",
    "retained",
    "retention",
    "roles",
    "shifts",
    "stopped",
    "stuck",
    "time_curves",
    "times",
]
