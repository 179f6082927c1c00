"""Tracking plans from elsewhere: other tools' files, and the data itself, as a file of ours.

`playbook plan import` reads what other tools export (`FORMATS`, one module each, which names the
page that documents it, and reads each event as a JSON Schema); `playbook plan draft` infers a plan
from the data (`draft`). Both write a tracking_plan.yaml that `playbook.declare` reads, for a human
to finish. What our plan cannot hold stands as a comment where it belonged, and is counted: nested
objects and arrays, rules on the length or format of a text, conditional rules, labels, rules of
identify, group, page and screen calls, the limits and types of a property that another event has
in another type.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from playbook.adapters.plans import writing
from playbook.adapters.plans.avo import avo_events, is_from_avo
from playbook.adapters.plans.draft import DESTINATIONS, Draft, draft_of
from playbook.adapters.plans.entries import Entry, Lost, Plan, settled_plan
from playbook.adapters.plans.files import candidates, content
from playbook.adapters.plans.iglu import iglu_events, is_from_iglu
from playbook.adapters.plans.rudderstack import is_from_rudderstack, rudderstack_events
from playbook.adapters.plans.segment_csv import csv_events, is_csv_of_segment
from playbook.adapters.plans.segment_json import is_from_segment, segment_events
from playbook.language.mistakes import Mistake, listed, nearest

__all__ = ["FORMATS", "draft_as_yaml", "draft_of", "imported", "imported_as_yaml", "save"]

CSV = "segment-csv"
# Whether content is in the format, and its events; in the order in which a content is tried.
FORMATS = {
    CSV: (is_csv_of_segment, csv_events),
    "iglu": (is_from_iglu, iglu_events),
    "segment-json": (is_from_segment, segment_events),
    "rudderstack": (is_from_rudderstack, rudderstack_events),
    "avo": (is_from_avo, avo_events),
}


def imported_plan(paths: Sequence[Path], format: str = "") -> Plan:
    """The plan that the files hold together.

    Args:
        paths: Files, or folders of Iglu schemas.
        format: A key of `FORMATS`; "": whatever each file's content looks like.
    """
    if format and format not in FORMATS:
        raise Mistake(
            f"There is no format `{format}`.",
            f"The formats are: {listed(FORMATS)}.",
            nearest(format, FORMATS),
        )
    parts = [_plan_in(path, format) for given in paths for path in candidates(given)]
    entries = tuple(entry for part in parts for entry in part.entries)
    plan = settled_plan(Plan(entries, tuple(lost for part in parts for lost in part.lost)))
    if not plan.entries:
        names = listed(path.name for path in paths)
        raise Mistake(
            f"{names} plans no event.",
            f"It holds: {plan.kinds or 'nothing'}.",
            "export a plan that has track events.",
        )
    return plan


def draft_as_yaml(draft: Draft) -> str:
    """A draft as the text of a tracking_plan.yaml."""
    return writing.plan_as_yaml(draft.entries, draft.head, destinations=DESTINATIONS)


def imported_as_yaml(plan: Plan, source: str) -> str:
    """An imported plan as the text of a tracking_plan.yaml; `source` names where it is from."""
    head = [
        f"Imported by `playbook plan import` from {source}: {plan.summary}",
        "Add to each data point its owner, and its destinations: where it is consumed, what for.",
        *(f"Not kept: {lost.says}." for lost in plan.lost),
    ]
    return writing.plan_as_yaml(plan.entries, head)


def save(text: str, path: Path) -> None:
    """Write a new file, and never over one."""
    try:
        with path.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
    except FileExistsError:
        raise Mistake(
            f"`{path}` is there already.",
            "A plan that somebody has written is never overwritten.",
            "name another file with --out, and compare the two.",
        ) from None
    except OSError as error:
        raise Mistake(
            f"`{path}` cannot be written.",
            f"The system says: {error.strerror}.",
            "name a file in a folder that is there.",
        ) from None


def _plan_in(path: Path, format: str) -> Plan:
    data = content(path, csv=format == CSV)
    fitting = [name for name in FORMATS if _fits(name, data)]
    name = format or next(iter(fitting), "")
    if not name:
        raise Mistake(
            f"`{path.name}` is in none of the formats that the playbook reads.",
            f"It holds {_shape(data)}; the formats are: {listed(FORMATS)}.",
            "export the plan again in one of them, or name the format with --format.",
        )
    if name not in (*fitting, CSV):
        raise Mistake(
            f"`{path.name}` is not in the format {name}.",
            f"It holds {_shape(data)}"
            + (f", and looks like {listed(fitting)}." if fitting else "."),
            "leave --format out, or export the plan again.",
        )
    found = list(csv_events(data, path.name) if name == CSV else FORMATS[name][1](data))
    entries = tuple(each for each in found if isinstance(each, Entry))
    return Plan(entries, tuple(each for each in found if isinstance(each, Lost)))


def _fits(name: str, data: object) -> bool:
    return isinstance(data, str) == (name == CSV) and FORMATS[name][0](data)


def _shape(data: object) -> str:
    """What a file holds, in words."""
    match data:
        case dict():
            return f"a mapping of {listed(list(data)[:8])}"
        case list():
            return f"a list of {len(data)}"
        case str():
            line = data.strip().partition("\n")[0]
            return f"text that begins with `{line[:80].strip()}`"
    return f"`{data}`"
