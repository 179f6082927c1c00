"""Growth Playbook: product-led growth in four stages, from a warehouse to honest reports.

`pb.open` opens a product over a period; the four stages compute lazily (`pb.audit`,
`pb.friction`, `pb.personalization`, `pb.impact`). `pb.show` draws a result and says it, and
`pb.each` does so for every question of a kind; `pb.ask` answers a question that nobody has
declared yet; `pb.charts`, `pb.findings` and `pb.listings` are
its picture, its sentence and its table alone.
"""

from playbook import audit, charts, findings, friction, impact, personalization
from playbook.answers.asking import ask
from playbook.results import listings
from playbook.run import Run, open
from playbook.views import each, index, show

__all__ = [
    "Run",
    "ask",
    "audit",
    "charts",
    "each",
    "findings",
    "friction",
    "impact",
    "index",
    "listings",
    "open",
    "personalization",
    "show",
]


def __dir__() -> list[str]:
    return __all__
