"""What the units of a trial bring by each metric, and the sums over them: lazy tables."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.counting import units
from playbook.counting.shaping import Rows
from playbook.data.arrivals import UNIT_COLUMN
from playbook.data.extent import ends
from playbook.declare import Amount, Metric
from playbook.inference import sizing, values
from playbook.inference.compare import FEWEST_ACCOUNTS
from playbook.inference.samples import COLUMNS, SUMS, Sample
from playbook.language.periods import duration, interval, moment
from playbook.language.portable import united, when
from playbook.results import Result
from playbook.results.section import Unanswerable
from playbook.run import Run

if TYPE_CHECKING:
    from playbook.impact.counts import Counts
    from playbook.impact.trial import Trial

# Some engines take a fraction that stands in a statement for a decimal number.
ONE = ibis.literal(1, "int64").cast("float64")
NO_OWNER = (
    "The values `{name}` are of accounts, and people are counted: nobody can say whose they are."
)


def sums(of: Trial) -> ir.Table:
    """The sums of every metric of a trial, by arm.

    Returns:
        One row per `metric` and `arm`, with how many `clusters` were drawn that are mature, how
        many `units` these hold, and the sums that `inference.samples.Sample` takes. Of an arm
        with few clusters, one row per cluster, which `drawn` names; else that is null.
    """
    return united([_summed(of, metric) for metric in of.play.metrics])


def reaches(run: Run, metric: Metric) -> datetime:
    """Up to when what a metric adds up is there."""
    amounts = [amount for amount in (metric, metric.per) if amount]
    events = [amount.event for amount in amounts if amount.event]
    last = [run.extent.reaches(*events)] if events else []
    last += [_values_reach(run, amount.value) for amount in amounts if amount.value]
    return min(last)


def sample_of(rows: Rows) -> Sample:
    """An arm of `valued.sums`: its clusters where they are few, else their sums."""
    units = sum(int(row["units"]) for row in rows)
    if any(row["drawn"] is not None for row in rows):
        return Sample.of([tuple(row[name] for name in COLUMNS) for row in rows], units=units)
    if not rows:
        return Sample.of([], units=0)
    (row,) = rows
    return Sample.of_sums(int(row["clusters"]), units, row)


def planned(counts: Counts, rows: Rows) -> int | None:
    """The units, of both arms, that show the smallest effect worth having on the metric that a
    play is judged by, from the sums of its metrics; None where it names none, or nothing can be
    planned."""
    metric = counts.play.primary
    if metric is None or metric.smallest_effect is None:
        return None
    rows = [row for row in rows if row["metric"] == metric.name]
    held = sample_of([row for row in rows if row["arm"] == counts.control])
    if min(held.clusters, held.units) < max(counts.least, 2):
        return None
    first, second = held.moments(1), held.moments(2)
    base, mean = float(first[0]), float(first[1] / first[0]) if first[0] else 0.0
    if metric.of == "share":
        return counts.units_needed(mean, metric.smallest_effect)
    left = second[1, 1] - 2 * mean * second[0, 1] + mean**2 * second[0, 0]
    spread = math.sqrt(max(left, 0.0) * held.clusters) / base if base else 0.0
    a_cluster = held.units / held.clusters

    def needed(looks: int) -> int | None:
        reach = sizing.reach_of(looks, counts.planned_looks is not None, counts.error)
        given = {"holdout": counts.held, "deviations": reach}
        clusters = values.units_needed(spread, metric.smallest_effect, **given)
        return clusters and math.ceil(clusters * a_cluster)

    if counts.planned_looks:
        return needed(min(counts.planned_looks, sizing.MOST_LOOKS))
    once, pace = needed(1), counts.sum("triggered") / counts.looks
    return needed(sizing.looks_for(once, pace)) if once and pace else once


def _summed(of: Trial, metric: Metric) -> ir.Table:
    found = _capped(_of_units(of, metric), metric)
    whole = found.group_by("arm", "drawn").aggregate(
        units=_.count(), **{column: _[column].sum() for column in COLUMNS}
    )
    many = _.drawn.count().over(ibis.window(group_by="arm")) >= FEWEST_ACCOUNTS
    whole = whole.mutate(alone=when(~many, _.drawn))
    products = {name: math.prod([whole[c] for c in columns]) for name, columns in SUMS.items()}
    summed = {name: product.sum().cast("float64") for name, product in products.items()}
    return (
        whole.group_by("arm", drawn=_.alone)
        .aggregate(clusters=_.count(), units=_.units.sum(), **summed)
        .mutate(metric=ibis.literal(metric.name))
    )


def _of_units(of: Trial, metric: Metric) -> ir.Table:
    """One row per mature unit: `unit`, `drawn`, `arm` and `COLUMNS`."""
    window = duration(metric.within or of.play.goal_within)
    last = reaches(of.run, metric)
    if of.ends:
        last = min(last, of.ends + window)
    own = of.units.filter(
        _.triggered,
        _.arm.isin(of.arms.compared),
        _.moment_at + interval(window) <= moment(last),
    )
    if of.known_until:
        own = own.filter(_.moment_at <= moment(of.known_until))
    own = own.select("unit", "drawn", "arm", "moment_at")
    found = _added(of, own, metric, window, ("value", "value_before"))
    if metric.of == "share":
        found = found.mutate(
            value=ibis.ifelse(_.value > 0, 1, 0).cast("float64"),
            value_before=ibis.ifelse(_.value_before > 0, 1, 0).cast("float64"),
        )
    if metric.per:
        found = _added(of, found, metric.per, window, ("base", "base_before"))
    else:
        found = found.mutate(base=ONE, base_before=ONE)
    return found


def _added(
    of: Trial, own: ir.Table, amount: Amount, window: timedelta, names: tuple[str, str]
) -> ir.Table:
    """The units with what they brought in the window from their moment on, and in as long a time
    before; nothing is 0."""
    rows = _amounts(of, amount)
    both = own.select("unit", "moment_at").inner_join(rows, "unit")
    length = interval(window)
    inside = (both.at >= both.moment_at) & (both.at <= both.moment_at + length)
    if amount.event and amount.event == of.play.trigger:  # the trigger itself is none
        inside &= both.at > both.moment_at
    earlier = (both.at < both.moment_at) & (both.at >= both.moment_at - length)
    sums = both.group_by(doer="unit").aggregate(
        **{
            name: when(which, both.amount).sum()
            for name, which in zip(names, (inside, earlier), strict=True)
        }
    )
    joined = own.left_join(sums, own.unit == sums.doer).drop("doer")
    return joined.mutate(**{name: _[name].fill_null(0.0).cast("float64") for name in names})


def _amounts(of: Trial, amount: Amount) -> ir.Table:
    """What is added up: one row per event or value, `unit`, `at`, `amount`."""
    tables, unit = of.run.tables, of.play.measured
    if amount.event:
        kept = (amount.property,) if amount.property else ()
        rows = units.rows(tables, unit, keep=kept).filter(_.event == amount.event)
        much = rows[amount.property].cast("float64") if kept else ONE
        return rows.select("unit", "at", amount=much).filter(_.amount.notnull())
    rows = tables.values.filter(_.name == amount.value, _.value.notnull())
    column = UNIT_COLUMN[unit]
    has = tables.mapped["values"]
    if column not in has:
        if unit == "user" or tables.users is None:
            raise Unanswerable(NO_OWNER.format(name=amount.value))
        people = tables.users.select(owner="user_id", home="account_id")
        rows = rows.left_join(people, rows.user_id == people.owner).mutate(account_id=_.home)
    return rows.filter(_[column].notnull()).select(unit=column, at="at", amount="value")


def _capped(found: ir.Table, metric: Metric) -> ir.Table:
    """The units whose largest values are drawn in to where these begin, arms together."""
    if not metric.winsorize:
        return found
    place = ibis.row_number().over(ibis.window(order_by=["value", "unit"])) + 1
    ranked = found.mutate(inside_=place <= metric.winsorize * _.unit.count().over(ibis.window()))
    cap = when(ranked.inside_, ranked.value).max().over(ibis.window())
    return ranked.mutate(value=ibis.least(_.value, cap)).drop("inside_")


def _values_reach(run: Run, name: str) -> datetime:
    """Up to when the values of a name are there: they rest, or they go on."""
    rows = [row for row in _values_by_day(run).rows if row["source"] == name]
    if not rows:
        raise Unanswerable(f"The table `values` holds no `{name}`.")
    end = ends(rows)[name]
    return end.last if end.stalled(run.period.as_of) else run.period.as_of


def _values_by_day(run: Run) -> Result:
    """How many values there are of each name and day."""

    def made() -> Result:
        rows = run.tables.values.filter(_.at <= moment(run.period.as_of))
        found = rows.group_by(source=_.name, day=_.at.date()).aggregate(
            n=_.count(), sane_first=_.at.min(), sane_last=_.at.max()
        )
        return Result("log.values", "table", found)

    return run.remembered(("log", "values"), made)
