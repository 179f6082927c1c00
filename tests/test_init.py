"""`playbook init`: a product from the tables of a warehouse, which passes `check` and answers."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from playbook import declare, report
from playbook.__main__ import main
from tests import companies

RUN = Path("params/acme/runs/weekly.yaml")


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """A folder with nothing but `params/`, from which the commands start."""
    (tmp_path / "params").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(project: Path, writer: companies.Writer) -> str:
    """Where a company's tables are, from the project's folder."""
    folder = project / "tables"
    folder.mkdir()
    writer(folder)
    database = folder / "company.duckdb"
    return "tables/company.duckdb" if database.exists() else "tables"


def product(name: str = "acme") -> dict:
    return yaml.safe_load(Path("params", name, "product.yaml").read_text("utf-8"))


def questions(name: str = "acme") -> dict[str, dict]:
    text = Path("params", name, "questions.yaml").read_text("utf-8")
    return {each["id"]: each for each in yaml.safe_load(text)}


def events_map(name: str = "acme") -> dict:
    return product(name)["tables"]["events"][0]


def refused_in_three_parts(said: str) -> None:
    assert "Traceback" not in said
    wrong, there, hint = said.strip().splitlines()[-3:]
    assert wrong
    assert there
    assert hint.startswith("Hint: ")


def sample(folder: Path) -> None:
    companies.in_files(folder, events=companies.log(120), users=companies.users(120))


def test_two_commands_and_no_editing(project, capsys):
    place = written(project, sample)
    assert main(["init", place, "--product", "acme", "--yes"]) == 0
    out = capsys.readouterr().out
    assert "playbook report params/acme/runs/weekly.yaml" in out
    assert main(["check", "params/acme/runs/weekly.yaml"]) == 0
    assert "cannot be answered" not in capsys.readouterr().out
    rows = companies.answered(RUN)
    assert {"activation", "path_to_value", "active_people"} == {id for id, _by in rows}
    assert all(rows.values())
    assert rows["activation", ()][0]["n"] > 50


def test_it_writes_four_files_and_nothing_else(project):
    place = written(project, sample)
    main(["init", place, "--product", "acme", "--yes"])
    found = {p.relative_to("params").as_posix() for p in Path("params").rglob("*") if p.is_file()}
    names = ("product.yaml", "questions.yaml", "runs/weekly.yaml", "tracking_plan.yaml")
    assert found == {f"acme/{name}" for name in names}
    run = yaml.safe_load(Path("params/acme/runs/weekly.yaml").read_text("utf-8"))
    assert run == {"product": "params/acme", "warehouse": "tables", "by": "persona"}


def test_every_choice_has_its_reason_beside_it(project, capsys):
    place = written(project, sample)
    main(["init", place, "--product", "acme", "--yes"])
    text = " ".join(Path("params/acme/product.yaml").read_text("utf-8").replace("#", "").split())
    assert "4 of 4 columns recognised: event_id = `event_id`" in text
    assert "at = `timestamp` (a time)" in text
    assert "100% of the log's ids have a row here" in text
    assert "email_domain = `email` (addresses, of which the domain alone enters)" in text
    asked = " ".join(Path("params/acme/questions.yaml").read_text("utf-8").replace("#", "").split())
    assert "start: it is called like a sign-up; 120 of 120 people do it" in asked
    assert "of those who ever do it have done it by then" in asked
    said = capsys.readouterr().err
    assert "By which event do people begin? signed_up (it is called like a sign-up" in said


def test_the_same_tables_make_the_same_product(project):
    place = written(project, sample)
    for name in ("one", "two"):
        main(["init", place, "--product", name, "--yes"])
    for file in ("questions.yaml", "runs/weekly.yaml", "product.yaml"):
        one, two = (Path("params", name, file).read_text("utf-8") for name in ("one", "two"))
        assert one.replace("One", "Two").replace("params/one", "params/two") == two


def test_roles_are_filled_by_the_questions(project):
    def write(folder: Path) -> None:
        names = ("signed_up", "email_verified", "note_started", "note_saved")
        companies.in_files(folder, events=companies.log(120, events=names))

    place = written(project, write)
    assert main(["init", place, "--product", "acme", "--yes"]) == 0
    assert product()["roles"] == {
        "headline": "activation",
        "path": "path_to_value",
        "key_metric": "active_people",
        "verification": "never_verified",
        "unfinished": "left_unfinished",
    }
    assert questions()["left_unfinished"]["start"] == "note_started"
    assert questions()["left_unfinished"]["goal"] == "note_saved"
    assert questions()["activation"]["goal"] != "email_verified"


@pytest.mark.parametrize(
    ("source", "writer"),
    [(source, writer) for source, writers in companies.VENDORS.items() for writer in writers],
)
def test_vendors_are_known_by_the_columns_of_their_tables(source, writer, project):
    place = written(project, writer)
    assert main(["init", place, "--product", "acme", "--yes"]) == 0
    assert product()["source"] == source
    assert questions()["activation"]["start"] == "signed_up"
    assert declare.declarations(Path("params/acme"))


def test_segment_is_read_event_by_event_with_what_they_carry(project):
    place = written(project, companies.segment)
    main(["init", place, "--product", "acme", "--yes"])
    assert events_map()["table"] == ["note_saved", "note_shared", "page_viewed", "signed_up"]
    assert events_map()["columns"] == {"note_id": "note_id"}
    assert product()["tables"]["identities"] == [{"table": "identifies"}]
    assert product()["tables"]["users"][0]["columns"]["signed_up_at"] == "created_at"


def test_a_device_stands_for_a_person_where_the_vendor_knows_nobody(project):
    place = written(project, companies.posthog_without_users)
    main(["init", place, "--product", "acme", "--yes"])
    assert events_map()["columns"] == {"user_id": "distinct_id"}
    assert "identities" not in product()["tables"]


def test_a_table_for_each_event_is_a_pattern(project):
    place = written(project, companies.table_per_event)
    main(["init", place, "--product", "acme", "--yes"])
    assert events_map()["table"] == "track_*"
    assert events_map()["from_name"] == "event"
    assert questions()["activation"]["start"] == "signed_up"


def test_tables_whose_ids_are_the_same_have_a_map_each(project):
    place = written(
        project, lambda folder: companies.table_per_event(folder, before="", numbered=True)
    )
    main(["init", place, "--product", "acme", "--yes"])
    maps = product()["tables"]["events"]
    assert [each["table"] for each in maps] == [
        "note_saved", "note_shared", "page_viewed", "signed_up",
    ]  # fmt: skip
    assert {each["constants"]["event"] for each in maps} == {*companies.EVENTS}
    assert companies.answered(RUN)["activation", ()][0]["n"] > 25


def test_the_table_of_users_tells_of_sign_ups_that_the_log_lacks(project):
    def write(folder: Path) -> None:
        own = companies.log(events=("page_viewed", "note_saved", "note_shared"))
        companies.in_files(folder, events=own, users=companies.users())

    place = written(project, write)
    main(["init", place, "--product", "acme", "--yes"])
    assert product()["tables"]["events"][1]["constants"] == {"event": "signed_up"}
    assert questions()["activation"]["start"] == "signed_up"


def test_a_copy_of_the_log_is_not_counted_again(project):
    place = written(
        project, lambda f: companies.in_files(f, events=companies.log(), events_old=companies.log())
    )
    main(["init", place, "--product", "acme", "--yes"])
    assert [each["table"] for each in product()["tables"]["events"]] == ["events"]


def test_more_of_the_same_log_is_mapped_too(project):
    place = written(project, companies.ODD["two logs"][0])
    main(["init", place, "--product", "acme", "--yes"])
    assert [each["table"] for each in product()["tables"]["events"]] == ["app", "web"]


def test_addresses_enter_as_domains_alone(project):
    place = written(project, sample)
    main(["init", place, "--product", "acme", "--yes"])
    for path in Path("params").rglob("*.yaml"):
        assert "@" not in path.read_text("utf-8")
        assert "corp.com" not in path.read_text("utf-8")


@pytest.mark.parametrize(("writer", "comes"), companies.ODD.values(), ids=companies.ODD)
def test_odd_warehouses_make_a_product_or_a_mistake_in_three_parts(writer, comes, project, capsys):
    place = written(project, writer)
    code = main(["init", place, "--product", "acme", "--yes"])
    said = capsys.readouterr().err
    assert code == (0 if comes else 2), said
    if comes:
        assert declare.declarations(Path("params/acme")).questions
        assert main(["check", "params/acme/runs/weekly.yaml"]) == 0
        assert "0 blocking" in capsys.readouterr().out
    else:
        refused_in_three_parts(said)
        assert not [*Path("params").iterdir()]


@pytest.mark.parametrize(
    ("name", "lacking"),
    [
        ("empty tables", "rows"),
        ("nobody", "an id of people"),
        ("addresses as ids", "an id of people"),
    ],
)
def test_the_mistake_names_what_the_likeliest_table_lacks(name, lacking, project, capsys):
    assert main(["init", written(project, companies.ODD[name][0]), "--yes"]) == 2
    assert f"`events` lacks {lacking}." in capsys.readouterr().err


def test_nothing_is_overwritten(project, capsys):
    place = written(project, sample)
    mine = Path("params/acme/notes.txt")
    mine.parent.mkdir()
    mine.write_text("mine")
    assert main(["init", place, "--product", "acme", "--yes"]) == 2
    said = capsys.readouterr().err
    assert said == (
        "The product `params/acme` is there already.\n"
        "It has: notes.txt. Nothing is overwritten.\n"
        "Hint: name another one with --product, or remove the folder.\n"
    )
    assert [p.name for p in mine.parent.iterdir()] == ["notes.txt"]


def test_a_product_is_called_after_its_warehouse(project, monkeypatch, capsys):
    place = written(project, sample)
    monkeypatch.setenv("PAPER_BOATS_WAREHOUSE", place)
    assert main(["init", "env:PAPER_BOATS_WAREHOUSE", "--yes"]) == 0
    run = yaml.safe_load(Path("params/paper_boats/runs/weekly.yaml").read_text("utf-8"))
    assert run["warehouse"] == "env:PAPER_BOATS_WAREHOUSE"
    assert product("paper_boats")["name"] == "Paper Boats"
    assert main(["init", place, "--product", "../up", "--yes"]) == 2
    refused_in_three_parts(capsys.readouterr().err)


def test_a_password_never_stands_in_a_file(project, capsys):
    assert main(["init", "postgres://me:hush@nowhere/db", "--yes"]) == 2
    said = capsys.readouterr().err
    assert "hush" not in said
    refused_in_three_parts(said)
    assert not [*Path("params").iterdir()]


def test_a_project_begins_in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    place = written(tmp_path, sample)
    assert main(["init", place, "--product", "acme", "--yes"]) == 0
    assert Path("params/acme/product.yaml").is_file()


class Terminal(io.StringIO):
    """What somebody types."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_is_asked(project, monkeypatch, capsys):
    place = written(project, sample)
    typed = Terminal("nobody\n1\nnote_saved\n")
    monkeypatch.setattr(sys, "stdin", typed)
    assert main(["init", place, "--product", "acme"]) == 0
    said = capsys.readouterr().err
    assert "By which event do people begin?" in said
    assert "`nobody` is none of them." in said
    first = questions()["activation"]
    assert (first["start"], first["goal"]) == ("signed_up", "note_saved")
    text = Path("params/acme/questions.yaml").read_text("utf-8")
    assert "# start: it is called like a sign-up" in text
    assert "# goal: you said so." in text


def test_nothing_typed_takes_what_is_likeliest(project, monkeypatch):
    place = written(project, sample)
    monkeypatch.setattr(sys, "stdin", Terminal(""))
    assert main(["init", place, "--product", "asked"]) == 0
    assert main(["init", place, "--product", "chosen", "--yes"]) == 0
    assert questions("asked") == questions("chosen")


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_acme_answers_as_it_does_where_somebody_maps_it_by_hand(form, shared, project, capsys):
    by_hand = shared / "cases" / "products" / "acme"
    made = [sys.executable, by_hand / "make.py", project / "acme"]
    subprocess.run(made, check=True, capture_output=True)
    assert main(["init", f"acme/{form}", "--yes"]) == 0
    assert main(["check", "params/acme/runs/weekly.yaml"]) == 0
    assert "0 blocking" in capsys.readouterr().out
    assert product()["source"] == "segment"
    assert product()["path"] == ["signed_up", "email_verified", "board_created"]
    assert events_map()["columns"] == {"account_id": "context_group_id", "board_id": "board_id"}
    assert product()["tables"]["accounts"][0]["columns"]["size"] == "employees"
    shutil.copytree(by_hand, "params/by_hand")
    maps = (by_hand / "product.yaml").read_text("utf-8")
    Path("params/by_hand/product.yaml").write_text(maps.replace("board_in_a_day", "activation"))
    shutil.copy("params/acme/questions.yaml", "params/by_hand/questions.yaml")
    run = RUN.read_text("utf-8").replace("params/acme", "params/by_hand")
    Path("params/by_hand/runs/weekly.yaml").write_text(run.replace("acme/csv", "acme/parquet"))
    own, hand = (companies.answered(run) for run in (RUN, "params/by_hand/runs/weekly.yaml"))
    asked = ("activation", "path_to_value", "active_people", "never_verified")
    assert {*own} == {(question, by) for question in asked for by in ((), ("persona",))}
    assert own == hand
    assert all(own.values())


@pytest.mark.thorough
def test_the_second_command_renders_a_report_whose_questions_are_answered(project):
    place = written(project, sample)
    main(["init", place, "--product", "acme", "--yes"])
    index = report.render(Path("params/acme/runs/weekly.yaml"), progress=lambda _text: None)
    told = json.loads((index.parent / "status.json").read_text("utf-8"))["notebooks"]
    for stage in ("1_audit", "2_friction"):
        sections = told[stage]["sections"]
        assert sections["answered"] == sections["of"] > 3, told[stage]
