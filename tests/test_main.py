import os
import re
import shlex
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from playbook import __main__ as command_line
from playbook import airtouch, run
from playbook.__main__ import main
from playbook.run import root

WEEKLY = "params/airtouch/runs/weekly.yaml"


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch):
    monkeypatch.chdir(root())


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project like ours, whose runs read a small sample company."""
    home = tmp_path_factory.mktemp("project")
    shutil.copytree(root() / "params", home / "params")
    (home / "notebooks").symlink_to(root() / "notebooks")
    company = airtouch.write(home / "company", events=20_000)
    weekly = (home / WEEKLY).read_text("utf-8")
    (home / WEEKLY).write_text(weekly.replace("warehouse: demo", f"warehouse: {company}"), "utf-8")
    return home


@pytest.fixture
def small(project, monkeypatch):
    monkeypatch.chdir(project)


@pytest.fixture
def sample():
    """The project itself, with the whole sample company."""


@pytest.fixture
def two_questions(project, tmp_path, monkeypatch):
    """The file of questions of such a project, which asks its first two alone: bounds are slow."""
    shutil.copytree(project, tmp_path / "project", symlinks=True)
    monkeypatch.chdir(tmp_path / "project")
    questions = tmp_path / "project" / "params" / "airtouch" / "questions.yaml"
    first, _third, _others = questions.read_text("utf-8").partition("- id: invited_before_workflow")
    questions.write_text(first, "utf-8")
    product = questions.with_name("product.yaml")
    roles = r"(?m)^  (verification|unfinished|invitations): .*\n"  # of the others
    product.write_text(re.sub(roles, "", product.read_text("utf-8")), "utf-8")
    return questions


def test_demo_writes_the_sample_company_and_never_over_anything(tmp_path, capsys):
    folder = tmp_path / "company"
    assert main(["demo", "--events", "5000", "--out", str(folder)]) == 0
    assert capsys.readouterr().out.strip() == str(folder)
    assert (folder / "events.parquet").is_file()
    assert main(["demo", "--events", "5000", "--out", str(folder)]) == 2
    assert "is there already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("home", "questions"),
    [("two_questions", 2), pytest.param("sample", 12, marks=pytest.mark.thorough)],
)
def test_check_says_what_can_be_answered(home, questions, request, capsys):
    request.getfixturevalue(home)
    assert main(["check", "params/airtouch"]) == 0
    said = capsys.readouterr().out
    assert f"{questions} questions, 13 plays" in said
    assert "answerable: What share of new sign-ups save their first workflow" in said


@pytest.mark.parametrize(
    "home", ["two_questions", pytest.param("sample", marks=pytest.mark.thorough)]
)
def test_the_gate_writes_every_violation_and_closes_on_what_is_too_bad(
    home, request, tmp_path, monkeypatch, capsys
):
    import pyarrow.parquet as pq

    request.getfixturevalue(home)
    monkeypatch.setattr(run, "open", cache(run.open))  # asked twice, the audit is made once
    asked = ["check", WEEKLY, "--out", str(tmp_path)]
    assert main([*asked, "--fail-on", "blocking"]) == 0
    table = pq.read_table(tmp_path / "violations.parquet")
    lines = (tmp_path / "violations.csv").read_text("utf-8").splitlines()
    assert table.num_rows == len(lines) - 1 > 20
    assert lines[0].split(",") == table.column_names
    assert {"blocking", "warning", "note"} >= set(table["severity"].to_pylist())
    worst = table["severity"].to_pylist()
    assert worst == sorted(worst, key=["blocking", "warning", "note"].index)
    capsys.readouterr()
    assert main([*asked, "--fail-on", "warning"]) == 4
    said = capsys.readouterr()
    assert "warning: connection_tested: renamed" in said.err
    assert "violations.csv" in said.out


def test_a_dead_data_point_that_a_question_needs_closes_the_gate(two_questions, capsys):
    asked = two_questions.read_text("utf-8")
    dead = asked.replace("goal: workflow_ran\n  within: 7d", "goal: workflow_shared\n  within: 7d")
    two_questions.write_text(dead, "utf-8")
    assert main(["check", WEEKLY, "--fail-on", "blocking"]) == 4
    assert "blocking: workflow_shared: dead" in capsys.readouterr().err
    assert Path("reports/airtouch/weekly/check/violations.csv").is_file()


def test_answer_prints_a_sentence_or_its_sql(small, capsys):
    assert main(["answer", "first_workflow_24h", "--run", WEEKLY]) == 0
    assert "n = " in capsys.readouterr().out
    assert main(["answer", "first_workflow_24h", "--run", WEEKLY, "--by", "persona"]) == 0
    assert "data engineers" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["check", "params/airtuch"], "did you mean `airtouch`?"),
        (["answer", "frist_workflow_24h", "--run", WEEKLY], "did you mean `first_workflow_24h`?"),
        (["report", "params/airtouch/runs/wekly.yaml"], "There is no file"),
        (["check", "params/airtouch", "--warehouse", "env:NOT_SET_ANYWHERE"], "no variable"),
        (["check", "params/airtouch", "--warehouse", "nowhere"], "There is no warehouse"),
        (
            ["answer", "first_workflow_24h", "--run", WEEKLY, "--by", "prsona"],
            "No table has the column `prsona`",
        ),
    ],
)
def test_a_mistake_has_three_parts_and_no_traceback(small, arguments, says, capsys):
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert says in said
    assert len(said.strip().splitlines()) == 3
    assert "Traceback" not in said


@pytest.mark.parametrize(
    "command",
    [["check", "{}"], ["report", "{}"], ["answer", "first_workflow_24h", "--run", "{}"]],
)
@pytest.mark.usefixtures("small")
def test_a_misspelt_by_of_a_run_is_refused_by_every_command(command, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("papermill.execute_notebook", None)  # no kernel starts for it
    weekly = Path(WEEKLY).read_text("utf-8")
    run_file = tmp_path / "misspelt.yaml"
    run_file.write_text(weekly.replace("by: persona", "") + "\nby: prsona\n", "utf-8")
    assert main([part.format(run_file) for part in command]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "No table has the column `prsona` to break the answers down by.",
        "Table `users` lacks the column(s) prsona. It has: user_id, account_id, signed_up_at, "
        "email_verified_at, email_domain, persona, intent, acquisition, invited_by, role, "
        "timezone, is_internal, valid_from.",
        "Hint: did you mean `persona`?",
    ]


def test_a_terminal_that_has_few_letters_gets_what_it_can_show(two_questions):
    asks = two_questions.read_text("utf-8").replace("What share", "Für wie viele – what share", 1)
    two_questions.write_text(asks, "utf-8")
    command = [sys.executable, "-m", "playbook", "check", WEEKLY]
    library = str(Path(command_line.__file__).parents[1])
    environment = os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONPATH": library}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0
    assert "F?r wie viele ? what share" in done.stdout


def test_check_names_what_it_leaves_out(two_questions, capsys):
    company = next(two_questions.parents[2].glob("company"))
    (company / "_users.parquet").write_text("unfinished")
    weekly = Path(WEEKLY).read_text("utf-8").splitlines()
    lines = [f"warehouse: {company}" if line.startswith("warehouse") else line for line in weekly]
    Path(WEEKLY).write_text("\n".join(lines), "utf-8")
    capsys.readouterr()
    assert main(["check", WEEKLY]) == 0
    assert "Left out of the warehouse: _users.parquet (hidden)." in capsys.readouterr().out


def test_an_empty_log_is_nothing_to_report_on(tmp_path, capsys):
    import pyarrow.parquet as pq

    main(["demo", "--events", "2000", "--out", str(tmp_path / "full")])
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "full").glob("*.parquet"):
        pq.write_table(pq.read_table(path).slice(0, 0), tmp_path / "empty" / path.name)
    capsys.readouterr()
    assert main(["check", "params/airtouch", "--warehouse", str(tmp_path / "empty")]) == 3
    assert "empty" in capsys.readouterr().err


def test_an_unknown_command_is_the_users_mistake():
    with pytest.raises(SystemExit) as stopped:
        main(["reprot"])
    assert stopped.value.code == 2


def test_the_version_is_that_of_the_package_and_of_what_counts(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert stopped.value.code == 0
    said = capsys.readouterr().out
    assert re.match(r"growth-playbook \d\S* \(ibis-framework \d\S*, duckdb \d\S*, Python 3", said)


@pytest.mark.parametrize("asked", [["-v", "check", "nowhere"], ["check", "nowhere", "--verbose"]])
def test_verbose_shows_where_a_mistake_was_found(asked, capsys):
    assert main(asked) == 2
    said = capsys.readouterr().err
    assert said.startswith("Traceback")
    assert "holds no product.yaml" in said.splitlines()[-3]


def test_quiet_says_results_alone(tmp_path, capsys):
    asked = ["demo", "--events", "2000", "--out"]
    assert main([*asked, str(tmp_path / "loud")]) == 0
    assert capsys.readouterr().err
    assert main(["-q", *asked, str(tmp_path / "quiet")]) == 0
    said = capsys.readouterr()
    assert said.out.strip() == str(tmp_path / "quiet")
    assert not said.err


def test_the_help_of_each_command_says_what_it_is_for_and_shows_one(capsys):
    for asked in (
        ["demo"],
        ["check"],
        ["report"],
        ["answer"],
        ["plan", "import"],
        ["plan", "draft"],
    ):
        with pytest.raises(SystemExit):
            main([*asked, "--help"])
        assert f"example: playbook {' '.join(asked)}" in capsys.readouterr().out
    for name, example in command_line.EXAMPLES.items():
        assert callable(command_line.parser().parse_args(shlex.split(example)[1:]).command), name


def test_what_is_under_way_is_shown_on_a_terminal_only(monkeypatch, capsys):
    command_line._progress("Collection audit …")
    command_line._progress("Collection audit: done")
    assert capsys.readouterr().err == "Collection audit: done\n"
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    command_line._progress("Collection audit …")
    command_line._progress("Collection audit: done")
    told = capsys.readouterr().err
    assert told == "\r\033[KCollection audit …\r\033[KCollection audit: done\n"
