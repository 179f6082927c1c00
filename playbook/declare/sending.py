"""`Sending`: what all plays of a product obey together; `Destination`: how a tool names people."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field

from playbook.declare.play import Channel, Share
from playbook.declare.reading import Duration, Identifier, Noun
from playbook.language.mistakes import Mistake
from playbook.language.periods import duration

_HOUR = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


def _clock(text: str) -> str:
    if not _HOUR.fullmatch(text):
        raise ValueError(f"`{text}` is no time of day: write 08:00 or 21:30")
    return text


def _known_zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"`{name}` is no time zone: write one such as Europe/Berlin") from error


def _length_or_calendar(value: object) -> object:
    if value not in ("day", "week"):
        try:
            duration(str(value))
        except Mistake as mistake:
            raise ValueError(f"`{value}` is no length of time, nor `day`, nor `week`") from mistake
    return value


Within = Annotated[str, BeforeValidator(_length_or_calendar)]
Clock = Annotated[str, AfterValidator(_clock)]
Zone = Annotated[str, AfterValidator(_known_zone)]


class Limit(Noun):
    """A frequency cap over all plays.

    Attributes:
        most: How many messages at most.
        per: To one person, or to all people of one account.
        within: In so long a time ("24h"; counted in the stretches of `every`, so that a message may
            come one of them early), or in a calendar `day` or `week`: of the
            person's zone, or for an account of the product's; weeks begin on Monday.
        channel: Of that channel alone; of all channels, unless given.
    """

    most: int = Field(ge=1)
    per: Literal["user", "account"] = "user"
    within: Within
    channel: Channel | None = None


class Quiet(Noun):
    """Hours of the day, in the person's zone, in which nothing goes out.

    Attributes:
        begins: The first quiet minute, such as "21:00".
        ends: The first minute after them, such as "08:00".
        then: Whether messages `wait` until the quiet hours end, or are dropped.
        channel: For that channel alone; for all channels, unless given.
    """

    begins: Clock
    ends: Clock
    then: Literal["wait", "drop"] = "wait"
    channel: Channel | None = None


class Sending(Noun):
    """What all plays obey together.

    Attributes:
        every: Messages that are due in the same stretch of that length want the same person;
            the stretches begin at midnight UTC.
        one_per: Whether one message wins per person and stretch, or one per account.
        limits: Frequency caps.
        quiet: Hours in which nothing goes out.
        zone: The zone of whoever says none in the column `timezone` of `users`.
        holdout: The share of units that never get any play.
        holdout_unit: What is held out from all plays as a whole.
        salt: What that draw starts from.
    """

    every: Duration = "1h"
    one_per: Literal["user", "account"] = "user"
    limits: tuple[Limit, ...] = ()
    quiet: tuple[Quiet, ...] = ()
    zone: Zone = "UTC"
    holdout: Share = 0.0
    holdout_unit: Literal["user", "account"] = "account"
    salt: Identifier = "all_plays"


class Destination(Noun):
    """How a tool names people, for the files of audiences.

    Attributes:
        user: What it calls the id of a person.
        account: What it calls the id of an account.
        columns: Its names → further columns of `users` that it asks for.
    """

    user: str = "user_id"
    account: str = "account_id"
    columns: dict[str, str] = {}
