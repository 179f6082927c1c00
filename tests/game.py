"""Cardhaven, a card game played in clans: a product of another trade, with truths to recover."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

MINUTE, HOUR, DAY = 60, 3600, 86_400
BEGINS, SPAN = np.datetime64("2026-02-02T00:00:00", "s"), 26 * 7 * DAY
NEVER = 10 * SPAN
CLANS, PLAYERS, LEAGUES = 1_000, 3_000, 40
STYLES = np.array(["strategist", "brawler", "collector", "spectator", None])
STRATEGIST, BRAWLER, COLLECTOR = range(3)
THINGS = ("deck", "visit", "league", "friend", "quest")
QUESTS = np.array(["dragon", "harvest", "lantern"])
# What is true: shares of players, of decks that are begun, or of those a play reaches.
TRUTH = {
    "style": (0.35, 0.30, 0.20, 0.10, 0.05),
    "confirmed_within_48h": {"alone": 0.78, "by_friend": 0.92},
    "tutorial_within_24h": 0.70,
    "decks_never_saved": (0.45, 0.15, 0.15, 0.20, 0.20),  # strategists are stuck in the builder
    "first_deck_within_2h": 0.15,
    "first_deck_within_74h": 0.30,  # of the others; treated players: and the effect of the tip
    "tip_effect": 0.12,
    "league_within_7d": 0.25,  # the letter changes nothing
    "held_out": {"deck_tip": 0.2, "league_letter": 0.3},
}
Rows = dict[str, np.ndarray]


def write(folder: Path, *, seed: int = 3) -> Path:
    """Writes log, players, clans, decks, notices and draws to a folder, as Parquet."""
    rng = np.random.default_rng(seed)
    players = _players(rng)
    decks = _decks(rng, players)
    folder.mkdir(parents=True, exist_ok=True)
    tables = {
        "log": _log(rng, players, decks),
        "players": _player_table(rng, players),
        "clans": _clan_table(rng, players),
        "decks": _table(decks["saved"], {"deck": _ids("d", decks["deck"])}, built=decks["saved"]),
        "notices": _notices(rng, players),
        "draws": _draws(players),
    }
    for name, table in tables.items():
        pq.write_table(table, folder / f"{name}.parquet")
    return folder


def held_out(play: str) -> np.ndarray:
    """Which players a play leaves out: the playbook's own draw."""
    cut = round(TRUTH["held_out"][play] * 10_000)
    digests = [hashlib.md5(f"{play}:{who}".encode()).hexdigest() for who in _ids("p", PLAYERS)]
    return np.array([int(digest[:7], 16) % 10_000 < cut for digest in digests])


def _players(rng: np.random.Generator) -> Rows:
    """One row per player with the times of their steps, in seconds; founders come first."""
    clan = np.r_[np.arange(CLANS), rng.integers(0, CLANS, PLAYERS - CLANS)]
    founded = np.sort(rng.uniform(0, SPAN - DAY, CLANS))[clan]
    alone = np.arange(PLAYERS) < CLANS
    joined = founded + np.where(alone, 0, DAY + rng.exponential(20 * DAY, PLAYERS))
    style = rng.choice(len(STYLES), PLAYERS, p=TRUTH["style"])
    own = TRUTH["confirmed_within_48h"]
    confirms = rng.random(PLAYERS) < np.where(alone, own["alone"], own["by_friend"])
    wait = MINUTE + 40 * HOUR * rng.random(PLAYERS) ** 20
    learns = rng.random(PLAYERS) < TRUTH["tutorial_within_24h"]
    tutorial = joined + np.where(learns, rng.uniform(30 * MINUTE, 3 * HOUR, PLAYERS), NEVER)
    enters = rng.random(PLAYERS) < TRUTH["league_within_7d"]
    return {
        "clan": clan,
        "joined": joined,
        "alone": alone,
        "style": style,
        "confirmed": joined + np.where(confirms, wait, NEVER),
        "tutorial": tutorial,
        "league": tutorial + np.where(enters, rng.uniform(25 * HOUR, 8 * DAY, PLAYERS), NEVER),
        "first_deck": _first_decks(rng, joined, style),
    }


def _first_decks(rng: np.random.Generator, joined: np.ndarray, style: np.ndarray) -> np.ndarray:
    """When players save their first deck: before the tip, while it may help, later, or never."""
    tipped = (style <= BRAWLER) & ~held_out("deck_tip")
    soon = rng.random(PLAYERS) < TRUTH["first_deck_within_2h"]
    helped = TRUTH["first_deck_within_74h"] + TRUTH["tip_effect"] * tipped
    then, late = rng.random(PLAYERS) < helped, rng.random(PLAYERS) < 0.15
    at = np.where(late, rng.uniform(80 * HOUR, 13 * DAY, PLAYERS), NEVER)
    at = np.where(then, rng.uniform(2.5 * HOUR, 73 * HOUR, PLAYERS), at)
    return joined + np.where(soon, rng.uniform(80 * MINUTE, 118 * MINUTE, PLAYERS), at)


def _decks(rng: np.random.Generator, players: Rows) -> Rows:
    """One row per deck: `by`, `edited`, `saved` (or never), and in which `visit`: some of those
    who left a deck come back to it in another one."""
    first = np.flatnonzero(players["first_deck"] < SPAN)
    more = np.repeat(first, rng.poisson(1.2, len(first)))
    by = np.r_[first, more]
    later = players["first_deck"][more] + rng.uniform(HOUR, 30 * DAY, len(more))
    saved = np.r_[players["first_deck"][first], later]
    by, saved = by[saved < SPAN], saved[saved < SPAN]
    edited = saved - rng.uniform(5 * MINUTE, 40 * MINUTE, len(saved))
    left = _leaving(rng, players, by)
    begun = players["joined"][left] + HOUR + rng.exponential(3 * DAY, len(left))
    back = (rng.random(len(left)) < 0.3) & (begun > players["first_deck"][left])
    at_last = np.where(back, begun + rng.uniform(HOUR, 20 * HOUR, len(left)), NEVER)
    deck = np.arange(len(by) + len(left))
    return {
        "by": np.r_[by, left],
        "edited": np.r_[edited, begun],
        "saved": np.r_[saved, at_last],
        "deck": deck,
        "saved_in": deck + len(deck) * (deck >= len(by)),
    }


def _leaving(rng: np.random.Generator, players: Rows, by: np.ndarray) -> np.ndarray:
    """Who begins the decks that are left in their visit, so many of each style as is true."""
    style, early = players["style"], players["joined"] < SPAN - 14 * DAY
    lost = np.array(TRUTH["decks_never_saved"])
    counts = np.bincount(style[by], minlength=len(lost)) * lost / (1 - lost)
    chosen = [
        rng.choice(np.flatnonzero(early & (style == each)), round(n))
        for each, n in enumerate(counts)
    ]
    return np.concatenate(chosen)


def _log(rng: np.random.Generator, players: Rows, decks: Rows) -> pa.Table:
    """The log, in order of time."""
    everybody = np.arange(PLAYERS)
    asked, quests = everybody[CLANS:], rng.integers(0, PLAYERS, 6_000)
    asking = players["joined"][asked] - rng.uniform(HOUR, 20 * HOUR, len(asked))
    coins = rng.integers(0, PLAYERS, 700)
    parts = [
        _part("registered", everybody, players["joined"]),
        _part("app_opened", everybody, players["joined"] + 5),
        _part("email_confirmed", everybody, players["confirmed"]),
        _part("tutorial_finished", everybody, players["tutorial"]),
        _part("league_joined", everybody, players["league"], league=everybody % LEAGUES),
        _part("friend_invited", players["clan"][asked], asking, friend=asked),
        *_parts_of_decks(rng, decks),
        _part("quest_finished", quests, _after(rng, players, quests), quest=quests % len(QUESTS)),
        _part("coins_bought", coins, _after(rng, players, coins)),
    ]
    rows = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.argsort(rows["at"], kind="stable")
    return _log_table(rng, {name: values[order] for name, values in rows.items()}, players)


def _parts_of_decks(rng: np.random.Generator, decks: Rows) -> list[Rows]:
    """What is done with decks, each begun in a visit of its own, and what is done instead."""
    by, deck, edited = decks["by"], decks["deck"], decks["edited"]
    matches = _matches(rng, decks)
    played = deck[matches["deck"]]
    left = (decks["saved"] > edited + HOUR) & (rng.random(len(by)) < 0.4)
    aside, quest = edited[left] + 10 * MINUTE, deck[left] % len(QUESTS)
    return [
        _part("deck_edited", by, edited, deck=deck, visit=deck),
        _part("deck_saved", by, decks["saved"], deck=deck, visit=decks["saved_in"]),
        _part("match_played", by[played], matches["at"], deck=played, league=played % LEAGUES),
        _part("quest_finished", by[left], aside, quest=quest, visit=deck[left]),
    ]


def _part(what: str, who: np.ndarray, at: np.ndarray, **own: np.ndarray) -> Rows:
    """Rows of one event; -1 is no deck, league …"""
    unknown = {name: np.full(len(who), -1) for name in THINGS}
    return {"what": np.full(len(who), what), "who": who, "at": at} | unknown | own


def _after(rng: np.random.Generator, players: Rows, who: np.ndarray) -> np.ndarray:
    return players["joined"][who] + 3 * HOUR + rng.exponential(10 * DAY, len(who))


def _matches(rng: np.random.Generator, decks: Rows) -> Rows:
    """One row per match of a deck, every other day for as long as its player likes it."""
    saved = np.flatnonzero(decks["saved"] < SPAN)
    deck = np.repeat(saved, rng.geometric(1 / 12, len(saved)) - (rng.random(len(saved)) < 0.3))
    first = np.r_[True, deck[1:] != deck[:-1]]
    waits = rng.exponential(2 * DAY, len(deck))
    total = np.cumsum(waits := np.where(first, waits / 4, waits))
    before = (total - waits)[first][np.cumsum(first) - 1]
    return {"deck": deck, "at": decks["saved"][deck] + total - before}


def _log_table(rng: np.random.Generator, rows: Rows, players: Rows) -> pa.Table:
    n = len(rows["at"])
    own = {
        "row": _ids("r", n),
        "what": rows["what"],
        "who": _ids("p", rows["who"]),
        "clan": _ids("c", players["clan"][rows["who"]]),
        "quest": np.where(rows["quest"] < 0, None, QUESTS[rows["quest"]]),
        **{name: _ids(name[0], rows[name]) for name in ("deck", "visit", "league")},
        "friend": _ids("p", rows["friend"]),
    }
    return _table(rows["at"], own, ts=rows["at"], got=rows["at"] + rng.uniform(0, 2, n))


def _player_table(rng: np.random.Generator, players: Rows) -> pa.Table:
    hosts = np.array(["mail.example", "post.example", "inbox.example"])
    alone = players["alone"]
    own = {
        "pid": _ids("p", PLAYERS),
        "clan": _ids("c", players["clan"]),
        "mail_host": hosts[rng.integers(0, len(hosts), PLAYERS)],
        "style": STYLES[players["style"]],
        "plays_for": np.array(["ranked", "casual", None])[
            rng.choice(3, PLAYERS, p=(0.4, 0.5, 0.1))
        ],
        "came": np.where(alone, "alone", "by_friend"),
        "asked_by": np.where(alone, None, _ids("p", players["clan"])),
        "rank": np.where(alone, "chief", "mate"),
        "studio": np.zeros(PLAYERS, bool),
    }
    return _table(players["joined"], own, joined=players["joined"], confirmed=players["confirmed"])


def _clan_table(rng: np.random.Generator, players: Rows) -> pa.Table:
    own = {
        "tag": _ids("c", CLANS),
        "pass": np.array(["none", "silver", "gold"])[rng.choice(3, CLANS, p=(0.7, 0.2, 0.1))],
        "seats": rng.integers(4, 60, CLANS),
    }
    return _table(players["joined"][:CLANS], own, founded=players["joined"][:CLANS])


def _notices(rng: np.random.Generator, players: Rows) -> pa.Table:
    """The mail that asks to confirm, the tip, and the letter, in the order of sending."""
    tip, letter = players["joined"] + 2 * HOUR, players["tutorial"] + DAY
    tips = _audience("deck_tip", players) & ~held_out("deck_tip") & (players["first_deck"] > tip)
    letters = _audience("league_letter", players) & ~held_out("league_letter") & (letter < SPAN)
    everybody = np.ones(PLAYERS, bool)
    parts = [
        _sent(rng, players, "confirmation", to=everybody, at=players["joined"]),
        _sent(rng, players, "deck_tip", to=tips, at=tip),
        _sent(rng, players, "league_letter", to=letters, at=letter),
    ]
    return pa.concat_tables(parts).sort_by("out")


def _sent(
    rng: np.random.Generator, players: Rows, campaign: str, *, to: np.ndarray, at: np.ndarray
) -> pa.Table:
    """The messages of one campaign, and what became of them."""
    who = np.flatnonzero(to)
    n, out = len(who), at[who] + rng.uniform(5, 30, len(who))
    there = np.where(rng.random(n) < 0.97, out + rng.uniform(1, 20, n), NEVER)
    opened = np.where(rng.random(n) < 0.6, there + rng.uniform(5, HOUR, n), NEVER)
    tapped = np.where(rng.random(n) < 0.3, opened + rng.uniform(2, 60, n), NEVER)
    if campaign == "confirmation":  # whoever confirms has tapped the link just before
        does, click = players["confirmed"] < NEVER, players["confirmed"] - 5
        tapped, opened = np.where(does, click, NEVER), np.where(does, click - 3, opened)
        there = np.where(does, out + 1, there)
    own = {
        "notice": np.array([f"{campaign}-{place}" for place in range(n)]),
        "tool": np.full(n, "herald"),
        "via": np.full(n, "push" if campaign == "deck_tip" else "email"),
        "campaign": np.full(n, campaign),
        "player": _ids("p", who),
        "clan": _ids("c", players["clan"][who]),
        "by_machine": np.where(opened < SPAN, False, None),
    }
    fate = {"there": there, "returned": np.where(there < NEVER, NEVER, out + 3)}
    return _table(out, own, out=out, opened=opened, tapped=tapped, **fate)


def _audience(play: str, players: Rows) -> np.ndarray:
    style = players["style"]
    return style <= BRAWLER if play == "deck_tip" else style == COLLECTOR


def _draws(players: Rows) -> pa.Table:
    """The side of each player of a play's audience, drawn when they register."""
    parts = []
    for play in TRUTH["held_out"]:
        to = np.flatnonzero(_audience(play, players))
        own = {
            "campaign": np.full(len(to), play),
            "kind": np.full(len(to), "player"),
            "unit": _ids("p", to),
            "side": np.where(held_out(play)[to], "control", "gets_it"),
        }
        parts.append(_table(players["joined"][to], own, drawn=players["joined"][to]))
    return pa.concat_tables(parts)


def _ids(letter: str, numbers: np.ndarray | int) -> np.ndarray:
    """Ids such as p00012; of -1 none; of a count, the ids from the first on."""
    numbers = np.arange(numbers) if isinstance(numbers, int) else numbers
    named = [f"{letter}{number:05d}" if number >= 0 else None for number in numbers.tolist()]
    return np.array(named, object)


def _table(at: np.ndarray, own: Rows, **times: np.ndarray) -> pa.Table:
    """The rows that came before the data end; later times of theirs have not come yet."""
    there = at < SPAN
    columns = {name: pa.array(values[there], from_pandas=True) for name, values in own.items()}
    for name, values in times.items():
        moments = BEGINS.astype("M8[us]") + (values[there] * 1e6).astype("m8[us]")
        columns[name] = pa.array(moments, mask=values[there] >= SPAN)
    return pa.table(columns)
