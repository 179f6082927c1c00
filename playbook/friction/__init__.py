"""Stage 2, the friction analysis: the questions inverted; where people stop, and who they are."""

from playbook.friction.drafts import stuck
from playbook.friction.questions import answer, curve, members

__all__ = ["answer", "curve", "members", "stuck"]
