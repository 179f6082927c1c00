"""Paths of a map: what stands inside structs, maps, JSON, texts and arrays of pairs."""

from __future__ import annotations

import json

import ibis
import pyarrow as pa
import pytest

from playbook.data import sources
from playbook.data.warehouse import Warehouse
from playbook.language import nested
from playbook.language.mistakes import Mistake
from tests.maps import declared, loaded
from tests.spec import rows, table

LOG = """
    id | what | done_at    | properties
    1  | ran  | 2026-01-05 | {"plan": "pro", "size": 3, "user": {"id": "ann"}}
    2  | ran  | 2026-01-05 | {"plan": null, "user": {"id": "bob", "team": "w1"}}
    3  | ran  | 2026-01-05 | {}
    4  | ran  | 2026-01-05 |
"""
PLAN = "[{event: ran, says: It ran., properties: {plan: {}, size: {type: int64}}}]"
MAP = """
    - table: log
      columns:
        event_id: id
        event: what
        at: done_at
        user_id: properties.user.id
        account_id: properties.user.team
        plan: properties.plan
        size: properties.size
"""
READ = [
    {"event_id": "1", "user_id": "ann", "account_id": None, "plan": "pro", "size": 3},
    {"event_id": "2", "user_id": "bob", "account_id": "w1", "plan": None, "size": None},
    {"event_id": "3", "user_id": None, "account_id": None, "plan": None, "size": None},
    {"event_id": "4", "user_id": None, "account_id": None, "plan": None, "size": None},
]


def retyped(warehouse: Warehouse, kind: str) -> Warehouse:
    """The warehouse, in which `log.properties` is of another type."""
    kind = "json" if kind == "jsonb" and warehouse.engine == "duckdb" else kind
    warehouse.connection.raw_sql(
        f"alter table log alter column properties type {kind} using properties::{kind}"
    )
    return warehouse


@pytest.mark.parametrize("kind", ["json", "jsonb", "text"])
def test_a_path_leads_into_json_and_into_a_text_that_holds_it(stored, kind):
    warehouse = retyped(stored(log=table(LOG)), kind)
    assert loaded(warehouse, *READ[0], plan=PLAN, events=MAP) == READ


def test_a_path_leads_into_a_struct_and_into_a_map():
    log = pa.table(
        {
            "id": ["1", "2"],
            "what": ["ran", "ran"],
            "done_at": ["2026-01-05"] * 2,
            "properties": [{"plan": "pro", "size": 3, "user": [("id", "ann"), ("a.b", "w1")]}] * 1
            + [None],
        },
        schema=pa.schema(
            {
                "id": pa.string(),
                "what": pa.string(),
                "done_at": pa.string(),
                "properties": pa.struct(
                    {
                        "plan": pa.string(),
                        "size": pa.int64(),
                        "user": pa.map_(pa.string(), pa.string()),
                    }
                ),
            }
        ),
    )
    warehouse = Warehouse(ibis.duckdb.connect())
    warehouse.connection.create_table("log", log)
    maps = MAP.replace("properties.user.team", """properties.user."a.b\"""")
    assert loaded(warehouse, *READ[0], plan=PLAN, events=maps) == [
        {"event_id": "1", "user_id": "ann", "account_id": "w1", "plan": "pro", "size": 3},
        {"event_id": "2", "user_id": None, "account_id": None, "plan": None, "size": None},
    ]


def test_of_an_array_of_pairs_the_value_of_the_key_is_the_first_that_is_not_null():
    value = pa.struct(
        {
            "string_value": pa.string(),
            "int_value": pa.int64(),
            "float_value": pa.float64(),
            "double_value": pa.float64(),
        }
    )
    pairs = pa.list_(pa.struct({"key": pa.string(), "value": value}))
    told = [
        [
            {"key": "ga_session_id", "value": {"int_value": 1700000123}},
            {"key": "page", "value": {"string_value": "/start"}},
        ],
        [{"key": "page", "value": {"string_value": None}}, {"key": "page", "value": None}],
        [],
        None,
    ]
    log = pa.table(
        {
            "id": list("1234"),
            "what": ["ran"] * 4,
            "done_at": ["2026-01-05"] * 4,
            "event_params": pa.array(told, pairs),
        }
    )
    warehouse = Warehouse(ibis.duckdb.connect())
    warehouse.connection.create_table("log", log)
    maps = """
    - table: log
      columns: {event_id: id, event: what, at: done_at, session_id: event_params.ga_session_id,
                source: event_params.page}
    """
    assert loaded(warehouse, "event_id", "session_id", "source", events=maps) == [
        {"event_id": "1", "session_id": "1700000123", "source": "/start"},
        {"event_id": "2", "session_id": None, "source": None},
        {"event_id": "3", "session_id": None, "source": None},
        {"event_id": "4", "session_id": None, "source": None},
    ]


HARD = ["a.b", 'say "hi"', "it's", "sl/ash", "til~de", "0", "$.x", "ä", "a b", "{x}", "back\\slash"]


@pytest.mark.parametrize("name", HARD)
def test_a_name_in_json_may_have_any_character(engine, name):
    text = json.dumps({name: {name: "found"}, "a": {"b": "another"}})
    drawn = ibis.memtable({"text": [text]})
    found = drawn.select(
        inner=nested.json_text(drawn.text, [name, name], engine=engine.name),
        outer=nested.json_text(drawn.text, [name, "none"], engine=engine.name),
    )
    assert rows(found, engine) == [{"inner": "found", "outer": None}]


def test_a_quoted_step_may_hold_dots_and_quotes_and_others_are_parted_by_dots():
    def names(path: str) -> list[str]:
        return [name for _rest, name in nested.steps(path)]

    assert names("a.b.c") == ["a", "b", "c"]
    assert names('a."b.c".d') == ["a", "b.c", "d"]
    assert names('"say ""hi""".x') == ['say "hi"', "x"]
    assert names('5" tv') == ['5" tv']


def test_a_column_whose_own_name_has_a_dot_goes_first_and_the_longest_holds_the_rest(stored):
    log = ibis.memtable(
        {
            "id": ["1"],
            "what": ["ran"],
            "done_at": ["2026-01-05"],
            "p": ['{"plan": "inner", "q": {"size": 1}}'],
            "p.plan": ["own"],
            "p.q": ['{"size": 2}'],
        }
    )
    maps = """
    - table: log
      columns: {event_id: id, event: what, at: done_at, plan: p.plan, size: p.q.size}
    """
    assert loaded(stored(log=log), "plan", "size", plan=PLAN, events=maps) == [
        {"plan": "own", "size": 2}
    ]


def test_only_leave_out_and_values_go_along_paths_too(stored):
    log = table("""
        id | done_at    | p
        1  | 2026-01-05 | {"kind": 1, "test": false, "what": "a"}
        2  | 2026-01-05 | {"kind": 1, "test": true, "what": "a"}
        3  | 2026-01-05 | {"kind": 2, "test": false, "what": "a"}
        4  | 2026-01-05 | {"kind": 1, "what": "b"}
    """)
    maps = """
    - table: log
      columns: {event_id: id, event: p.what, at: done_at}
      values: {event: {a: ran}}
      only: {p.kind: [1]}
      leave_out: {p.test: [true]}
    """
    assert loaded(stored(log=log), "event_id", "event", events=maps) == [
        {"event_id": "1", "event": "ran"},
        {"event_id": "4", "event": "b"},
    ]


def test_the_first_of_several_columns_that_is_not_null_counts(stored):
    log = table("""
        id | done_at    | name | kind   | number | p
        1  | 2026-01-05 | save | struct | 7      | {"user": "ann"}
        2  | 2026-01-05 |      | struct |        | {"user": "bob"}
    """, number="int64")  # fmt: skip
    maps = """
    - table: log
      columns:
        event_id: id
        event: {first_of: [absent, name, kind]}
        user_id: {first_of: [number, p.user]}
        at: done_at
    """
    assert loaded(stored(log=log), "event_id", "event", "user_id", events=maps) == [
        {"event_id": "1", "event": "save", "user_id": "7"},
        {"event_id": "2", "event": "struct", "user_id": "bob"},
    ]


def test_the_first_of_several_is_checked_as_one_column_is(stored):
    log = table("id | what | a | b\n 1 | ran | 3 | 4", a="int64", b="int64")
    maps = "[{table: log, columns: {event_id: id, event: what, at: {first_of: [a, b]}}}]"
    said = refused(stored(log=log), events=maps)
    assert said.startswith("Column `a, b` of table `log` cannot become `events.at`.\nIt is int64")


def refused(warehouse, **maps: str) -> str:
    with pytest.raises(Mistake) as mistake:
        sources.tables_of(declared(**maps), warehouse)
    return str(mistake.value)


def test_what_no_path_leads_to_is_a_mistake(stored):
    log = table("id | what | done_at | n\n 1 | ran | 2026-01-05 | 3", n="int64")
    maps = "[{table: log, columns: {event_id: id, event: what, at: done_at, user_id: PATH}}]"
    warehouse = stored(log=log)
    assert refused(warehouse, events=maps.replace("PATH", "prop.user")) == (
        "Table `log` has no column `prop.user`, which `events` is mapped to.\n"
        "It has: id, what, done_at, n.\n"
        "Hint: pick one of the names above."
    )
    assert refused(warehouse, events=maps.replace("PATH", "n.user")) == (
        "`n` of table `log` holds nothing called `user`.\n"
        "It is int64.\n"
        "Hint: a path leads into a struct, a map, JSON, a text with JSON, or an array of structs "
        "of a `key` and a `value`."
    )


def test_a_field_that_a_struct_lacks_suggests_the_nearest():
    log = ibis.memtable({"id": ["1"], "what": ["ran"], "at": ["2026-01-05"]})
    warehouse = Warehouse(ibis.duckdb.connect())
    inner = ibis.struct({"user_id": ibis.literal("ann")})
    warehouse.connection.create_table("log", log.mutate(p=ibis.struct({"who": inner})))
    maps = "[{table: log, columns: {event_id: id, event: what, at: at, user_id: p.who.usr_id}}]"
    assert refused(warehouse, events=maps) == (
        "`p.who` of table `log` has no field `usr_id`.\n"
        "It has: user_id.\n"
        "Hint: did you mean `user_id`?"
    )


@pytest.mark.parametrize("kind", ["json", "jsonb"])
def test_json_is_no_id(stored, kind):
    warehouse = retyped(stored(log=table(LOG)), kind)
    maps = "[{table: log, columns: {event_id: id, event: what, at: done_at, user_id: properties}}]"
    said = refused(warehouse, events=maps)
    assert "Column `properties` of table `log` cannot become `events.user_id`." in said
    assert "and an id is one value." in said
    assert "Hint: name what is inside it, by a path" in said


def test_a_text_that_is_no_json_names_its_column_when_the_rows_are_read(stored):
    log = table(LOG.replace("{}", "none"))
    warehouse, found = stored(log=log), declared(PLAN, events=MAP)
    with pytest.raises(Mistake) as mistake, sources.cast_failures(found, warehouse):
        warehouse.connection.to_pyarrow(sources.tables_of(found, warehouse).arrivals)
    assert mistake.value.wrong.startswith("Column `properties.")
    assert mistake.value.there.startswith("The engine says: ")
