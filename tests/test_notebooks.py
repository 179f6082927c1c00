"""The notebooks have their shape: they tell, they do not compute."""

import ast
import re
import statistics

import nbformat
import papermill
import pytest

from playbook.run import root

NOTEBOOKS = sorted((root() / "notebooks").glob("*.ipynb"))
SHAPE = ["Bottom line", "What to do next", "How the numbers are made"]
PARAMETERS = ["product", "warehouse", "since", "until", "as_of", "engine", "by"]

pytestmark = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def cells(path, kind=None):
    notebook = nbformat.read(path, as_version=4)
    return [cell for cell in notebook.cells if kind in (None, cell.cell_type)]


def test_it_is_stored_as_run_and_without_an_error(path):
    code = cells(path, "code")
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    kinds = {output.output_type for cell in code for output in cell.outputs}
    assert kinds <= {"execute_result", "display_data"}
    # Every cell but the one with the parameters shows something.
    assert [bool(cell.outputs) for cell in code] == [False] + [True] * (len(code) - 1)


def test_it_opens_with_question_reader_and_decision(path):
    title = cells(path)[0].source
    assert title.startswith("# ")
    assert re.search(r"\*For\* .* \*It decides\* ", title)


def test_its_sections_stand_in_order(path):
    headings = [
        line.removeprefix("## ")
        for cell in cells(path, "markdown")
        for line in cell.source.splitlines()
        if line.startswith("## ")
    ]
    assert headings[0] == "Bottom line"
    assert [heading for heading in headings if heading in SHAPE] == SHAPE
    assert len(set(headings)) == len(headings)


def test_it_has_one_cell_of_parameters_which_papermill_reads_whole(path):
    tagged = [c for c in cells(path, "code") if "parameters" in c.metadata.get("tags", [])]
    assert tagged == cells(path, "code")[:1]
    found = papermill.inspect_notebook(str(path))
    assert list(found) == PARAMETERS
    assert all(parameter["help"] for parameter in found.values())
    values = {
        target.id: ast.literal_eval(node.value)
        for node in ast.parse(tagged[0].source).body
        for target in node.targets
    }
    assert {name: ast.literal_eval(p["default"]) for name, p in found.items()} == values


def test_it_imports_once_and_holds_no_logic(path):
    code = [cell.source for cell in cells(path, "code")]
    for i, source in enumerate(code):
        nodes = list(ast.walk(ast.parse(source)))
        forbidden = (ast.FunctionDef, ast.ClassDef, ast.For, ast.While, ast.ListComp, ast.Lambda)
        assert not [node for node in nodes if isinstance(node, forbidden)], source
        imports = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
        assert len(imports) == (1 if i == 1 else 0), source
        assert "print(" not in source


def test_its_cells_are_short(path):
    lengths = [len(cell.source.splitlines()) for cell in cells(path, "code")[1:]]
    assert max(lengths) <= 8
    assert statistics.median(lengths) <= 5  # chart and sentence stand in one cell
    assert sum(lengths) <= 130


def test_every_chart_has_its_sentence_in_its_cell(path):
    for cell in cells(path, "code"):
        kinds = [kind for output in cell.outputs for kind in output.get("data", {})]
        assert "pb.charts." not in cell.source
        assert kinds.count("text/markdown") >= kinds.count("application/vnd.vegalite.v5+json")


def test_no_number_of_the_data_is_typed_by_hand(path):
    text = "\n".join(cell.source for cell in cells(path, "markdown"))
    assert not re.findall(r"\d+(?:\.\d+)? ?%(?! )|\bn = \d", text.replace("95 %", ""))
    assert not re.findall(r"\d{1,3},\d{3}\b", text.replace("10,000", ""))


def test_its_bottom_line_is_tagged_for_the_report(path):
    tagged = [c for c in cells(path, "code") if "bottom-line" in c.metadata.get("tags", [])]
    assert len(tagged) == 1
    assert "pb.findings." in tagged[0].source or "pb.show(" in tagged[0].source
