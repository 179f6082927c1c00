"""The native source and `load`: the product's own tables become canonical, on each engine."""

from __future__ import annotations

from typing import Any

import ibis
import pyarrow as pa
import pytest

from playbook.data import sources
from playbook.data.mapping import Source
from playbook.data.warehouse import Warehouse
from playbook.declare import Declarations
from playbook.language.mistakes import Mistake
from tests import random_log
from tests.maps import declared, events
from tests.spec import at, rows, table

LOG = """
    id | person | what      | done_at             | arrived_at
    1  | ann    | signed_up | 2026-01-05 09:00    | 2026-01-05 09:01
    2  | bob    | signed_up | 2026-01-05 10:00    | 2026-01-05 10:01
"""
LOG_MAP = """
    - table: log
      columns: {event_id: id, user_id: person, event: what, at: done_at, received_at: arrived_at}
"""
PEOPLE = """
    id  | workspace | joined_at        | staff
    ann | w1        | 2026-01-05 09:00 |
    bob |           | 2026-01-05 10:00 |
    cat | w1        | 2026-01-05 11:00 | yes
"""


def test_columns_are_renamed_and_ids_become_text(stored):
    log = table(
        "id | person | what | done_at\n 7 | 12 | ran | 2026-01-05", id="int64", person="int64"
    )
    warehouse = stored(log=log)
    found = declared(events=LOG_MAP.replace(", received_at: arrived_at", ""))
    tables = sources.tables_of(found, warehouse)
    assert events(tables, warehouse, "event_id", "user_id", "event", "at", "received_at") == [
        {
            "event_id": "7",
            "user_id": "12",
            "event": "ran",
            "at": at("2026-01-05"),
            "received_at": None,
        }
    ]
    assert tables.mapped == {"events": frozenset({"event_id", "user_id", "event", "at"})}


def test_whole_numbers_that_a_null_made_floats_are_the_same_ids_on_each_engine(stored):
    log = table("id | person | what | done_at\n 1 | 12 | ran | 2026-01-05\n 2 | | ran | 2026-01-05",
                person="float64")  # fmt: skip
    warehouse = stored(log=log)
    found = declared(events=LOG_MAP.replace(", received_at: arrived_at", ""))
    assert events(sources.tables_of(found, warehouse), warehouse, "event_id", "user_id") == [
        {"event_id": "1", "user_id": "12"},
        {"event_id": "2", "user_id": None},
    ]


@pytest.mark.parametrize("kind", ["int64", "float64", "decimal(38, 10)", "decimal(12, 2)"])
def test_a_whole_number_is_the_same_id_whatever_type_holds_it(stored, kind):
    log = ibis.memtable({"id": ["a"], "person": [7], "what": ["ran"], "done_at": ["2026-01-05"]})
    warehouse = stored(log=log.mutate(person=log.person.cast(kind)))
    found = declared(events=LOG_MAP.replace(", received_at: arrived_at", ""))
    tables = sources.tables_of(found, warehouse)
    assert events(tables, warehouse, "user_id") == [{"user_id": "7"}]
    assert rows(warehouse.columns("log", key="person"), warehouse.connection) == [{"key": "7"}]


def test_a_text_that_is_a_whole_number_with_a_zero_fraction_loses_it(stored):
    texts = ["7.0", "-7.00", "70", "1.0.0", "v1.0", "7.50", "1e3"]
    log = pa.table({"id": texts, "what": texts, "person": texts, "done_at": ["2026-01-05"] * 7})
    warehouse = stored(log=ibis.memtable(log))
    found = declared(events=LOG_MAP.replace(", received_at: arrived_at", ""))
    people = events(sources.tables_of(found, warehouse), warehouse, "event", "user_id")
    assert {row["event"]: row["user_id"] for row in people} == dict(
        zip(texts, ["7", "-7", "70", "1.0.0", "v1.0", "7.50", "1e3"], strict=True)
    )


@pytest.mark.parametrize(
    ("kind", "number", "said"),
    [
        ("float64", 9007199254740992.0, "It is float64, and 1 row(s) are such, up to 9"),
        ("float64", 7.5, "It is float64, and 1 row(s) are such, up to 7.5:"),
        ("float64", float("inf"), "It is float64, and 1 row(s) are such, up to "),
        ("float32", 16777216.0, "It is float32, and 1 row(s) are such, up to "),
        ("decimal(12, 2)", 7.5, "It is decimal(12, 2), and 1 row(s) are such, up to 7.50:"),
    ],
)
def test_ids_that_a_number_cannot_hold_are_refused(stored, kind, number, said):
    log = ibis.memtable({"id": ["a"], "person": [number], "what": ["x"], "done_at": ["2026-01-05"]})
    warehouse = stored(log=log.mutate(person=log.person.cast(kind)))
    found = declared(events=LOG_MAP.replace(", received_at: arrived_at", ""))
    with pytest.raises(Mistake) as refused:
        sources.tables_of(found, warehouse)
    assert "Column `person` of table `log` holds ids as numbers" in str(refused.value)
    assert said in str(refused.value)


def test_what_programs_write_for_nobody_is_no_user_account_session_or_device(stored):
    texts = ["undefined", "null", "NaN", "(not set)", " ", "Null Island", "0"]
    log = pa.table({"id": texts, "what": texts, "person": texts, "done_at": ["2026-01-05"] * 7})
    warehouse = stored(log=ibis.memtable(log))
    found = declared(events=LOG_MAP.replace(", received_at: arrived_at", ""))
    seen = events(sources.tables_of(found, warehouse), warehouse, "event", "user_id")
    assert {r["event"]: r["user_id"] for r in seen if r["user_id"]} == {
        "Null Island": "Null Island",
        "0": "0",
    }


TWO_PARTS = """
- table: log
  columns: {event_id: [org, person, at], user_id: [org, person], event: what, at: at}
"""


def test_an_id_of_several_columns_is_null_where_one_is_and_no_two_read_alike(stored):
    log = table(r"""
        org     | person | what | at
        acme:eu | 7      | a    | 2026-01-05
        acme    | eu:7   | b    | 2026-01-05
        acme\   | :7     | c    | 2026-01-05
        acme    |        | d    | 2026-01-05
                | 7      | e    | 2026-01-05
        acme    | null   | f    | 2026-01-06
        acme    | 7      | g    | 2026-01-05
    """)
    found = declared(events=TWO_PARTS)
    warehouse = stored(log=log)
    seen = events(sources.tables_of(found, warehouse), warehouse, "event", "user_id", "event_id")
    assert {row["event"]: row["user_id"] for row in seen} == {
        "a": "acme\\:eu:7",
        "b": "acme:eu\\:7",
        "c": "acme\\\\:\\:7",
        "d": None,
        "e": None,
        "f": None,
        "g": "acme:7",
    }
    assert len({row["event_id"] for row in seen} - {None}) == 7


def test_days_texts_and_times_with_a_zone_become_utc(stored):
    drawn = table("""
        id | text
        a  | 2026-01-05
        b  | 2026-01-05 09:00:00.5
        c  | 2026-01-05T09:00:00Z
        d  | 2026-01-05T09:00:00+05:30
        e  |
    """)
    zoned = drawn.text.cast("timestamp('UTC')")
    warehouse = stored(log=drawn.mutate(zoned=zoned, day=drawn.text.substr(0, 10).cast("date")))
    found = declared(
        events="""
        - table: log
          columns: {event_id: id, at: text, received_at: zoned, sent_at: day}
          constants: {event: ran}
        """
    )
    # Somebody reads the tables in the zone of the office.
    warehouse.connection.raw_sql("set TimeZone = 'Asia/Kolkata'")
    warehouse = Warehouse(warehouse.connection)
    arrivals = sources.tables_of(found, warehouse).arrivals
    times = rows(arrivals.select("event_id", "at", "received_at", "sent_at"), warehouse.connection)
    assert [tuple(row.values()) for row in times] == [
        ("a", at("2026-01-05"), at("2026-01-05"), at("2026-01-05")),
        ("b", at("2026-01-05 09:00:00.5"), at("2026-01-05 09:00:00.5"), at("2026-01-05")),
        ("c", at("2026-01-05 09:00"), at("2026-01-05 09:00"), at("2026-01-05")),
        ("d", at("2026-01-05 03:30"), at("2026-01-05 03:30"), at("2026-01-05")),
        ("e", None, None, None),
    ]


def test_values_are_renamed_before_they_are_cast_and_others_stay(stored):
    drawn = table("""
        id | what | done_at    | agent | kind
        1  | 1    | 2026-01-05 | human | 3
        2  | ran  | 2026-01-05 | robot | 4
        3  | ran  | 2026-01-05 |       | 3
    """)
    warehouse = stored(log=drawn.mutate(kind=drawn.kind.cast("int64")))
    found = declared(
        events="""
        - table: log
          columns: {event_id: id, event: what, at: done_at, is_bot: agent, source: kind}
          values:
            event: {1: signed_up}
            is_bot: {human: "false", robot: "true"}
            source: {3: web}
        """
    )
    tables = sources.tables_of(found, warehouse)
    assert events(tables, warehouse, "event_id", "event", "is_bot", "source") == [
        {"event_id": "1", "event": "signed_up", "is_bot": False, "source": "web"},
        {"event_id": "2", "event": "ran", "is_bot": True, "source": "4"},
        {"event_id": "3", "event": "ran", "is_bot": False, "source": "web"},
    ]


def test_only_and_leave_out_choose_rows_and_leave_out_keeps_null(stored):
    drawn = table("""
        id | done_at    | kind | is_test | place
        1  | 2026-01-05 | 1    | false   | home
        2  | 2026-01-05 | 2    | true    | home
        3  | 2026-01-05 | 2    |         |
        4  | 2026-01-05 | 3    | false   | home
        5  | 2026-01-05 | 2    | false   | away
        6  | 2026-01-05 |      | false   | home
    """)
    warehouse = stored(log=drawn.mutate(kind=drawn.kind.cast("int64")))
    found = declared(
        events="""
        - table: log
          columns: {event_id: id, at: done_at}
          constants: {event: ran, is_bot: false, app_version: 2}
          only: {kind: [1, 2]}
          leave_out: {is_test: [true], place: [away, 7]}
        """
    )
    tables = sources.tables_of(found, warehouse)
    assert events(tables, warehouse, "event_id", "event", "is_bot", "app_version") == [
        {"event_id": "1", "event": "ran", "is_bot": False, "app_version": "2"},
        {"event_id": "3", "event": "ran", "is_bot": False, "app_version": "2"},
    ]


def test_several_tables_are_united_and_their_ids_never_collide(stored):
    joined = table("id | joined_at | seen_at\n 1 | 2026-01-05 | 2026-01-06", id="int64")
    posts = table("id | at | words\n 1 | 2026-01-07 | 12", id="int64", words="int64")
    warehouse = stored(people=joined, posts=posts)
    found = declared(
        """
        - event: posted
          says: A person posts.
          properties: {words: {type: int64}}
        """,
        events="""
        - {table: people, columns: {event_id: id, at: joined_at}, constants: {event: joined}}
        - {table: people, columns: {event_id: id, at: seen_at}, constants: {event: seen}}
        - {table: people, columns: {event_id: id, at: seen_at}, constants: {event: read, words: 3}}
        - {table: posts, columns: {event_id: id, at: at, words: words}, constants: {event: posted}}
        """,
    )
    assert events(sources.tables_of(found, warehouse), warehouse, "event_id", "event", "words") == [
        {"event_id": "1", "event": "joined", "words": None},
        {"event_id": "people.2:1", "event": "read", "words": 3},
        {"event_id": "people:1", "event": "seen", "words": None},
        {"event_id": "posts:1", "event": "posted", "words": 12},
    ]


def test_a_key_of_several_columns_keeps_the_place_of_an_unknown_part(stored):
    drawn = table("""
        person | place | done_at
        ann    | 1     | 2026-01-05
        ann    | 2     | 2026-01-05
        ann    |       | 2026-01-05
               | ann   | 2026-01-05
               |       | 2026-01-05
    """)
    warehouse = stored(log=drawn)
    found = declared(
        events="""
        - table: log
          columns: {event_id: [person, place], at: done_at}
          constants: {event: ran}
        """
    )
    ids = [
        row["event_id"]
        for row in events(sources.tables_of(found, warehouse), warehouse, "event_id")
    ]
    assert ids == [":ann", None, "ann:", "ann:1", "ann:2"]


@pytest.mark.parametrize("key", ["columns", "only", "leave_out"])
def test_a_column_that_does_not_exist_names_the_table_and_the_nearest(stored, key):
    more = "" if key == "columns" else f", {key}: {{don_at: [1]}}"
    time = "don_at" if key == "columns" else "done_at"
    text = f"- {{table: log, columns: {{event_id: id, event: what, at: {time}}}{more}}}"
    with pytest.raises(Mistake) as mistake:
        sources.tables_of(declared(events=text), stored(log=table(LOG)))
    assert str(mistake.value) == (
        "Table `log` has no column `don_at`, which `events` is mapped to.\n"
        "It has: id, person, what, done_at, arrived_at.\n"
        "Hint: did you mean `done_at`?"
    )


@pytest.mark.parametrize("kind", ["boolean", "int64", "array<string>"])
def test_a_cast_that_no_value_survives_names_table_and_column(stored, kind):
    value = {"boolean": True, "int64": 1, "array<string>": ["x"]}[kind]
    log = table("id | what\n 1 | ran").mutate(moment=ibis.literal(value, kind))
    found = declared(events="- {table: log, columns: {event_id: id, event: what, at: moment}}")
    with pytest.raises(Mistake) as mistake:
        sources.tables_of(found, stored(log=log))
    assert mistake.value.wrong == "Column `moment` of table `log` cannot become `events.at`."
    assert kind in mistake.value.there


def test_text_that_is_no_date_names_its_column_and_an_example_when_the_rows_are_read(stored):
    log = table("""
        id | what | moment     | size
        1  | ran  | 2026-01-05 | 3
        2  | ran  | soon       | 4
        3  | ran  | never      | 5
        4  | ran  |            | x
    """)
    warehouse = stored(log=log)
    found = declared(events="- {table: log, columns: {event_id: id, event: what, at: moment}}")
    with pytest.raises(Mistake) as mistake, sources.cast_failures(found, warehouse):
        warehouse.connection.to_pyarrow(sources.tables_of(found, warehouse).arrivals)
    assert mistake.value.wrong == "Column `moment` of table `log` cannot become `events.at`."
    if warehouse.engine == "duckdb":
        assert mistake.value.there == "2 row(s) do not cast, such as `soon`."
    else:
        assert mistake.value.there.startswith("The engine says: invalid input syntax")
        assert '"soon"' in mistake.value.there or '"never"' in mistake.value.there


def test_a_number_that_is_none_names_its_column_too(stored):
    warehouse = stored(log=table(LOG), firms=table("id | staff\n w1 | 12\n w2 | many"))
    found = declared(
        events=LOG_MAP, accounts="- {table: firms, columns: {account_id: id, size: staff}}"
    )
    with (
        pytest.raises(Mistake, match=r"`many`|\"many\"") as mistake,
        sources.cast_failures(found, warehouse),
    ):
        warehouse.connection.to_pyarrow(sources.tables_of(found, warehouse).accounts)
    assert mistake.value.wrong == "Column `staff` of table `firms` cannot become `accounts.size`."


def test_a_failure_that_no_cast_explains_stays_what_it_is(stored):
    warehouse = stored(log=table(LOG))
    with (
        pytest.raises(ZeroDivisionError),
        sources.cast_failures(declared(events=LOG_MAP), warehouse),
    ):
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("maps", "wrong", "hint"),
    [
        ({"event": LOG_MAP}, "maps `event`, which is no canonical", "did you mean `events`?"),
        ({"users": "[]"}, "maps no `events`", "map at least the table"),
        ({"events": LOG_MAP, "users": "[]"}, "maps `users` to no table", "add a map"),
        (
            {"events": LOG_MAP.replace("user_id:", "usr_id:")},
            "maps `usr_id` of `events`, which is neither a canonical column nor a property",
            "did you mean `user_id`?",
        ),
        (
            {"events": LOG_MAP, "users": "[{table: p, columns: {user_id: id, presona: x}}]"},
            "maps `presona` of `users`, which is neither a canonical column.",
            "did you mean `persona`?",
        ),
    ],
)
def test_a_map_of_what_the_playbook_does_not_know_suggests_the_nearest(stored, maps, wrong, hint):
    with pytest.raises(Mistake) as mistake:
        sources.tables_of(declared(**maps), stored(log=table(LOG)))
    assert wrong.removesuffix(".") in mistake.value.wrong
    assert mistake.value.hint.startswith(hint)


def test_an_unknown_source_names_those_that_there_are(stored):
    found = declared(events=LOG_MAP)
    product = found.product.model_copy(update={"source": "nativ"})
    other = Declarations(product, found.plan, (), (), ())
    with pytest.raises(Mistake, match=r"(?s)`nativ`.*It has: native.*`native`\?"):
        sources.tables_of(other, stored(log=table(LOG)))


def test_each_event_counts_once_under_its_name_of_today_and_its_first_arrival(stored):
    log = table("""
        id | person | what             | done_at          | arrived_at
        1  | ann    | workflow_created | 2026-01-05 09:00 | 2026-01-05 09:05
        1  | ann    | workflow_saved   | 2026-01-05 09:00 | 2026-01-05 09:03
        2  | ann    | workflow_created | 2026-01-06 09:00 |
        2  | bob    | workflow_saved   | 2026-01-06 08:00 |
        3  | ann    | other            | 2026-01-07 09:00 | 2026-01-07 09:00
        3  | bob    | other            | 2026-01-07 09:00 |
           | ann    | other            | 2026-01-08 09:00 | 2026-01-08 09:00
           | bob    | other            | 2026-01-08 09:00 | 2026-01-08 09:00
        4  | bob    | other            |                  | 2026-01-08 09:00
    """)
    warehouse = stored(log=log)
    plan = "[{event: workflow_saved, says: It is saved., was: workflow_created}]"
    tables = sources.tables_of(declared(plan, events=LOG_MAP), warehouse)
    assert events(tables, warehouse, "event_id", "user_id", "event", "at") == [
        {
            "event_id": "1",
            "user_id": "ann",
            "event": "workflow_saved",
            "at": at("2026-01-05 09:00"),
        },
        {
            "event_id": "2",
            "user_id": "bob",
            "event": "workflow_saved",
            "at": at("2026-01-06 08:00"),
        },
        {"event_id": "3", "user_id": "ann", "event": "other", "at": at("2026-01-07 09:00")},
        {"event_id": None, "user_id": "ann", "event": "other", "at": at("2026-01-08 09:00")},
        {"event_id": None, "user_id": "bob", "event": "other", "at": at("2026-01-08 09:00")},
    ]
    arrived = rows(
        tables.arrivals.group_by("event").aggregate(n=ibis._.count()), warehouse.connection
    )
    assert arrived == [{"event": "other", "n": 5}, {"event": "workflow_saved", "n": 4}]


def test_of_rows_that_share_an_id_the_one_that_arrived_first_counts(stored):
    log = table("""
        id | person | what  | done_at          | arrived_at
        1  | ann    | ran   | 2026-01-05 09:00 | 2026-01-05 09:02
        1  | ann    | ran   | 2026-01-05 09:00 | 2026-01-05 09:01
        1  | bob    | saved | 2026-01-05 08:00 | 2026-01-05 09:03
        2  | ann    | ran   | 2026-01-06 09:00 | 2026-01-06 09:01
        2  | ann    | ran   | 2026-01-06 09:00 | 2026-01-06 09:01
        2  | ann    | ran   | 2026-01-06 09:00 | 2026-01-06 09:01
        3  | ann    | ran   |                  | 2026-01-07 09:00
        3  | bob    | ran   | 2026-01-07 09:00 | 2026-01-07 09:01
        4  | ann    | ran   |                  | 2026-01-07 09:00
        4  | ann    | ran   |                  | 2026-01-07 09:01
           | ann    | ran   |                  | 2026-01-07 09:00
           | ann    | ran   | 2026-01-08 09:00 | 2026-01-08 09:00
           | ann    | ran   | 2026-01-08 09:00 | 2026-01-08 09:00
        5  | cat    | ran   | 2026-01-09 09:00 | 2026-01-09 09:00
    """)
    warehouse = stored(log=log)
    tables = sources.tables_of(declared(events=LOG_MAP), warehouse)
    assert events(tables, warehouse, "event_id", "user_id", "event", "at") == [
        {"event_id": "1", "user_id": "ann", "event": "ran", "at": at("2026-01-05 09:00")},
        {"event_id": "2", "user_id": "ann", "event": "ran", "at": at("2026-01-06 09:00")},
        {"event_id": "3", "user_id": "bob", "event": "ran", "at": at("2026-01-07 09:00")},
        {"event_id": "5", "user_id": "cat", "event": "ran", "at": at("2026-01-09 09:00")},
        {"event_id": None, "user_id": "ann", "event": "ran", "at": at("2026-01-08 09:00")},
        {"event_id": None, "user_id": "ann", "event": "ran", "at": at("2026-01-08 09:00")},
    ]
    shared = tables.shared.group_by("event_id").aggregate(
        rows=ibis._.count(), timed=ibis._.copy_.count(), last=ibis._.copy_.max()
    )
    # A row without a time is no copy: it counts as what it is, an event that nobody can date.
    assert rows(shared, warehouse.connection) == [
        {"event_id": "1", "rows": 3, "timed": 3, "last": 2},
        {"event_id": "2", "rows": 3, "timed": 3, "last": 2},
        {"event_id": "3", "rows": 2, "timed": 1, "last": 0},
        {"event_id": "4", "rows": 2, "timed": 0, "last": None},
    ]
    assert [row["event_id"] for row in rows(tables.copies, warehouse.connection)] == list("1122")


def test_copies_that_differ_in_a_property_alone_leave_the_same_one_in_every_run(stored):
    log = table("""
        id | what | done_at          | arrived_at       | draft
        1  | ran  | 2026-01-05 09:00 | 2026-01-05 09:00 | d2
        1  | ran  | 2026-01-05 09:00 | 2026-01-05 09:00 |
        1  | ran  | 2026-01-05 09:00 | 2026-01-05 09:00 | d1
    """)
    warehouse = stored(log=log)
    plan = "[{event: ran, says: It runs., properties: {draft: {}}}]"
    maps = LOG_MAP.replace("user_id: person", "draft: draft")
    assert events(
        sources.tables_of(declared(plan, events=maps), warehouse), warehouse, "draft"
    ) == [{"draft": "d1"}]


@pytest.mark.parametrize("seed", range(3))
def test_each_event_of_a_random_log_counts_once(stored, seed):
    found = random_log.log(seed)
    warehouse = stored(log=random_log.drawn(found))
    columns = ", ".join(f"{name}: {name}" for name in random_log.TYPES)
    plan = "[{event: ran, says: It runs., properties: {draft: {}, size: {type: int64}}}]"
    maps = f"[{{table: log, columns: {{{columns}}}}}]"
    tables = sources.tables_of(declared(plan, events=maps), warehouse)
    expected = random_log.once(found)
    assert 100 < len(expected) < 300 < len(found)
    assert events(tables, warehouse, *random_log.TYPES) == sorted(
        expected, key=lambda row: [str(value) for value in row.values()]
    )


def test_events_are_made_when_somebody_first_asks_for_them_and_only_then(stored, monkeypatch):
    warehouse = stored(log=table(LOG))
    kept, keep = [], Warehouse.keep

    def noted(warehouse: Warehouse, made: ibis.Table, name: str) -> ibis.Table:
        kept.append(name)
        return keep(warehouse, made, name)

    monkeypatch.setattr(Warehouse, "keep", noted)
    tables = sources.tables_of(declared(events=LOG_MAP), warehouse)
    assert "events" not in kept
    early = tables.until(at("2026-01-05 09:30"))
    earlier, received = (each(at("2026-01-05 09:00:30")) for each in (early.until, early.received))
    asked = [rows(each.events, warehouse.connection) for each in (earlier, received, early, tables)]
    assert [len(events) for events in asked] == [1, 0, 1, 2]
    assert kept.count("events") == 1


def test_an_event_takes_account_and_staff_from_its_user_and_says_so(stored):
    log = table("""
        id | person | firm | what | done_at
        1  | ann    |      | ran  | 2026-01-05
        2  | ann    | w9   | ran  | 2026-01-05
        3  | bob    |      | ran  | 2026-01-05
        4  |        | w1   | ran  | 2026-01-05
        5  | cat    |      | ran  | 2026-01-05
        6  | zoe    |      | ran  | 2026-01-05
    """)
    warehouse = stored(log=log, people=table(PEOPLE))
    found = declared(
        events="""
        - table: log
          columns: {event_id: id, user_id: person, account_id: firm, event: what, at: done_at}
        """,
        users="""
        - table: people
          columns: {user_id: id, account_id: workspace, signed_up_at: joined_at, is_internal: staff}
          values: {is_internal: {"yes": "true"}}
        """,
    )
    tables = sources.tables_of(found, warehouse)
    assert events(tables, warehouse, "event_id", "account_id", "is_inferred", "is_internal") == [
        {"event_id": "1", "account_id": "w1", "is_inferred": True, "is_internal": False},
        {"event_id": "2", "account_id": "w9", "is_inferred": False, "is_internal": False},
        {"event_id": "3", "account_id": None, "is_inferred": False, "is_internal": False},
        {"event_id": "4", "account_id": "w1", "is_inferred": False, "is_internal": False},
        {"event_id": "5", "account_id": "w1", "is_inferred": True, "is_internal": True},
        {"event_id": "6", "account_id": None, "is_inferred": False, "is_internal": False},
    ]


def test_a_person_who_stands_twice_in_users_does_not_count_events_twice(stored):
    people = table("""
        id  | workspace | joined_at        | country
        ann | w2        | 2026-02-01 09:00 | NO
        ann | w1        | 2026-01-05 09:00 | SE
    """)
    warehouse = stored(log=table(LOG), people=people)
    found = declared(
        events=LOG_MAP,
        users="""
        - table: people
          columns: {user_id: id, account_id: workspace, signed_up_at: joined_at, country: country}
        """,
    )
    tables = sources.tables_of(found, warehouse)
    assert events(tables, warehouse, "event_id", "account_id") == [
        {"event_id": "1", "account_id": "w1"},
        {"event_id": "2", "account_id": None},
    ]
    traits = tables.users.select("user_id", "country")
    assert rows(traits, warehouse.connection) == [{"user_id": "ann", "country": "SE"}]


def test_a_product_without_users_has_no_staff_and_infers_nothing(stored):
    warehouse = stored(log=table(LOG))
    tables = sources.tables_of(declared(events=LOG_MAP), warehouse)
    assert tables.users is None
    assert events(tables, warehouse, "user_id", "is_internal", "is_inferred") == [
        {"user_id": "ann", "is_internal": False, "is_inferred": False},
        {"user_id": "bob", "is_internal": False, "is_inferred": False},
    ]


def read_events(found: Declarations, warehouse: Warehouse) -> list[dict[str, Any]]:
    """The rows of events with their planned properties judged, as the native source reads them."""
    read = sources._mapped(found, warehouse, "events").rows()
    return rows(read.drop("event", "at"), warehouse.connection)


def misfits(found: Declarations, warehouse: Warehouse) -> dict[str, str]:
    return sources._mapped(found, warehouse, "events").misfits()


def planned(kind: str) -> str:
    return f"[{{event: ran, says: It ran., properties: {{amount: {{type: {kind}}}}}}}]"


AMOUNT = """
    - table: log
      columns: {event_id: id, at: done_at, amount: amount}
      constants: {event: ran}
"""
FITTING = {
    "int64": {
        "12": 12,
        "-7": -7,
        "+7": 7,
        " 8 ": 8,
        "0012": 12,
        "12.0": 12,
        "12.": 12,
        "999999999999999999": 999_999_999_999_999_999,
    },
    "float64": {"12": 12.0, "-0.5": -0.5, ".5": 0.5, "5.": 5.0, "1e3": 1000.0, "2.5E-1": 0.25},
    "boolean": {
        **dict.fromkeys(["true", "True", "t", "YES", "1", " y"], True),
        **dict.fromkeys(["false", "FALSE", "f", "no", "0", "n "], False),
    },
    "timestamp": {
        "2026-01-05": at("2026-01-05"),
        "2026-01-05 09:00": at("2026-01-05 09:00"),
        "2026-01-05T09:00:01": at("2026-01-05 09:00:01"),
        "2026-01-05T09:00:00.25Z": at("2026-01-05 09:00:00.25"),
        "2026-01-05T09:00:00+0530": at("2026-01-05 03:30"),
        "2026-01-05 09:00:00-08": at("2026-01-05 17:00"),
        "2026-01-05 09:00:00 UTC": at("2026-01-05 09:00"),
        "2024-02-29": at("2024-02-29"),
        "2000-02-29": at("2000-02-29"),
    },
}
MISFITTING = {
    "int64": ["many", "12.5", "1e3", "12 months", "9223372036854775808", "--1", " "],
    "float64": ["many", "12,5", "NaN", "Infinity", "1e999", "1.2.3", ".", "e5"],
    "boolean": ["maybe", "2", "truee", "null"],
    "timestamp": [
        *("soon", "05.01.2026", "2026-13-01", "2026-00-10", "2026-01-32", "2026-04-31"),
        *("2026-02-29", "1900-02-29", "2026-01-05T24:00", "2026-01-05T09:60", "1767603600"),
    ],
}


@pytest.mark.parametrize("kind", FITTING)
def test_a_planned_property_that_arrives_as_text_is_its_planned_type(stored, kind):
    texts = FITTING[kind]
    # Texts such as 12 and 12.0 are one id.
    log = pa.table({"id": [f"e{text}" for text in texts], "done_at": ["2026-01-05"] * len(texts)})
    drawn = ibis.memtable(log.append_column("amount", [list(texts)]))
    warehouse, found = stored(log=drawn), declared(planned(kind), events=AMOUNT)
    amounts = {row["event_id"]: row["amount"] for row in read_events(found, warehouse)}
    assert amounts == {f"e{text}": value for text, value in texts.items()}
    assert not any(row["amount_misfit"] for row in read_events(found, warehouse))
    assert misfits(found, warehouse) == {"amount_misfit": "boolean"}


@pytest.mark.parametrize("kind", MISFITTING)
def test_a_text_that_is_no_value_of_its_planned_type_is_null_and_marked(stored, kind):
    texts = MISFITTING[kind]
    log = pa.table({"id": texts, "amount": texts, "done_at": ["2026-01-05"] * len(texts)})
    warehouse, found = stored(log=ibis.memtable(log)), declared(planned(kind), events=AMOUNT)
    assert read_events(found, warehouse) == [
        {"event_id": text, "amount": None, "amount_misfit": True} for text in sorted(texts)
    ]


@pytest.mark.parametrize("kind", FITTING)
def test_an_empty_property_is_no_misfit(stored, kind):
    log = pa.table({"id": ["1", "2"], "amount": [None, ""], "done_at": ["2026-01-05"] * 2})
    warehouse, found = stored(log=ibis.memtable(log)), declared(planned(kind), events=AMOUNT)
    assert read_events(found, warehouse) == [
        {"event_id": "1", "amount": None, "amount_misfit": False},
        {"event_id": "2", "amount": None, "amount_misfit": False},
    ]


def test_a_number_with_a_fraction_is_no_whole_number(stored):
    numbers = [12.0, 12.5, None, float("nan"), float("inf"), 1e300, -3.0]
    log = pa.table({"id": list("abcdefg"), "amount": numbers, "done_at": ["2026-01-05"] * 7})
    warehouse, found = stored(log=ibis.memtable(log)), declared(planned("int64"), events=AMOUNT)
    read = read_events(found, warehouse)
    assert [(row["event_id"], row["amount"], row["amount_misfit"]) for row in read] == [
        ("a", 12, False),
        ("b", None, True),
        ("c", None, False),
        ("d", None, True),
        ("e", None, True),
        ("f", None, True),
        ("g", -3, False),
    ]


def test_exact_decimals_are_judged_too(stored):
    log = table("id | done_at | amount\n a | 2026-01-05 | 12.00\n b | 2026-01-05 | 12.50")
    warehouse = stored(log=log.mutate(amount=log.amount.cast("decimal(18, 2)")))
    found = declared(planned("int64"), events=AMOUNT)
    assert read_events(found, warehouse) == [
        {"event_id": "a", "amount": 12, "amount_misfit": False},
        {"event_id": "b", "amount": None, "amount_misfit": True},
    ]


def test_only_planned_properties_of_another_type_are_judged(stored):
    log = table("""
        id | done_at    | amount | word | agent
        1  | 2026-01-05 | 3      | x    | true
    """)
    warehouse = stored(log=log.mutate(amount=log.amount.cast("int64")))
    plan = """
    - event: ran
      says: It ran.
      properties: {amount: {type: int64}, word: {}, is_bot: {type: boolean}}
    """
    columns = "{event_id: id, at: done_at, amount: amount, word: word, is_bot: agent}"
    found = declared(plan, events=f"[{{table: log, columns: {columns}, constants: {{event: r}}}}]")
    assert misfits(found, warehouse) == {}
    assert read_events(found, warehouse) == [
        {"event_id": "1", "amount": 3, "word": "x", "is_bot": True}
    ]


def test_a_table_whose_values_must_fit_has_no_misfits_beside_one_that_has(stored):
    texts = table("id | done_at | amount\n 1 | 2026-01-05 | many\n 2 | 2026-01-05 | 7")
    numbers = table("id | done_at | amount\n 1 | 2026-01-05 | 3", amount="int64")
    warehouse = stored(log=texts, other=numbers)
    found = declared(planned("int64"), events=AMOUNT + AMOUNT.replace("table: log", "table: other"))
    assert read_events(found, warehouse) == [
        {"event_id": "1", "amount": None, "amount_misfit": True},
        {"event_id": "2", "amount": 7, "amount_misfit": False},
        {"event_id": "other:1", "amount": 3, "amount_misfit": False},
    ]


def test_a_misfit_is_never_blamed_for_a_failed_load(stored):
    log = table("id | moment | amount\n 1 | soon | many\n 2 | 2026-01-05 | 7")
    maps = AMOUNT.replace("done_at", "moment")
    warehouse, found = stored(log=log), declared(planned("int64"), events=maps)
    mistake = sources._mapped(found, warehouse, "events").uncast()
    assert mistake.wrong == "Column `moment` of table `log` cannot become `events.at`."


def test_a_map_that_names_no_columns_says_which_it_needs(stored):
    with pytest.raises(Mistake) as mistake:
        sources.tables_of(declared(events="- {table: log}"), stored(log=table(LOG)))
    assert str(mistake.value) == (
        "The map of table `log` to `events` names no columns.\n"
        "The table has: id, person, what, done_at, arrived_at.\n"
        "Hint: write `columns:` with `event_id: …`, `event: …`, `at: …` at least."
    )


def test_columns_that_no_map_names_arrive_without_a_plan(stored):
    log = table("id | what | done_at | kind | place | words | size\n 1 | ran | 2026-01-05 | | | |")
    warehouse = stored(log=log, people=table(PEOPLE))
    found = declared(
        events="""
        - {table: log, columns: {event_id: id, event: what, at: done_at}, only: {kind: [1]}}
        - {table: people, columns: {event_id: [id, staff], at: joined_at}, constants: {event: in}}
        - {table: log, columns: {event_id: id, event: what, at: done_at}, leave_out: {place: [x]}}
        """
    )
    assert Source().unmapped(found.product.tables["events"], warehouse) == [
        "log.words",
        "log.size",
        "people.workspace",
    ]
