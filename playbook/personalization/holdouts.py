"""How many units and weeks each play needs before anybody can tell whether it works."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook import ledger
from playbook.counting.shaping import WEEK, Rows
from playbook.declare import Play
from playbook.inference import sizing
from playbook.inference.sizing import Clusters
from playbook.language.periods import duration, interval, moment
from playbook.language.portable import count_if, ratio, united, when
from playbook.language.wording import percent, plain
from playbook.results import Answer, Result
from playbook.results.columns import COUNT, FLAG, KEY, NUMBER, POINTS, RATIO, SHARE, TEXT, share_of
from playbook.results.section import Unanswerable, section
from playbook.results.sentences import Told
from playbook.run import Run

SOON = 12  # weeks for which the smallest rise that can be seen is said
ARMS = ("treated", "holdout")
GROUPS = (*ARMS, "all")
SIZED = {
    "play": KEY,
    "unit": TEXT,
    "base": share_of("n"),
    "base_of": TEXT,
    "n": COUNT,
    "per_week": NUMBER,
    "smallest_effect": POINTS,
    "holdout": SHARE,
    **dict.fromkeys(("units", "weeks", "weeks_at_half"), COUNT),
    "sees": POINTS,
    "people_per_account": NUMBER,
    **dict.fromkeys(("icc", "design_effect"), RATIO),
    "weeks_by_account": COUNT,
    "answerable": FLAG,
    "verdict": TEXT,
}


@section("personalization.holdouts")
def holdouts(run: Run) -> Answer:
    """The size and the weeks that each play needs, from what its units did in the period.

    A plan has 80 % power at 5 % two-sided, however often the play is looked at on schedule until
    then (see `playbook.inference.sizing`), and at least `min_n` units in
    each arm, without which impact gives no verdict. Its weeks end with the last unit's window.
    Units count that trigger the play in the period, whatever the rules of sending make of it.

    Returns:
        Shape `table`: one row per play with a holdout that has not ended, by priority; null
        is what cannot be told. `play`; `unit`, which is counted; `base`, the share that
        does the goal without the play, of `n` matured units: the held-out ones (`base_of`)
        if these are `min_n`, else, and for a draft, all; `per_week`, units that trigger;
        `smallest_effect`, worth having; `holdout`, a share; `units`, both arms together,
        and `weeks` for that effect; `weeks_at_half`, were half held out, which is fastest;
        `sees`, the smallest rise that 12 weeks show; `answerable`, within a year;
        `verdict`, in words. Where accounts are drawn and people counted, `design_effect` is
        in all of these. Where people are drawn, also `people_per_account` among those who
        trigger and `icc`, how alike they are: this costs nothing while colleagues stand in
        both arms. Were whole accounts drawn, it would take `design_effect` times the
        people, and `weeks_by_account`; null where fewer than `min_n` have a colleague.
    """
    plays = [play for play in run.declared.plays if play.holds_out and not play.is_over(run.as_of)]
    if not plays:
        raise Unanswerable("No play with a holdout is declared: there is nothing to size.")
    for play in plays:
        ledger.play_of(run, play.slug)
    ordered = sorted(plays, key=lambda play: (-play.priority, play.slug))

    def finish(rows: Rows) -> Rows:
        sums = {row["play"]: row for row in rows}
        return [_size_and_weeks(run, play, sums.get(play.slug, {})) for play in ordered]

    return run.result(
        "table",
        united([_group_sums(run, play) for play in ordered]),
        finish,
        counts="units that trigger in the period, in both arms; the goal of matured ones",
        told=(
            ("plan", "80 % power at 5 %, two-sided, looks included"),
            ("test", "Newcombe's interval"),
        ),
        own=SIZED,
        says=_sizes_in_words,
    )


@dataclass(frozen=True)
class _Facts:
    """What the period says about a play, as a plan needs it."""

    play: Play
    least: int
    base: float | None
    of: str
    n: int
    holdout: float
    per_week: float
    accounts: Clusters

    @property
    def window(self) -> float:
        """How many weeks after its moment a unit is mature."""
        return duration(self.play.goal_within) / WEEK

    @property
    def per_look(self) -> float:
        """Units that trigger between two looks."""
        return self.per_week * (duration(self.play.looks) / WEEK)

    def units(self, holdout: float, design_effect: float = 1) -> int | None:
        return sizing.units_at_pace(
            self.base or 0,
            self.play.smallest_effect,
            per_look=self.per_look,
            holdout=holdout,
            design_effect=design_effect,
            least=self.least,
        )

    def weeks(self, units: int | None) -> int | None:
        """How long until so many have triggered and are mature."""
        return sizing.weeks_needed(units, self.per_week, self.window)

    def sees(self) -> float | None:
        units = (SOON - self.window) * self.per_week
        if units * min(self.holdout, 1 - self.holdout) < self.least:
            return None
        looks = sizing.looks_for(units, self.per_look)
        return sizing.smallest_difference(self.base or 0, units, holdout=self.holdout, looks=looks)


def _size_and_weeks(run: Run, play: Play, sums: dict[str, Any]) -> dict[str, Any]:
    facts = _facts_of_period(run, play, sums)
    arms = [_clusters(sums, arm) for arm in ARMS]
    whole = sizing.design_effect_of(arms) if play.is_clustered else 1.0
    units = facts.units(facts.holdout, whole)
    row = {
        "play": play.slug,
        "unit": play.measured,
        "base": facts.base,
        "base_of": facts.of,
        "n": facts.n,
        "per_week": facts.per_week,
        "smallest_effect": play.smallest_effect,
        "holdout": facts.holdout,
        "units": units,
        "weeks": facts.weeks(units),
        "weeks_at_half": facts.weeks(facts.units(0.5, whole)),
        "sees": facts.sees(),
        **dict.fromkeys(("people_per_account", "icc", "design_effect", "weeks_by_account")),
    }
    if play.is_clustered:
        row["design_effect"] = whole
    elif play.unit == "user":
        row |= _likeness(facts, sums)
    answerable = row["weeks"] is not None and row["weeks"] <= sizing.LONGEST
    return row | {"answerable": answerable, "verdict": _plan_in_words(row, facts)}


def _facts_of_period(run: Run, play: Play, sums: dict[str, Any]) -> _Facts:
    least, period = run.declared.product.min_n, run.period
    held = _clusters(sums, "holdout").units >= least and not play.draft
    group = _clusters(sums, "holdout" if held else "all")
    triggered = int(sums.get("triggered", 0))
    share = int(sums["held"]) / triggered if play.holdout_by and triggered else play.holdout
    # Whoever entered later has no moment before the watermark.
    last = min(period.until, period.as_of - duration(play.after))
    since = max(period.since, datetime.fromisoformat(play.live_from or "1970-01-01"))
    weeks = max((last - since) / WEEK, 0)
    return _Facts(
        play=play,
        least=least,
        base=group.reached / group.units if group.units >= least else None,
        of="held-out" if held else "all",
        n=group.units,
        holdout=share,
        per_week=triggered / weeks if weeks else 0.0,
        accounts=_clusters(sums, "all"),
    )


def _likeness(facts: _Facts, sums: dict[str, Any]) -> dict[str, Any]:
    """How alike colleagues are, and what drawing whole accounts would cost."""
    accounts, arms = facts.accounts, [_clusters(sums, arm) for arm in ARMS]
    if not accounts.units:
        return {}
    size = accounts.units / accounts.accounts
    # Alike is who has colleagues in the same arm: what few of them do says nothing.
    colleagues = sum(arm.units - arm.accounts for arm in arms)
    icc = sizing.icc(arms) if colleagues >= facts.least else None
    if icc is None:
        return {"people_per_account": size}
    cv = math.sqrt(max(accounts.squares / accounts.accounts - size**2, 0)) / size
    times = sizing.design_effect(size, cv, icc)
    return {
        "people_per_account": size,
        "icc": icc,
        "design_effect": times,
        "weeks_by_account": facts.weeks(facts.units(facts.holdout, times)),
    }


def _plan_in_words(row: dict[str, Any], facts: _Facts) -> str:
    if reason := _unplannable(row, facts):
        return reason
    weeks, at_half = row["weeks"], row["weeks_at_half"]
    if weeks <= sizing.LONGEST:
        return f"{weeks} weeks."
    sees = f"{SOON} weeks are too few to show anything."
    if row["sees"] is not None:
        sees = f"{SOON} weeks show rises from {row['sees'] * 100:.1f} points on."
    half = "" if facts.holdout == 0.5 else f", or {at_half:,} with half held out"
    why = "your traffic"
    if half and at_half <= sizing.LONGEST:
        why = f"{facts.holdout * 100:.3g} % held out"
    return f"Not answerable with {why}: it takes {weeks:,} weeks{half}. {sees}"


def _unplannable(row: dict[str, Any], facts: _Facts) -> str:
    """Why there is no plan; "" if there is one."""
    units, n = f"{facts.play.measured}s", f"{facts.n:,}"
    if not facts.per_week:
        return "Nobody triggers it in the period: there is no traffic to plan on."
    if facts.base is None:
        return f"Too few {units} to plan on: the window of {n} is over, and it takes {facts.least}."
    if facts.base in (0, 1):
        whose = "Nobody" if not facts.base else "Everybody"
        return f"{whose} of {n} {units} does the goal: there is no base to plan on."
    if not 0 < facts.holdout < 1:
        return "Nobody who triggers is held out, or everybody is: nothing can be compared."
    if row["units"] is None:
        rise = f"{facts.play.smallest_effect * 100:.3g} points"
        return f"{percent(facts.base)} do the goal as it is: there is no room for {rise} more."
    return ""


def _clusters(sums: dict[str, Any], group: str) -> Clusters:
    """A group of a play's accounts; engines give sums different types, and no sum of nothing."""
    accounts, units, squares, reached, within = (
        float(sums.get(f"{name}_{group}") or 0)
        for name in ("accounts", "units", "squares", "reached", "within")
    )
    # Engines add fractions in an order of their own.
    return Clusters(int(accounts), int(units), squares, int(reached), round(within, 6))


def _group_sums(run: Run, play: Play) -> ir.Table:
    """One row (none without units): `play`, `triggered`, `held`, and each group's `Clusters`."""
    compared = [_.decision.isin(["send", "holdout"])]
    compared.append(run.period.entered(_.moment_at - interval(duration(play.after))))
    if play.live_from:
        compared.append(_.moment_at >= moment(datetime.fromisoformat(play.live_from)))
    own = ledger.arms_of(run, play).compared
    found = ledger.outcomes(run, play).filter(*compared, _.arm.isin(own))
    found = found.mutate(arm=ibis.ifelse(_.arm == ledger.HOLDOUT, _.arm, ledger.TREATED))
    # Where accounts are drawn each is its own; a person without an account stands alone.
    account = found.unit if play.measured == "account" else found.account_id
    counts = {"triggered": _.count(), "held": count_if(_.arm == "holdout")}
    for arm in ARMS:
        mature = _.is_mature & (_.arm == arm)
        counts |= {f"n_{arm}": count_if(mature), f"did_{arm}": count_if(mature & _.did)}
    per_account = (
        found.group_by(account_=account, alone_=when(account.isnull(), found.unit))
        .aggregate(**counts)
        .mutate(n_all=_.n_treated + _.n_holdout, did_all=_.did_treated + _.did_holdout)
    )
    sums = {"triggered": _.triggered.sum(), "held": _.held.sum()}
    for group in GROUPS:
        n, did = per_account[f"n_{group}"], per_account[f"did_{group}"]
        sums |= {
            f"accounts_{group}": count_if(n > 0),
            f"units_{group}": n.sum(),
            f"squares_{group}": (n * n).sum(),
            f"reached_{group}": did.sum(),
            f"within_{group}": ratio(did * did, n).sum(),
        }
    return per_account.group_by(play=ibis.literal(play.slug)).aggregate(**sums)


def _sizes_in_words(result: Result, told: Told, _words: str) -> str:
    """How many plays can tell within a year what they are worth, and which cannot."""
    able = [row for row in result.rows if row["answerable"]]
    never = [plain(row["play"]) for row in result.rows if not row["answerable"]]
    text = (
        f"**{told.count('answerable', len(able))} of "
        f"{told.count('plays', len(result.rows), 'play')}** can tell within a year whether they "
        "bring the smallest effect worth having"
    )
    if able:
        soonest = min(able, key=lambda row: row["weeks"])
        text += f"; the soonest is {plain(soonest['play'])}, after {soonest['weeks']} weeks"
    return text + (f". Not with this traffic and holdout: {', '.join(never)}." if never else ".")
