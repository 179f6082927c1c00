"""Stage 3: how many units and weeks each play needs, from drawn accounts and on the demo."""

from __future__ import annotations

import hashlib
import math
import random
from datetime import timedelta

import pytest

from playbook import ledger
from playbook.inference import sizing
from playbook.personalization.holdouts import holdouts
from playbook.results import Unavailable, figures, listings
from tests import small
from tests.small import play

GUIDE = play("guide", smallest_effect=0.2)
PERIOD = ("2026-01-01", "2026-01-29", "2026-01-29")  # four weeks
EARLY, LATE = "2026-01-05 09:00", "2026-01-28 09:00"  # the windows of LATE are open


def held(name, slug="guide", share=0.5):
    digest = hashlib.md5(f"{slug}:{name}".encode()).hexdigest()
    return int(digest[:7], 16) % 10_000 < share * 10_000


def opened(people, *, plays=(GUIDE,), least=2, **said):
    """A product of (user, account, day of sign-up or "", whether they do the goal)."""
    users, events = "user_id | account_id | persona\n", "user_id | account_id | event | at\n"
    for user, account, at, did in people:
        users += f"{user} | {account} | engineer\n"
        events += f"{user} | {account} | signed_up | {at}\n" if at else ""
        events += f"{user} | {account} | saved | {at}\n" if did else ""
    events += f"nobody | | other | {EARLY}\n"
    given = {"events": events, "users": users, "plays": plays, "period": PERIOD}
    return small.run(**given | {"words": {"min_n": least}} | said)


def company(seed, n=160):
    """People in accounts of skewed sizes, some in none; ids of people and accounts coincide."""
    rng = random.Random(seed)
    for k in range(n):
        account = "" if rng.random() < 0.2 else f"u{int(rng.expovariate(0.08)):03d}"
        day = LATE if rng.random() < 0.1 else EARLY
        yield f"u{k:03d}", account, day, rng.random() < (0.7 if account < "u008" else 0.2)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_facts_are_those_of_plain_python(seed):
    people = [*company(seed)]
    (row,) = holdouts(opened(people)).rows
    mature = [(u, a or ("alone", u), held(u), did) for u, a, day, did in people if day == EARLY]
    base = [did for *_, is_held, did in mature if is_held]
    assert (row["n"], row["base"]) == (len(base), pytest.approx(sum(base) / len(base)))
    assert row["base_of"] == "held-out"
    assert row["per_week"] == pytest.approx(160 / 4)
    accounts = {}
    for _, account, is_held, did in mature:
        accounts.setdefault(account, []).append((is_held, did))
    sizes = [len(members) for members in accounts.values()]
    size = sum(sizes) / len(sizes)
    assert row["people_per_account"] == pytest.approx(size)
    arms = []
    for arm in (False, True):
        own = [[did for is_held, did in m if is_held == arm] for m in accounts.values()]
        pairs = [(sum(dids), len(dids)) for dids in own if dids]
        arms.append(
            sizing.Clusters(
                len(pairs),
                sum(n for _, n in pairs),
                sum(n * n for _, n in pairs),
                sum(y for y, _ in pairs),
                sum(y * y / n for y, n in pairs),
            )
        )
    assert row["icc"] == pytest.approx(sizing.icc(arms), abs=1e-5)
    cv = math.sqrt(sum((s - size) ** 2 for s in sizes) / len(sizes)) / size
    times = sizing.design_effect(size, cv, row["icc"])
    assert row["design_effect"] == pytest.approx(times)
    assert times > 1.3  # the draw has what it is to find
    # Weeks end with the last window: 72 hours.
    pace = {"per_look": row["per_week"], "holdout": 0.5}
    by_account = sizing.units_at_pace(row["base"], 0.2, design_effect=times, **pace)
    assert row["units"] == sizing.units_at_pace(row["base"], 0.2, **pace)
    assert row["weeks"] == row["weeks_at_half"] == math.ceil(row["units"] / 40 + 3 / 7)
    assert row["weeks_by_account"] == math.ceil(by_account / 40 + 3 / 7) > row["weeks"]
    assert row["sees"] == pytest.approx(
        sizing.smallest_difference(row["base"], (12 - 3 / 7) * 40, holdout=0.5, looks=12)
    )
    assert (row["answerable"], row["verdict"]) == (True, f"{row['weeks']} weeks.")


def test_where_accounts_are_drawn_they_are_counted_and_cost_nothing_more():
    team = play("guide", unit="account", smallest_effect=0.2)
    people = [(f"u{k}", f"a{k // 3}", EARLY, k % 4 == 0) for k in range(90)]
    (row,) = holdouts(opened(people, plays=[team])).rows
    found = ledger.outcomes(opened(people, plays=[team]), team).to_pandas()
    own = found[found.arm == "holdout"]
    assert (row["unit"], row["n"], row["per_week"]) == ("account", len(own), 30 / 4)
    assert row["base"] == pytest.approx(own.did.mean())
    assert row["people_per_account"] is row["icc"] is row["weeks_by_account"] is None


def test_a_draft_and_a_play_with_few_held_out_are_planned_on_everybody():
    people = [(f"u{k}", f"a{k}", EARLY, k % 4 == 0) for k in range(60)]
    few = sum(held(user) for user, *_ in people)
    rows = [
        holdouts(opened(people, plays=[each], least=least)).rows[0]
        for each, least in [
            (GUIDE, few),
            (GUIDE, few + 1),
            (play("guide", draft=True, smallest_effect=0.2), 2),
        ]
    ]
    assert [(row["base_of"], row["n"]) for row in rows] == [
        ("held-out", few),
        ("all", 60),
        ("all", 60),
    ]
    assert rows[1]["base"] == rows[2]["base"] == 0.25


def test_each_arm_has_at_least_as_many_as_impact_asks():
    people = [(f"u{k}", f"a{k}", EARLY, k % 2) for k in range(60)]
    wide = play("guide", holdout=0.1, smallest_effect=0.45)
    (row,) = holdouts(opened(people, plays=[wide], least=30)).rows
    assert (row["base_of"], row["units"]) == ("all", 300)
    assert row["weeks_at_half"] == math.ceil(60 / 15 + 3 / 7)


def test_what_takes_too_long_is_not_answerable_and_says_what_would_be():
    people = [(f"u{k}", f"a{k}", EARLY, k % 4 == 0) for k in range(60)]
    said = {
        share: holdouts(opened(people, plays=[play("guide", holdout=share, smallest_effect=s)]))
        for share, s in [(0.5, 0.05), (0.1, 0.1), (0.05, 0.08)]
    }
    rows = {share: found.rows[0] for share, found in said.items()}
    assert all(row["weeks"] > 52 and not row["answerable"] for row in rows.values())
    half, tenth, twentieth = (row["verdict"] for row in rows.values())
    sees = f"{rows[0.5]['sees'] * 100:.1f}"
    assert half == (
        f"Not answerable with your traffic: it takes {rows[0.5]['weeks']} weeks. "
        f"12 weeks show rises from {sees} points on."
    )
    weeks, at_half = rows[0.1]["weeks"], rows[0.1]["weeks_at_half"]
    assert at_half <= 52
    assert tenth.startswith(
        f"Not answerable with 10 % held out: it takes {weeks} weeks, or {at_half} with half held"
    )
    assert rows[0.05]["weeks_at_half"] > 52
    assert twentieth.startswith("Not answerable with your traffic: it takes ")


MANY = [(f"u{k}", f"a{k}", EARLY, False) for k in range(60)]


@pytest.mark.parametrize(
    ("people", "effect", "least", "verdict"),
    [
        ([("u1", "a1", "", False)], 0.2, 2, "Nobody triggers it in the period: there is no"),
        (MANY, 0.2, 2, "Nobody of 30 users does the goal: there is no base to plan on."),
        ([(*p[:3], True) for p in MANY], 0.2, 2, "Everybody of 30 users does the goal: there"),
        ([(*p[:2], LATE, True) for p in MANY], 0.2, 2, "Too few users to plan on: the window of 0"),
        (MANY, 0.2, 61, "Too few users to plan on: the window of 60 is over, and it takes 61."),
        (
            [(*p[:3], k % 8 > 0) for k, p in enumerate(MANY)],
            0.4,
            2,
            "76.7 % do the goal as it is: there is no room for 40 points more.",
        ),
        ([(p[0], "one", EARLY, k % 2) for k, p in enumerate(MANY)], 0.2, 2, "16 weeks."),
    ],
)
def test_what_cannot_be_planned_is_a_sentence(people, effect, least, verdict):
    found = holdouts(opened(people, plays=[play("guide", smallest_effect=effect)], least=least))
    (row,) = found.rows
    assert row["verdict"].startswith(verdict)
    if not verdict.endswith("weeks."):
        assert row["units"] is row["weeks"] is row["weeks_by_account"] is None
        assert row["sees"] is None or "no room" in verdict  # a smaller rise may well be seen
    assert row["icc"] is row["design_effect"] is None
    numbers = [value for value in row.values() if isinstance(value, float)]
    assert all(math.isfinite(number) for number in numbers)
    assert "nan" not in listings.table(found)._plain().lower()
    kept = {row["figure"].rpartition(".")[2]: row["value"] for row in figures.of(found)}
    assert kept == {
        name: None if row[name] is None else round(float(row[name]), 6)
        for name, value in row.items()
        if not isinstance(value, str | bool)
    }


def test_strata_that_hold_out_other_shares_are_planned_at_the_share_that_comes_out():
    strata = play("guide", holdout=0.1, holdout_by={"persona": {"engineer": 0.5}})
    people = [(f"u{k}", f"a{k}", EARLY, k % 4 == 0) for k in range(60)]
    run = opened(people, plays=[strata])
    (row,) = holdouts(run).rows
    arms = ledger.outcomes(run, strata).to_pandas().arm
    assert row["holdout"] == pytest.approx((arms == "holdout").mean())
    assert row["holdout"] > 0.3


def test_the_most_important_play_stands_first_and_those_without_a_holdout_do_not_stand():
    plays = [play("b"), play("a", priority=10), play("c", holdout=0)]
    found = holdouts(opened(MANY, plays=plays))
    assert (found.id, found.shape) == ("personalization.holdouts", "table")
    assert [row["play"] for row in found.rows] == ["a", "b"]


@pytest.mark.parametrize(
    ("plays", "reason"),
    [
        ([], "No play with a holdout is declared: there is nothing to size."),
        ([play("guide", holdout=0)], "No play with a holdout is declared"),
        ([play("guide", audience={"persna": "x"})], "The audience of `guide` names persna"),
    ],
)
def test_what_cannot_be_sized_says_why(plays, reason):
    found = holdouts(opened(MANY, plays=plays))
    assert isinstance(found, Unavailable)
    assert found.reason.startswith(reason)


def test_every_play_of_the_demo_has_its_plan(airtouch):
    rows = {row["play"]: row for row in holdouts(airtouch).rows}
    ahead = [play for play in airtouch.declared.plays if not play.is_over(airtouch.as_of)]
    assert set(rows) == {play.slug for play in ahead if play.holdout}
    assert all(row["weeks"] and row["verdict"] for row in rows.values())
    # The same effect on the same base, with less than half the traffic.
    into, out = (rows[f"organic_engineer_guide_{way}"] for way in ("into", "out"))
    assert into["base"] == pytest.approx(0.12, abs=0.05)
    assert out["base"] == pytest.approx(0.14, abs=0.08)
    assert out["weeks"] > 2 * into["weeks"]
    # What is planted: 18 points are there to be seen within the demo's 26 weeks, 2 are not.
    since = airtouch.period.as_of - airtouch.period.since
    months = since / timedelta(weeks=1)
    seen = {
        way: sizing.smallest_difference(
            rows[f"organic_engineer_guide_{way}"]["base"],
            rows[f"organic_engineer_guide_{way}"]["per_week"] * months,
            holdout=rows[f"organic_engineer_guide_{way}"]["holdout"],
        )
        for way in ("into", "out")
    }
    assert seen["into"] < 0.18
    assert seen["out"] > 0.02 * 5
    # Invited people sit in accounts of several; those who came on their own are alone.
    assert rows["invited_engineer_docs"]["people_per_account"] > 2
    assert rows["organic_engineer_welcome"]["people_per_account"] == pytest.approx(1, abs=0.05)
