"""Whether an id is one person or account: what says nobody, what many share, what stands twice."""

from __future__ import annotations

from collections.abc import Iterator

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.audit.violation import Violation
from playbook.data import placeholders, sources
from playbook.language.portable import count_if, united, when
from playbook.results import Answer, Result, Rows
from playbook.results.columns import COUNT, ID, KEY, share_of
from playbook.results.section import Unanswerable, section, there
from playbook.run import Run

COLUMNS = ("user_id", "account_id")
IDS = {"column": KEY, "what": KEY, "ids": COUNT, "example": ID, "devices": COUNT}
IDS |= {"rows": COUNT, "of": COUNT, "share": share_of("of")}
NOBODY, TWICE = "says nobody", "twice"
# What is seen of ids → what it does to the answers.
DOES = {
    NOBODY: "says nobody, such as `{example}`: unknown here, and in no answer",
    "doubtful": "may say nobody, such as `{example}`: whoever has it counts as one",
    "crowded": "on up to {devices:,} devices, such as `{example}`: whoever shares it counts as one",
    "padded": "blanks around it, such as `{example}`: counts beside the one without",
    "twins": "differs in case or blanks alone, such as `{example}`: counts as several",
    TWICE: "in several rows that differ in {example}: unknown there",
}
# How ids may be written differently → what is said where so they are the same.
WHY = {
    "lower": "they match but for case and blanks",
    "zeros": "they match but for leading zeros",
    "digits": "they match but for what stands around the digits",
}
_TEXTS = {
    "lower": lambda id: id.strip().lower(),
    "zeros": lambda id: id.re_replace("^0+", ""),
    "digits": lambda id: id.re_replace("[^0-9]", "").nullif(""),
}


@section("audit.ids")
def ids_in_doubt(run: Run) -> Result:
    """Ids that may not be one person or account each, and what that does to the answers.

    Returns:
        Shape `table`: one row per column and kind that occurs: `column`, `what`, `ids` (how
        many), `example`, `devices` (the most of one), `rows` of `of` and their `share`; of ids
        that stand twice in their table, of its ids.
    """
    columns = [column for column in COLUMNS if run.tables.has("events", column)]
    if not columns:
        raise Unanswerable("Neither `user_id` nor `account_id` of events is mapped.")
    counted = united([_counted(run, column) for column in columns])
    nobody = _said_nobody(run)

    def finish(rows: Rows) -> Rows:
        found = [_row(row, what) for row in rows for what in placeholders.FLAGS]
        of = sum(row["n"] for row in run.arrived)
        found += [row | {"what": NOBODY, "of": of, "devices": None} for row in nobody.rows]
        for name, counts in run.doubts.items():
            differ = [f"`{c}`" for c, n in counts.items() if n and c not in ("ids_", "of_")]
            sizes = {"ids": counts["ids_"], "rows": counts["ids_"], "of": counts["of_"]}
            said = {"column": f"{name[:-1]}_id", "what": TWICE, "devices": None}
            found.append(said | {"example": ", ".join(differ)} | sizes)
        found = [row | {"share": row["rows"] / row["of"]} for row in found if row["ids"]]
        order = list(DOES)
        return sorted(found, key=lambda row: (row["column"], order.index(row["what"])))

    return run.result(
        "table",
        counted,
        finish,
        counts="every row but those of bots",
        own=IDS,
        made_of=(*there(nobody), *run.scans),
        silence="Each id is one person or account, as far as the log shows.",
    )


@section("audit.nobody")
def _said_nobody(run: Run) -> Result:
    """Ids as they arrive that say nobody: `column`, `example`, `ids` (one), `rows`."""
    found = sources.said_nobody(run.declared, run.warehouse)
    if found is None:
        raise Unanswerable("No text is mapped that says whose an event is.")
    per_column = found.group_by("column").aggregate(
        example=_.text.max(), ids=_.text.nunique(), rows=_.rows.sum()
    )
    own = {name: IDS[name] for name in ("column", "example", "ids", "rows")}
    return run.result("table", per_column, counts="every row", own=own)


def id_violations(_run: Run, found: Answer) -> Iterator[Violation]:
    """Ids that may not be one person or account each."""
    for row in found.rows:
        seen, expected = DOES[row["what"]].format_map(row), "one id, one person or account"
        defect = "shared ids" if row["what"] in ("doubtful", "crowded") else ""
        sizes = {"rows": row["rows"], "of": row["of"]}
        yield Violation("identity", row["column"], seen, expected=expected, defect=defect, **sizes)


def why_strangers(run: Run) -> str:
    """Why no id of the log is one of the users table, as far as their texts show."""
    ours = run.tables.arrivals.filter(_.user_id.notnull()).select("user_id").distinct()
    theirs = run.tables.users.filter(_.user_id.notnull()).select("user_id")
    counts = ours.aggregate(log=_.user_id.min()).cross_join(theirs.aggregate(users=_.user_id.min()))
    for name, text in _TEXTS.items():
        known = theirs.select(key_=text(theirs.user_id)).distinct()
        met = ours.select(key_=text(ours.user_id)).semi_join(known, "key_")
        counts = counts.cross_join(met.aggregate(**{name: _.count()}))
    row = run.result("table", counts, own=dict.fromkeys(counts.columns, ID)).rows[0]
    said = next((f"{words}: " for name, words in WHY.items() if row[name]), "")
    return f"{said}`{row['log']}` in the log, `{row['users']}` in the table"


def _counted(run: Run, column: str) -> ir.Table:
    odd = run.warehouse.shared(placeholders.odd_ids(run.tables.arrivals, column))
    counts = {}
    for flag in placeholders.FLAGS:
        counts |= {
            f"ids_{flag}": count_if(odd[flag]),
            f"rows_{flag}": when(odd[flag], odd.rows).sum().coalesce(0),
            f"example_{flag}": when(odd[flag], odd.id).min(),
            f"devices_{flag}": when(odd[flag], odd.devices).max(),
        }
    return odd.aggregate(**counts, of=odd.rows.sum().coalesce(0)).mutate(
        column=ibis.literal(column)
    )


def _row(row: dict, what: str) -> dict:
    own = {name: row[f"{name}_{what}"] for name in ("ids", "rows", "example", "devices")}
    return {"column": row["column"], "what": what, "of": row["of"]} | own
