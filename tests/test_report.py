import json
import re
import shutil
import sys
import zipfile
from pathlib import Path

import duckdb
import nbformat
import pyarrow.parquet as pq
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from playbook import report
from playbook.__main__ import main
from playbook.language.mistakes import Mistake, Nothing
from playbook.report import runfile, running, sendlist
from playbook.results import figures
from playbook.run import root
from tests import browser
from tests import small as drawn
from tests.small import question

WEEKLY = "params/airtouch/runs/weekly.yaml"
KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python", "language": "python"}}
HEAD = 'product = ""  # p\nwarehouse = ""  # w\nsince = ""  # s'


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    """The whole report of the sample company, by the command that users type."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root())
        out = tmp_path_factory.mktemp("reports")
        assert main(["report", WEEKLY, "--out", str(out)]) == 0
    (index,) = out.glob("airtouch/weekly/*/index.html")
    return index.parent


def test_a_report_is_whole(rendered):
    assert rendered.name == "2026-07-05"
    assert {path.name for path in rendered.iterdir()} == {
        "index.html",
        "figures.parquet",
        "status.json",
        "audiences",
        *(f"{slug}.{kind}" for slug in report.STAGES for kind in ("html", "ipynb")),
    }
    assert [path.name for path in rendered.parent.iterdir()] == ["2026-07-05"]


def test_the_status_tells_state_times_parameters_and_versions(rendered):
    status = json.loads((rendered / "status.json").read_text())
    assert list(status["notebooks"]) == list(report.STAGES)
    for told in status["notebooks"].values():
        assert told["state"] == "ok"
        assert told["started"] < told["ended"]
        assert told["parameters"]["product"] == "params/airtouch"
    assert {"python", "duckdb", "ibis-framework", "papermill"} <= set(status["versions"])


def test_figures_are_rows_that_the_next_report_can_compare_with(rendered):
    rows = pq.read_table(rendered / "figures.parquet")
    assert tuple(rows.column_names) == figures.COLUMNS
    told = {(row["figure"], row["segment"]): row for row in rows.to_pylist()}
    whole = told["audit.first_workflow_24h.share", ""]
    assert whole["question"] == "first_workflow_24h"
    assert 0 < whole["low"] < whole["value"] < whole["high"] < 1
    assert whole["unit"] == "share"
    assert ("audit.first_workflow_24h.share", "persona=data_engineer") in told
    assert ("impact.effects.organic_engineer_guide_into", "") in told


def test_audiences_hold_nobody_who_is_held_out(rendered, airtouch):
    told = json.loads((rendered / "audiences" / "manifest.json").read_text())
    others = {"new_editor", "spring_digest", "upgrade_offer"}  # they send nothing, or have ended
    assert set(told["plays"]) == {play.slug for play in airtouch.declared.plays} - others
    assert told["withdrawn"] == {}
    held = airtouch.tables.assignments
    held = held.filter(held.arm == "holdout").select("play", "unit_id").to_pyarrow().to_pylist()
    for slug, play in told["plays"].items():
        folder = "drafts/" if play["draft"] else ""
        assert set(play["files"]) == {f"{folder}{slug}.csv", f"{folder}{slug}.jsonl"}
        with (rendered / "audiences" / f"{folder}{slug}.jsonl").open() as lines:
            sent = [json.loads(line) for line in lines]
        assert len(sent) == play["rows"] == play["new"] > 0
        assert play["held_out"] > 0
        assert not {row["unit"] for row in sent} & {r["unit_id"] for r in held if r["play"] == slug}


def test_the_index_tells_how_many_are_in_each_audience(rendered):
    told = json.loads((rendered / "audiences" / "manifest.json").read_text())
    page = (rendered / "index.html").read_text()
    for slug, play in told["plays"].items():
        (row,) = [row for row in page.split("<tr>") if f"<td>{slug}" in row]
        assert f'<td class="number">{play["rows"]:,}</td>' in row
        assert all(f'<a href="audiences/{name}">' in row for name in play["files"])
    assert "No earlier export: all" in page


@pytest.mark.parametrize("slug", report.STAGES)
def test_its_notebooks_show_what_the_committed_ones_show(rendered, slug):
    # The weekly run has the parameters of the notebooks. nbval compares the same, in `make
    # thorough`, but runs them again.
    committed, found = (shown(f / f"{slug}.ipynb") for f in (root() / "notebooks", rendered))
    assert [source for source, _outputs in found] == [source for source, _outputs in committed]
    assert [one[0] for one, other in zip(found, committed, strict=True) if one != other] == []


def shown(path):
    """Source and outputs of each code cell that is the author's."""
    cells = nbformat.read(path, as_version=4).cells
    return [
        (cell.source, [{**output, "execution_count": None} for output in cell.outputs])
        for cell in cells
        if cell.cell_type == "code" and "injected-parameters" not in cell.metadata.get("tags", [])
    ]


@browser.needs_chromium
@pytest.mark.parametrize("slug", ["index", *report.STAGES])
def test_every_page_opens_without_a_network(rendered, slug):
    seen = browser.open_page(rendered / f"{slug}.html")
    assert seen.requests == []
    assert seen.errors == []
    assert seen.drawn == seen.charts
    page = rendered / f"{slug}.ipynb"
    if page.is_file():
        notebook = nbformat.read(page, as_version=4)
        drawn = [
            o
            for c in notebook.cells
            for o in c.get("outputs", [])
            if "application/vnd.vegalite.v5+json" in o.get("data", {})
        ]
        assert seen.charts == len(drawn)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A small sample company."""
    from playbook import airtouch

    return airtouch.write(tmp_path_factory.mktemp("company") / "small", events=30_000)


def one_notebook(home, small, patch):
    """A project of one notebook on a small sample company; what it returns writes the notebook."""
    for name in ("params", "notebooks"):
        (home / name).mkdir()
    shutil.copytree(root() / "params" / "airtouch", home / "params" / "airtouch")
    (home / "small").symlink_to(small)
    run = home / "run.yaml"
    own = "notebooks: [notebooks/only.ipynb]\n"
    run.write_text(f"product: params/airtouch\nwarehouse: small\nsince: '-90d'\n{own}")
    patch.chdir(home)
    patch.setattr(running, "CELL_TIMEOUT", 20)

    def cells(*sources):
        parameters = new_code_cell(HEAD, metadata={"tags": ["parameters"]})
        notebook = new_notebook(cells=[parameters, *map(new_code_cell, sources)], metadata=KERNEL)
        nbformat.write(notebook, home / "notebooks" / "only.ipynb")
        return run

    return cells


@pytest.fixture
def project(small, tmp_path, monkeypatch):
    return one_notebook(tmp_path, small, monkeypatch)


@pytest.fixture(scope="module")
def reports(small, tmp_path_factory):
    """What is there after a run that went well."""
    home = tmp_path_factory.mktemp("good")
    with pytest.MonkeyPatch.context() as patch:
        report.render(one_notebook(home, small, patch)("'one'"), progress=silent)
    return home / "reports"


@pytest.fixture
def good(reports, tmp_path):
    """The page of the last good report."""
    (page,) = Path(shutil.copytree(reports, tmp_path / "reports")).rglob("index.html")
    return page


def silent(_text):
    """No progress."""


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("import os; os._exit(1)", "Kernel died"),
        ("import sys; sys.exit(0)", "SystemExit: 0"),
        ("%nope\nraise ValueError('x')", "did not run"),
    ],
)
def test_a_failed_run_says_so_and_leaves_the_last_good_report(project, good, source, says):
    before = {path: path.read_bytes() for path in good.parent.rglob("*") if path.is_file()}
    with pytest.raises(report.Failed) as failed:
        report.render(project("1 + 1", source, "2 + 2"), progress=silent)
    assert {path: path.read_bytes() for path in before} == before
    assert failed.value.page.parent.name == "failed"
    assert (failed.value.page.parent / "only.html").is_file()  # also where the kernel died
    if says != "did not run":
        assert says in str(failed.value)
    status = json.loads((failed.value.page.parent / "status.json").read_text())
    assert status["notebooks"]["only"]["state"] == "failed"
    assert not list(good.parent.parent.glob(".building*"))


def test_a_folder_without_notebooks_runs_those_that_come_with_the_package(project, tmp_path):
    project("0")
    shutil.rmtree(tmp_path / "notebooks")
    packaged = Path(running.__file__).parents[2] / "notebooks" / "1_audit.ipynb"
    assert runfile.notebook_file("1_audit") == packaged
    assert next(iter(runfile.declared("1_audit"))) == "product"
    (tmp_path / "notebooks").mkdir()
    shutil.copy(runfile.notebook_file("1_audit"), tmp_path / "notebooks")
    assert runfile.notebook_file("1_audit") == tmp_path / "notebooks" / "1_audit.ipynb"


def test_a_notebook_of_the_package_works_in_the_users_project(project, tmp_path, monkeypatch):
    run = project("import playbook as pb\npb.open(product, warehouse)")
    elsewhere = Path(shutil.move(tmp_path / "notebooks", tmp_path.with_name("package")))
    for module in (running, runfile):
        monkeypatch.setattr(module, "notebook_file", lambda _slug: elsewhere / "only.ipynb")
    page = report.render(run, progress=silent)
    assert page.is_relative_to(tmp_path / "reports")


def test_the_wheel_carries_the_notebooks(tmp_path):
    from hatchling.builders.wheel import WheelBuilder

    (wheel,) = WheelBuilder(str(root())).build(directory=str(tmp_path), versions=["standard"])
    names = zipfile.ZipFile(wheel).namelist()
    assert {f"playbook/notebooks/{slug}.ipynb" for slug in report.STAGES} <= set(names)


def test_a_file_that_is_written_while_the_notebooks_run_leaves_no_report(
    project, good, small, tmp_path
):
    before = good.read_bytes()
    (tmp_path / "small").unlink()
    with duckdb.connect(str(tmp_path / "small")) as connection:
        for table in small.glob("*.parquet"):
            connection.execute(f"create table {table.stem} as from '{table}'")
    writes = f"duckdb.connect({str(tmp_path / 'small')!r}).sql('create table late (n int)')"
    with pytest.raises(Mistake, match="was written since it was opened"):
        report.render(project(f"import duckdb\n{writes}\n0"), progress=silent)
    assert good.read_bytes() == before
    assert not list(good.parents[1].glob(".building*"))


def test_a_column_that_no_question_can_be_broken_down_by_is_refused():
    asked = [question("first", "reached_within", start="in", goal="out", within="1d")]
    opened = drawn.run(
        questions=asked,
        events="user_id | event | at\nann | in | 2026-01-05",
        users="user_id | persona\nann | engineer",
    )
    for fits in ("", "persona", "week"):
        report.refuse_unmapped(opened, fits)
    for only in (None, asked):
        with pytest.raises(Mistake, match="No table has the column `person`") as mistake:
            report.refuse_unmapped(opened, "person", asked=only)
        assert mistake.value.hint == "did you mean `persona`?"


def test_a_second_report_replaces_the_first_of_the_same_day(project, good):
    assert "one" in (good.parent / "only.ipynb").read_text()
    second = report.render(project("'two'"), progress=silent)
    assert good == second
    assert "two" in (second.parent / "only.ipynb").read_text()


def test_the_index_says_what_changed_since_the_last_report(project, tmp_path):
    source = (
        "import playbook as pb\n"
        "run = pb.open(product, warehouse, since=since, as_of='{}')\n"
        "pb.findings.headline(pb.audit.headline(run))"
    )
    run = project("0")
    notebook = nbformat.read(tmp_path / "notebooks" / "only.ipynb", as_version=4)
    cell = new_code_cell(source.format("2026-06-01"), metadata={"tags": ["bottom-line"]})
    notebook.cells.append(cell)
    nbformat.write(notebook, tmp_path / "notebooks" / "only.ipynb")
    first = report.render(run, progress=silent)
    first.parent.rename(first.parent.with_name("2026-06-01"))
    cell.source = source.format("2026-07-01")
    nbformat.write(notebook, tmp_path / "notebooks" / "only.ipynb")
    second = report.render(run, progress=silent)
    assert "audit.activation_rate.share" in second.read_text()
    assert "points" in second.read_text()


def test_a_second_export_tells_what_changed_since_the_first(project, tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "HEAD", HEAD + '\nuntil = ""  # u\nas_of = ""  # a')
    run = project("0")
    declared = run.read_text()
    found = []
    for date in ("2026-06-01", "2026-06-15"):
        run.write_text(f"{declared}as_of: '{date}'\nuntil: '{date}'\n")
        folder = report.render(run, progress=silent).parent / "audiences"
        found.append((folder, json.loads((folder / "manifest.json").read_text())))
    (before, first), (after, second) = found
    assert (before.parent.name, after.parent.name) == ("2026-06-01", "2026-06-15")
    assert first["plays"].keys() == second["plays"].keys() != set()
    for slug, play in second["plays"].items():
        base = f"drafts/{slug}" if play["draft"] else slug
        was, now = (
            {
                (row["unit"], *(row[word] for word in (play["user"], "step", "episode")))
                for row in map(json.loads, (folder / f"{base}.jsonl").open())
            }
            for folder in (before, after)
        )
        assert (play["new"], play["kept"], play["gone"]) == (
            len(now - was),
            len(now & was),
            len(was - now),
        )
        assert play["last"] == "2026-06-01"
        assert play["changed"] == []
        assert (after / f"{base}.gone.csv").is_file() == bool(was - now)
    assert sum(play["new"] for play in second["plays"].values()) > 0
    assert sum(play["kept"] for play in second["plays"].values()) > 0
    assert sum(play["left_period"] for play in second["plays"].values()) > 0
    assert "Since the export of 2026-06-01: " in (after.parent / "index.html").read_text()


def test_secrets_are_blotted_out(project, tmp_path, monkeypatch):
    url = "postgres://ann:hunter2@nowhere/db"
    monkeypatch.setenv("WAREHOUSE_OF_ANN", url)
    run = project("import os; os.environ['WAREHOUSE_OF_ANN']", "'x://ann:hunter2@y'")
    given = {"warehouse": "env:WAREHOUSE_OF_ANN"}
    stage = running.execute("only", "The only one", given, tmp_path, silent)
    assert stage.state == "ok"
    assert "hunter2" not in (tmp_path / "only.ipynb").read_text()
    assert run.is_file()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("produkt: x", "has no parameter `produkt`"),
        ('"x=1; import os": 2', "has no parameter `x=1; import os`"),
        ("- product", "holds no parameters"),
        ("warehouse: postgres://ann:hunter2@h/d", "holds a password"),
        ("product: {a: 1}", "is no single value"),
        ("warehouse: demo", "names no product"),
        ("notebooks: 1_audit", "is no list of notebooks"),
        ("notebooks: [1_audit, 1_audit]", "two notebooks are called `1_audit`"),
        ("notebooks: [notebooks/none.ipynb]", "there is no notebook `notebooks/none.ipynb`"),
    ],
)
def test_a_wrong_run_is_refused_before_a_kernel_starts(project, tmp_path, text, says):
    project("1")
    run = tmp_path / "wrong.yaml"
    run.write_text(text)
    with pytest.raises(Mistake) as mistake:
        report.parameters(run)
    assert says in str(mistake.value)
    assert "hunter2" not in str(mistake.value)


def test_a_notebook_of_ones_own_joins_the_report(project, tmp_path):
    told = "pb.show(pb.ask(pb.open(product, warehouse), measure='reached_within', **WORDS))"
    words = "WORDS = {'start': 'signed_up', 'goal': 'workflow_saved', 'within': '24h'}"
    run = project(f"import playbook as pb\n{words}\n{told}")
    own = tmp_path / "notebooks" / "only.ipynb"
    notebook = nbformat.read(own, as_version=4)
    notebook.cells.insert(1, new_markdown_cell("# Pricing: who pays?\n\n*For* us."))
    notebook.cells.insert(2, new_markdown_cell("## Who saves?"))
    nbformat.write(notebook, own)
    index = report.render(run, progress=silent)
    text = index.read_text("utf-8")
    assert '<a href="only.html">Pricing</a>' in text
    assert "1 of 1 sections" in text
    assert "People who get from" in (index.parent / "only.html").read_text("utf-8")
    rows = pq.read_table(index.parent / "figures.parquet").to_pylist()
    asked = "audit.reached_within_signed_up_workflow_saved_24h.share"
    assert asked in {row["figure"] for row in rows}


def test_a_notebook_without_a_cell_of_parameters_cannot_join(project, tmp_path):
    run = project("1")
    nbformat.write(new_notebook(cells=[new_code_cell("1")]), tmp_path / "notebooks" / "only.ipynb")
    with pytest.raises(Mistake, match="no cell tagged `parameters`"):
        report.parameters(run)


def test_a_report_that_answers_nothing_is_none_and_leaves_the_last_good_one(
    project, good, tmp_path
):
    before = good.read_bytes()
    run = project("'nothing'")
    questions = tmp_path / "params" / "airtouch" / "questions.yaml"
    never = "- {id: shared, asks: 'Who shares?', decides: Much., measure: reached_within, "
    questions.write_text(never + "start: signed_up, goal: workflow_shared, within: 24h}\n")
    product = questions.with_name("product.yaml")
    roles = r"(?m)^roles:\n(?:  .*\n)+"
    product.write_text(re.sub(roles, "", product.read_text("utf-8")), "utf-8")
    with pytest.raises(Nothing, match="No question can be answered") as nothing:
        report.render(run, progress=silent)
    assert "`workflow_shared`" in str(nothing.value)
    assert good.read_bytes() == before


def test_every_run_of_the_project_names_parameters_that_its_notebooks_have():
    for path in root().glob("params/*/runs/*.yaml"):
        assert report.parameters(path)["product"]


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "\nx", "  =1", "\uff1d1", "=cmd|' /C calc'!A0"]
)
def test_a_cell_that_a_spreadsheet_would_run_is_inert(text):
    assert sendlist.inert_cell(text) == f"'{text}"


def test_a_notebook_that_did_not_end_is_not_trusted_whatever_papermill_says():
    cell = new_code_cell("1", execution_count=1)
    cell.metadata["papermill"] = {"status": "completed"}
    notebook = new_notebook(cells=[cell])
    assert report.trusted(notebook) == "the run did not end"
    notebook.metadata["papermill"] = {"end_time": "2026-01-01", "exception": None}
    assert report.trusted(notebook) == ""
    cell.execution_count = None
    assert report.trusted(notebook) == "the cell “1” did not run"
