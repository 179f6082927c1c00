"""The pages of `docs/` say what the code says: `python -m tests.rebuild_docs` writes them."""

from __future__ import annotations

import inspect
import re

import pytest

import playbook as pb
from playbook import declare
from playbook.declare import (
    experiment,
    export,
    mapping,
    metric,
    plan,
    play,
    product,
    question,
    sending,
    shape,
)
from playbook.declare.reading import Noun
from playbook.run import root
from tests.rebuild_docs import DOCS, anchors, attributes, rebuilt

MODULES = (declare, experiment, export, mapping, metric, plan, play, product, question)
MODULES += (sending, shape)
NOUNS = {
    each
    for module in MODULES
    for each in vars(module).values()
    if inspect.isclass(each) and issubclass(each, Noun) and each not in (Noun, shape.Shape)
}
PAGES = sorted(DOCS.glob("*.md"))


def test_pages_are_as_the_code_would_write_them_now():
    old = [page.name for page, text in rebuilt().items() if text != page.read_text("utf-8")]
    assert not old, "run `python -m tests.rebuild_docs`"


@pytest.mark.parametrize("noun", sorted(NOUNS, key=lambda each: each.__name__))
def test_every_field_that_somebody_may_write_is_explained(noun):
    if noun is not mapping.FirstOf:  # it says one thing, and its docstring says that
        assert {*noun.model_fields} <= {*attributes(noun), "slug"}


def test_every_noun_has_its_table_on_a_page():
    text = "\n".join(page.read_text("utf-8") for page in PAGES)
    made = set(re.findall(r"<!-- made of: noun \w+\.(\w+)", text)) | {"Roles", "FirstOf"}
    assert {each.__name__ for each in NOUNS} <= made


def test_every_public_function_says_what_it_gives():
    for page in PAGES:
        assert "| `pb" not in page.read_text("utf-8") or page.name == "functions.md"
    text = (DOCS / "functions.md").read_text("utf-8")
    for name in pb.__all__:
        assert f"`pb.{name}" in text
    assert not re.findall(r"^\| `pb.*\|  \|$", text, re.M)


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)]+)\)", page.read_text("utf-8")):
        file, _sharp, anchor = link.partition("#")
        target = page.parent / file if file else page
        assert target.is_file(), link
        assert not anchor or anchor in anchors(target.read_text("utf-8")), link


def test_every_page_has_its_place_in_the_index():
    index = (DOCS / "fields.md").read_text("utf-8")
    assert all(f"({page.name})" in index for page in PAGES if page.name != "fields.md")
    assert "docs/fields.md" in (root() / "README.md").read_text("utf-8")
