"""Random logs, counted by the product and by the rules as README says them, are counted alike."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

import playbook as pb
from playbook import answers
from playbook.declare import Question
from playbook.results import Unavailable
from playbook.run import Run
from tests import counting_by_rules as rules
from tests.awkward_logs import NAMES, random_log, random_questions
from tests.counting_by_rules import OPEN, Log

SPELLED = "7.00"
URL = "PLAYBOOK_TEST_WAREHOUSE"


# The product over a log.


class Product:
    """A product's folder and its warehouse: a folder of Parquet, or PostgreSQL."""

    def __init__(self, home: Path, connection: ibis.BaseBackend | None = None) -> None:
        self.folder, self.files, self.connection = home / "product", home / "files", connection
        self.folder.mkdir()
        self.files.mkdir()

    @contextmanager
    def opened(self, log: Log, questions: list[Question], seed: int) -> Iterator[Run]:
        tables = _tables(log, seed)
        for name, table in tables.items():
            if self.connection:
                self.connection.create_table(name, table, overwrite=True)
            else:
                pq.write_table(table, self.files / f"{name}.parquet")
        _declare(self.folder, tables, questions)
        run = pb.open(
            str(self.folder),
            f"env:{URL}" if self.connection else str(self.files),
            since=f"{log.since:%Y-%m-%d}",
            until=f"{log.until:%Y-%m-%d}",
            as_of=log.as_of.isoformat(),
        )
        try:
            yield run
        finally:
            run.warehouse.connection.disconnect()
            for name in tables if self.connection else ():
                self.connection.drop_table(name)


def _tables(log: Log, seed: int) -> dict[str, pa.Table]:
    """The log as tables; the ids of people are texts in some and numbers in others."""
    dice = random.Random(f"ids of {seed}")
    kinds = [pa.string(), SPELLED, pa.int64(), pa.float64(), pa.decimal128(21, 2)]
    events = [
        {
            "event_id": f"e{each.place}",
            "user_id": each.user,
            "account_id": each.account,
            "session_id": each.session,
            "event": each.event,
            "at": each.at,
            "source": each.source,
            "thing": each.thing,
            "is_bot": each.is_bot or None,
        }
        for each in log.events
    ]
    users = [
        {
            "user_id": each.user,
            "account_id": each.account,
            "signed_up_at": each.signed_up_at,
            "persona": each.persona,
            "is_internal": each.is_internal or None,
        }
        for each in log.people.values()
    ]
    accounts = [
        {"account_id": each.account, "created_at": each.created_at, "plan": each.plan}
        for each in log.accounts.values()
    ]
    return {
        name: _table(rows, dice.choice(kinds))
        for name, rows in {"events": events, "users": users, "accounts": accounts}.items()
    }


def _table(rows: list[dict[str, Any]], ids: pa.DataType | str) -> pa.Table:
    return pa.table({name: _column(rows, name, ids) for name in rows[0]})


def _column(rows: list[dict[str, Any]], name: str, ids: pa.DataType | str) -> pa.Array:
    values = [row[name] for row in rows]
    if name == "user_id" and ids == SPELLED:
        return pa.array([value and f"{value}.00" for value in values], pa.string())
    if name == "user_id":
        return pa.array([value and int(value) for value in values], pa.int64()).cast(ids)
    if name.endswith("at"):
        return pa.array(values, pa.timestamp("us"))
    return pa.array(values, pa.bool_() if name.startswith("is_") else pa.string())


def _declare(product: Path, tables: dict[str, pa.Table], questions: list[Question]) -> None:
    maps = {
        name: [{"table": name, "columns": {column: column for column in table.column_names}}]
        for name, table in tables.items()
    }
    plan = [
        {"event": name, "says": f"They did {name}.", "properties": {}}
        | ({"properties": {"thing": {"type": "string"}}} if name == "b" else {})
        for name in NAMES
    ]
    said = [_listed(question.model_dump(exclude_defaults=True)) for question in questions]
    declared = {"name": "Random", "min_n": 1, "tables": maps}
    for name, content in {
        "product.yaml": declared,
        "tracking_plan.yaml": plan,
        "questions.yaml": said,
    }.items():
        (product / name).write_text(yaml.safe_dump(content, sort_keys=False))


def _listed(said: Any) -> Any:
    """What was said, with lists for tuples, as YAML has them."""
    if isinstance(said, dict):
        return {name: _listed(value) for name, value in said.items()}
    return [_listed(each) for each in said] if isinstance(said, tuple) else said


# What the product says, and what the rules say.


def differences(
    run: Run, log: Log, asked: list[tuple[Question, str]], dice: random.Random, most: int
) -> tuple[list[str], Counter]:
    """Where the product and the rules differ, and how often the product has an answer at all."""
    found, told = [], Counter()
    for question, by in asked:
        parts = _parts(question, by, dice)
        for compare, *more in dice.sample(parts, min(most, len(parts))):
            product, by_rules = compare(run, log, question, *more)
            told[(product, by_rules) != UNTOLD] += 1
            if product != by_rules:
                said = question.model_dump(exclude_defaults=True, exclude={"asks", "decides"})
                found.append(f"{compare.__name__} {said} {more}\n  {product}\n  {by_rules}")
    return found, told


def _parts(question: Question, by: str, dice: random.Random) -> list[tuple[Any, ...]]:
    """What can be asked of a question: how to compare it, and with what."""
    parts: list[tuple[Any, ...]] = [(_answer, by)]
    if question.measure not in {"mix", "time_to"}:
        parts.append((_by_week,))
    if question.measure not in {"mix", "steps"}:
        parts.append((_retention, by, dice.choice(["1d", "7d"]), dice.random() < 0.5))
    once = [name for name in question.steps[1:] if question.steps.count(name) == 1]
    if question.measured.attempts and once:
        said = {"step": dice.choice(once), "within": dice.choice(["1h", "24h", "48h", "7d"])}
        said |= {"length": dice.randint(1, 3), "outcome": dice.choice(["dropped", "converted"])}
        parts.append((_paths, said))
    return parts


Both = tuple[Any, Any]
UNTOLD = (), ()  # the data cannot give it


def _told(found: Any) -> bool:
    return not isinstance(found, Unavailable)


def _answer(run: Run, log: Log, question: Question, by: str) -> Both:
    found = answers.answer(run, question.id, by=by)
    if not _told(found):
        return UNTOLD
    product, by_rules = _rows(found, question), _counted(log, question, by)
    older = rules.entered(log, question).older
    said = older if rules.knows_older(log, question) else found.older()
    return (product, found.older()), (by_rules, said)


def _rows(found: Any, question: Question) -> dict[str, Any]:
    """Segment → what its rows say, where there is anybody."""
    rows = [(found.segment(row).rpartition("=")[2], row) for row in found.rows]
    counts: dict[str, Any] = {}
    if question.measure == "steps":
        for segment, row in rows:
            far, _still = counts.get(segment, ((), 0))
            counts[segment] = (*far, row["n"]), row["open"]
        return {segment: row for segment, row in counts.items() if row[0][0] or row[1]}
    if question.measure in {"mix", "time_to"}:
        buckets = [*range(len(question.edges)), "later", "never", "before", OPEN]
        for segment, row in rows:
            bucket = row["label"] if question.measure == "mix" else buckets[row["position"]]
            counts.setdefault(segment, {})[bucket] = row["n"]
        return counts
    for segment, row in rows:
        counts[segment] = tuple(row[name] or 0 for name in ("n", "reached", "repeated", "open"))
    return {segment: row for segment, row in counts.items() if any(row)}


def _counted(log: Log, question: Question, by: str) -> dict[str, Any]:
    """The same by the rules."""
    match question.measure:
        case "did_before":
            return rules.did_before(log, question, by)
        case "steps":
            return rules.steps(log, question, by)
        case "time_to":
            return rules.time_to(log, question, by)
        case "mix":
            return {
                segment: {_label(question, did): n for did, n in counts.items()}
                for segment, counts in rules.mix(log, question, by).items()
            }
    return rules.shares(log, question, by)


def _label(question: Question, did: frozenset[str] | str) -> str:
    if did == OPEN:
        return OPEN
    names = [_words(goal) for goal in question.goals if goal in did]
    return " + ".join(names) if len(names) > 1 else f"{names[0]} only" if names else "none of these"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _retention(run: Run, log: Log, question: Question, by: str, every: str, calendar: bool) -> Both:
    found = pb.friction.retention(run, question.id, every=every, calendar=calendar, by=by)
    if not _told(found):
        return UNTOLD
    product: dict[tuple[str, str], dict[int, Any]] = {}
    for row in found.rows:
        told = row["n"], row["on"], row["on_or_after"]
        cohort = product.setdefault((found.segment(row).rpartition("=")[2], row["cohort"]), {})
        cohort[row["position"]] = told if row["complete"] else row["n"]
    by_rules = {}
    for (segment, week), cohort in rules.retention(
        log, question, every, calendar=calendar, by=by
    ).items():
        key = segment, f"{week:%Y-%m-%d}"
        told = [place for place in range(200) if cohort.complete(place, week)]
        places = range(max(len(told), len(product.get(key, ()))))
        by_rules[key] = {place: cohort.row(place, week) for place in places}
    return product, by_rules


def _by_week(run: Run, log: Log, question: Question) -> Both:
    found = pb.friction.by_week(run, question.id)
    if not _told(found):
        return UNTOLD
    product = {
        row["period"]: (row["n"], round(row["value"] * row["n"]), row["complete"])
        for row in found.rows
    }
    weeks = rules.by_week(log, question).items()
    return product, {f"{week:%Y-%m-%d}": row for week, row in weeks}


def _paths(run: Run, log: Log, question: Question, said: dict[str, Any]) -> Both:
    found = pb.friction.instead(run, question.id, **said)
    if not _told(found):
        return UNTOLD
    nothing = {"(left: nothing more)", "(nothing in that time)"}
    product = {"" if row["label"] in nothing else row["label"]: row["n"] for row in found.rows}
    by_rules = {
        OPEN if path == OPEN else " → ".join(map(_words, path)): n
        for path, n in rules.instead(log, question, **said).items()
    }
    return {path: n for path, n in product.items() if n}, by_rules


def _active(run: Run, log: Log, question: Question) -> Both:
    found = answers.answer(run, question.id)
    if not _told(found):
        return UNTOLD
    product: dict[str, dict[str, int]] = {}
    for row in found.rows:
        if row["complete"]:
            product.setdefault(row["period"], {})[row["series"]] = row["value"]
    return product, {f"{week:%Y-%m-%d}": row for week, row in rules.active(log, question).items()}


# The tests.


@pytest.fixture(params=["duckdb", "postgres"])
def product(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: Any) -> Product:
    if request.param == "duckdb":
        return Product(tmp_path)
    monkeypatch.setenv(URL, request.getfixturevalue("postgres_url"))
    return Product(tmp_path, request.getfixturevalue("postgres_connection"))


# 500 logs, a hundred at a time.
THOROUGH = [
    pytest.param(range(first, first + 100), 2, id=f"from {first}", marks=pytest.mark.thorough)
    for first in range(1000, 1500, 100)
]


@pytest.mark.parametrize(("seeds", "parts"), [pytest.param(range(24), 1, id="a few"), *THOROUGH])
def test_random_logs_are_counted_as_readme_says(product, seeds, parts):
    if product.connection and parts == 1:
        seeds = seeds[:4]
    found, told = [], Counter()
    for seed in seeds:
        dice = random.Random(f"asked of {seed}")
        log, asked = random_log(seed), [dice.choice(random_questions(seed))]
        with product.opened(log, [question for question, _by in asked], seed) as run:
            differ, counts = differences(run, log, asked, dice, parts)
        found += [f"{seed} {each}" for each in differ]
        told += counts
    assert not found, "\n".join(found)
    assert told[True] > told[False]


def test_who_is_active_is_counted_as_readme_says(product):
    kinds = {"things": {"hold": ("thing",)}, "people": {}, "accounts": {"unit": "account"}}
    found = []
    for seed in range(3 if product.connection else 6):
        said = {"measure": "active", "goal": "b", "asks": "?", "decides": "."}
        said["within"] = random.Random(seed).choice(["1d", "7d", "10d", "28d"])
        asked = [Question(id=name, **said, **kind) for name, kind in kinds.items()]
        log = random_log(seed)
        with product.opened(log, asked, seed) as run:
            for question in asked:
                told, by_rules = _active(run, log, question)
                if told != by_rules:
                    found.append(f"{seed} {question.id}\n  {told}\n  {by_rules}")
    assert not found, "\n".join(found)
