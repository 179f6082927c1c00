"""Stage 4: what a play changes, who it reaches, and every reason to say nothing."""

from __future__ import annotations

import hashlib
import itertools

import pytest

from playbook import charts, findings, impact
from playbook.inference import compare
from playbook.results import Unavailable, figures, listings
from tests import small
from tests.small import play, question

GUIDE = play("guide", smallest_effect=0.3, looks="30d")
EARLY, LATE = "2026-01-05 09:00", "2026-01-30 09:00"  # the windows of LATE are open


def units(arm, n, slug="guide", holdout=0.5):
    """The first n names that fall into an arm, drawn as the play's declaration says."""

    def drawn(name):
        digest = hashlib.md5(f"{slug}:{name}".encode()).hexdigest()
        held = int(digest[:7], 16) % 10_000 < holdout * 10_000
        return held == (arm == "holdout")

    names = (f"u{k:04d}" for k in itertools.count())
    return list(itertools.islice((name for name in names if drawn(name)), n))


# The tool goes on to send: its export is not cut off.
END_OF_EXPORT = "nobody | news | 2026-01-30 23:00 | | | |\n"


def opened(
    arms,
    *,
    plays=(GUIDE,),
    told=(),
    persona=None,
    messages=True,
    live=True,
    whole=True,
    cut="",
    more_events="",
    more_users="",
    **said,
):
    """A product whose units of each arm sign up, some of whom save.

    Args:
        arms: (arm, n units, how many do the goal[, day of sign-up]).
        plays: The plays that are declared; the first one's arms are used.
        told: Units that the tool sent the play to, besides all treated ones.
        live: Whether it sent the play at all.
        persona: Unit → persona; engineers by default.
        messages: Whether the table of messages is mapped.
        whole: Whether the messages are exported to the end.
        cut: From when on there are none at all.
        more_events, more_users: Further lines of these tables.
        said: Further arguments of `small.run`.
    """
    events, users, taken = "user_id | event | at\n", "user_id | persona | account_id\n", set()
    own_treated: dict[str, str] = {}
    for arm, n, did, *day in arms:
        own = [
            u for u in units(arm, 2000, plays[0].slug, plays[0].holdout or 0.5) if u not in taken
        ]
        for place, name in enumerate(own[:n]):
            taken.add(name)
            at = day[0] if day else EARLY
            own_treated |= {name: at} if arm == "treated" else {}
            events += f"{name} | signed_up | {at}\n"
            events += f"{name} | saved | {at}\n" if place < did else ""
            users += f"{name} | {persona(name) if persona else 'engineer'} | a_{name}\n"
    events += f"nobody | saved | {EARLY}\n"  # the goal is known even if no unit does it
    sent = "user_id | play | sent_at | delivered_at | seen_at | seen_by_machine | clicked_at\n"
    reached = dict.fromkeys(told, EARLY) | own_treated if live else {}
    sent += "".join(
        f"{u} | guide | {at} | {at} | | |\n" for u, at in reached.items() if not cut or at < cut
    )
    sent += END_OF_EXPORT if whole else ""
    drawn = {"events": events + more_events, "users": users + more_users} | (
        {"messages": sent} if messages else {}
    )
    return small.run(plays=plays, **{"words": {"min_n": 30}} | said, **drawn)


def one(found):
    (row,) = found.rows
    return row


@pytest.mark.parametrize(
    ("treated", "held", "verdict", "grade"),
    [
        ((200, 120), (200, 80), "works", "A"),
        ((200, 80), (200, 120), "harms", "A"),
        ((200, 100), (200, 95), "cannot tell", "A"),
        ((200, 200), (200, 200), "cannot tell", "A"),
        ((200, 100), (200, 4), "works", "A"),
        ((200, 0), (200, 60), "harms", "A"),
        ((200, 3), (200, 2), "too few", "–"),
        ((200, 0), (200, 0), "too few", "–"),
        ((29, 20), (29, 20), "too few", "–"),
        ((320, 150), (200, 100), "check failed", "–"),
        ((200, 100), (0, 0), "check failed", "–"),
        ((0, 0), (0, 0), "too few", "–"),
    ],
)
def test_the_verdict_follows_the_interval_and_refuses_what_cannot_be_told(
    treated, held, verdict, grade
):
    run = opened([("treated", *treated), ("holdout", *held)])
    found = impact.effect(run, "guide")
    row = one(found)
    assert (row["verdict"], row["grade"]) == (verdict, grade)
    if grade == "A":
        assert row["low"] < row["difference"] < row["high"]
    else:
        assert row["difference"] is None
        assert all(figure["value"] is None for figure in figures.of(found))
    said = findings.effect(found).text + str(charts.of(found, title="Effect").__dict__)
    assert "nan" not in (said + listings.table(found)._plain()).lower()


def test_an_effect_says_its_sizes_its_difference_and_newcombes_interval():
    run = opened([("treated", 70, 56), ("holdout", 80, 48)])
    row = one(impact.effect(run, "guide"))
    assert (row["label"], row["n_treated"], row["n_holdout"]) == ("guide", 70, 80)
    assert (row["accounts_treated"], row["accounts_holdout"]) == (70, 80)
    assert (row["treated"], row["holdout"]) == (0.8, 0.6)
    assert row["difference"] == pytest.approx(0.2)
    found = compare.people((70, 56), (80, 48), deviations=row["deviations"])
    assert (row["low"], row["high"]) == (found.low, found.high)
    # Newcombe 1998, table II: what a single look would print; this one leaves some for later ones.
    assert row["looks"] == 1
    assert row["low"] < 0.0524 < 0.3339 < row["high"]
    assert 1.96 < row["deviations"] < 2.2


def test_units_whose_window_is_open_are_counted_apart():
    arms = [("treated", 60, 30), ("holdout", 60, 20), ("treated", 7, 7, LATE)]
    row = one(impact.effect(opened(arms), "guide"))
    assert (row["n_treated"], row["n_holdout"], row["open"]) == (60, 60, 7)
    assert row["treated"] == 0.5


@pytest.mark.parametrize(("reached", "verdict"), [(5, "works"), (6, "check failed")])
def test_a_holdout_that_got_the_message_is_no_holdout(reached, verdict):
    arms = [("treated", 100, 70), ("holdout", 100, 30)]
    run = opened(arms, told=units("holdout", reached))
    row = one(impact.effect(run, "guide"))
    assert row["verdict"] == verdict
    (check,) = [r for r in impact.checks(run).rows if r["check"] == "held out"]
    assert check["seen"].startswith(f"{reached} of 100 got the message")
    assert check["status"] == ("failed" if verdict == "check failed" else "caveat")
    if verdict == "check failed":
        assert row["low"] is row["high"] is row["difference"] is None


def test_a_play_that_was_never_sent_is_no_experiment():
    run = opened([("treated", 100, 70), ("holdout", 100, 30)], live=False)
    found = impact.effect(run, "guide")
    assert one(found)["verdict"] == "never sent"
    assert "was never sent" in findings.effect(found).text


def test_arms_that_the_products_own_log_draws_otherwise_fail_the_check():
    arms = [("treated", 100, 70), ("holdout", 100, 30)]
    log = f"play | unit_id | arm | source\nguide | {units('treated', 1)[0]} | holdout | ours\n"
    row = one(impact.effect(opened(arms, assignments=log), "guide"))
    assert (row["verdict"], row["difference"]) == ("check failed", None)
    assert row["why"] == "log: 1 are in another arm of the log"


def test_effects_stand_in_order_of_size_and_what_cannot_be_told_is_last():
    plays = (GUIDE, play("other", goal="nothing"), play("third", audience={"persona": "sales"}))
    arms = [("treated", 200, 120), ("holdout", 200, 80)]
    found = impact.effects(opened(arms, plays=plays))
    assert found.rows[0]["label"] == "guide"
    assert [row["verdict"] for row in found.rows][1:] == ["no such event", "too few"]
    assert (found.id, found.shape) == ("impact.effects", "effect")
    assert [f["figure"] for f in figures.of(found)] == [
        f"impact.effects.{row['label']}" for row in found.rows
    ]


def test_a_breakdown_follows_the_products_order_with_unknown_last():
    personas = ["engineer", "analyst", ""]
    plays = (play("guide", audience={}),)
    run = opened(
        [("treated", 90, 60), ("holdout", 90, 30)],
        plays=plays,
        persona=lambda name: personas[int(name[1:]) % 3],
        words={"min_n": 1, "order": {"persona": ["engineer"]}},
    )
    found = impact.effect(run, "guide", by="persona")
    assert [row["persona"] for row in found.rows] == ["engineer", "analyst", "(unknown)"]
    assert sum(row["n_treated"] + row["n_holdout"] for row in found.rows) == 180
    assert {f["segment"] for f in figures.of(found)} == {
        "persona=engineer",
        "persona=analyst",
        "persona=(unknown)",
    }


ACCOUNTS = """
    user_id | account_id | event     | at
    ann     | a1         | signed_up | 2026-01-06 09:00
    bob     | a1         | signed_up | 2026-01-05 09:00
    cat     | a1         | saved     | 2026-01-07 09:00
    dee     | a2         | signed_up | 2026-01-05 09:00
"""
MEMBERS = """
    user_id | account_id | persona
    ann     | a1         | engineer
    bob     | a1         | analyst
    cat     | a1         | sales
    dee     | a2         | engineer
"""
NO_MESSAGES = """
    user_id | play | sent_at
"""


def test_an_account_has_the_traits_of_the_person_who_triggers_and_any_member_may_do_it():
    team = play("team", audience={}, unit="account")
    run = small.run(plays=[team], events=ACCOUNTS, users=MEMBERS, messages=NO_MESSAGES)
    rows = impact.effect(run, "team", by="persona").rows
    found = {
        r["persona"]: (r["n_treated"] + r["n_holdout"], r["treated"], r["holdout"]) for r in rows
    }
    assert {persona: n for persona, (n, *_) in found.items()} == {"analyst": 1, "engineer": 1}
    assert 1.0 in found["analyst"][1:]  # bob triggers first; cat does it
    assert 0.0 in found["engineer"][1:]


# Every reason to say nothing


@pytest.mark.parametrize(
    ("slug", "plays", "messages", "by", "reason"),
    [
        ("nope", (GUIDE,), True, "", "Small declares no play `nope`. It declares: guide."),
        ("guide", (play("guide", holdout=0),), True, "", "The play `guide` has no holdout"),
        ("guide", (GUIDE,), True, "colour", "Table `users` lacks the column(s) colour."),
        (
            "guide",
            (play("guide", audience={"persna": "x"}),),
            True,
            "",
            "The audience of `guide` names persna, which `users` lacks.",
        ),
    ],
)
def test_what_cannot_be_measured_says_why(slug, plays, messages, by, reason):
    run = opened([("treated", 3, 1), ("holdout", 3, 1)], plays=plays, messages=messages)
    found = impact.effect(run, slug, by=by)
    assert isinstance(found, Unavailable)
    assert found.reason.startswith(reason)
    if "column(s)" not in reason:
        every = [impact.effects(run)] if slug == "guide" else []
        every += [impact.reach(run, slug)] if "holdout" not in reason else []
        assert all(isinstance(other, Unavailable) for other in every)


def test_without_users_or_plays_there_is_a_sentence():
    alone = small.run(plays=[GUIDE], events=ACCOUNTS)
    reason = "The table `users` is not mapped: without it nobody can say who was meant."
    for found in (
        impact.effects(alone),
        impact.effect(alone, "guide"),
        impact.reach(alone, "guide"),
    ):
        assert found.reason == reason
    bare = small.run(events=ACCOUNTS)
    assert impact.effects(bare).reason.startswith("No play with a holdout is declared")


def test_activation_by_week_is_named_after_the_stage():
    asked = question("first", "reached_within", start="signed_up", goal="saved", within="24h")
    run = small.run(questions=[asked], events=ACCOUNTS)
    found = impact.activation_by_week(run, "first")
    assert (found.id, found.shape, len(found.rows)) == ("impact.first_by_week", "trend", 1)
