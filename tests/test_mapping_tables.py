"""Maps of several tables, which rows they take, and ids for those that have none."""

from __future__ import annotations

import ibis
import pytest

from playbook import declare
from playbook.data import sources
from playbook.data.warehouse import Warehouse
from playbook.declare import Product
from playbook.language.mistakes import Mistake
from tests.maps import declared, events, loaded
from tests.spec import at, rows, table

SAVED = "id | person | done_at | draft\n 1 | ann | 2026-01-05 | d1\n 2 | bob | 2026-01-06 | d2"
SHARED = "id | person | done_at | size\n 1 | ann | 2026-01-07 | 3"
PLAN = """
    - event: saved
      says: A draft is saved.
      properties: {draft: {}}
    - event: shared
      says: A draft is shared.
      properties: {size: {type: int64}}
"""
COLUMNS = "{event_id: id, user_id: person, at: done_at, draft: draft, size: size}"
READ = [
    {"event_id": "1", "event": "saved", "user_id": "ann", "draft": "d1", "size": None},
    {"event_id": "2", "event": "saved", "user_id": "bob", "draft": "d2", "size": None},
]


def test_a_pattern_takes_many_tables_and_the_event_is_what_the_star_stands_for(stored):
    warehouse = stored(
        track_saved=table(SAVED),
        track_shared=table(SHARED.replace(" 1 |", " 3 |"), size="int64"),
        other=table(SAVED),
    )
    maps = f"[{{table: 'track_*', from_name: event, columns: {COLUMNS}}}]"
    shared = {"event_id": "3", "event": "shared", "user_id": "ann", "draft": None, "size": 3}
    assert loaded(warehouse, *shared, plan=PLAN, events=maps) == [*READ, shared]


def test_a_list_takes_its_tables_and_without_leaves_some_out(stored):
    warehouse = stored(
        events_20260105=table(SAVED), events_20260106=table(SHARED, size="int64"),
        events_intraday_20260106=table(SAVED), more=table(SAVED),
    )  # fmt: skip
    maps = f"""
    - table: ["events_*", more]
      without: [events_intraday_*, events_20260106]
      from_name: source
      constants: {{event: saved}}
      columns: {COLUMNS.replace(", size: size", "")}
    """
    assert loaded(warehouse, "event_id", "source", "draft", plan=PLAN, events=maps) == [
        # The copies of one id: of rows that are equal else, the first by its source counts.
        {"event_id": "1", "source": "20260105", "draft": "d1"},
        {"event_id": "2", "source": "20260105", "draft": "d2"},
    ]


def test_what_several_tables_write_in_different_types_is_read_in_each(stored):
    first = table("id | person | moment | size\n 1 | 7 | 2026-01-05 | 3", id="int64")
    second = table(
        "id | person | moment | size\n 2 | 7 | 1767603600 | 4", person="int64", moment="int64",
        size="int64",
    )  # fmt: skip
    warehouse = stored(log=first, other=second)
    maps = """
    - table: log
      columns: {event_id: id, user_id: person, at: moment, size: size}
      constants: {event: ran}
    - table: other
      columns: {event_id: id, user_id: person, at: moment, size: size}
      constants: {event: ran}
      times: {at: epoch_s}
    """
    plan = "[{event: ran, says: It ran., properties: {size: {type: int64}}}]"
    assert loaded(warehouse, "event_id", "user_id", "at", "size", plan=plan, events=maps) == [
        {"event_id": "1", "user_id": "7", "at": at("2026-01-05"), "size": 3},
        {"event_id": "other:2", "user_id": "7", "at": at("2026-01-05 09:00"), "size": 4},
    ]


def test_a_hundred_tables_take_a_statement_that_grows_with_their_number_only():
    def size(tables: int) -> int:
        warehouse = Warehouse(ibis.duckdb.connect())
        for i in range(tables):
            warehouse.connection.raw_sql(
                f"create table t{i} as select 'e{i}' id, 'ann' person, {i} p{i}, now() done_at"
            )
        maps = "".join(
            f"- {{table: t{i}, columns: {{event_id: id, user_id: person, at: done_at, p{i}: p{i}}},"
            f" constants: {{event: e{i}}}}}\n"
            for i in range(tables)
        )
        plan = "".join(
            f"- {{event: e{i}, says: It is, properties: {{p{i}: {{type: int64}}}}}}\n"
            for i in range(tables)
        )
        read = sources.tables_of(declared(plan, events=maps), warehouse)
        return len(str(ibis.to_sql(read.arrivals, dialect="duckdb")))

    # Each map with the columns of all would take 16 times as much for 4 times the tables.
    assert size(60) < 5.5 * size(15)


def test_no_table_of_a_pattern_and_no_column_in_any_are_mistakes(stored):
    warehouse = stored(track_saved=table(SAVED), track_shared=table(SHARED))
    maps = f"[{{table: 'track_*', from_name: event, columns: {COLUMNS}}}]"
    with pytest.raises(Mistake) as mistake:
        sources.tables_of(declared(PLAN, events=maps.replace("track_*", "trak_*")), warehouse)
    assert mistake.value.wrong == "No table is called like `trak_*`."
    with pytest.raises(Mistake) as mistake:
        sources.tables_of(
            declared(PLAN, events=maps.replace("draft: draft", "draft: daft")), warehouse
        )
    assert "has no column `daft`, which `events` is mapped to." in mistake.value.wrong


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ({"table": []}, "`table` names none"),
        ({"table": "a_*_*"}, "`a_*_*` has several `*`"),
        ({"table": "a", "from_name": "at", "columns": {"at": "x"}}, "`at` stands under `columns`"),
        ({"table": "a", "id_of": ["x"], "columns": {"event_id": "x"}}, "`id_of` makes the"),
        ({"table": "a", "newest": "x", "oldest": "x"}, "say one of `newest` and `oldest`"),
    ],
)
def test_a_map_that_contradicts_itself_is_a_mistake(said, wrong):
    with pytest.raises(Mistake) as mistake:
        declare.parse({"name": "X", "tables": {"events": [said]}}, Product, place="product.yaml")
    assert wrong in str(mistake.value)


def test_tables_of_other_schemas_are_in_reach_by_their_name_and_by_patterns(engine):
    engine.raw_sql("create schema shop")
    engine.raw_sql("create schema old_shop")
    try:
        for name in ("shop.saved", "shop.shared", "old_shop.saved"):
            engine.raw_sql(
                f"create table {name} as select '{name}' as id, timestamp '2026-01-05' as done_at"
            )
        warehouse = Warehouse(engine)
        assert {"shop.saved", "shop.shared", "old_shop.saved"} <= {*warehouse.names}
        assert rows(warehouse.table("old_shop.saved").select("id"), engine) == [
            {"id": "old_shop.saved"}
        ]
        maps = """
        - {table: "shop.*", from_name: event, columns: {event_id: id, at: done_at}}
        """
        assert loaded(warehouse, "event_id", "event", events=maps) == [
            {"event_id": "shop.saved", "event": "saved"},
            {"event_id": "shop.shared", "event": "shared"},
        ]
        with pytest.raises(Mistake, match=r"has no table `shop\.savd`") as mistake:
            warehouse.table("shop.savd")
        assert mistake.value.hint == "did you mean `shop.saved`?"
    finally:
        for name in ("shop", "old_shop"):
            engine.raw_sql(f"drop schema {name} cascade")


def test_rows_without_what_they_must_have_are_left_out_and_none_arrives(stored):
    log = table("""
        id | person    | done_at    | agent
        1  | ann       | 2026-01-05 |
        2  | ann       |            |
        3  |           | 2026-01-05 |
        4  | undefined | 2026-01-05 |
    """)
    maps = """
    - table: log
      columns: {event_id: id, user_id: person, at: done_at}
      constants: {event: ran}
      must_have: [at, user_id]
    """
    warehouse = stored(log=log)
    tables = sources.tables_of(declared(events=maps), warehouse)
    arrived = rows(tables.arrivals.select("event_id"), warehouse.connection)
    assert arrived == [{"event_id": "1"}]
    maps = maps.replace("[at, user_id]", "sent_at")
    with pytest.raises(Mistake) as mistake:
        sources.tables_of(declared(events=maps), warehouse)
    assert mistake.value.wrong == (
        "`must_have` of table `log` names `sent_at`, which no column of it gives."
    )


def test_of_several_tables_one_that_lacks_what_rows_must_have_gives_none(stored):
    warehouse = stored(track_saved=table(SAVED), track_shared=table(SHARED, size="int64"))
    maps = f"""
    - table: track_*
      from_name: event
      columns: {COLUMNS}
      must_have: size
    """
    assert loaded(warehouse, "event", "size", plan=PLAN, events=maps) == [
        {"event": "shared", "size": 3}
    ]


def test_an_id_is_made_of_what_tells_rows_apart_and_equal_rows_are_one_event(stored):
    log = table("""
        device | what | done_at          | batch
        d1     | ran  | 2026-01-05 09:00 | 1
        d1     | ran  | 2026-01-05 09:00 | 1
        d1     | ran  | 2026-01-05 09:00 | 2
        d1     | ran  | 2026-01-05 09:00 |
        d:1    | ran  | 2026-01-05 09:00 | 1
    """, batch="int64")  # fmt: skip
    maps = """
    - table: log
      columns: {anonymous_id: device, event: what, at: done_at}
      id_of: [device, what, done_at, batch]
    """
    warehouse = stored(log=log)
    tables = sources.tables_of(declared(events=maps), warehouse)
    assert len(rows(tables.arrivals, warehouse.connection)) == 5
    seen = events(tables, warehouse, "anonymous_id", "event_id")
    assert [row["anonymous_id"] for row in seen] == ["d1", "d1", "d1", "d:1"]
    assert len({row["event_id"] for row in seen}) == 4
    assert all(len(row["event_id"]) == 32 for row in seen)


def test_an_id_that_is_made_is_the_same_on_each_engine(stored):
    log = table("device | what | done_at\n d1 | ran | 2026-01-05")
    maps = """
    - {table: log, columns: {event: what, at: done_at}, id_of: [device, what]}
    """
    # md5 of "d1:ran"
    assert loaded(stored(log=log), "event_id", events=maps) == [
        {"event_id": "1a7d408d15f36edf5221d3848af7758d"}
    ]


def test_what_is_read_of_many_tables_of_one_shape_is_said_once():
    connection = ibis.duckdb.connect()
    day = "create table day_{} as select '{}' as id, 'seen' as what, '{}' as said, now() as done_at"
    for place in range(9):
        connection.raw_sql(day.format(place, place, f'{{"plan": "p{place}"}}'))
    connection.raw_sql("create table day_9 as select 9 as id, 'seen' as what, now() as done_at")
    warehouse = Warehouse(connection)
    maps = """
    - table: day_*
      columns: {event_id: id, event: what, at: done_at, source: said.plan}
    """
    tables = sources.tables_of(declared(events=maps), warehouse)
    sql = str(ibis.to_sql(tables.arrivals, dialect="duckdb"))
    assert sql.count("plan") == 1  # the path, in whatever words
    assert events(tables, warehouse, "event_id", "source") == [
        *({"event_id": str(place), "source": f"p{place}"} for place in range(9)),
        {"event_id": "9", "source": None},  # of another shape: it lacks what the others say
    ]
