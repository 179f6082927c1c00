"""One company in seven vendors' shapes: every answer is that of our canonical tables."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

import playbook as pb
from playbook.audit.identified import identified_events
from playbook.audit.identity import devices
from playbook.audit.ids import ids_in_doubt
from playbook.friction.retention import retention
from playbook.results import Unavailable
from playbook.run import Run
from tests.seven import PLAN, PROPERTIES, Event, company
from tests.seven_shapes import SHAPES, canonical_tables, write_canonical
from tests.spec import rows

FIRST = {"start": "signed_up", "goal": "draft_saved"}
QUESTIONS: dict[str, dict[str, Any]] = {
    "activation": {"measure": "reached_within", **FIRST, "within": "24h"},
    "by_persona": {"measure": "reached_within", **FIRST, "within": "7d", "by": ["persona"]},
    "engineers": {
        "measure": "missed_within",
        **FIRST,
        "within": "7d",
        "among": {"persona": "データ"},
    },
    "visit_to_signup": {
        "measure": "reached_within",
        "start": "page_viewed",
        "goal": "signed_up",
        "within": "7d",
        "entry": "first_ever",
    },
    "path": {
        "measure": "steps",
        "start": "page_viewed",
        "goals": ["signed_up", "project_created", "draft_opened", "draft_saved"],
        "within": "14d",
    },
    "speed": {"measure": "time_to", **FIRST, "edges": ["1h", "1d", "7d"]},
    "weekly": {"measure": "active", "goal": "draft_saved", "within": "7d"},
    "drafts": {
        "measure": "reached_within",
        "start": "draft_opened",
        "goal": "draft_saved",
        "within": "1h",
        "hold": ["draft"],
    },
    "accounts": {"measure": "reached_within", "unit": "account", **FIRST, "within": "7d"},
    "visits": {
        "measure": "reached_within",
        "unit": "session",
        "start": "page_viewed",
        "goal": "draft_saved",
        "within": "1d",
    },
    "kinds": {
        "measure": "mix",
        "start": "signed_up",
        "goals": ["upgraded", "exported", "invited"],
        "within": "30d",
    },
}


@pytest.fixture(scope="module")
def opened(tmp_path_factory) -> Callable[[str], tuple[Run, Run]]:
    """A shape's run, and that of our canonical tables without what the shape lacks."""
    home = tmp_path_factory.mktemp("seven")

    @cache
    def both(name: str) -> tuple[Run, Run]:
        shape = SHAPES[name]
        slug = name.replace(", ", "_").replace(" ", "_").replace("$", "")
        theirs = home / (slug if slug == "ga4" else f"{slug}.duckdb")
        ours = home / f"{slug}_ours.duckdb"
        shape.write(company(), theirs)
        write_canonical(company(), ours, shape)
        source = name.partition(",")[0]
        return (
            _opened(home, slug, theirs, f"source: {source}", shape.tables),
            _opened(home, f"{slug}_ours", ours, "source: native", canonical_tables(shape)),
        )

    return both


def _opened(home: Path, slug: str, warehouse: Path, source: str, tables: str) -> Run:
    folder = home / "params" / slug
    folder.mkdir(parents=True)
    indented = "\n".join(f"  {line}" for line in tables.splitlines())
    text = f"name: Seven\n{source}\nmin_n: 1\ntables:\n{indented}\n"
    (folder / "product.yaml").write_text(text, "utf-8")
    plan = [
        {
            "event": event,
            "says": "Somebody did it.",
            "properties": {name: {"type": PROPERTIES[name]} for name in own},
        }
        for event, own in PLAN.items()
    ]
    asked = [
        {"id": id, "asks": f"{id}?", "decides": "What to do.", **said}
        for id, said in QUESTIONS.items()
    ]
    (folder / "tracking_plan.yaml").write_text(yaml.safe_dump(plan), "utf-8")
    (folder / "questions.yaml").write_text(yaml.safe_dump(asked), "utf-8")
    before = Path.cwd()
    os.chdir(home)
    try:
        return pb.open(f"params/{slug}", str(warehouse), since="2026-01-05", until="2026-04-04")
    finally:
        os.chdir(before)


def without_misfits(counts: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The counts, without those of values that are none of their type: JSON could hold some."""
    told = [{key: n for key, n in row.items() if not key.startswith("broken_")} for row in counts]
    assert not any(n for row in counts for key, n in row.items() if key.startswith("broken_"))
    return sorted(told, key=str)


def shown(answer: Any) -> Any:
    return answer.reason if isinstance(answer, Unavailable) else answer.rows


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("shape", SHAPES)
def test_answers_are_those_of_the_canonical_tables(shape, question, opened):
    theirs, ours = opened(shape)
    by = QUESTIONS[question].get("by", ())
    expected = shown(pb.audit.answer(ours, question, by=by))
    assert shown(pb.audit.answer(theirs, question, by=by)) == expected
    assert expected


@pytest.mark.parametrize("shape", SHAPES)
def test_retention_is_that_of_the_canonical_tables(shape, opened):
    theirs, ours = opened(shape)
    assert retention(theirs, "weekly").rows == retention(ours, "weekly").rows != []


@pytest.mark.parametrize("shape", SHAPES)
def test_whose_events_are_is_as_it_was_told_by_hand(shape, opened):
    theirs, ours = opened(shape)
    owner, once = SHAPES[shape].owner(company()), company().once()
    named = sum(bool(event.person) for event in once)
    known = sum(bool(owner(event)) for event in once)
    assert identified_events(theirs).rows == [
        {
            "identities": len(once),
            "named": named,
            "resolved": known - named,
            "nobodys": len(once) - known,
        }
    ]
    assert 0 < known - named < known < len(once)
    assert shown(identified_events(ours)).startswith("No `identities` are mapped")


@pytest.mark.parametrize("shape", SHAPES)
def test_devices_become_people_as_it_was_told_by_hand(shape, opened):
    seen: dict[str, list[Event]] = {}
    for event in company().events:
        seen.setdefault(SHAPES[shape].anonymous(event), []).append(event)
    people = [{event.person for event in events} - {""} for events in seen.values()]
    before = [
        min(events, key=lambda event: event.at).person == "" and any(e.person for e in events)
        for events in seen.values()
    ]
    found = devices(opened(shape)[0]).rows[0]
    assert {name: found[name] for name in ("devices", "known", "shared", "before", "one_hit")} == {
        "devices": len(seen),
        "known": sum(map(bool, people)),
        "shared": sum(len(each) > 1 for each in people),
        "before": sum(before),
        "one_hit": sum(len(e) == 1 and not e[0].person for e in seen.values()),
    }


@pytest.mark.parametrize("shape", SHAPES)
def test_the_audit_sees_the_same_ids_and_rows(shape, opened):
    theirs, ours = opened(shape)
    assert ids_in_doubt(theirs).rows == ids_in_doubt(ours).rows
    coverage = [without_misfits(run.coverage.values()) for run in (theirs, ours)]
    assert coverage[0] == coverage[1]
    assert {*ours.coverage} == {*PLAN}
    for counts in ("arrived", "copied", "inferred"):
        found = [without_misfits(getattr(run, counts)) for run in (theirs, ours)]
        assert found[0] == found[1]
    assert sum(row["n"] for row in theirs.copied) == len(company().events) - len(company().once())


@pytest.mark.parametrize("shape", SHAPES)
def test_users_have_the_traits_that_the_vendor_or_the_product_keeps(shape, opened):
    columns = ("user_id", "account_id", "persona", "signed_up_at")
    held = [rows(run.tables.users.select(*columns)) for run in opened(shape)]
    assert held[0] == held[1]
    assert len(held[0]) == len(company().people)
