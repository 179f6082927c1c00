"""Every play in words: its audience, trigger, message and goal, as it is declared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from playbook.counting.shaping import Rows
from playbook.declare import Play, Step
from playbook.declare.play import PRODUCT
from playbook.language.mistakes import listed
from playbook.language.periods import duration, words
from playbook.language.wording import chosen, plain
from playbook.personalization.dryrun import decisions, declared_plays
from playbook.personalization.holdouts import holdouts
from playbook.results import Answer, Result
from playbook.results.columns import FLAG, KEY, NUMBER, TEXT
from playbook.results.section import section, there
from playbook.results.sentences import Told
from playbook.run import Run

VERBS = {"email": "mails", "in_app": "shows a guide to", "push": "sends a push to"}
VERBS |= {PRODUCT: "changes the product for"}
# What starts the clock where no event does.
BEGINS = {"assigned": "they are assigned to an arm", "message": "its first message goes out"}
CARD = {"play": KEY, "draft": FLAG, "in_words": TEXT, "a_week": NUMBER}
CARD |= {"holdout": TEXT, "waits_for": TEXT}


@section("personalization.cards")
def cards(run: Run) -> Answer:
    """Every play in words: one row per play, by priority.

    Returns:
        Shape `table`: `play`, `draft`, `in_words` (computed from the declaration), `a_week`
        (messages that would have been sent in a week of the period), `holdout`, and `waits_for`
        (the decision that stands open: go live, or weeks until its holdout can tell).
    """
    plays = sorted(declared_plays(run), key=lambda play: (-play.priority, play.slug))
    tried, sized = decisions(run), holdouts(run)

    def finish(_rows: Rows) -> Rows:
        sent: Counter[str] = Counter()
        for row in tried.rows:
            sent[row["play"]] += row["send"]
        weeks = max((min(run.period.until, run.period.as_of) - run.period.since).days / 7, 1)
        plans = {row["play"]: row for row in sized.rows}
        return [
            {
                "play": play.slug,
                "draft": play.draft,
                "in_words": _play_in_words(play, run.labels),
                "a_week": round(sent[play.slug] / weeks, 1) if play.slug in sent else None,
                "holdout": _holdout_in_words(play, run.labels),
                "waits_for": _waits(play, plans.get(play.slug)),
            }
            for play in plays
        ]

    return run.result(
        "table",
        None,
        finish,
        own=CARD,
        made_of=there(tried, sized),
        says=partial(_cards_in_words, plays),
        definition=(),
    )


def _play_in_words(play: Play, labels: Mapping[str, str]) -> str:
    """What a play does, in sentences computed from its declaration."""
    verb = VERBS[play.channel]
    text = f"{verb[0].upper()}{verb[1:]} {_who(play.audience, labels, 'everybody')} "
    text += f"{_when(play, labels)}{_conditions(play, labels)}{_subject(play)}."
    for step in play.then:
        text += " " + _then(play, step, labels)
    goal = labels.get(play.goal, play.goal)
    return f"{text} Wants: {goal} within {words(duration(play.goal_within))}."


def _who(audience: Mapping[str, tuple[str, ...]], labels: Mapping[str, str], nobody: str) -> str:
    """The persona, and what else they must be in brackets."""
    each = {
        column: " or ".join(labels.get(value, value) for value in values)
        for column, values in audience.items()
    }
    who = each.pop("persona", "people" if nobody == "everybody" and each else nobody)
    return f"{who} ({', '.join(each.values())})" if each else who


def _when(play: Play, labels: Mapping[str, str]) -> str:
    delay = duration(play.after)
    again = f", again after {words(duration(play.again))}" if play.again else ""
    if not play.trigger:
        return f"{f'{words(delay)} after' if delay else 'when'} {BEGINS[play.exposure]}"
    event = f"they {_did(play.trigger, labels)}"
    return f"{f'{words(delay)} after' if delay else 'as soon as'} {event}{again}"


def _conditions(part: Play | Step, labels: Mapping[str, str]) -> str:
    stops = [_did(event, labels) for event in (*part.unless, *getattr(part, "exits", ()))]
    needs = [_did(event, labels) for event in part.having]
    text = f", unless they {' or '.join(stops)} by then" if stops else ""
    return text + (f", provided they {' and '.join(needs)} by then" if needs else "")


def _subject(part: Play | Step) -> str:
    """The first field of the message tells which it is: a subject, or a guide."""
    fields = list(part.message.items())
    return f": {fields[0][0]} “{fields[0][1]}”" if fields else ""


def _then(play: Play, step: Step, labels: Mapping[str, str]) -> str:
    verb = VERBS[step.channel or play.channel]
    return (
        f"Then {verb} {_who(step.audience, labels, 'them')} {words(duration(step.after))} later"
        f"{_conditions(step, labels)}{_subject(step)}."
    )


def _holdout_in_words(play: Play, labels: Mapping[str, str]) -> str:
    shares = [
        f"{chosen(share)} of {labels.get(value, value)}"
        for column in play.holdout_by.values()
        for value, share in column.items()
    ]
    text = f"{chosen(play.holdout)} of {play.unit}s"
    return f"{text}, but {listed(shares)}" if shares else text


def _did(event: str, labels: Mapping[str, str]) -> str:
    return labels.get(event, event)


def _waits(play: Play, sized: Mapping[str, Any] | None) -> str:
    """The decision that a play waits for."""
    verdict = sized["verdict"] if sized else "a holdout, to be measured against"
    return f"Go live. Then: {verdict}" if play.draft else verdict


def _cards_in_words(plays: Sequence[Play], result: Result, told: Told, _words: str) -> str:
    """How many plays there are, how many of them are drafts, and which lack a holdout."""
    n, drafts = len(plays), sum(play.draft for play in plays)
    without = [plain(play.slug) for play in plays if not play.holds_out]
    text = f"**{told.count('plays', n, 'play')}** {'are' if n > 1 else 'is'} declared"
    text += f", {told.count('drafts', drafts)} of them not sent yet" if drafts else ""
    if without:
        return f"{text}; without a holdout, and so beyond measure: {', '.join(without)}."
    return f"{text}. Each has a holdout: each of them can be measured."
