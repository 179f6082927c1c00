"""What a play changes in the metric that it is judged by, in words: for every sentence alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from playbook.language.wording import measure, plain, signed
from playbook.results.sentences import Told


def metric_change(told: Told, row: Mapping[str, Any]) -> tuple[str, str, str]:
    """The change, as in "**+12.3 per person** (+3.1 to +21.5)", what it is of the treated, and of
    those held out; each kept as a figure.

    Args:
        told: Of the sentence.
        row: Of shape `effect`, with `metric_difference` and the like (`impact.judging.PRIMARY`).
    """
    low, high = row["metric_low"], row["metric_high"]
    n = row["n_treated"] + row["n_holdout"]
    for part, ends in (("difference", (low, high)), ("treated", None), ("holdout", None)):
        name, value = f"{row['label']}.metric_{part}", row[f"metric_{part}"]
        told.kept(name, value, kind="measure", n=n, ends=ends or (None, None))
    unit = "points" if row["metric_in"].startswith("%") else plain(row["metric_in"])
    change = f"**{signed(row['metric_difference'])} {unit}** ({signed(low)} to {signed(high)})"
    return change, *(measure(row[f"metric_{arm}"]) for arm in ("treated", "holdout"))
