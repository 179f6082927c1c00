"""The files of audiences: whom each play is sent to, what changed since the last, a manifest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook import ledger
from playbook.declare import Destination, Noun, Play
from playbook.language.mistakes import Mistake, listed
from playbook.language.portable import count_if
from playbook.report import sendlist
from playbook.report.sendlist import CSV, JSON_LINES, Desk
from playbook.run import Run

FORMAT = 1  # a manifest of another format is as good as none
COUNTS = ("rows", "new", "kept", "gone", "held_out")  # as the index shows them
# What is said where a mark of a play is not what it was.
CHANGES = {
    "arms are drawn anew in": {"salt", "salt_of_all"},
    "another declaration of": {"version"},
    "another tool sends": {"destination"},
    "other rules for all plays decide on": {"sending"},
}
Manifest = dict[str, Any]


@dataclass(frozen=True)
class _Last:
    """A play's last export: its report, and what the manifest there says of it."""

    report: Path
    told: Manifest

    @property
    def path(self) -> Path:
        exact = next(name for name in self.told["files"] if name.endswith(".jsonl"))
        return self.report / "audiences" / exact

    @property
    def words(self) -> dict[str, str]:
        return {"user_id": self.told["user"], "account_id": self.told["account"]}


def write_audiences(folder: Path, opened: Run, *, earlier: Sequence[Path]) -> Manifest:
    """Whom each play would have been sent to in the period, as files for its destination.

    `<play>.csv` is safe to open in a spreadsheet and `<play>.jsonl` is exact; both have one row
    per message, in order of time. `since_last` says whether the play's last export had it:
    `kept`, or `new`. `<play>.gone.csv` has those that it had and that are not here any more,
    with the reason: `left_period`, `no_longer` or, where the play is no longer declared or a
    draft again, `withdrawn`. Drafts stand in `drafts/`, and are compared with drafts alone;
    no draft takes anybody away from a play that is sent.

    A message is the same one as before if its unit, person, step and episode are. Its moment is
    no part of that: a trigger that arrives late moves it, and nobody must get it twice.

    Args:
        folder: Where the files go; nobody reads it yet.
        opened: The opened run.
        earlier: The good reports before this one, the last one first. One that could not tell
            a play's audience is passed over for the one before it.

    Returns:
        What `manifest.json` holds; nothing, and no folder, where there is nothing to write. A
        play whose audience cannot be told is in it with the reason.
    """
    past = [_Last(home, told) for home in earlier if (told := read_manifest(home))]
    plays = [play for play in opened.declared.plays if ledger.is_ours_to_send(opened, play)]
    stopped = _withdrawn_plays(past, {play.slug for play in plays if not play.draft})
    if not plays and not stopped:
        return {}
    folder.mkdir()
    with sendlist.desk_in(folder) as desk:
        live = _live(opened)
        exported = {
            play.slug: _export_or_reason(folder, opened if play.draft else live, play, desk, past)
            for play in plays
        }
        withdrawn = {slug: _withdrawn(folder, slug, desk, last) for slug, last in stopped}
    manifest = {
        "format": FORMAT,
        "product": opened.declared.product.name,
        "as_of": _iso(opened.period.as_of),
        "since": _iso(opened.period.since),
        "until": _iso(opened.period.until),
        "made_at": _iso(datetime.now(UTC).replace(microsecond=0, tzinfo=None)),
        "plays": exported,
        "withdrawn": withdrawn,
    }
    text = json.dumps(manifest, indent=2, ensure_ascii=False)
    (folder / "manifest.json").write_text(f"{text}\n", encoding="utf-8")
    return manifest


def read_manifest(report: Path) -> Manifest:
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
        "rows": [
            _overview_row(slug, each) for slug, each in [*manifest["plays"].items(), *withdrawn]
        ],
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


def rows_of(run: Run, play: Play) -> ir.Table:
    """A play's part of the ledger: one row per would-be message, in both arms."""
    return ledger.decided(run).filter(_.play == play.slug)


def _live(run: Run) -> Run:
    """The run with the plays that are sent, of which none gives way to a draft."""
    plays = tuple(play for play in run.declared.plays if not play.draft)
    if len(plays) == len(run.declared.plays):
        return run
    return replace(run, declared=replace(run.declared, plays=plays))


def _last(past: Sequence[_Last], slug: str, *, draft: bool) -> _Last | None:
    """The play's last export, as a draft or as a play that is sent."""
    for each in past:
        if slug in each.told["withdrawn"] and not draft:
            return None
        told = each.told["plays"].get(slug, {})
        if "rows" in told and told["draft"] == draft:
            last = _Last(each.report, told)
            if last.path.is_file():
                return last
    return None


def _withdrawn_plays(past: Sequence[_Last], live: set[str]) -> list[tuple[str, _Last]]:
    """Plays that were exported to be sent, and are not sent now."""
    former = sorted({slug for each in past for slug in each.told["plays"]} - live)
    found = [(slug, _last(past, slug, draft=False)) for slug in former]
    return [(slug, last) for slug, last in found if last]


def _export_or_reason(
    folder: Path, run: Run, play: Play, desk: Desk, past: Sequence[_Last]
) -> dict[str, Any]:
    """What the manifest says of a play: its files, or why there are none."""
    try:
        reason = ledger.lacks(run, play.slug)
        if not reason and play.slug.endswith(".gone"):
            reason = f"`{play.slug}` ends as the lists of who is gone do. Hint: rename the play."
        if reason:
            return {"draft": play.draft, "unavailable": reason}
        tool = run.declared.product.destinations.get(play.destination, Destination())
        sendlist.refuse_columns(run, play, tool)
        last = _last(past, play.slug, draft=play.draft)
        return _exported(folder, run, play, tool, desk, last)
    except Mistake as mistake:
        return {"draft": play.draft, "unavailable": mistake.sentence}


def _exported(
    folder: Path, run: Run, play: Play, tool: Destination, desk: Desk, last: _Last | None
) -> dict[str, Any]:
    rows = rows_of(run, play)
    now = desk.brought(sendlist.with_further_columns(run, tool, rows.filter(_.decision == "send")))
    if desk.counts(
        now.aggregate(held=count_if(_.arm.fill_null("holdout").isin(list(ledger.NOT_SENT))))
    )["held"]:
        raise RuntimeError(f"The send list of `{play.slug}` holds a unit that is held out.")
    was = _was(desk, last)
    base = f"drafts/{play.slug}" if play.draft else play.slug
    (folder / base).parent.mkdir(exist_ok=True)
    marked = desk.kept("marked", sendlist.with_since_last(now, was))
    cells = sendlist.cells(marked, play, tool)
    desk.write(cells, folder / f"{base}.csv", CSV)
    desk.write(sendlist.objects(marked, play, tool), folder / f"{base}.jsonl", JSON_LINES)
    kept = count_if(_[sendlist.SINCE] == "kept")
    marks = _marks(run, play)
    return {
        "draft": play.draft,
        "channel": play.channel,
        "user": tool.user,
        "account": tool.account,
        **marks,
        "last": last.report.name if last else None,
        "changed": [word for word in marks if last and last.told[word] != marks[word]],
        **desk.counts(marked.aggregate(rows=_.count(), new=_.count() - kept, kept=kept)),
        **_gone(folder / f"{base}.gone.csv", desk, sendlist.gone_rows(run, play, was, now), last),
        **desk.counts(rows.aggregate(held_out=count_if(_.decision == "holdout"))),
        "columns": list(cells.columns),
        "files": _hashes(folder, base),
    }


def _withdrawn(folder: Path, slug: str, desk: Desk, last: _Last) -> dict[str, Any]:
    """All of a play's last export is gone."""
    lost = _was(desk, last).mutate(because=ibis.literal("withdrawn"))
    gone = _gone(folder / f"{slug}.gone.csv", desk, lost, last)
    return {"last": last.report.name, **gone, "files": _hashes(folder, slug)}


def _was(desk: Desk, last: _Last | None) -> ir.Table:
    """The rows of the last export; none where there was none."""
    words = last.words if last else {}
    columns = {name: (words.get(name, name), kind) for name, kind in sendlist.WAS.items()}
    return desk.lines(last.path if last else None, columns)


def _gone(path: Path, desk: Desk, lost: ir.Table, last: _Last | None) -> dict[str, int]:
    """Writes who is gone, in the last export's words; no file if nobody is."""
    left = count_if(_.because == "left_period")
    told = desk.counts(lost.aggregate(gone=_.count(), left_period=left))
    if told["gone"]:
        lost = desk.kept("lost", lost.order_by(["triggered_at", *sendlist.KEY]))
        desk.write(sendlist.gone_cells(lost, last.words), path, CSV)
    return told


def _marks(run: Run, play: Play) -> dict[str, str]:
    """What decides who is sent the play: a change of it is told."""
    sending = run.declared.product.sending
    return {
        "destination": play.destination,
        "salt": play.salted,
        "salt_of_all": sending.salt if sending.holdout else "",
        "version": _digest(play),
        "sending": _digest(sending),
    }


def _digest(noun: Noun) -> str:
    """Twelve hex digits of what is declared; what is left to its default is no part of it."""
    said = json.dumps(noun.model_dump(mode="json", exclude_defaults=True), sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:12]


def _hashes(folder: Path, base: str) -> dict[str, str]:
    """SHA-256 of each file that a play has."""
    found = {}
    for name in (f"{base}.csv", f"{base}.jsonl", f"{base}.gone.csv"):
        if (folder / name).is_file():
            with (folder / name).open("rb") as file:
                found[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def _overview_row(slug: str, each: Mapping[str, Any]) -> dict[str, Any]:
    files = each.get("files", {})
    return {
        "play": f"{slug} (draft)" if each.get("draft") else slug,
        "counts": [f"{each[word]:,}" if word in each else "" for word in COUNTS],
        "note": each.get("unavailable") or each.get("destination") or each["channel"],
        "files": [(name.rpartition(f"{slug}.")[2], f"audiences/{name}") for name in files],
    }


def _iso(time: datetime) -> str:
    return f"{time.isoformat()}Z"
