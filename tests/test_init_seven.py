"""`playbook init` on one company in seven vendors' shapes: two commands answer as our tables do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml

from playbook import report
from playbook.__main__ import main
from tests import companies
from tests.seven import Company, Event, company
from tests.seven_shapes import SHAPES, write_canonical

KEPT = ("ga4", "snowplow", "segment", "rudderstack", "amplitude", "posthog", "mixpanel")
SEVEN = [*KEPT, "mixpanel, by $identify"]


@dataclass(frozen=True)
class Begun:
    """What `init` made of a warehouse, and what its questions answer."""

    product: dict[str, Any]
    run: dict[str, Any]
    questions: list[dict[str, Any]]
    answers: dict[tuple[str, tuple[str, ...]], list[dict[str, Any]]]
    checked: str


@contextmanager
def inside(folder: Path) -> Iterator[None]:
    """Commands start from there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("seven")
    (folder / "params").mkdir()
    return folder


@pytest.fixture(scope="module")
def begun(home) -> Callable[[str], tuple[Begun, Begun]]:
    """What comes of a shape, and of the same company in our own tables."""

    @cache
    def theirs(name: str) -> Begun:
        slug = _slug(name)
        place = slug if name == "ga4" else f"{slug}.duckdb"
        SHAPES[name].write(company(), home / place)
        with inside(home):
            return _begun(place, slug)

    @cache
    def ours(merges: bool, logs_in: bool) -> Begun:
        slug = f"ours_{merges:d}{logs_in:d}"
        shape = next(shape for shape in SHAPES.values() if shape.merges == merges)
        found = _with_logins(company()) if logs_in else company()
        write_canonical(found, home / f"{slug}.duckdb", shape)
        with inside(home):
            return _begun(f"{slug}.duckdb", slug)

    # Google Analytics has no other way to say who somebody is than an event: `login`.
    return lambda name: (theirs(name), ours(SHAPES[name].merges, name == "ga4"))


def _slug(name: str) -> str:
    return name.replace(", ", "_").replace(" ", "_").replace("$", "")


def _with_logins(found: Company) -> Company:
    logins = [
        Event(f"login-{number}", device, person, "login", at, at, 1)
        for number, (device, person, at) in enumerate(found.identified)
    ]
    return replace(found, events=[*found.events, *logins])


def _begun(place: str, slug: str) -> Begun:
    assert main(["init", place, "--product", slug, "--yes"]) == 0
    said, folder = StringIO(), Path("params", slug)
    with redirect_stdout(said):
        assert main(["check", f"{folder}/runs/weekly.yaml"]) == 0
    product, questions, parameters = (
        yaml.safe_load((folder / name).read_text("utf-8"))
        for name in ("product.yaml", "questions.yaml", "runs/weekly.yaml")
    )
    answers = companies.answered(folder / "runs" / "weekly.yaml")
    return Begun(product, parameters, questions, answers, said.getvalue())


@pytest.mark.parametrize("shape", SEVEN)
def test_a_vendors_tables_begin_with_the_questions_of_our_own(shape, begun):
    theirs, ours = begun(shape)
    assert theirs.product["source"] == shape.partition(",")[0]
    assert theirs.questions == ours.questions
    assert [each["id"] for each in ours.questions] == [
        "activation", "path_to_value", "active_people", "left_unfinished",
    ]  # fmt: skip
    assert theirs.run["by"] == ours.run["by"] == "persona"
    assert theirs.product["roles"] == ours.product["roles"]
    assert theirs.product["path"] == ours.product["path"]


@pytest.mark.parametrize("shape", SEVEN)
def test_a_vendors_tables_answer_them_as_our_own_do(shape, begun):
    theirs, ours = begun(shape)
    assert theirs.answers == ours.answers
    assert len(ours.answers) == 8
    assert all(ours.answers.values())


@pytest.mark.parametrize("shape", SEVEN)
def test_check_passes_what_came_of_a_vendors_tables(shape, begun):
    assert "0 blocking" in begun(shape)[0].checked
    assert "cannot be answered" not in begun(shape)[0].checked


@pytest.mark.parametrize("shape", SEVEN)
def test_what_events_carry_is_planned_and_no_id_is_a_time(shape, begun):
    carried = {"draft", "size", "amount", "is_big", "note"}
    for each in begun(shape):
        events = each.product["tables"]["events"][0]
        assert carried <= {*events["columns"]}
        assert "session_id" not in events.get("times", {})


@pytest.mark.thorough
@pytest.mark.parametrize("shape", KEPT)
def test_the_second_command_renders_a_report_whose_questions_are_answered(shape, begun, home):
    begun(shape)
    with inside(home):
        run = Path("params", _slug(shape), "runs", "weekly.yaml")
        index = report.render(run, progress=lambda _text: None)
    told = json.loads((index.parent / "status.json").read_text("utf-8"))["notebooks"]
    for stage in ("1_audit", "2_friction"):
        sections = told[stage]["sections"]
        assert sections["answered"] == sections["of"] > 3, told[stage]
