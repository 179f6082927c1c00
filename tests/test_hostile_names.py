"""Whatever names and values hold, they are counted as they are under plain names."""

from __future__ import annotations

import json
from collections.abc import Callable

import ibis
import pyarrow as pa
import pytest

from playbook import answers, audit, charts, findings, friction
from playbook.data import sources
from playbook.data.warehouse import Warehouse
from playbook.declare import DataPoint, Declarations, Play, Product, Property, Question, TableMap
from playbook.language.periods import Period
from playbook.report import audiences
from playbook.results import Result, figures, listings, shown
from playbook.run import Run, counted
from tests.spec import at

TOKENS = (
    *(" + ", " | ", ":", "#", "(unknown)", '"', "“", "'", "\\", "🙂", "  ", "\u00a0", ", ", "="),
    *(" · ", " → ", "{step}", "%s", "`", "<b>", "$", "*", "|1", " only", "none of these", ".n"),
)
# Names that other names join to, or that the suite itself says.
ADVERSE = {
    "both": "saved + shared",
    "eng": "(unknown)",
    "ops": "unknown",
    "qa": 'eng", plan="x',
    "free": "“(unknown)”",
    "paid": "free, persona=eng",
    "d1": "a | b",
    "p1": "c",
    "d2": "a",
    "p2": "b | c",
    "ann": "bob|1",
    "w1": "w:1",
    "opened": "still open",
    "read": "(left: nothing more)",
    "asked": "nothing else",
}
PEOPLE = {"ann": ("eng", "free"), "bob": ("ops", "paid"), "cat": ("qa", None), "dee": (None, None)}
PEOPLE |= {"eve": ("eng", "paid"), "fay": ("qa", "free")}
MEASURED = {
    "share": {"measure": "reached_within", "goal": "saved"},
    "held": {"measure": "reached_within", "goal": "saved", "hold": ("draft", "part")},
    "missed": {"measure": "missed_within", "goal": "saved"},
    "visits": {"measure": "reached_within", "goal": "saved", "unit": "session"},
    "homes": {"measure": "reached_within", "goal": "saved", "unit": "account"},
    "before": {"measure": "did_before", "first": "shared", "goal": "saved"},
    "mixed": {"measure": "mix", "goals": ("saved", "shared", "both")},
    "time": {"measure": "time_to", "goal": "saved", "edges": ("1h", "24h"), "within": "72h"},
    "steps": {"measure": "steps", "goals": ("opened", "shared", "saved")},
    "tries": {"measure": "reached_within", "goal": "saved", "count": "attempts"},
}
PROPERTIES = ("draft", "part")


def log() -> list[dict]:
    """What six people and two devices did; drafts d1 of p1 and d2 of p2 are two things."""
    rows = []

    def did(who, event, when, thing=("d1", "p1"), device=None):
        home = "w1" if who in ("ann", "bob") else "w2"
        said = {"user_id": who, "anonymous_id": device, "account_id": who and home}
        draft, part = thing
        rows.append(said | {"event": event, "at": at(when), "draft": draft, "part": part})

    for place, who in enumerate(PEOPLE):
        did(who, "signed_up", f"2026-01-05 0{place}:00")
        did(who, "signed_up", f"2026-01-05 0{place}:01", ("d2", "p2"))
    did("ann", "saved", "2026-01-05 00:30")
    did("ann", "shared", "2026-01-05 00:40")
    did("bob", "both", "2026-01-05 01:30")
    did("cat", "opened", "2026-01-05 02:10")
    did("cat", "shared", "2026-01-05 02:20")
    did("cat", "saved", "2026-01-05 20:00", ("d2", "p2"))
    did("dee", "read", "2026-01-05 03:10")
    did("eve", "asked", "2026-01-05 04:10")
    did("fay", "opened", "2026-01-05 05:10")
    did("fay", "both", "2026-01-05 05:20")
    did("fay", "saved", "2026-01-08 05:20")
    did(None, "signed_up", "2026-01-05 09:00", device="ann")
    did(None, "saved", "2026-01-05 09:10", device="ann")
    did("bob", "read", "2026-01-28 09:00")
    return rows


def opened(name: Callable[[str], str]) -> Run:
    """The product under the names that a function gives."""

    def of(value):
        return value if value is None else name(value)

    named = ("user_id", "anonymous_id", "account_id", "event", *PROPERTIES)
    events = [
        {"event_id": f"{name('e')}{k}"} | row | {column: of(row[column]) for column in named}
        for k, row in enumerate(log())
    ]
    users = [
        {"user_id": name(who), "account_id": name("w1" if who in ("ann", "bob") else "w2")}
        | {"persona": of(persona), "plan": of(plan), "signed_up_at": at(f"2026-01-05 0{place}:00")}
        for place, (who, (persona, plan)) in enumerate(PEOPLE.items())
    ]
    connection = ibis.duckdb.connect()
    maps = {}
    for table, drawn in (("events", events), ("users", users)):
        connection.create_table(table, pa.Table.from_pylist(drawn))
        maps[table] = (TableMap(table=table, columns={column: column for column in drawn[0]}),)

    def question(id, **said):
        for key in ("first", "goal"):
            said |= {key: name(said[key])} if key in said else {}
        said |= {"goals": tuple(map(name, said["goals"]))} if "goals" in said else {}
        given = {"start": name("signed_up"), "within": "24h"} | said
        return Question(id=id, asks=f"{id}?", decides="-", **given)

    typed = {column: Property() for column in PROPERTIES}
    plan = [DataPoint(event=name(e), says="-", properties=typed) for e in ("signed_up", "saved")]
    play = Play(
        slug="nudge",
        says="-",
        audience={"persona": (name("eng"), name("ops"))},
        channel="email",
        trigger=name("signed_up"),
        unless=(name("saved"),),
        goal=name("shared"),
        goal_within="72h",
        holdout=0,
        message={name("subject"): name("Hello")},
    )
    questions = tuple(question(id, **said) for id, said in MEASURED.items())
    product = Product(name=name("Small"), tables=maps, min_n=1, path=(name("signed_up"),))
    declared = Declarations(product, tuple(plan), questions, (play,), ())
    warehouse = Warehouse(connection)
    tables = sources.tables_of(declared, warehouse)
    period = Period(at("2026-01-01"), at("2026-02-01"), at("2026-01-29"))
    return Run(declared, warehouse, tables, period, period.since, *counted(declared, tables))


def results(run: Run) -> list[Result]:
    found = []
    for id in MEASURED:
        for by in ((), ("persona",), ("persona", "plan")):
            found.append(answers.answer(run, id, by=by))
    found += [friction.instead(run, "steps"), friction.stopped(run, "missed")]
    found += [friction.members(run, "held", "converted"), audit.duplicates(run)]
    found += [audit.bounds_of(run, "share"), audit.data_points(run), audit.volume(run)]
    return found


NUMBERS = ("n", "reached", "repeated", "open", "share", "position", "lost", "total", "of_first")


def numbers(result: Result, name: Callable[[str], str]) -> list[tuple]:
    """Each row's segment under its plain names, and its numbers; in an order of their own."""
    values = [v for told in PEOPLE.values() for v in told if v]
    plain = {shown(name(value)): value for value in values} | {"(unknown)": "-"}
    found = [
        (
            *(plain[row[column]] for column in result.by),
            *(row.get(n) for n in NUMBERS if type(row.get(n)) is not str),
        )
        for row in result.rows
    ]
    return sorted(found, key=repr)


@pytest.fixture(scope="module")
def usual():
    return results(opened(lambda name: name))


WAYS = {
    "joined": lambda name: "".join(TOKENS) + name + "".join(TOKENS),
    "quoted": lambda name: f"“{name}\\",
    "barred": lambda name: f"|{name}|#",
}
WAYS["adverse"] = lambda name: ADVERSE.get(name, name)


@pytest.mark.parametrize("way", WAYS)
def test_every_result_counts_the_same_whatever_names_hold(usual, way):
    name = WAYS[way]
    found = results(opened(name))
    assert [type(each) for each in found] == [type(each) for each in usual]
    for ours, theirs in zip(found, usual, strict=True):
        if not isinstance(ours, Result):
            continue
        assert numbers(ours, name) == numbers(theirs, lambda plain: plain), ours.id
        labels = [(*(row[c] for c in ours.by), row["label"]) for row in ours.rows if "label" in row]
        assert len(set(labels)) == len(labels), ours.id
        told = [(row["figure"], row["segment"]) for row in figures.of(ours)]
        assert len(told) == len(set(told)) == len(figures.of(theirs)), ours.id
        assert len(listings.table(ours).rows) == len(listings.table(theirs).rows)
        if charts.has(ours):
            charts.of(ours, title=name("title"))._repr_mimebundle_()
    shares = [each for each in found if isinstance(each, Result) and each.shape == "share"]
    for each in shares:
        lines = findings.share(each, "save").text.split("\n")
        assert len(lines) == len(each.rows), each.id
        names = [line.split("**")[1] for line in lines] if each.by else []
        assert len(set(names)) == len(names), each.id


@pytest.mark.parametrize("way", WAYS)
def test_a_send_list_holds_the_same_people_whatever_names_hold(tmp_path, way):
    lists = []
    for each in (lambda name: name, WAYS[way]):
        home = tmp_path / str(len(lists))
        audiences.write_audiences(home, opened(each), earlier=())
        lines = (home / "nudge.jsonl").read_text("utf-8").split("\n")[:-1]
        lists.append([json.loads(line)["user_id"] for line in lines])
    plain, hostile = lists
    assert list(map(WAYS[way], plain)) == hostile
    assert plain == ["ann", "bob", "eve"]
