"""Products that are not the sample company: whole reports, in which nothing of it stands."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import nbformat
import pytest
import yaml

from playbook import report
from playbook.charts import MIME
from playbook.declare import Declarations, declarations
from playbook.language.periods import duration, words
from playbook.results import UNTOLD, figures
from playbook.run import root
from playbook.views import UNASKED
from tests import game, renamed

# What only the sample company talks of: none of it may stand on another's page.
VOCABULARY = (
    r"airtouch|workflows?|connections?|data.engineers?|sales|marketing|analysts?|"
    r"(?:in|out )to the warehouse|out of the warehouse|the editor|trial|tutorial to|community|"
    r"saved? a|first run|into_warehouse|out_of_warehouse|draft_id|docs"
)
# Windows that the suite itself speaks of: how late events are, and how far landmarks and paths go.
OWN_WINDOWS = {"24 hours", "72 hours", "14 days", "12 weeks", "4 weeks"}


WINDOW = r"(?:” within|get there within|in the) (\d+ (?:hour|day|week)s?)"
# Old words of the renamed company that the suite's own prose has, too.
SUITES_OWN = {"draft", "warehouse", "verif", "colleague", "invitee", "sign-up"}


@dataclass
class Rendered:
    """A report of one product: its folder, and what the product declares."""

    folder: Path
    declared: Declarations

    @cached_property
    def status(self) -> dict[str, Any]:
        return json.loads((self.folder / "status.json").read_text("utf-8"))["notebooks"]

    @cached_property
    def outputs(self) -> list[dict[str, Any]]:
        return outputs_of(self.folder)

    @property
    def sentences(self) -> Iterator[str]:
        for data in self.outputs:
            if "text/markdown" in data and UNASKED not in data and "```sql" not in said(data):
                yield said(data)

    def page(self, slug: str) -> str:
        """The text of a page, without the code of its cells."""
        html = (self.folder / f"{slug}.html").read_text("utf-8")
        html = re.sub(r"(?s)<(style|script|code|pre)\b.*?</\1>", " ", html)
        charts = " ".join(data[MIME]["description"] for data in self.outputs if MIME in data)
        return re.sub(r"<[^>]+>", " ", html) + charts


def outputs_of(folder: Path) -> list[dict[str, Any]]:
    """What the cells of a folder's executed notebooks show, by type."""
    return [
        output["data"]
        for slug in report.STAGES
        for cell in nbformat.read(folder / f"{slug}.ipynb", as_version=4).cells
        if cell.cell_type == "code"
        for output in cell.outputs
    ]


def said(data: dict[str, Any]) -> str:
    return "".join(data["text/markdown"])


def folder_of(kind: str, home: Path, request: Any) -> tuple[Path, Path]:
    """The folder of a product's declarations, and that of its tables."""
    if kind == "game":
        return root() / "tests" / "products" / "game", game.write(home / "tables")
    shared = request.getfixturevalue("shared")
    if kind == "travel":
        product = root() / "tests" / "products" / "travel"
        return product, shared / "data" / "travel_stackexchange"
    product = shared / "cases" / "products" / "acme"
    made = [sys.executable, product / "make.py", home / "tables"]
    subprocess.run(made, check=True, capture_output=True)
    return product, home / "tables" / "parquet"


def rendered(product: Path, tables: Path, home: Path, **more: str) -> Path:
    """The folder of a product's report, rendered in a project of its own."""
    shutil.copytree(product, home / "params" / product.name)
    run = {"product": f"params/{product.name}", "warehouse": str(tables), "by": "persona", **more}
    file = home / "params" / product.name / "runs" / "own.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(yaml.safe_dump(run), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        return report.render(file, progress=lambda _text: None).parent


@pytest.fixture(scope="module", params=["acme", "game", "travel"])
def stranger(request, tmp_path_factory) -> Rendered:
    home = tmp_path_factory.mktemp(request.param)
    product, tables = folder_of(request.param, home, request)
    by = {"by": ""} if request.param == "travel" else {}
    return Rendered(rendered(product, tables, home, **by), declarations(product))


def test_no_output_says_that_something_is_not_declared_of_which_it_never_heard(stranger):
    for text in [*stranger.sentences, *(str(data.get(UNTOLD, "")) for data in stranger.outputs)]:
        assert "declares no question" not in text


def test_no_word_of_the_sample_company_stands_on_a_page(stranger):
    own = yaml.safe_dump(stranger.declared.product.model_dump(mode="json"))
    own += " ".join(question.asks for question in stranger.declared.questions)
    rows = (row for data in stranger.outputs for row in data.get(figures.MIME, []))
    own += " ".join({row["segment"] for row in rows})  # the values of its people, such as sales
    for slug in ("index", *report.STAGES):
        found = set(re.findall(rf"(?i)\b(?:{VOCABULARY})\b", stranger.page(slug)))
        assert not {word for word in found if word.lower() not in own.lower()}, slug


def test_every_question_has_its_chart_its_sentence_and_its_figures(stranger):
    rows = [row for data in stranger.outputs for row in data.get(figures.MIME, [])]
    drawn = {
        row["figure"].split(".")[1]
        for data in stranger.outputs
        if MIME in data
        for row in data.get(figures.MIME, [])
    }
    sentences = "\n".join(stranger.sentences)
    for question in stranger.declared.questions:
        blind = f"“{question.asks}” cannot be answered"
        if any(blind in str(data.get(UNTOLD, "")) for data in stranger.outputs):
            continue
        assert any(row["question"] == question.id for row in rows), question.id
        assert any(name.startswith(question.id) for name in drawn), question.id
        assert f"### {question.asks}" in sentences.replace("\\", ""), question.id


def test_every_window_that_is_said_is_declared(stranger):
    declared = stranger.declared
    every = [
        length
        for q in declared.questions
        for length in (q.within, *q.edges, *q.windows)
        if length is not None
    ]
    every += [play.goal_within for play in declared.plays]
    windows = {words(duration(length)) for length in every if length} | OWN_WINDOWS
    for text in stranger.sentences:
        for whose in re.findall(WINDOW, text):
            assert whose in windows, text


def test_every_name_in_quotes_is_one_of_the_products(stranger):
    declared = stranger.declared
    labels = declared.product.labels
    names = {point.event for point in declared.plan} | set(labels)
    names |= {value for q in declared.questions for of in q.among.values() for value in of}
    known = {labels.get(name, name.replace("_", " ")) for name in names}
    known |= {question.asks for question in declared.questions}
    steps = r"get (?:from|as far as|to) “([^”]+)”|from “[^”]+” to “([^”]+)”|of “([^”]+)”"
    for text in stranger.sentences:
        for found in re.findall(steps, text.replace("\\", "")):
            assert set(filter(None, found)) <= known, text


def test_every_stage_tells_how_many_of_its_sections_it_answers(stranger):
    html = (stranger.folder / "index.html").read_text("utf-8")
    for slug in report.STAGES:
        told = stranger.status[slug]["sections"]
        assert f"{told['answered']} of {told['of']} sections" in html, slug
        assert (told["answered"] == told["of"]) == (stranger.status[slug]["state"] == "ok")
    whole = stranger.status["2_friction"]
    assert whole["sections"]["answered"] >= 2
    for text in whole["not_asked"]:
        role = re.search(r"role `(\w+)`", text)[1]
        assert not stranger.declared.roles[role]


@pytest.mark.thorough
def test_the_sample_company_under_other_words_has_the_same_numbers(tmp_path):
    product = renamed.write(tmp_path, ids=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        index = report.render(product / "runs" / "weekly.yaml", progress=lambda _text: None)
    theirs, ours = numbers_of(index.parent), numbers_of(root() / "notebooks")
    assert set(theirs) ^ set(ours) == set()
    assert {key for key in ours if theirs[key] != pytest.approx(ours[key], abs=1e-9)} == set()
    page, old = Rendered(index.parent, declarations(product)), set(renamed.OLD) - SUITES_OWN
    texts = {slug: page.page(slug).lower() for slug in ("index", *report.STAGES)}
    left = {(slug, word) for slug, text in texts.items() for word in old if word in text}
    assert not {(slug, word) for slug, word in left if re.search(rf"\b{word}", texts[slug])}


def numbers_of(folder: Path) -> dict[tuple[str, str], list[Any]]:
    """(Figure, segment) → its numbers, of executed notebooks, under the old names."""
    rows = [row for data in outputs_of(folder) for row in data.get(figures.MIME, [])]
    return {
        (row["figure"], row["segment"]): [row[name] for name in ("n", "value", "low", "high")]
        for row in renamed.each_text(rows, renamed.back)
        if ".contention." not in row["figure"]  # of two plays the one whose name comes first
    }
