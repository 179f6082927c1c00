"""What is active: the key metric, by whose it is, and whether more come than go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from playbook import answers
from playbook.counting.shaping import grouped
from playbook.friction.questions import answer
from playbook.language.wording import count, plain
from playbook.results import Answer, Result, Rows
from playbook.results.columns import COUNT, MOMENT, RATIO
from playbook.results.section import needed, section
from playbook.results.sentences import Told, each_segment
from playbook.run import Run

CAME_AND_WENT = ("new", "revived", "lost")
PULSE = dict.fromkeys(CAME_AND_WENT, COUNT) | {"ratio": RATIO}


@section("friction.{id}_by")
def active(run: Run, id: str, by: str | Sequence[str]) -> Answer:
    """How many are active at the end of each week or day: people by their traits, or things.

    What is new, kept, revived and lost is left out: `answer` has it. A thing has the traits of
    the unit that first did the goal with it; see `playbook.counting.owners`.

    Returns:
        Shape `trend`: the series `active` alone, by `by`.
    """
    found = _states_by_week(run, id, by)

    def finish(rows: Rows) -> Rows:
        return [row for row in found.finish(rows) if row["series"] == "active"]

    return replace(found, finish=finish)


@section("friction.{id}_pulse")
def pulse(run: Run, id: str, *, by: str | Sequence[str] = ()) -> Answer:
    """Whether more come than go: new and revived ones for each one that is lost.

    Amplitude calls it Pulse: (new + revived) / lost.

    Args:
        run: The opened run.
        id: A question of measure `active`.
        by: Column(s) to break it down by.

    Returns:
        Shape `table`: one row per `by`, of the last complete `week` (or `day`, as the question
        is counted): `new`, `revived`, `lost`, and their `ratio`; null where fewer than `min_n`
        are lost.
    """
    found = _states_by_week(run, id, by)

    def finish(rows: Rows) -> Rows:
        segments = grouped(found.finish(rows), found.by)
        return [
            dict(zip(found.by, segment, strict=True)) | _last_period(own, found)
            for segment, own in segments.items()
        ]

    told = ("pulse", f"(new + revived) / lost, of the last complete {found.each}")
    return replace(
        found,
        shape="table",
        own={found.each: MOMENT, **PULSE},
        title="",
        words=plain(found.counted),
        definition=(*found.definition, told),
        finish=finish,
        says=_say_pulse,
    )


def _states_by_week(run: Run, id: str, by: str | Sequence[str]) -> Result:
    answers.asked(run, id, counted_by=("active",))
    return needed(answer(run, id, by=by))


def _last_period(rows: Rows, found: Result) -> dict:
    """What came and went in the last period of a segment; those of such a trend are complete."""
    last = rows[-1]["period"]
    counts = {row["series"]: row["value"] for row in rows if row["period"] == last}
    new, revived, lost = (counts[name] for name in CAME_AND_WENT)
    ratio = (new + revived) / lost if lost >= max(found.min_n, 1) else None
    return {found.each: last, "new": new, "revived": revived, "lost": lost, "ratio": ratio}


def _say_pulse(result: Result, told: Told, things: str) -> str:
    """Per segment how many came for each one lost; `things` says what: "reports"."""

    def say(rows: Rows, things: str) -> str:
        (row,) = rows
        new, revived, lost = (count(row[name]) for name in CAME_AND_WENT)
        came = f"{new} new and {revived} revived {things} "
        came += result.when(row[result.each])
        if row["ratio"] is None:
            return f"{came}, {lost if row['lost'] else 'none'} lost."
        return f"**{row['ratio']:.2f}** came for each one lost: {came}, {lost} lost."

    return each_segment(result, told, things, say)
