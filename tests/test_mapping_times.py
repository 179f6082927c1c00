"""Times of a map: numbers since 1970, texts of a form, and clocks of a zone."""

from __future__ import annotations

import ibis
import pyarrow as pa
import pytest

from playbook import declare
from playbook.data import sources
from playbook.declare import Product
from playbook.language.mistakes import Mistake
from tests.maps import declared, loaded
from tests.spec import at, table

MAP = """
    - table: log
      columns: {event_id: id, at: moment}
      constants: {event: ran}
      times: {at: CLOCK}
"""


def read(warehouse, clock: str) -> list:
    found = loaded(warehouse, "event_id", "at", events=MAP.replace("CLOCK", clock))
    return [row["at"] for row in found]


@pytest.mark.parametrize(
    ("clock", "moment", "expected"),
    [
        ("epoch_s", 1767603600, "2026-01-05 09:00"),
        ("epoch_s", 0, "1970-01-01"),
        ("epoch_s", -1, "1969-12-31 23:59:59"),
        ("epoch_s", 1767603600.25, "2026-01-05 09:00:00.25"),
        ("epoch_s", "1767603600.25", "2026-01-05 09:00:00.25"),
        ("epoch_ms", 1767603600123, "2026-01-05 09:00:00.123"),
        ("epoch_ms", "1767603600123", "2026-01-05 09:00:00.123"),
        ("epoch_us", 1767603600123456, "2026-01-05 09:00:00.123456"),
        ("epoch_us", "1767603600123456", "2026-01-05 09:00:00.123456"),
    ],
)
def test_a_number_counts_from_1970(stored, clock, moment, expected):
    log = pa.table({"id": ["1"], "moment": [moment]})
    assert read(stored(log=ibis.memtable(log)), clock) == [at(expected)]


@pytest.mark.parametrize(
    ("form", "text", "expected"),
    [
        ("%d.%m.%Y %H:%M", "5.1.2026 09:07", "2026-01-05 09:07"),
        ("%Y%m%d", "20260105", "2026-01-05"),
        ("%m/%d/%y %I:%M %p", "01/05/26 12:30 AM", "2026-01-05 00:30"),
        ("%m/%d/%y %I:%M %p", "01/05/26 1:30 pm", "2026-01-05 13:30"),
        ("%m/%d/%y %I:%M %p", "01/05/26 12:30 PM", "2026-01-05 12:30"),
        ("%d %b %Y (%H.%M.%S.%f)", " 05 Jan 2026 (09.00.01.5) ", "2026-01-05 09:00:01.5"),
        ("%Y-%m-%dT%H:%M:%S%z", "2026-01-05T09:00:00+05:30", "2026-01-05 03:30"),
        ("%Y-%m-%dT%H:%M:%S%z", "2026-01-05T09:00:00-0800", "2026-01-05 17:00"),
    ],
)
def test_a_text_is_read_by_its_form(stored, form, text, expected):
    log = ibis.memtable(pa.table({"id": ["1", "2"], "moment": [text, text]}))
    assert read(stored(log=log), f'"{form}"') == [at(expected)] * 2


def test_a_whole_number_may_be_a_day(stored):
    log = ibis.memtable(pa.table({"id": ["1"], "moment": [20260105]}))
    assert read(stored(log=log), '"%Y%m%d"') == [at("2026-01-05")]


def test_a_zone_is_that_of_times_without_one(stored):
    log = table("""
        id | moment
        a  | 2026-01-05 09:00
        b  | 2026-07-05 09:00
        c  | 2026-03-29 01:59:59
        d  | 2026-03-29 03:00
        e  | 2026-10-25 02:30
        f  | 2026-10-25 03:00
        g  | 2026-01-05T09:00:00Z
        h  | 2026-01-05 09:00:00+05:30
        i  | 2026-01-05
    """)
    assert read(stored(log=log), "{zone: Europe/Berlin}") == [
        at("2026-01-05 08:00"),
        at("2026-07-05 07:00"),
        at("2026-03-29 00:59:59"),
        at("2026-03-29 01:00"),
        at("2026-10-25 00:30"),  # it comes twice: the first time is meant
        at("2026-10-25 02:00"),
        at("2026-01-05 09:00"),
        at("2026-01-05 03:30"),
        at("2026-01-04 23:00"),
    ]


def test_times_and_days_that_are_none_of_text_have_a_zone_too_and_so_has_a_form(stored):
    log = table("id | seen_at | text\n 1 | 2026-07-05 09:00 | 05.07.2026 10:00")
    maps = """
    - table: log
      columns: {event_id: id, at: seen_at, received_at: text}
      constants: {event: ran}
      times:
        at: {zone: America/New_York}
        received_at: {format: "%d.%m.%Y %H:%M", zone: America/New_York}
    """
    assert loaded(stored(log=log), "at", "received_at", events=maps) == [
        {"at": at("2026-07-05 13:00"), "received_at": at("2026-07-05 14:00")}
    ]


def test_an_unknown_time_is_null_and_no_event(stored):
    log = table("id | moment\n 1 | \n 2 | 1767603600")
    assert read(stored(log=log), "epoch_s") == [at("2026-01-05 09:00")]


def test_a_number_without_a_clock_asks_what_it_counts(stored):
    log = ibis.memtable(pa.table({"id": ["1"], "moment": [1767603600]}))
    maps = MAP.replace("      times: {at: CLOCK}\n", "")
    with pytest.raises(Mistake) as mistake:
        sources.tables_of(declared(events=maps), stored(log=log))
    assert mistake.value.wrong == "Column `moment` of table `log` cannot become `events.at`."
    assert mistake.value.there == "It is int64, and must be timestamp(6)."
    assert mistake.value.hint.startswith(
        "say what it counts, such as `times: {at: epoch_ms}`, or cast it in "
    )


@pytest.mark.parametrize(
    ("clock", "kind"), [("epoch_s", "boolean"), ('"%Y%m%d"', "date"), ("epoch_ms", "timestamp")]
)
def test_a_column_that_its_clock_cannot_be_of_is_a_mistake(stored, clock, kind):
    value = {"boolean": True, "date": at("2026-01-05").date(), "timestamp": at("2026-01-05")}[kind]
    log = ibis.memtable(pa.table({"id": ["1"], "moment": [value]}))
    with pytest.raises(Mistake, match=r"cannot become `events\.at`"):
        sources.tables_of(declared(events=MAP.replace("CLOCK", clock)), stored(log=log))


@pytest.mark.parametrize(
    ("clock", "bad"), [("epoch_s", "soon"), ('"%d.%m.%Y"', "2026-01-05"), ('"%Y%m%d"', "20260231")]
)
def test_a_text_of_another_form_names_its_column_and_an_example(stored, clock, bad):
    good = {"epoch_s": "1767603600", '"%d.%m.%Y"': "05.01.2026", '"%Y%m%d"': "20260105"}[clock]
    log = ibis.memtable(pa.table({"id": ["1", "2"], "moment": [good, bad]}))
    warehouse, found = stored(log=log), declared(events=MAP.replace("CLOCK", clock))
    with pytest.raises(Mistake) as mistake, sources.cast_failures(found, warehouse):
        warehouse.connection.to_pyarrow(sources.tables_of(found, warehouse).arrivals)
    assert mistake.value.wrong == "Column `moment` of table `log` cannot become `events.at`."
    if warehouse.engine == "duckdb":
        assert mistake.value.there == f"1 row(s) do not cast, such as `{bad}`."
    else:
        assert mistake.value.there.startswith("The engine says: ")


@pytest.mark.parametrize(
    ("clock", "said"),
    [
        ("epoch", "a format says the year, the month and the day"),
        ("%H:%M", "a format says the year, the month and the day"),
        ("%Y-%m-%d %j", "a format knows no `%j`: it is epoch_s, epoch_ms, epoch_us, or a text"),
        ("%Y-%m-%d %", "a format knows no `%`"),
        ("%Y-%m-%d %Y", "`%Y` stands twice"),
        ({"format": "epoch_s", "zone": "Europe/Berlin"}, "it has no zone"),
        ({"format": "%Y-%m-%d %z", "zone": "Europe/Berlin"}, "says the zone itself"),
        ({"zone": "Berlin"}, "`Berlin` is no time zone"),
        ({}, "it says neither a `format` nor a `zone`"),
    ],
)
def test_a_clock_that_nobody_can_read_is_a_mistake(clock, said):
    columns = {"event_id": "id", "event": "what", "at": "moment"}
    maps = [{"table": "log", "columns": columns, "times": {"at": clock}}]
    with pytest.raises(Mistake) as mistake:
        declare.parse({"name": "X", "tables": {"events": maps}}, Product, place="product.yaml")
    assert said in str(mistake.value)
    assert "times.at" in mistake.value.wrong
