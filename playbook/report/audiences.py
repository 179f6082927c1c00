"""The files of audiences: whom each play is sent to, what changed since the last, a manifest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook import ledger
from playbook.declare import Destination, Noun, Play
from playbook.language.mistakes import Mistake
from playbook.language.portable import count_if
from playbook.report import sendlist
from playbook.report.manifest import FORMAT, Manifest, read
from playbook.report.scratch import CSV, JSON_LINES, Desk, at
from playbook.run import Run


@dataclass(frozen=True)
class _Last:
    """A play's last export: the report's name, its folder, and what its manifest says."""

    report: str
    folder: Path
    told: Manifest

    @property
    def path(self) -> Path:
        return self.folder / next(name for name in self.told["files"] if name.endswith(".jsonl"))

    @property
    def words(self) -> dict[str, str]:
        return {"user_id": self.told["user"], "account_id": self.told["account"]}


def write(folder: Path, opened: Run, *, earlier: Sequence[Path]) -> Manifest:
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
    past = [_Last(home.name, home / "audiences", told) for home in earlier if (told := read(home))]
    plays = opened.declared.plays
    stopped = _stopped(past, {play.slug for play in plays if not play.draft})
    if not plays and not stopped:
        return {}
    folder.mkdir()
    with at(folder) as desk:
        live = _live(opened)
        exported = {
            play.slug: _tried(folder, opened if play.draft else live, play, desk, past)
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
            last = _Last(each.report, each.folder, told)
            if last.path.is_file():
                return last
    return None


def _stopped(past: Sequence[_Last], live: set[str]) -> list[tuple[str, _Last]]:
    """Plays that were exported to be sent, and are not sent now."""
    former = sorted({slug for each in past for slug in each.told["plays"]} - live)
    found = [(slug, _last(past, slug, draft=False)) for slug in former]
    return [(slug, last) for slug, last in found if last]


def _tried(folder: Path, run: Run, play: Play, desk: Desk, past: Sequence[_Last]) -> dict[str, Any]:
    """What the manifest says of a play: its files, or why there are none."""
    try:
        if reason := ledger.lacks(run, play.slug) or _ambiguous(play):
            return {"draft": play.draft, "unavailable": reason}
        tool = run.declared.product.destinations.get(play.destination, Destination())
        sendlist.check(run, play, tool)
        last = _last(past, play.slug, draft=play.draft)
        return _exported(folder, run, play, tool, desk, last)
    except Mistake as mistake:
        return {"draft": play.draft, "unavailable": mistake.sentence}


def _ambiguous(play: Play) -> str:
    if not play.slug.endswith(".gone"):
        return ""
    return f"`{play.slug}` ends as the lists of who is gone do. Hint: rename the play."


def _exported(
    folder: Path, run: Run, play: Play, tool: Destination, desk: Desk, last: _Last | None
) -> dict[str, Any]:
    rows = rows_of(run, play)
    now = desk.brought(sendlist.asked(run, tool, rows.filter(_.decision == "send")))
    if desk.counts(now.aggregate(held=count_if(_.arm.fill_null("") != "treated")))["held"]:
        raise RuntimeError(f"The send list of `{play.slug}` holds a unit that is held out.")
    was = _was(desk, last)
    base = f"drafts/{play.slug}" if play.draft else play.slug
    (folder / base).parent.mkdir(exist_ok=True)
    marked = desk.kept("marked", sendlist.marked(now, was))
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
        "last": last.report if last else None,
        "changed": [word for word in marks if last and last.told[word] != marks[word]],
        **desk.counts(marked.aggregate(rows=_.count(), new=_.count() - kept, kept=kept)),
        **_gone(folder / f"{base}.gone.csv", desk, sendlist.lost(run, play, was, now), last),
        **desk.counts(rows.aggregate(held_out=count_if(_.decision == "holdout"))),
        "columns": list(cells.columns),
        "files": _hashes(folder, base),
    }


def _withdrawn(folder: Path, slug: str, desk: Desk, last: _Last) -> dict[str, Any]:
    """All of a play's last export is gone."""
    lost = _was(desk, last).mutate(because=ibis.literal("withdrawn"))
    gone = _gone(folder / f"{slug}.gone.csv", desk, lost, last)
    return {"last": last.report, **gone, "files": _hashes(folder, slug)}


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
        desk.write(sendlist.renamed(lost, last.words), path, CSV)
    return told


def _marks(run: Run, play: Play) -> dict[str, str]:
    """What decides who is sent the play: a change of it is told."""
    sending = run.declared.product.sending
    return {
        "destination": play.destination,
        "salt": play.salted,
        "salt_of_all": sending.salt if sending.holdout else "",
        "version": _version(play),
        "sending": _version(sending),
    }


def _version(noun: Noun) -> str:
    """Twelve hex digits of what is declared; what is left to its default is no part of it."""
    said = json.dumps(noun.model_dump(mode="json", exclude_defaults=True), sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:12]


def _hashes(folder: Path, base: str) -> dict[str, str]:
    """SHA-256 of each file that a play has."""
    names = [f"{base}{ending}" for ending in (".csv", ".jsonl", ".gone.csv")]
    return {name: _sha256(folder / name) for name in names if (folder / name).is_file()}


def _iso(time: datetime) -> str:
    return f"{time.isoformat()}Z"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
