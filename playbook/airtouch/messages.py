"""What Airtouch sent: verification mails, e-mails and in-app guides, and what became of them."""

from __future__ import annotations

import numpy as np

from playbook.airtouch.draws import Columns, between, planted, stack, take
from playbook.airtouch.milliseconds import DAY, HOUR, MINUTE, NEVER, SECOND, SPAN
from playbook.airtouch.people import BOT, BOUNCED, DISPOSABLE
from playbook.airtouch.plays import PLAYS, TREATED, moments, reached_people
from playbook.airtouch.truth import INTENTS, TRUTH

RATES = TRUTH["messages"]
VERIFICATION = "verification"
SENDINGS = (VERIFICATION, *PLAYS, *TRUTH["drawn_elsewhere"])
VARIANTS = ("a", "short", "long")
TIMES = (
    *("sent_at", "delivered_at", "bounced_at", "seen_at", "clicked_at"),
    *("completed_at", "dismissed_at", "unsubscribed_at", "complained_at"),
)
HARD, SOFT = 0, 1
BY_HUMAN, BY_MACHINE = 0, 1
UNKNOWN = -1


def sent_messages(
    rng: np.random.Generator, for_steps: np.random.Generator, people: Columns, sessions: Columns
) -> Columns:
    """One row per message, in order of sending: `play` (in SENDINGS), `step`, `variant` (in
    VARIANTS), `by`, times (NEVER: null), `bounce_kind` and `seen_by` (-1: null)."""
    tables = [_verification(rng, people)]
    for position, slug in enumerate(PLAYS, start=1):
        by = np.flatnonzero(reached_people(slug, people) & (people[slug] == TREATED))
        sent = moments(slug, people)[by] + between(rng, MINUTE, 10 * MINUTE, len(by))
        table = _unsent(position, by, sent)
        if PLAYS[slug]["channel"] == "email":
            _mail(rng, table, _indifference(people)[by])
        else:
            _show(rng, table, sessions)
        tables.append(table)
        for step, later in enumerate(PLAYS[slug].get("then", ()), start=1):
            tables.append(_follow_up(for_steps, slug, position, table, step, later, people))
    table = _by_end(stack(tables))
    return take(table, np.argsort(table["sent_at"], kind="stable"))


def mails(
    rng: np.random.Generator, play: str, by: np.ndarray, sent: np.ndarray, people: Columns
) -> Columns:
    """The e-mails of one of SENDINGS to some people, one each, and what became of them by END."""
    table = _unsent(SENDINGS.index(play), by, sent)
    _mail(rng, table, _indifference(people)[by])
    return _by_end(table)


def _by_end(table: Columns) -> Columns:
    """The messages sent before END, with what has become of them by then."""
    for name in TIMES[1:]:
        table[name] = np.where(table[name] < SPAN, table[name], NEVER)
    table["seen_by"] = np.where(table["seen_at"] < NEVER, table["seen_by"], UNKNOWN)
    table["bounce_kind"] = np.where(table["bounced_at"] < NEVER, table["bounce_kind"], UNKNOWN)
    return take(table, table["sent_at"] < SPAN - MINUTE)


def _unsent(position: int, by: np.ndarray, sent: np.ndarray) -> Columns:
    n = len(by)
    table = {"play": np.full(n, position), "step": np.zeros(n, int), "by": by}
    table["variant"] = np.zeros(n, int)
    table |= {name: np.full(n, NEVER) for name in TIMES}
    table |= {"bounce_kind": np.full(n, UNKNOWN), "seen_by": np.full(n, UNKNOWN)}
    return table | {"sent_at": sent}


def _follow_up(
    rng: np.random.Generator,
    slug: str,
    position: int,
    first: Columns,
    step: int,
    later: dict,
    people: Columns,
) -> Columns:
    """A further mail of a sequence: to treated people who are not stopped before its moment, and
    neither lost nor put off by the first one."""
    moment = moments(slug, people) + later["after_hours"] * HOUR
    chosen = reached_people(slug, people) & (people[slug] == TREATED)
    chosen &= people["intent"] == INTENTS.index(later["intent"])
    for event in later["unless"]:
        chosen &= people[event] > moment
    gone = [first[name] < moment[first["by"]] for name in ("unsubscribed_at", "complained_at")]
    gone.append((first["bounced_at"] < NEVER) & (first["bounce_kind"] == HARD))
    chosen[first["by"][np.logical_or.reduce(gone)]] = False
    by = np.flatnonzero(chosen)
    table = _unsent(position, by, moment[by] + between(rng, MINUTE, 10 * MINUTE, len(by)))
    _mail(rng, table, _indifference(people)[by])
    return table | {"step": np.full(len(by), step)}


def _verification(rng: np.random.Generator, people: Columns) -> Columns:
    """The mail with the link to verify: whoever verifies has clicked it just before."""
    n, why = len(people["created"]), people["unverified"]
    sent = people["created"] + between(rng, SECOND, 5 * SECOND, n)
    table = _unsent(0, np.arange(n), sent)
    verifies, drawn = people["verified"] < NEVER, rng.random(n)
    softly = ~verifies & (why != DISPOSABLE) & (drawn < RATES["verification_bounced_softly"])
    fails = np.where(why == BOT, drawn < RATES["verification_bounced_for_bots"], softly)
    bounced = (why == BOUNCED) | fails
    arrives = sent + between(rng, SECOND, 20 * SECOND, n)
    table["bounced_at"] = np.where(bounced, arrives, NEVER)
    table["bounce_kind"] = np.where((why == BOUNCED) | (why == BOT), HARD, SOFT)
    table["delivered_at"] = np.where(bounced, NEVER, arrives)
    clicked = people["verified"] - between(rng, 2 * SECOND, 12 * SECOND, n)
    table["clicked_at"] = np.where(verifies, clicked, NEVER)
    curious = rng.random(n) < RATES["verification_opened_in_vain"]
    looks = curious & ~bounced & ~verifies & (why != BOT)
    machine = looks & (rng.random(n) < 0.5)
    seen = np.where(
        verifies,
        clicked - between(rng, SECOND, 3 * SECOND, n),
        arrives + between(rng, 2 * SECOND, np.where(machine, MINUTE, DAY), n, early=2),
    )
    table["seen_at"] = np.where(verifies | looks, seen, NEVER)
    table["seen_by"] = np.where(machine, BY_MACHINE, BY_HUMAN)
    return table


def _indifference(people: Columns) -> np.ndarray:
    """From 0, whoever reads most of the mail, to 1."""
    weight = RATES["reading_follows_use"]
    absent = people["connection_created"] >= NEVER
    return weight * absent + (1 - weight) * people["eager"]


def _mail(rng: np.random.Generator, table: Columns, indifference: np.ndarray) -> None:
    """An e-mail's fate. Eager people open more, which is why openers look so good."""
    n, sent = len(indifference), table["sent_at"]
    delivered = rng.random(n) < RATES["email_delivered"]
    arrives = sent + between(rng, SECOND, 30 * SECOND, n)
    table["delivered_at"] = np.where(delivered, arrives, NEVER)
    table["bounced_at"] = np.where(delivered, NEVER, arrives)
    hard = rng.random(n) < RATES["email_hard_of_bounced"]
    table["bounce_kind"] = np.where(hard, HARD, SOFT)
    machine = delivered & (rng.random(n) < RATES["machine_opened"])
    most, least = RATES["human_open_most_eager"], RATES["human_open_least_eager"]
    opens = delivered & ~machine & (rng.random(n) < most + (least - most) * indifference)
    read = arrives + between(rng, 20 * SECOND, 2 * DAY, n, early=3)
    fetched = arrives + between(rng, 2 * SECOND, MINUTE, n)
    table["seen_at"] = np.where(machine, fetched, np.where(opens, read, NEVER))
    unknown = rng.random(n) < RATES["seen_by_unknown"]
    table["seen_by"] = np.where(unknown, UNKNOWN, np.where(machine, BY_MACHINE, BY_HUMAN))
    clicks = opens & (rng.random(n) < RATES["clicked"])
    after = read + between(rng, 2 * SECOND, 2 * MINUTE, n)
    table["clicked_at"] = np.where(clicks, after, NEVER)
    for name in ("unsubscribed", "complained"):
        chosen = planted(rng, opens, RATES[name] * n)
        table[f"{name}_at"] = np.where(chosen, after, NEVER)


def _show(rng: np.random.Generator, table: Columns, sessions: Columns) -> None:
    """An in-app guide is delivered and seen at its person's next session within 14 days."""
    by, sent, n = table["by"], table["sent_at"], len(table["by"])
    stride = 4 * SPAN
    keys = sessions["by"] * stride + sessions["at"]
    place = np.searchsorted(keys, by * stride + sent)
    place = np.minimum(place, len(keys) - 1)
    at = sessions["at"][place]
    seen = (sessions["by"][place] == by) & (at >= sent) & (at < sent + 14 * DAY)
    table["delivered_at"] = table["seen_at"] = np.where(seen, at, NEVER)
    table["seen_by"] = np.full(n, BY_HUMAN)
    drawn, later = rng.random(n), at + between(rng, 3 * SECOND, HOUR // 10, n)
    completes = seen & (drawn < RATES["in_app_completed"])
    closes = seen & ~completes
    closes &= drawn < RATES["in_app_completed"] + RATES["in_app_dismissed"]
    table["completed_at"] = np.where(completes, later, NEVER)
    table["dismissed_at"] = np.where(closes, later, NEVER)
