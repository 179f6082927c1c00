"""A run: found from any folder of the project, opened over a period, or a mistake."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import duckdb
import pytest

from playbook import answers, demo, run
from playbook.mistakes import Mistake, Nothing
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

    monkeypatch.setattr(demo, "write", write)
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
