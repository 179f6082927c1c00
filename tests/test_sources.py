"""The native source and `load`: the product's own tables become canonical, on each engine."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

import ibis
import pytest
import yaml

from playbook import declare, sources
from playbook.declare import DataPoint, Declarations, Product
from playbook.mistakes import Mistake
from playbook.tables import Tables
from playbook.warehouse import Warehouse
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


@pytest.fixture
def stored(engine):
    """Writes tables for the source to read, and takes them away again."""
    names = []

    def store(**tables: ibis.Table) -> Warehouse:
        for name, drawn in tables.items():
            engine.create_table(name, drawn, overwrite=True)
            names.append(name)
        return Warehouse(engine)

    yield store
    for name in names:
        engine.drop_table(name, force=True)


def declared(plan: str = "", **maps: str) -> Declarations:
    """A product of these maps, each a list in YAML."""
    tables = {name: yaml.safe_load(dedent(text)) for name, text in maps.items()}
    points = yaml.safe_load(dedent(plan)) or []
    return Declarations(
        product=declare.parse({"name": "Small", "tables": tables}, Product, place="product.yaml"),
        plan=tuple(declare.parse(point, DataPoint, place="plan") for point in points),
        questions=(),
        plays=(),
        experiments=(),
    )


def events(tables: Tables, warehouse: Warehouse, *columns: str) -> list[dict[str, Any]]:
    return rows(tables.events.select(*columns), warehouse.connection)


def test_columns_are_renamed_and_ids_become_text(stored):
    log = table(
        "id | person | what | done_at\n 7 | 12 | ran | 2026-01-05", id="int64", person="int64"
    )
    warehouse = stored(log=log)
    found = declared(events=LOG_MAP.replace(", received_at: arrived_at", ""))
    tables = sources.load(found, warehouse)
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
    assert events(sources.load(found, warehouse), warehouse, "event_id", "user_id") == [
        {"event_id": "1", "user_id": "12"},
        {"event_id": "2", "user_id": None},
    ]


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
    arrivals = sources.load(found, warehouse).arrivals
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
    tables = sources.load(found, warehouse)
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
    tables = sources.load(found, warehouse)
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
    assert events(sources.load(found, warehouse), warehouse, "event_id", "event", "words") == [
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
    ids = [row["event_id"] for row in events(sources.load(found, warehouse), warehouse, "event_id")]
    assert ids == [":ann", None, "ann:", "ann:1", "ann:2"]


@pytest.mark.parametrize("key", ["columns", "only", "leave_out"])
def test_a_column_that_does_not_exist_names_the_table_and_the_nearest(stored, key):
    more = "" if key == "columns" else f", {key}: {{don_at: [1]}}"
    time = "don_at" if key == "columns" else "done_at"
    text = f"- {{table: log, columns: {{event_id: id, event: what, at: {time}}}{more}}}"
    with pytest.raises(Mistake) as mistake:
        sources.load(declared(events=text), stored(log=table(LOG)))
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
        sources.load(found, stored(log=log))
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
    with pytest.raises(Mistake) as mistake, sources.explained(found, warehouse):
        warehouse.connection.to_pyarrow(sources.load(found, warehouse).arrivals)
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
        sources.explained(found, warehouse),
    ):
        warehouse.connection.to_pyarrow(sources.load(found, warehouse).accounts)
    assert mistake.value.wrong == "Column `staff` of table `firms` cannot become `accounts.size`."


def test_a_failure_that_no_cast_explains_stays_what_it_is(stored):
    warehouse = stored(log=table(LOG))
    with pytest.raises(ZeroDivisionError), sources.explained(declared(events=LOG_MAP), warehouse):
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
        sources.load(declared(**maps), stored(log=table(LOG)))
    assert wrong.removesuffix(".") in mistake.value.wrong
    assert mistake.value.hint.startswith(hint)


def test_an_unknown_source_names_those_that_there_are(stored):
    found = declared(events=LOG_MAP)
    product = found.product.model_copy(update={"source": "nativ"})
    other = Declarations(product, found.plan, (), (), ())
    with pytest.raises(Mistake, match=r"(?s)`nativ`.*It has: native.*`native`\?"):
        sources.load(other, stored(log=table(LOG)))


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
    tables = sources.load(declared(plan, events=LOG_MAP), warehouse)
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
    tables = sources.load(found, warehouse)
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
    tables = sources.load(found, warehouse)
    assert events(tables, warehouse, "event_id", "account_id") == [
        {"event_id": "1", "account_id": "w1"},
        {"event_id": "2", "account_id": None},
    ]
    traits = tables.users.select("user_id", "country")
    assert rows(traits, warehouse.connection) == [{"user_id": "ann", "country": "SE"}]


def test_a_product_without_users_has_no_staff_and_infers_nothing(stored):
    warehouse = stored(log=table(LOG))
    tables = sources.load(declared(events=LOG_MAP), warehouse)
    assert tables.users is None
    assert events(tables, warehouse, "user_id", "is_internal", "is_inferred") == [
        {"user_id": "ann", "is_internal": False, "is_inferred": False},
        {"user_id": "bob", "is_internal": False, "is_inferred": False},
    ]
