"""Times to the goal as censored curves: everybody counts for as long as the data saw them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.counting.shaping import grouped
from playbook.inference import stats
from playbook.language.periods import Period, interval, moment
from playbook.language.portable import pieces, seconds
from playbook.results import Rows


def durations(
    first_times: ir.Table, *, horizon: timedelta, period: Period, by: Sequence[str] = ()
) -> ir.Table:
    """Hours to the goal, for a censored curve: everybody who started counts.

    Returns:
        One row per `by`, `hours` (rounded up; at most the horizon) and `reached`: `n` units
        that reached the goal then, or were last seen without it. Units that had reached it
        before their start are left out.
    """
    end = ibis.least(_.started_at + interval(horizon), moment(period.as_of))
    reached = (_.goal_0_at <= end).fill_null(False)
    seen = first_times.filter(~_.goal_0_before).mutate(
        reached=reached, ends_at=ibis.ifelse(reached, _.goal_0_at, end)
    )
    return seen.mutate(hours=pieces(seconds(_.started_at, _.ends_at), 3600)).aggregate(
        by=[*by, "hours", "reached"], n=_.count()
    )


def curves(rows: Rows, by: Sequence[str], hours: float) -> Rows:
    found: Rows = []
    for segment, own in sorted(grouped(rows, by).items(), key=lambda item: item[0]):
        own.sort(key=lambda row: (row["hours"], row["reached"]))
        n = sum(row["n"] for row in own)
        drawn = stats.kaplan_meier(
            [row["hours"] for row in own],
            [row["reached"] for row in own],
            [row["n"] for row in own],
        )
        points = list(zip(drawn.times, drawn.shares, drawn.lows, drawn.highs, strict=True))
        points = [(0.0, 0.0, 0.0, 0.0), *points]
        if points[-1][0] < hours:
            points.append((float(hours), *points[-1][1:]))
        named = dict(zip(by, segment, strict=True))
        found += [
            named | {"hours": t, "share": s, "low": low, "high": high, "n": n}
            for t, s, low, high in points
        ]
    return found
