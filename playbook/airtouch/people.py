"""Who signs up at Airtouch: owners of accounts, the people they invite, and who verifies."""

from __future__ import annotations

import numpy as np

from playbook.airtouch.draws import Columns, between, pick, pick_by_row
from playbook.airtouch.milliseconds import DAY, HOUR, MINUTE, NEVER, SECOND, SPAN
from playbook.airtouch.truth import INTENTS, PERSONAS, TRUTH

# Why somebody has not verified within 48 hours.
IN_TIME, NOT_SO, DISPOSABLE, BOUNCED, BOT = range(5)
ORGANIC, INVITED = "organic", "invited"
HOURS_OF_DAY = (1, 1, 1, 1, 1, 2, 4, 8, 12, 14, 14, 13, 11, 13, 14, 13, 12, 10, 7, 5, 4, 4, 3, 2)


def account_owners(rng: np.random.Generator, accounts: int, *, defects: bool) -> Columns:
    """The owners of new accounts, first come first: one row per person, and per account."""
    planned = TRUTH["defects"]
    day = pick(rng, [_busy(day) for day in range(SPAN // DAY)], accounts)
    hour = pick(rng, HOURS_OF_DAY, accounts)
    created = np.sort(day * DAY + hour * HOUR + rng.integers(0, HOUR - MINUTE, accounts))
    staff = rng.random(accounts) < planned["staff_accounts"] * defects
    owned_by_bot = planned["bots"] * TRUTH["size"]["users_per_account"] * defects
    bot = ~staff & (rng.random(accounts) < owned_by_bot)
    persona = pick(rng, list(TRUTH["owners"]["persona"].values()), accounts)
    return _with_intent(
        rng,
        {
            "account": np.arange(accounts),
            "created": created,
            "persona": persona,
            "organic": np.ones(accounts, bool),
            "inviter": np.full(accounts, -1),
            "staff": staff,
            "bot": bot,
        },
    )


def invited_people(rng: np.random.Generator, people: Columns, invitations: Columns) -> Columns:
    """The people whom invitations bring: one row per accepted invitation, in its order.

    Args:
        rng: Where chance comes from.
        people: Everybody so far; `invitations.by` are positions in it.
        invitations: One row per accepted invitation: `by`, `joins` (ms).
    """
    by = invitations["by"]
    mixes = TRUTH["invited"]["persona_by_inviter"]
    weights = np.array([mixes[persona] for persona in PERSONAS])[people["persona"][by]]
    n = len(by)
    return _with_intent(
        rng,
        {
            "account": people["account"][by],
            "created": invitations["joins"],
            "persona": pick_by_row(rng, weights),
            "organic": np.zeros(n, bool),
            "inviter": by,
            "staff": people["staff"][by],
            "bot": np.zeros(n, bool),
        },
    )


def by_persona(rates: dict, persona: np.ndarray, missing: float = 0.0) -> np.ndarray:
    """The rate of each row's persona; personas that `rates` does not name get `missing`."""
    return np.array([rates.get(name, missing) for name in PERSONAS])[persona]


def by_acquisition(rates: dict, organic: np.ndarray) -> np.ndarray:
    """The rate of each row's acquisition."""
    return np.where(organic, rates[ORGANIC], rates[INVITED])


def given_lock(people: Columns, share: np.ndarray, locked_share: float) -> np.ndarray:
    """Each person's probability: `locked_share` for those who stay unverified for 48 hours, and
    for the others what makes `share` come out over all."""
    verified = by_acquisition(TRUTH["verified_within_48h"], people["organic"])
    others = (share - (1 - verified) * locked_share) / verified
    return np.where(people["locked"], locked_share, np.maximum(others, 0.0))


def waits_for_colleague(people: Columns) -> np.ndarray:
    waiting = [PERSONAS.index("sales"), PERSONAS.index("marketing")]
    return people["organic"] & np.isin(people["persona"], waiting)


def _busy(day: int) -> float:
    return TRUTH["size"]["weekend_sign_ups"] if day % 7 >= 5 else 1.0


def _with_intent(rng: np.random.Generator, people: Columns) -> Columns:
    """Adds intent, eagerness (0 the most eager) and what becomes of the verification."""
    n = len(people["created"])
    # Internal people say "other": they are nobody's audience, but they do bend that row.
    people["persona"] = np.where(people["staff"], PERSONAS.index("other"), people["persona"])
    people["persona"] = np.where(people["bot"], PERSONAS.index("unknown"), people["persona"])
    intents = np.array([TRUTH["intent"][persona] for persona in PERSONAS])
    intent = pick_by_row(rng, intents[people["persona"]])
    people["intent"] = np.where(people["bot"], INTENTS.index("unknown"), intent)
    people["eager"] = rng.random(n)
    late = rng.random(n) >= by_acquisition(TRUTH["verified_within_48h"], people["organic"])
    people["unverified"] = np.where(late & ~people["staff"], _why_unverified(rng, people), IN_TIME)
    people["unverified"] = np.where(people["bot"], BOT, people["unverified"])
    people["locked"] = people["unverified"] != IN_TIME
    soon = between(rng, 40 * SECOND, HOUR, n, early=2)
    that_day = between(rng, HOUR, 23 * HOUR, n)
    next_day = between(rng, 24 * HOUR + 20 * MINUTE, 47 * HOUR, n)
    when = pick(rng, list(TRUTH["verified_after"].values()), n)
    delay = np.choose(when, (soon, that_day, next_day))
    people["verified"] = np.where(people["locked"], NEVER, people["created"] + delay)
    return people


def _why_unverified(rng: np.random.Generator, people: Columns) -> np.ndarray:
    reasons = TRUTH["unverified_reasons"]
    disposable = {who: reasons[who]["disposable_domain"] for who in reasons}
    bounced = {who: reasons[who]["hard_bounce"] for who in reasons}
    drawn = rng.random(len(people["organic"]))
    first = by_acquisition(disposable, people["organic"])
    second = first + by_acquisition(bounced, people["organic"])
    return np.where(drawn < first, DISPOSABLE, np.where(drawn < second, BOUNCED, NOT_SO))
