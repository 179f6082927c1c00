"""Tests whose arms others have drawn: a mailer's offer and its digest, a flag, and a form."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from playbook.airtouch.draws import Columns, between, pick, repeated, stack, take
from playbook.airtouch.messages import SOFT, VARIANTS, mails
from playbook.airtouch.milliseconds import DAY, HOUR, MINUTE, NEVER, SPAN
from playbook.airtouch.sessions import CODE
from playbook.airtouch.truth import INTENTS, TRUTH

TESTS = TRUTH["drawn_elsewhere"]
OFFER, DIGEST, FLAG = TESTS
INVOICES, FORM = TRUTH["invoices"], TRUTH["signup_form"]
PATH = ("signed_up", "email_verified", "connection_created", "workflow_saved", "workflow_ran")


def drawn_elsewhere(
    rng: np.random.Generator, people: Columns, events: Columns, plans: np.ndarray
) -> dict[str, Columns]:
    """The numbers of what others have drawn, one row each of their things: `accounts` and `people`
    of the mailer's two tests and `flags`, with `unit`, `arm` (in the test's split) and `at`; the
    `mails` of both; `invoices`, of accounts outside the tests, too; and `visits`, what the website
    counted of its form: `arm`, `at`, `visitors` and `signups` of each day.

    The events are there before the arms: those of people are drawn given what each of them did,
    so that arms and outcomes are together as in a randomized test with the planted effect. What
    invoices say is drawn after the arms.

    Args:
        rng: Where chance comes from; nothing else draws from it.
        people: Everybody.
        events: The log as it arrives.
        plans: The plan of each account.
    """
    for_offer, for_digest, for_flag, for_invoices, for_visits = rng.spawn(5)
    log = take(events, (events["by"] >= 0) & ~events["bot"])
    offered, told = _offered(for_offer, people), _told(for_digest, people, log)
    offers, digests = (
        take(table, table["arm"] != list(TESTS[slug]["split"]).index(TESTS[slug]["control"]))
        for slug, table in ((OFFER, offered), (DIGEST, told))
    )
    owner = np.flatnonzero(people["organic"])[offers["unit"]]
    letters = [
        _letters(for_offer, OFFER, owner, offers, people),
        _letters(for_digest, DIGEST, digests["unit"], digests, people),
    ]
    return {
        "accounts": offered,
        "people": told,
        "flags": _flagged(for_flag, people, log),
        "mails": stack(letters),
        "invoices": _invoices(for_invoices, people, plans, offered),
        "visits": _visits(for_visits),
    }


def _offered(rng: np.random.Generator, people: Columns) -> Columns:
    """Accounts of a certain age whose owner has verified; some are drawn twice, as it happens."""
    test, owners = TESTS[OFFER], take(people, people["organic"])
    n = len(owners["created"])
    at = owners["created"] + test["after_days"] * DAY + between(rng, 0, DAY, n)
    arm = pick(rng, list(test["split"].values()), n)
    chosen = (test["from_day"] * DAY <= at) & (at < test["until_day"] * DAY)
    chosen &= owners["verified"] <= at
    first = take({"unit": np.arange(n), "arm": arm, "at": at}, chosen)
    again = take(first, rng.random(len(first["at"])) < test["in_two_arms"])
    m = len(again["at"])
    again["arm"] = (again["arm"] + rng.integers(1, len(test["split"]), m)) % len(test["split"])
    again["at"] = again["at"] + between(rng, HOUR, 5 * DAY, m)
    return stack([first, again])


def _told(rng: np.random.Generator, people: Columns, log: Columns) -> Columns:
    """People who have verified and signed up a while ago, each on one of the campaign's days."""
    test, n = TESTS[DIGEST], len(people["created"])
    days = rng.integers(test["from_day"], test["until_day"], n)
    at = days * DAY + between(rng, 8 * HOUR, 16 * HOUR, n)
    there = (people["verified"] <= at) & (people["created"] + test["after_days"] * DAY <= at)
    treated = _treated(rng, test, people, log, np.where(there, at, NEVER))
    return take({"unit": np.arange(n), "arm": treated.astype(int), "at": at}, there)


def _flagged(rng: np.random.Generator, people: Columns, log: Columns) -> Columns:
    """People who come to what the flag changes; it is evaluated just before the event."""
    test, n = TESTS[FLAG], len(people["created"])
    shown = (log["event"] == CODE[test["trigger"]]) & (log["occurred"] >= test["from_day"] * DAY)
    moment = np.full(n, NEVER)
    np.minimum.at(moment, log["by"][shown], log["occurred"][shown])
    treated = _treated(rng, test, people, log, moment)
    at = moment - between(rng, 5, 400, n)
    return take({"unit": np.arange(n), "arm": treated.astype(int), "at": at}, moment < SPAN)


def _treated(
    rng: np.random.Generator, test: dict, people: Columns, log: Columns, moment: np.ndarray
) -> np.ndarray:
    """Who is treated, given whether they reached the goal.

    By Bayes' rule: of a stratum with the rate p, of whom a share q is treated, those who reached
    the goal are treated with probability q (1 + (1 − q) c (1 − p)), the others with
    q (1 − (1 − q) c p). Then treated units reach it more often by c p (1 − p), on average over the
    strata by the effect. Strata are what people are and what they did before, so that neither
    differs between the arms.
    """
    window, share = test["goal_within_hours"] * HOUR, list(test["split"].values())[1]
    reached = _did(log, [test["goal"]], moment, 0, window)
    before = [_did(log, [test["goal"]], moment, -span, -1) for span in (window, 4 * window, SPAN)]
    before.append(_did(log, PATH, moment, -4 * window, -1))
    stratum = people["persona"] * len(INTENTS) + people["intent"]
    for is_so in (people["organic"], *before):
        stratum = 2 * stratum + is_so
    # Who is one of us, or whose window is open, counts in no comparison, and tilts none.
    counts = (moment + window < SPAN) & ~people["staff"]
    n = np.bincount(stratum, counts)
    rate = (np.bincount(stratum, counts & reached) / np.maximum(n, 1))[stratum]
    uncertain = (rate * (1 - rate))[counts].sum() / max(counts.sum(), 1)
    tilt = test["effect"] / max(uncertain, test["effect"])  # 1 at most: a chance stays one
    chance = share * (1 + (1 - share) * tilt * (reached - rate) * counts)
    return rng.random(len(chance)) < chance


def _did(
    log: Columns, events: Sequence[str], moment: np.ndarray, first: int, last: int
) -> np.ndarray:
    """Who did one of the events between two times since their moment, both included."""
    rows = np.isin(log["event"], [CODE[event] for event in events])
    by, at = log["by"][rows], log["occurred"][rows]
    since = at - moment[by]
    hit = (since >= first) & (since <= last) & (moment[by] < NEVER)
    return np.bincount(by[hit], minlength=len(moment)) > 0


def _letters(
    rng: np.random.Generator, slug: str, to: np.ndarray, drawn: Columns, people: Columns
) -> Columns:
    """The test's mails. They come back softly at most, and make nobody leave: else other plays'
    mails would not reach the same people any more."""
    sent = drawn["at"] + between(rng, MINUTE, 10 * MINUTE, len(to))
    table = mails(rng, slug, to, sent, people)
    never = np.full(len(to), NEVER)
    table |= {"unsubscribed_at": never, "complained_at": never}
    table["bounce_kind"] = np.where(table["bounced_at"] < NEVER, SOFT, table["bounce_kind"])
    names = list(TESTS[slug]["split"])
    wording = np.array([VARIANTS.index(arm) if arm in VARIANTS else 0 for arm in names])
    return table | {"variant": wording[drawn["arm"]]}


def _invoices(
    rng: np.random.Generator, people: Columns, plans: np.ndarray, offered: Columns
) -> Columns:
    """Paid invoices: `account`, `at` and `cents`, in order of payment.

    An account is as large in its last invoice as in its first, and a few are many times larger
    than most. What an offer sells is an invoice more.
    """
    owners = take(people, people["organic"])
    n = len(owners["created"])
    pays = np.array([INVOICES["pay"][plan] for plan in plans.tolist()])
    pays = (rng.random(n) < pays) & ~owners["staff"] & ~owners["bot"]
    base = np.array([INVOICES["amount"][plan] for plan in plans.tolist()])
    typical = base / np.sqrt(INVOICES["tail"] + rng.random(n))
    every = INVOICES["every_days"] * DAY
    begins = np.maximum(owners["created"], owners["verified"]) + between(rng, 0, every, n)
    times = np.where(pays & (begins < SPAN), (SPAN - begins) // every + 1, 0)
    account, rank = repeated(times)
    at = begins[account] + rank * every + between(rng, 0, 6 * HOUR, len(account))
    cents = between(rng, 70 * typical[account], 130 * typical[account], len(account))
    used = rng.random(len(account)) < INVOICES["due"]
    usual = take({"account": account, "at": at, "cents": cents}, used)
    table = stack([usual, _sold(rng, offered)])
    table = take(table, table["at"] < SPAN)
    return take(table, np.argsort(table["at"], kind="stable"))


def _sold(rng: np.random.Generator, offered: Columns) -> Columns:
    """What accounts buy because of the offer: of those drawn twice, the arm that came first."""
    test = TESTS[OFFER]
    first = take(offered, np.unique(offered["unit"], return_index=True)[1])
    buys = np.array([test["buys"].get(arm, 0.0) for arm in test["split"]])[first["arm"]]
    buyers = take(first, rng.random(len(buys)) < buys)
    n = len(buyers["at"])
    at = buyers["at"] + between(rng, HOUR, (test["within_days"] - 1) * DAY, n)
    low, high = test["pays"]
    return {"account": buyers["unit"], "at": at, "cents": rng.integers(100 * low, 100 * high, n)}


def _visits(rng: np.random.Generator) -> Columns:
    """Visitors and sign-ups of the form's test, by day and arm."""
    days = np.arange(FORM["from_day"], FORM["until_day"])
    day, arm = (part.ravel() for part in np.meshgrid(days, np.arange(2), indexing="ij"))
    shares = np.array(list(FORM["split"].values()))
    visitors = rng.poisson(FORM["visitors"] * shares[arm])
    signups = rng.binomial(visitors, FORM["base"] + FORM["effect"] * arm)
    return {"arm": arm, "at": day * DAY, "visitors": visitors, "signups": signups}
