"""The plays of the simulated Airtouch: who is held out, and whom they reach when."""

from __future__ import annotations

import hashlib

import numpy as np

from playbook.airtouch.draws import Columns
from playbook.airtouch.milliseconds import HOUR
from playbook.airtouch.truth import INTENTS, PERSONAS, TRUTH

NOT_IN_AUDIENCE, HOLDOUT, TREATED = -1, 0, 1
PLAYS = TRUTH["plays"]


def unit_ids(slug: str, people: Columns, block: int) -> list[str]:
    """The id of each person's unit of assignment."""
    if PLAYS[slug]["unit"] == "account":
        return [f"b{block}-w{number:05d}" for number in people["account"].tolist()]
    return [f"b{block}-u{number:06d}" for number in people["number"].tolist()]


def arms_of_play(slug: str, people: Columns, block: int) -> np.ndarray:
    """Each person's arm of a play: TREATED, HOLDOUT or NOT_IN_AUDIENCE."""
    rows = np.flatnonzero(_in_audience(slug, people))
    chosen = {name: people[name][rows] for name in ("number", "account")}
    limit = round(PLAYS[slug]["holdout"] * 10_000)
    drawn = [
        int(hashlib.md5(f"{slug}:{unit}".encode()).hexdigest()[:7], 16) % 10_000 < limit
        for unit in unit_ids(slug, chosen, block)
    ]
    result = np.full(len(people["account"]), NOT_IN_AUDIENCE)
    result[rows] = np.where(np.asarray(drawn, bool), HOLDOUT, TREATED)
    return result


def moments(slug: str, people: Columns) -> np.ndarray:
    """When each person's message would go out, in ms."""
    return people["created"] + PLAYS[slug]["after_hours"] * HOUR


def reached_people(slug: str, people: Columns) -> np.ndarray:
    """Who is in the audience and is not stopped before the moment by `unless` or `having`.

    `people` holds the first time of each event that a play names, in a column of its name.
    """
    moment = moments(slug, people)
    result = _in_audience(slug, people)
    for event in PLAYS[slug].get("unless", ()):
        result &= people[event] > moment
    for event in PLAYS[slug].get("having", ()):
        result &= people[event] <= moment
    return result


def goals(people: Columns, slug: str, reached: np.ndarray) -> list[tuple[np.ndarray, float]]:
    """Groups of people that a play reached, by arm and persona, and the goals expected of each."""
    play, groups = PLAYS[slug], []
    for persona in range(len(PERSONAS)):
        for which in (HOLDOUT, TREATED):
            group = reached & (people[slug] == which) & (people["persona"] == persona)
            base, effect = (_rate(play[name], PERSONAS[persona]) for name in ("base", "effect"))
            groups.append((group, (base + effect * (which == TREATED)) * group.sum()))
    return groups


def _in_audience(slug: str, people: Columns) -> np.ndarray:
    audience = PLAYS[slug]["audience"]
    result = np.ones(len(people["account"]), bool)
    if "persona" in audience:
        result &= np.isin(people["persona"], [PERSONAS.index(p) for p in audience["persona"]])
    if "intent" in audience:
        result &= np.isin(people["intent"], [INTENTS.index(i) for i in audience["intent"]])
    if "acquisition" in audience:
        result &= people["organic"] == (audience["acquisition"] == "organic")
    return result


def _rate(value: float | dict, persona: str) -> float:
    return value.get(persona, 0.0) if isinstance(value, dict) else value
