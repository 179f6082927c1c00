"""What became of a play's treated units, and by whom its messages were seen."""

from __future__ import annotations

import hashlib
import itertools

import pytest

from playbook import charts, findings, impact
from playbook.results import Unavailable
from tests import small
from tests.small import play

GUIDE = play("guide")
EARLY, LATE = "2026-01-05 09:00", "2026-01-30 09:00"  # the windows of LATE are open


def treated(n, *, held=False):
    """The first n names that the guide's draw treats, or holds out."""

    def drawn(name):
        digest = hashlib.md5(f"guide:{name}".encode()).hexdigest()
        return (int(digest[:7], 16) % 10_000 < 5_000) == held

    return list(itertools.islice((f"u{k}" for k in itertools.count() if drawn(f"u{k}")), n))


MESSAGES = """
    user_id | play  | is_ghost | sent_at    | delivered_at | seen_at    | seen_by_machine
    {0}     | guide |          | 2026-01-05 | 2026-01-05   | 2026-01-06 | false
    {1}     | guide |          | 2026-01-05 | 2026-01-05   | 2026-01-06 | true
    {2}     | guide |          | 2026-01-05 |              |            |
    {3}     | guide | true     | 2026-01-05 |              |            |
"""
LISTS = """
    user_id | channel | from_at
    {2}     |         | 2026-01-01
    {3}     | email   | 2026-01-01
"""


def world(messages=MESSAGES, **drawn):
    """Four treated units sign up and one does it, a fifth never does, a sixth's window is open."""
    names, held = treated(6), treated(1, held=True)[0]
    starts = [*((name, EARLY) for name in names[:4]), (names[5], LATE)]
    events = "user_id | event | at\n" + "".join(f"{u} | signed_up | {t}\n" for u, t in starts)
    events += f"{names[3]} | saved | {EARLY}\n{held} | saved | {EARLY}\n"
    users = "user_id | persona\n" + "".join(f"{u} | engineer\n" for u in [*names, held])
    told = {name: text.format(*names) for name, text in drawn.items()}
    told |= {} if messages is None else {"messages": messages.format(*names)}
    return small.run(plays=[GUIDE], events=events, users=users, **told)


def test_reach_goes_from_assigned_to_did_on_assigned_denominators():
    found = impact.reach(world(), "guide")
    told = [(r["step"], r["n"], r["of_first"], r["of_previous"], r["open"]) for r in found.rows]
    assert told == [
        ("assigned", 4, 1.0, 1.0, 1),
        ("triggered", 4, 1.0, 1.0, 1),
        ("allowed", 4, 1.0, 1.0, 1),
        ("sent", 3, 0.75, 0.75, 1),
        ("delivered", 2, 0.5, pytest.approx(2 / 3), 1),
        ("seen", 1, 0.25, 0.5, 1),
        ("did", 1, 0.25, None, 1),  # it follows from no click
    ]
    assert dict(found.definition)["comparison"].startswith("none: treated units alone")
    assert "4 triggered, 4 not suppressed, 3 sent" in findings.of(found).text
    assert findings.of(found).text.endswith(
        "Not known: how many were clicked or finished, because no `clicked_at` or `completed_at` "
        "of `messages` is mapped."
    )
    assert "not suppressed" in charts.of(found, title="Reach").description


def test_who_is_on_a_list_is_not_allowed_unless_the_tool_sent_it_all_the_same():
    found = impact.reach(world(suppressions=LISTS), "guide")
    counts = {row["step"]: row["n"] for row in found.rows}
    assert (counts["triggered"], counts["allowed"], counts["sent"]) == (4, 3, 3)


SEEN = """
    user_id | play  | sent_at    | delivered_at | seen_at    | seen_by_machine | clicked_at
    {0}     | guide | 2026-01-05 | 2026-01-05   | 2026-01-06 | true            |
    {0}     | guide | 2026-01-06 | 2026-01-06   | 2026-01-07 | false           |
    {1}     | guide | 2026-01-05 | 2026-01-05   | 2026-01-06 |                 |
    {1}     | guide | 2026-01-06 | 2026-01-06   | 2026-01-07 | true            |
    {2}     | guide | 2026-01-05 | 2026-01-05   | 2026-01-06 | true            |
    {3}     | guide | 2026-01-05 | 2026-01-05   |            |                 |
    {5}     | guide | 2026-01-30 | 2026-01-30   | 2026-01-30 | false           |
"""


def test_humans_machines_and_nobody_knows_whom_stay_apart():
    found = impact.seen(world(SEEN), "guide")
    assert [(row["label"], row["n"], row["total"]) for row in found.rows] == [
        ("a human", 1, 4),
        ("nobody knows whom", 1, 4),
        ("a machine alone", 1, 4),
        ("not seen", 1, 4),
    ]
    assert findings.of(found).text == (
        "Of 4 to whom it was delivered, **25.0 %** saw it for sure, and 50.0 % if all were people "
        "of whom the tool does not know it. Machines alone opened it for 25.0 %."
    )
    assert "nobody knows whom" in charts.of(found, title="Seen").description


def test_a_click_is_a_humans_whoever_opened():
    clicked = SEEN.replace("true            |\n    {0}", "true            | 2026-01-06\n    {0}")
    clicked = clicked.replace("2026-01-07 | false           |", "           |                 |")
    found = impact.seen(world(clicked), "guide")
    assert found.rows[0]["n"] == 1


def test_nobody_and_nothing_have_sentences_and_no_shares():
    none = "user_id | play | sent_at\n"
    run = world(none)
    assert [row["n"] for row in impact.reach(run, "guide").rows] == [4, 4, 4, 0, 1]
    assert "no `delivered_at` of `messages` is mapped" in impact.seen(run, "guide").reason.replace(
        "\\", ""
    )
    empty = small.run(
        plays=[play("guide", audience={"persona": "nobody"})],
        events="user_id | event | at\nann | signed_up | 2026-01-05\nann | saved | 2026-01-05\n",
        users="user_id | persona\nann | engineer\n",
        messages=none,
    )
    found = impact.reach(empty, "guide")
    assert {row["of_first"] for row in found.rows} == {None}
    assert findings.steps(found).text == "too few to say (n = 0)."
    for ask in (impact.reach, impact.seen, impact.openers):
        for other, slug, reason in (
            (world(None), "guide", "The table `messages` is not mapped"),
            (run, "nope", "Small declares no play `nope`"),
        ):
            refused = ask(other, slug)
            assert isinstance(refused, Unavailable)
            assert refused.reason.startswith(reason)


def test_openers_against_the_rest_are_refused():
    refused = impact.openers(world(), "guide")
    assert isinstance(refused, Unavailable)
    assert "grade F" in refused.reason
    assert "Compare all who triggered with those held out" in refused.reason
