"""The manifest of a report's audiences: read again, and told on the report's index."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from playbook.language.mistakes import listed

FORMAT = 1  # a manifest of another format is as good as none
COUNTS = ("rows", "new", "kept", "gone", "held_out")  # as the index shows them
# What is said where a mark of a play (see `audiences`) is not what it was.
CHANGES = {
    "arms are drawn anew in": {"salt", "salt_of_all"},
    "another declaration of": {"version"},
    "another tool sends": {"destination"},
    "other rules for all plays decide on": {"sending"},
}
Manifest = dict[str, Any]


def read(report: Path) -> Manifest:
    """The manifest of a report's audiences; nothing where it has none that we can read."""
    try:
        found = json.loads((report / "audiences" / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and found.get("format") == FORMAT else {}


def overview(manifest: Manifest) -> dict[str, Any]:
    """What a report's index says of its audiences.

    Returns:
        `said`, what changed since the last export; `heads` of the counts; and `rows`, one per
        play, withdrawn ones last: `play`, `counts` as text, `note` (the destination, or why
        there are no files) and `files` as (ending, address) pairs.
    """
    stopped = {"destination": "withdrawn"}
    withdrawn = [(slug, stopped | each) for slug, each in manifest["withdrawn"].items()]
    return {
        "said": summary(manifest),
        "heads": [word.replace("_", " ") for word in COUNTS],
        "rows": [_row(slug, each) for slug, each in [*manifest["plays"].items(), *withdrawn]],
    }


def summary(manifest: Manifest) -> str:
    """What changed since the last export, in a sentence; of the plays that are live."""
    live = {s: t for s, t in manifest["plays"].items() if "rows" in t and not t["draft"]}
    withdrawn = manifest["withdrawn"]
    every = [*live.values(), *withdrawn.values()]
    dates = [told["last"] for told in every if told["last"]]
    count = {word: sum(told.get(word, 0) for told in every) for word in (*COUNTS, "left_period")}
    if not dates:
        return f"No earlier export: all {count['rows']:,} messages are new."
    older = f" ({count['left_period']:,} left the period)" if count["left_period"] else ""
    parts = [
        f"Since the export of {max(dates)}: {count['new']:,} new, {count['kept']:,} kept, "
        f"{count['gone']:,} gone{older}"
    ]
    for words, marks in CHANGES.items():
        if slugs := [slug for slug, told in live.items() if marks & {*told["changed"]}]:
            parts.append(f"{words} {listed(slugs)}")
    return "; ".join([*parts, *([f"withdrawn: {listed(withdrawn)}"] if withdrawn else [])]) + "."


def _row(slug: str, each: Mapping[str, Any]) -> dict[str, Any]:
    files = each.get("files", {})
    return {
        "play": f"{slug} (draft)" if each.get("draft") else slug,
        "counts": [f"{each[word]:,}" if word in each else "" for word in COUNTS],
        "note": each.get("unavailable") or each.get("destination") or each["channel"],
        "files": [(name.rpartition(f"{slug}.")[2], f"audiences/{name}") for name in files],
    }
