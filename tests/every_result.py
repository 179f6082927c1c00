"""Every result that the notebooks show, and the tables of the sample company that they are of."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import playbook as pb
from playbook.impact import compared, days, trial, valued, weeks
from playbook.results import Result
from playbook.run import Run

TABLES = (
    "connections",
    "events",
    "flags",
    "form_visits",
    "holdouts",
    "invoices",
    "mailer_events",
    "messages",
    "suppressions",
    "tool_arms",
    "users",
    "workflows",
    "workspaces",
)
# What the audit shows beside answers, one result each.
AUDIT = (
    "agreement",
    "bounds",
    "causes",
    "copies",
    "crawlers",
    "data_points",
    "destinations",
    "devices",
    "disposable",
    "duplicates",
    "examples",
    "fixes",
    "freshness",
    "ids",
    "lateness",
    "people",
    "questions",
    "rules",
    "rules_by_week",
    "soundness",
    "verdicts",
    "violations",
    "visits",
    "volume",
    "who",
)
IDS = ("id", "created_by", "invited_by")  # those that are not called `…_id`
SILENT = {"audit.ids"}  # the sample company has no ids in doubt


def make_odd(folder: Path) -> Path:
    """Writes the tables again, with what engines may take otherwise: ids that are no ASCII, and
    times to the microsecond."""
    for name in TABLES:
        path = folder / f"{name}.parquet"
        table = pq.read_table(path)
        for place, column in enumerate(table.column_names):
            if column.endswith("_id"):
                own = [
                    f"{id}ż" if id and id.endswith("7") else id for id in table[column].to_pylist()
                ]
                table = table.set_column(place, column, pa.array(own, pa.string()))
            elif column == "occurred_at":
                late = pc.if_else(pc.ends_with(pc.fill_null(table["user_id"], ""), "3"), 7, 0)
                times = pc.add(table[column], pc.cast(late, pa.duration("us")))
                table = table.set_column(place, column, times)
        pq.write_table(table, path)
    return folder


def unlike(ours: list[Result], run: Run) -> list[str]:
    """The results of a run, by id, whose rows are not those of another engine."""
    theirs = results(run)
    return [mine.id for mine, other in zip(ours, theirs, strict=True) if mine.rows != other.rows]


def results(run):
    """Every result that the notebooks show, by id."""
    found = [getattr(pb.audit, name)(run) for name in AUDIT]
    every = [trial.Trial(run, play) for play in run.declared.plays]
    for question in run.declared.questions:
        breakdowns = ("", "persona", *(["week"] if question.measure != "active" else []))
        found += [pb.friction.answer(run, question.id, by=by) for by in breakdowns]
    found += [
        pb.friction.curve(run, "time_to_first_workflow", by="intent"),
        pb.friction.stuck(run, "started_never_saved"),
        pb.friction.reasons(run, "never_verified", by="acquisition"),
        pb.friction.bots(run, "never_verified"),
        pb.friction.stopped(run, "started_never_saved", by="persona"),
        pb.friction.came_back(run, "started_never_saved"),
        pb.friction.cohort(run, "trial_unverified", "none of these"),
        pb.friction.cohort(run, "started_never_saved_stopped", "nothing else"),
        pb.friction.members(run, "path_to_value", "dropped"),
        pb.friction.roles(run, "path_to_value_account"),
        pb.friction.differences(run, "path_to_value", "persona"),
        pb.friction.by_week(run, "path_to_value"),
        pb.friction.times(run, "path_to_value", by="acquisition"),
        pb.friction.time_curves(run, "path_to_value_account"),
        pb.friction.active(run, "active_workflows", ["persona", "acquisition"]),
        pb.friction.retention(run, "active_workflows", by="persona"),
        pb.friction.retention(run, "first_workflow_24h", every="1d", calendar=True),
        pb.friction.retained(run, "first_workflow_24h"),
        pb.friction.drivers(run, "time_to_first_workflow"),
        pb.friction.drivers(run, "activation_rate"),
        pb.friction.instead(run, "path_to_value"),
        pb.friction.instead(run, "started_never_saved", outcome="converted"),
        pb.personalization.matrix(run, "first_workflow_24h", path="path_to_value"),
        pb.personalization.cards(run),
        pb.personalization.lint(run),
        pb.personalization.decisions(run),
        pb.personalization.by_day(run),
        pb.personalization.contention(run),
        pb.personalization.contention(run, per="account"),
        pb.personalization.pressure(run),
        pb.personalization.holdouts(run),
        pb.personalization.audience(run, "organic_engineer_guide_into"),
        pb.impact.effects(run),
        pb.impact.effect(run, "sales_marketing_invite_guide", by="persona"),
        pb.impact.checks(run),
        # So few units have no effect to break down or to time: what is counted is the same.
        _counted(run, "by", compared.sums(every, ("persona", "intent"))),
        _counted(run, "waits", compared.waits(every[0])),
        _counted(run, "weeks", compared.added_up(every[:1], weeks.by_week(every[0]), ["week"])),
        _counted(run, "halves", compared.added_up(every[:1], weeks.by_half(every[0]), ["week"])),
        _counted(run, "days", days.sums_by_time(every[0])),
        *(_counted(run, each.play.slug, valued.sums(each)) for each in every if each.play.metrics),
        pb.impact.totals(run),
        pb.impact.why_null(run),
        pb.impact.reach(run, "organic_engineer_welcome"),
        pb.impact.seen(run, "organic_engineer_welcome"),
        pb.impact.claims(run),
        pb.impact.harms(run),
        pb.impact.messages_a_week(run),
        pb.impact.activation_by_week(run, "activation_rate"),
    ]
    return found


def _counted(run, name, table):
    return run.result("list", table, lambda rows: sorted(rows, key=str), id=f"impact.{name}")
