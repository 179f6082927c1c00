"""A sentence about why people miss a step: who is fake, whom no mail reached, and who had it."""

from __future__ import annotations

from playbook.findings.markdown import Finding, each_segment, plain, said
from playbook.language.wording import count, percent, too_few
from playbook.results import Answer, Result

# Kind of reason → what is true of those people, and whether it is worth saying which reason.
SAYS = {
    "fake": "have a disposable address or are bots",
    "not reached": "got no mail: it was not sent, bounced, or was marked as spam",
    "reached": "had the mail and did not act on it",
    "not known": "are unexplained: the data do not tell",
}


def reasons(result: Answer, says: str) -> Finding:
    """Per segment: the kinds of reasons, and the largest single one.

    Args:
        result: What `friction.reasons` gives.
        says: Who they are: "people who did not verify".
    """
    return said(
        result, lambda rows: each_segment(result, rows, lambda own: _reasons(result, own, says))
    )


def _reasons(result: Result, rows: list, says: str) -> str:
    total = rows[0]["total"]
    if total < result.min_n:
        return f"{too_few(total)}."
    parts = []
    for kind, means in SAYS.items():
        n = sum(row["n"] for row in rows if row["kind"] == kind)
        if n:
            parts.append(f"**{percent(n / total)}** {means} ({count(n)})")
    first = max(rows, key=lambda row: (row["n"], -row["position"]))
    most = f"The largest single reason: {plain(first['label'])}, {percent(first['share'])}."
    return f"Of {count(total)} {says}, {'; '.join(parts)}. {most}"
