"""A run: found from any folder of the project, opened over a period, or a mistake."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import duckdb
import pytest

from playbook import answers, run
from playbook.language.mistakes import Mistake, Nothing
from tests import small
from tests.small import question
from tests.spec import at

PRODUCT = """
    name: Small
    tables:
      events:
        - {table: log, columns: {event_id: id, user_id: person, event: what, at: done_at}}
"""
LOG = """
    select * from (values
        (1, 'ann', 'signed_up', '2026-01-05 09:00'),
        (2, 'ann', 'ran', '2026-01-08 10:00'),
        (3, 'bob', 'signed_up', '2026-01-20 18:30')
    ) rows(id, person, what, done_at)
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one small product and its log, from a folder inside of which one works."""
    (tmp_path / "params" / "small").mkdir(parents=True)
    (tmp_path / "params" / "small" / "product.yaml").write_text(dedent(PRODUCT))
    (tmp_path / "notebooks").mkdir()
    store(tmp_path, LOG)
    monkeypatch.chdir(tmp_path / "notebooks")
    return tmp_path


def store(project: Path, select: str) -> None:
    (project / "data").mkdir(exist_ok=True)
    duckdb.sql(f"copy ({select}) to '{project / 'data' / 'log.parquet'}'")


def test_the_project_is_found_from_a_folder_inside_it(project):
    (project / "notebooks" / "old" / "drafts").mkdir(parents=True)
    assert run.root(project / "notebooks" / "old" / "drafts") == project
    assert run.root() == project


def test_outside_a_project_says_where_one_is(tmp_path):
    (tmp_path / "notes").mkdir()
    with pytest.raises(Mistake, match=r"(?s)holds `params/`.*The working folder has: notes"):
        run.root(tmp_path)


def test_a_run_opens_relative_to_the_project_and_covers_its_whole_log(project):
    opened = run.open("params/small", "data")
    assert opened.period.since == opened.log_begins == at("2026-01-05 09:00")
    assert opened.as_of == "2026-01-20 18:30:00"
    assert opened.coverage["signed_up"]["with_user_id"] == 2
    assert "entries from 05 Jan 2026 to 20 Jan 2026" in opened._repr_markdown_()


@pytest.mark.parametrize("named", ["env:SMALL", " env: SMALL", "ENV:SMALL", " data "])
def test_a_path_is_the_projects_wherever_it_stands_and_one_works(project, monkeypatch, named):
    monkeypatch.setenv("SMALL", "data")
    assert run.open("params/small", named).coverage["signed_up"]["n"] == 2
    with duckdb.connect(str(project / "data" / "shop.duckdb")) as connection:
        connection.execute(f"create table log as {LOG}")
    monkeypatch.setenv("SMALL", "duckdb://data/shop.duckdb")
    assert run.open("params/small", named).coverage["signed_up"]["n"] == 2


@pytest.mark.parametrize("nothing", ["", " ", None])
def test_without_a_warehouse_there_is_none(project, nothing):
    with pytest.raises(Mistake, match="There is no warehouse at ``"):
        run.open("params/small", nothing)


def test_what_papermill_leaves_empty_is_left_out(project):
    opened = run.open("params/small", "data", since=None, until=None, as_of=None)
    assert opened.as_of == "2026-01-20 18:30:00"


def test_a_run_looks_at_the_data_as_it_was_and_says_when_the_log_begins(project):
    opened = run.open("params/small", "data", since="-7d", as_of="2026-01-12T01:00:00+02:00")
    assert opened.period.since == at("2026-01-04")
    assert opened.period.as_of == at("2026-01-11 23:00")
    assert opened.log_begins == at("2026-01-05 09:00")


def test_the_headline_is_the_first_question_unless_the_product_names_one(project, airtouch):
    assert airtouch.headline == "activation_rate"
    assert run.open("params/small", "data").headline == ""


@pytest.mark.parametrize(
    "rows",
    [f"{LOG} where id > 3", f"select * replace (null::text as done_at) from ({LOG})"],
    ids=["no events", "no times"],
)
def test_without_an_event_that_has_a_time_there_is_nothing_to_report_on(project, rows):
    store(project, rows)
    with pytest.raises(Nothing, match=r"(?s)The events table is empty.*The warehouse has: log\."):
        run.open("params/small", "data")


def test_a_time_that_cannot_be_read_names_its_column(project):
    store(project, f"select * replace (if(id = 2, 'soon', done_at) as done_at) from ({LOG})")
    with pytest.raises(Mistake) as mistake:
        run.open("params/small", "data")
    assert str(mistake.value).startswith(
        "Column `done_at` of table `log` cannot become `events.at`.\n"
        "1 row(s) do not cast, such as `soon`."
    )


def test_on_an_engine_that_keeps_nothing_the_first_query_names_the_column(
    project, postgres_url, postgres_connection, monkeypatch
):
    postgres_connection.raw_sql("drop table if exists log").close()
    select = LOG.replace("2026-01-08 10:00", "soon")
    postgres_connection.raw_sql(f"create table log as {select}").close()
    monkeypatch.setenv("SMALL_WAREHOUSE", postgres_url)
    with pytest.raises(Mistake, match="Column `done_at` of table `log`") as mistake:
        run.open("params/small", "env:SMALL_WAREHOUSE")
    assert '"soon"' in mistake.value.there
    postgres_connection.raw_sql("drop table log").close()


def test_the_demo_is_written_once_for_each_version_of_its_simulator(tmp_path, monkeypatch):
    written = []

    def write(folder: Path) -> Path:
        written.append(folder)
        folder.mkdir(parents=True)
        return folder

    monkeypatch.setattr("playbook.airtouch.write", write)
    first, second = run.demo_folder(tmp_path), run.demo_folder(tmp_path)
    assert first == second == written[0]
    assert len(written) == 1
    assert first.parent == tmp_path / ".demo"


def test_what_came_after_as_of_counts_nowhere():
    opened = run.open("params/airtouch", as_of="2026-03-01", until="2026-06-01")
    assert opened.period.until <= at("2026-03-01 00:00:00.000001")
    events = opened.tables.events
    (last,) = events.aggregate(last=events.at.max()).to_pyarrow().to_pylist()
    assert last["last"] <= at("2026-03-01")
    (row,) = answers.answer(opened, "first_workflow_24h").rows
    assert row["open"] < 150  # a day's sign-ups, and none of the months that follow


def test_what_was_received_after_as_of_counts_nowhere(project):
    maps = PRODUCT.replace("at: done_at", "at: done_at, received_at: arrived_at")
    (project / "params" / "small" / "product.yaml").write_text(dedent(maps))
    store(
        project,
        """
        select * from (values
            (1, 'ann', 'signed_up', '2026-01-05 09:00', '2026-01-05 09:00'),
            (2, 'ann', 'ran', '2026-01-06 09:00', '2026-01-06 09:00'),
            (2, 'ann', 'ran', '2026-01-06 09:00', '2026-01-09 09:00'),
            (3, 'ann', 'ran', '2026-01-07 09:00', '2026-01-08 00:00:00.000001'),
            (4, 'bob', 'ran', '2026-01-07 10:00', null),
            (5, 'bob', 'ran', '2026-01-08 10:00', null),
            (6, 'bob', 'ran', '2026-01-20 10:00', '2026-01-20 10:00')
        ) rows(id, person, what, done_at, arrived_at)
        """,
    )
    then = run.open("params/small", "data", as_of="2026-01-08")
    # What does not say when it was received came when it happened.
    assert then.coverage["ran"]["n"] == 2
    assert then.coverage["ran"]["last"] == at("2026-01-07 10:00")
    assert ids(then.tables.events) == ["1", "2", "4"]
    assert ids(then.tables.arrivals) == ["1", "2", "4"]
    assert ids(then.tables.copies) == []
    now = run.open("params/small", "data")
    assert now.coverage["ran"]["n"] == 5
    assert ids(now.tables.events) == ["1", "2", "3", "4", "5", "6"]
    assert ids(now.tables.copies) == ["2"]


@pytest.mark.parametrize(
    ("arrived", "last", "over"),
    [
        ("null::timestamp", "23:59:43", True),  # the log does not say: a minute
        ("null::timestamp", "23:58:00", False),
        ("done_at + interval 9 minute", "23:10:00", True),
        ("done_at + interval 9 minute", "22:59:00", False),
        ("done_at + interval 2 day", "23:10:00", True),  # an hour at most
    ],
)
def test_the_last_week_is_over_when_the_data_end_as_late_as_they_usually_come(
    project, arrived, last, over
):
    maps = PRODUCT.replace("at: done_at", "at: done_at, received_at: arrived_at")
    (project / "params" / "small" / "product.yaml").write_text(dedent(maps))
    store(
        project,
        f"""
        select *, {arrived} as arrived_at from (values
            (1, 'ann', 'signed_up', timestamp '2026-01-05 09:00'),
            (2, 'ann', 'ran', timestamp '2026-01-11 {last}')
        ) rows(id, person, what, done_at)
        """,
    )
    opened = run.open("params/small", "data")
    assert opened.period.over(at("2026-01-12")) == opened.period.shown(at("2026-01-12")) == over
    assert not opened.period.over(at("2026-01-13"))


def ids(found) -> list[str]:
    return sorted(found.event_id.to_pyarrow().to_pylist())


WEEK = {"start": "signed_up", "within": "7d"}
QUESTIONS = [
    question("saved", "reached_within", goal="saved", **WEEK),
    question("invited", "reached_within", goal="invited", **WEEK),
]
# The server, which tells who saved, falls silent on the 15th; the web goes on to the 30th.
STALLED = """
    user_id | event     | source | at
    ann     | signed_up | web    | 2026-01-05 09:00
    ann     | saved     | server | 2026-01-05 10:00
    bob     | signed_up | web    | 2026-01-08 10:00
    cat     | signed_up | web    | 2026-01-10 09:00
    cat     | saved     | server | 2026-01-10 12:00
    dee     | signed_up | web    | 2026-01-12 09:00
    dee     | saved     | server | 2026-01-15 10:00
    eve     | signed_up | web    | 2026-01-08 10:01
    fay     | signed_up | web    | 2026-01-15 09:00
    gus     | signed_up | web    | 2026-01-16 09:00
    gus     | invited   | web    | 2026-01-18 09:00
    hal     | signed_up | web    | 2026-01-20 09:00
    ivy     | signed_up | web    | 2026-01-25 09:00
    ann     | invited   | web    | 2026-01-30 09:00
"""
UNTIL_THE_30TH = ("2026-01-01", "2026-02-01", "2026-01-30 09:00")


def stalled(text: str = STALLED, period: tuple[str, str, str] = UNTIL_THE_30TH) -> run.Run:
    return small.run(questions=QUESTIONS, events=text, period=period)


def share(opened: run.Run, id: str) -> dict[str, int]:
    (row,) = answers.answer(opened, id).rows
    return {name: row[name] for name in ("n", "reached", "open")}


def test_each_source_covers_time_on_its_own_and_one_may_stall():
    opened = stalled()
    assert {source: ends.last for source, ends in opened.extent.ends.items()} == {
        "web": at("2026-01-30 09:00"),
        "server": at("2026-01-15 10:00"),
    }
    assert opened.extent.stalled == {"server": at("2026-01-15 10:00")}
    assert stalled("user_id | event | source | at").extent.stalled == {}


def test_a_question_covers_no_more_than_the_stalled_source_that_it_needs():
    opened = stalled()
    found = answers.answer(opened, "saved")
    assert found.as_of == "2026-01-15 10:00:00"
    # Bob's window closes at that very moment, and eve's a minute later: as those of cat, dee and
    # fay it is open, and not dropped. Who came later is not known to the server at all.
    assert share(opened, "saved") == {"n": 2, "reached": 1, "open": 4}
    # Were the sources one, eve, fay, gus and hal had been dropped.
    alone = small.run(
        questions=QUESTIONS,
        events=STALLED.replace("server", "web   "),
        period=UNTIL_THE_30TH,
    )
    assert alone.extent.stalled == {}
    assert share(alone, "saved") == {"n": 8, "reached": 3, "open": 1}


def test_a_question_that_needs_no_stalled_source_covers_all_of_the_data():
    opened = stalled()
    saved, invited = opened.declared.questions
    assert opened.extent.reaches(*saved.events) == at("2026-01-15 10:00")
    assert opened.extent.reaches(*invited.events) == opened.period.as_of == at("2026-01-30 09:00")
    assert answers.answer(opened, "invited").as_of == opened.as_of == "2026-01-30 09:00:00"
    assert share(opened, "invited") == {"n": 8, "reached": 1, "open": 1}


def test_a_question_never_covers_more_than_the_run():
    opened = stalled(period=("2026-01-01", "2026-02-01", "2026-01-13"))
    assert opened.extent.reaches(*opened.declared.question("saved").events) == at("2026-01-13")


def test_a_source_that_has_always_rested_for_as_long_is_not_stalled():
    rested = STALLED.replace("2026-01-10 12:00", "2026-01-05 12:00")
    # From the 5th to the 15th: a silence of ten days, and fifteen are not yet too long.
    opened = stalled(rested)
    assert opened.extent.stalled == {}
    assert share(opened, "saved")["open"] == 1


def test_a_source_that_sends_a_hundredth_of_an_event_at_the_most_is_not_needed():
    # The web sends 18 a day: 198 until the test falls silent.
    web = "".join(f"u{k} | saved | web | 2026-01-{k % 26 + 5:02} 09:00\n" for k in range(18 * 26))
    log = "user_id | event | source | at\n" + web
    tests = "ann | saved | test | 2026-01-15 13:00\n"
    few, some = stalled(log + tests * 2), stalled(log + tests * 3)
    assert few.extent.stalled["test"] == some.extent.stalled["test"] == at("2026-01-15 13:00")
    # What the web sends while the test is silent makes the test no smaller than it was.
    assert few.extent.reaches(*QUESTIONS[0].events) == at("2026-01-30 09:00")
    assert some.extent.reaches(*QUESTIONS[0].events) == at("2026-01-15 13:00")


def test_a_source_that_others_replaced_before_the_period_is_not_needed():
    replaced = STALLED.replace("2026-01-15 10:00", "2026-01-10 13:00") + "".join(
        f"ivy | saved | api | 2026-01-{day} 09:00\n" for day in range(11, 31)
    )
    before = stalled(replaced)
    assert before.extent.stalled == {"server": at("2026-01-10 13:00")}
    assert before.extent.reaches(*QUESTIONS[0].events) == at("2026-01-10 13:00")
    after = stalled(replaced, ("2026-01-11", "2026-02-01", "2026-01-30 09:00"))
    assert after.extent.reaches(*QUESTIONS[0].events) == at("2026-01-30 09:00")


def test_a_source_that_nothing_replaced_is_needed_though_it_stalled_before_the_period():
    opened = stalled(period=("2026-01-20", "2026-02-01", "2026-01-30 09:00"))
    assert opened.extent.reaches(*QUESTIONS[0].events) == at("2026-01-15 10:00")
    assert share(opened, "saved") == {"n": 0, "reached": 0, "open": 0}
