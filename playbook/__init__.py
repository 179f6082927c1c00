"""Growth Playbook: product-led growth in four stages, from a warehouse to honest reports.

`pb.open` opens a product over a period; the four stages compute lazily (`pb.audit`,
`pb.friction`, `pb.personalization`, `pb.impact`); `pb.charts`, `pb.findings` and
`pb.listings` show what they return.
"""

from playbook import audit, charts, findings, friction, impact, personalization
from playbook.results import listings
from playbook.run import Run, open

__all__ = [
    "Run",
    "audit",
    "charts",
    "findings",
    "friction",
    "impact",
    "listings",
    "open",
    "personalization",
]
