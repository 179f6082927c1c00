"""Rollouts without a holdout: accounts that got something in turns, at grade B or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.counting import units
from playbook.counting.shaping import Rows
from playbook.declare import Experiment
from playbook.impact.effects import verdict_of
from playbook.inference import stats
from playbook.language.mistakes import Mistake, listed
from playbook.language.periods import duration, moment, words
from playbook.results import Answer, Unavailable
from playbook.run import Run

if TYPE_CHECKING:
    from playbook.adapters import quasi

MOST_PERIODS = 60  # each is one bit of an account's pattern
MOST_CELLS = 500_000  # accounts × periods that one estimate may take
NO_DAY = -2  # stands for the period of an account whose column holds no day
ASSUMES = "trends would have stayed parallel, and nobody acted ahead of the start"
SOONER = "Draw the order in which accounts get it, or hold some out, and it is answerable."


def rollouts(run: Run) -> list[Answer]:
    """Every rollout that is declared; see `rollout`."""
    return [rollout(run, each.slug) for each in run.declared.experiments if each.rollout]


def rollout(run: Run, slug: str) -> Answer:
    """What a rollout to accounts in turns changed, against those that had not got it yet.

    Callaway and Sant'Anna (2021), see `quasi.staggered_rollout`. The outcome is whether
    anybody in the account did the goal in a period. Accounts count that are older than the first
    period; those that had it before then are left out.

    Returns:
        Shape `effect`, one row: `label`, `n_treated` (accounts that got it in the time),
        `n_holdout` (those that had not by its end), `treated` (their share a period from the
        start on), `holdout` (what it would have been), `difference`, `low`, `high`, `verdict`
        (`works`, `harms`, `cannot tell`, `no claim`), `grade` (B; "–": no claim, and then no
        difference), `pretrend_p`, `power`, `cohorts`, `left_out` accounts, and `because`: the
        assumption, or why there is no claim and what would make one.
    """
    return _of_rollout(run, slug, "effect", "effect", _verdict)


def rollout_by_period(run: Run, slug: str) -> Answer:
    """The same, by periods since the start; before it, how far the groups moved apart by then.

    Returns:
        Shape `table`: one row per period since the start (below 0: before it): `since_start`,
        `effect`, `low`, `high`; none where there is no claim.
    """

    def finish(run: Run, experiment: Experiment, rows: Rows, periods: int) -> Rows:
        from playbook.adapters import quasi

        if _verdict(run, experiment, rows, periods)[0]["difference"] is None:
            return []
        found = quasi.staggered_rollout(_panel(rows, periods))
        return [
            {"since_start": step.period, "effect": step.effect, "low": step.low, "high": step.high}
            for step in found.steps
        ]

    return _of_rollout(run, slug, "by_period", "table", finish)


def _of_rollout(run: Run, slug: str, name: str, shape: str, finish: Any) -> Answer:
    id = f"impact.{slug}.{name}"
    declared = {each.slug: each for each in run.declared.experiments if each.rollout}
    if slug not in declared:
        return Unavailable(
            id,
            f"{run.declared.product.name} declares no rollout `{slug}`. It declares: "
            f"{listed(declared)}. A rollout stands under `rollout:` in experiments/<name>.yaml.",
        )
    experiment = declared[slug]
    if reason := _obstacle(run, experiment):
        return Unavailable(id, reason)
    edges = _periods(run, experiment)
    periods = len(edges) - 1
    try:
        counted = _patterns(run, experiment, edges)
    except Mistake as mistake:
        return Unavailable(id, mistake.sentence)
    each = words(duration(experiment.rollout.every))
    return run.result(
        id,
        shape,
        counted,
        lambda rows: finish(run, experiment, rows, periods),
        counts="accounts with somebody who did the goal in a period",
        says=(
            ("comparison", "accounts that had not got it yet (Callaway and Sant'Anna 2021)"),
            ("assumes", ASSUMES),
            ("goal", experiment.rollout.goal),
            ("periods", f"{periods} of {each}, from {edges[0]:%Y-%m-%d}"),
            ("left out", "accounts that are younger; bots and internal people"),
        ),
    )


def _obstacle(run: Run, experiment: Experiment) -> str:
    """Why a rollout cannot be estimated from this data; "" if it can."""
    how, slug = experiment.rollout, experiment.slug
    if how.column and run.tables.accounts is None:
        return f"The rollout `{slug}` reads `{how.column}` of `accounts`, which is not mapped."
    if how.column and how.column not in run.tables.accounts.columns:
        there = listed(run.tables.accounts.columns)
        return (
            f"The rollout `{slug}` reads `{how.column}`, which `accounts` lacks. It has: {there}."
        )
    for event in (how.goal, how.event):
        if event and event not in run.coverage:
            return f"The rollout `{slug}` rests on `{event}`, which never arrives."
    periods = len(_periods(run, experiment)) - 1
    if periods < 2:
        every = words(duration(how.every))
        return f"The rollout `{slug}` needs two periods of {every} in the data: before and after."
    return ""


def _periods(run: Run, experiment: Experiment) -> list[datetime]:
    """The ends of the whole periods of a rollout: one more than there are periods."""
    how = experiment.rollout
    last = min(run.period.until, run.period.as_of + timedelta(microseconds=1))
    since = datetime.fromisoformat(how.since) if how.since else _midnight(run.period.since)
    until = min(datetime.fromisoformat(how.until), last) if how.until else last
    every = duration(how.every)
    edges = [since]
    while edges[-1] + every <= until and len(edges) <= MOST_PERIODS:
        edges.append(edges[-1] + every)
    return edges


def _patterns(run: Run, experiment: Experiment, edges: Sequence[datetime]) -> ir.Table:
    """Accounts alike in when they first got it and in which periods they did the goal.

    Returns:
        `first` (the period; −1: before all, null: not in the time), `pattern` (the bit of a
        period is set if the account did the goal in it), and how many `accounts`.
    """
    how, rows = experiment.rollout, units.rows(run.tables, "account")
    bits = [(_.at < moment(end), 1 << place) for place, end in enumerate(edges[1:])]
    did = (
        rows.filter(_.event == how.goal, _.at >= moment(edges[0]), _.at < moment(edges[-1]))
        .select(doer="unit", bit=ibis.cases(*bits, else_=0).cast("int64"))
        .distinct()
        .group_by("doer")
        .aggregate(pattern=_.bit.sum())
    )
    accounts = _eligible(run, experiment, rows, edges[0])
    got = _got(run, experiment, rows, edges)
    joined = accounts.left_join(got, accounts.unit == got.who).select("unit", "first")
    both = joined.left_join(did, joined.unit == did.doer)
    told = both.mutate(pattern=_.pattern.fill_null(0))
    return told.group_by("first", "pattern").aggregate(accounts=_.count())


def _eligible(run: Run, experiment: Experiment, rows: ir.Table, since: datetime) -> ir.Table:
    """The accounts that are older than the first period: `unit`."""
    if run.tables.has("accounts", "created_at"):
        real = run.tables.accounts.anti_join(units.unreal_accounts(run.tables), "account_id")
        known = real.select(unit="account_id", began_at="created_at")
    else:
        known = rows.group_by("unit").aggregate(began_at=_.at.min())
    older = known.filter(_.began_at < moment(since)).select("unit")
    if among := experiment.rollout.among:
        chosen = units.among(units.traits(run.tables, "account", list(among)), among)
        older = older.semi_join(chosen, "unit")
    return older


def _got(run: Run, experiment: Experiment, rows: ir.Table, edges: Sequence[datetime]) -> ir.Table:
    """When accounts first got it: `who` and `first`, the period; −1: before all of them."""
    if event := experiment.rollout.event:
        own = rows.filter(_.event == event).group_by(who="unit").aggregate(at=_.at.min())
        return own.select("who", first=place(_.at, edges))
    # What a product's table has besides the canonical columns is text: days as ISO writes them.
    days = run.tables.accounts.select(who="account_id", day=experiment.rollout.column)
    days = days.mutate(day=_.day.cast("string").substr(0, 10))
    is_day = (_.day.length() == 10) & (_.day.substr(4, 1) == "-") & (_.day.substr(7, 1) == "-")
    later = [(~is_day, NO_DAY)]
    later += [(_.day < f"{end:%Y-%m-%d}", place) for place, end in enumerate(edges, -1)]
    return days.filter(_.day.notnull()).select("who", first=ibis.cases(*later, else_=None))


def place(at: ir.TimestampValue, edges: Sequence[datetime]) -> ir.IntegerValue:
    """The period that a time is in; −1: before all of them, null: after them."""
    later = [(at < moment(end), place) for place, end in enumerate(edges, -1)]
    return ibis.cases(*later, else_=None)


def _panel(rows: Rows, periods: int) -> list[quasi.Row]:
    """Every account of every group and period, under a number."""
    found: list[quasi.Row] = []
    ordered = sorted(rows, key=lambda r: (r["first"] is None, r["first"] or 0, int(r["pattern"])))
    number = 0
    for row in ordered:
        for _each in range(row["accounts"]):
            number += 1
            found += [
                (str(number), period, row["first"], float(int(row["pattern"]) >> period & 1))
                for period in range(periods)
            ]
    return found


def _verdict(run: Run, experiment: Experiment, rows: Rows, periods: int) -> Rows:
    """What the rollout changed, or why there is no claim."""
    began = [row for row in rows if row["first"] is not None and row["first"] > 0]
    n_treated = sum(row["accounts"] for row in began)
    total = sum(row["accounts"] for row in rows)
    row: dict[str, Any] = {"label": experiment.slug, "n_treated": n_treated}
    row |= {"n_holdout": sum(r["accounts"] for r in rows if r["first"] is None)}
    row |= dict.fromkeys(("treated", "holdout", "difference", "low", "high"))
    row |= {"verdict": "no claim", "grade": "–", "pretrend_p": None, "power": None}
    row |= {"cohorts": len({r["first"] for r in began}), "left_out": 0}
    if any(each["first"] == NO_DAY for each in rows):
        column = experiment.rollout.column
        reason = f"`{column}` of `accounts` holds what is no day. A day is written 2026-01-31."
        return [row | {"because": reason}]
    if reason := _too_little(run, row, total, periods):
        return [row | {"because": reason}]
    from playbook.adapters import quasi

    try:
        found = quasi.staggered_rollout(_panel(rows, periods))
    except Mistake as mistake:
        return [row | {"because": mistake.sentence}]
    row |= {"left_out": found.left_out if found else total}
    if found:
        row |= {"pretrend_p": found.pretrend_p, "power": found.power}
    if reason := _unfounded(found):
        return [row | {"because": reason}]
    share = _share_after(began, periods)
    effect, low, high = found.effect, found.low, found.high
    verdict = verdict_of(low, high)
    row |= {"treated": share, "holdout": share - effect, "difference": effect}
    return [row | {"low": low, "high": high, "verdict": verdict, "grade": "B", "because": ASSUMES}]


def _too_little(run: Run, row: dict[str, Any], total: int, periods: int) -> str:
    least = run.declared.product.min_n
    if not total:
        return (
            "No account is older than its first period. Give `since:` a later day, so that "
            "accounts have time before they got it."
        )
    if total * periods > MOST_CELLS:
        return (
            f"{total:,} accounts in {periods} periods are more than {MOST_CELLS:,} to estimate "
            "from. Name fewer with `among:`, or take longer periods."
        )
    if row["n_treated"] < least:
        return f"Only {row['n_treated']:,} accounts got it in the time, and it takes {least}."
    if row["cohorts"] < 2:
        return (
            "All accounts got it in the same period: whatever else changed then changed with it. "
            + SOONER
        )
    return ""


def _unfounded(found: quasi.Rollout | None) -> str:
    """Why an estimate supports no claim; "" if it does."""
    if found is None:
        return "No accounts without it are left to compare with. " + SOONER
    if not found.before:
        return (
            "No group has two periods before its start, so nobody can see whether they moved "
            "alike. Begin earlier, and it is answerable."
        )
    if found.pretrend_p is None:
        return (
            "Too few accounts changed what they do before the start to see in "
            f"{found.before + 1} periods whether the groups moved alike. Take longer periods "
            "(`every:`), or more accounts, and it is answerable."
        )
    if found.pretrend_p < stats.SURE:
        return (
            "The groups moved apart before they got it "
            f"(p = {found.pretrend_p:.2g}): what came after would have come anyway. " + SOONER
        )
    return "" if found.low is not None else "Its error cannot be estimated: too few accounts."


def _share_after(began: Rows, periods: int) -> float:
    """The share of treated accounts that did the goal in a period, from their start on."""
    did = cells = 0
    for row in began:
        did += row["accounts"] * (int(row["pattern"]) >> row["first"]).bit_count()
        cells += row["accounts"] * (periods - row["first"])
    return did / cells


def _midnight(at: datetime) -> datetime:
    """The day's beginning, or the next day's."""
    day = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return day if day == at else day + timedelta(days=1)
