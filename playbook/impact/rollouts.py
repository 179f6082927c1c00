"""Rollouts without a holdout: accounts that got something in turns, at grade B or not at all."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from playbook.counting.shaping import Rows
from playbook.declare import Experiment
from playbook.impact.judging import SEVERAL, verdict_of
from playbook.impact.turns import NO_DAY, patterns_of_turns, period_ends
from playbook.inference import stats
from playbook.language.mistakes import Mistake, listed
from playbook.language.periods import duration, words
from playbook.language.wording import plain, points
from playbook.results import Answer, Result
from playbook.results.columns import COUNT, KEY, POINTS, SHARE, TEXT, P, with_ends
from playbook.results.section import Unanswerable, needed, section, there
from playbook.results.sentences import Told, said, together
from playbook.run import Run

MOST_CELLS = 500_000  # accounts × periods that one estimate may take
SHARE_OF = "accounts with somebody who did the goal in a period"
ASSUMES = "trends would have stayed parallel, and nobody acted ahead of the start"
SOONER = "Draw the order in which accounts get it, or hold some out, and it is answerable."
ROLLOUT = {"pretrend_p": P, "power": SHARE, "cohorts": COUNT, "left_out": COUNT, "because": TEXT}


@section("impact.rollouts")
def rollouts(run: Run) -> Answer:
    """Every rollout that is declared and can be counted: the rows of `rollout`."""
    singles = [rollout(run, each.slug) for each in run.declared.experiments if each.rollout]
    counted = there(*singles)
    if singles and not counted:
        raise Unanswerable(" ".join(single.reason for single in singles))

    def say(_result: Result, told: Told, _words: str) -> str:
        found = together(*(said(single, says=_say_rollout) for single in singles))
        told.figures += found.figures
        return found.text

    return run.result(
        "effect",
        None,
        lambda _rows: [row for single in counted for row in single.rows],
        own=SEVERAL | ROLLOUT,
        counted="accounts",
        counts=SHARE_OF,
        made_of=(*counted, *run.scans),
        says=say,
        silence="No rollout without a holdout is declared.",
    )


@section("impact.{slug}.effect")
def rollout(run: Run, slug: str) -> Answer:
    """What a rollout to accounts in turns changed, against those that had not got it yet.

    Callaway and Sant'Anna (2021), see `playbook.adapters.quasi.rollout`. The outcome is whether
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
    experiment, edges = _staggered(run, slug)
    periods, each = len(edges) - 1, words(duration(experiment.rollout.every))
    return run.result(
        "effect",
        patterns_of_turns(run, experiment.rollout, edges),
        lambda rows: [_rollout_effect(run, experiment, rows, periods)],
        own=ROLLOUT,
        counted="accounts",
        counts=SHARE_OF,
        told=(
            ("comparison", "accounts that had not got it yet (Callaway and Sant'Anna 2021)"),
            ("assumes", ASSUMES),
            ("goal", experiment.rollout.goal),
            ("periods", f"{periods} of {each}, from {edges[0]:%Y-%m-%d}"),
            ("left out", "accounts that are younger; bots and internal people"),
        ),
        made_of=run.scans,
        says=_say_rollout,
    )


@section("impact.{slug}.by_period")
def rollout_by_period(run: Run, slug: str) -> Answer:
    """The same, by periods since the start; before it, how far the groups moved apart by then.

    Returns:
        Shape `table`: one row per period since the start (below 0: before it): `since_start`,
        `effect`, `low`, `high`; none where there is no claim.
    """
    whole = needed(rollout(run, slug))
    _experiment, edges = _staggered(run, slug)

    def finish(_rows: Rows) -> Rows:
        from playbook.adapters import quasi

        if whole.rows[0]["difference"] is None:
            return []
        found = quasi.staggered_rollout(_accounts_by_period(whole.raw, len(edges) - 1))
        return [
            {"since_start": step.period, "effect": step.effect, "low": step.low, "high": step.high}
            for step in found.steps
        ]

    return run.result(
        "table",
        None,
        finish,
        own={"since_start": KEY} | with_ends("effect", POINTS),
        definition=whole.definition[1:],
        made_of=(whole,),
        silence="There is no claim, and so none by period.",
    )


def _staggered(run: Run, slug: str) -> tuple[Experiment, list[datetime]]:
    """A declared rollout, and the ends of its whole periods: one more than there are periods.

    Raises:
        Unanswerable: Nobody declares it, or it cannot be estimated from this data.
    """
    declared = {each.slug: each for each in run.declared.experiments if each.rollout}
    if slug not in declared:
        raise Unanswerable(
            f"{run.declared.product.name} declares no rollout `{slug}`. It declares: "
            f"{listed(declared)}. A rollout stands under `rollout:` in experiments/<name>.yaml."
        )
    how, accounts = declared[slug].rollout, run.tables.accounts
    if how.column and accounts is None:
        raise Unanswerable(
            f"The rollout `{slug}` reads `{how.column}` of `accounts`, which is not mapped."
        )
    if how.column and how.column not in accounts.columns:
        raise Unanswerable(
            f"The rollout `{slug}` reads `{how.column}`, which `accounts` lacks. "
            f"It has: {listed(accounts.columns)}."
        )
    for event in (how.goal, how.event):
        if event and event not in run.coverage:
            raise Unanswerable(f"The rollout `{slug}` rests on `{event}`, which never arrives.")
    edges = period_ends(run, how)
    if len(edges) < 3:
        every = words(duration(how.every))
        raise Unanswerable(
            f"The rollout `{slug}` needs two periods of {every} in the data: before and after."
        )
    return declared[slug], edges


def _accounts_by_period(rows: Rows, periods: int) -> list[tuple]:
    """Every account of every group and period, under a number."""
    found: list[tuple] = []
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


def _rollout_effect(run: Run, experiment: Experiment, rows: Rows, periods: int) -> dict[str, Any]:
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
        return row | {"because": reason}
    if reason := _too_little(run, row, total, periods):
        return row | {"because": reason}
    from playbook.adapters import quasi

    try:
        found = quasi.staggered_rollout(_accounts_by_period(rows, periods))
    except Mistake as mistake:  # the rows are made when all sections stand
        return row | {"because": mistake.sentence}
    row |= {"left_out": found.left_out if found else total}
    if found:
        row |= {"pretrend_p": found.pretrend_p, "power": found.power}
    if reason := _unfounded(found):
        return row | {"because": reason}
    share = _share_after(began, periods)
    row |= {"treated": share, "holdout": share - found.effect, "difference": found.effect}
    row |= {"low": found.low, "high": found.high, "verdict": verdict_of(found.low, found.high)}
    return row | {"grade": "B", "because": ASSUMES}


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


def _unfounded(found: Any) -> str:
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


def _say_rollout(result: Result, told: Told, _words: str) -> str:
    """The effect and the test of its assumption, or why there is none."""
    (row,) = result.rows
    name = f"**{plain(row['label'])}**"
    if row["difference"] is None:
        return f"{name} has no claim. {row['because']}"
    power, shown = "", row["verdict"]
    if row["power"] is not None:
        likely = told.share("power", row["power"])
        power = f"; a trend that explains it all would have shown with {likely}"
    told.kept("pretrend_p", row["pretrend_p"], kind="p")
    holdout, treated = (told.share(name, row[name]) for name in ("holdout", "treated"))
    return (
        f"{name} {'shows no effect' if shown == 'cannot tell' else shown}, if {row['because']}: "
        f"**{points(row['difference'])} points** ({points(row['low'])} to {points(row['high'])}) "
        f"of the accounts in a period, from {holdout} to {treated} "
        f"({told.count('n_treated', row['n_treated'], 'account')} got it in "
        f"{told.count('cohorts', row['cohorts'], 'turn')}, "
        f"{told.count('n_holdout', row['n_holdout'])} did not). Before the start the groups moved "
        f"alike (p = {row['pretrend_p']:.2f}{power}). Grade {row['grade']}."
    )
