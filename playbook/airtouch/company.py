"""One block of the simulated company: some thousand accounts and everything that happens there."""

from __future__ import annotations

import numpy as np

from playbook.airtouch import defects as spoil
from playbook.airtouch import people as who
from playbook.airtouch import sessions as log
from playbook.airtouch.agents import agents, sent_along
from playbook.airtouch.collection import mailer_copy, with_faults
from playbook.airtouch.draws import Columns, between, stack, take
from playbook.airtouch.journeys import journeys
from playbook.airtouch.messages import sent_messages
from playbook.airtouch.milliseconds import MINUTE, NEVER, SECOND
from playbook.airtouch.truth import INTENTS, TRUTH
from playbook.airtouch.workflows import deletions, runs, stored_workflows, workflows

GENERATIONS = 3  # owners, whom they invite, and whom those invite


def company(
    rng: np.random.Generator, accounts: int, block: int, *, defects: bool
) -> dict[str, Columns]:
    """The numbers of one block: `people`, `events`, `messages`, the product's own `workflows` and
    `connections`, and `mailer_events`, one row each of their things.

    Ids are positions, times are milliseconds since START, NEVER and -1 stand for null.
    """
    # Generators apart: what they draw leaves what `rng` draws as it is.
    for_agents, for_workflows, for_collection, for_mailer, for_steps = rng.spawn(5)
    people, drafts, connections, invitations = _population(rng, accounts, block, defects=defects)
    flows = workflows(rng, people, drafts)
    actions = _actions(rng, people, drafts, connections, invitations, flows)
    events, sessions = log.in_sessions(rng, people, log.possible_rows(people, actions))
    events = stack([events, log.possible_rows(people, _on_servers(rng, people, flows))])
    if defects:
        events = stack([events, log.possible_rows(people, _bots(rng, people))])
    events = spoil.with_envelope(rng, events, people)
    if defects:
        events = spoil.with_defects(rng, events, people)
        events = with_faults(for_collection, events)
    events = take(events, np.argsort(events["received"], kind="stable"))
    events["agent"] = sent_along(events, agents(for_agents, people))
    return {
        "people": people,
        "events": events,
        "messages": sent_messages(rng, for_steps, people, sessions),
        "workflows": stored_workflows(for_workflows, people, flows, defects=defects),
        "connections": _connected(people, connections),
        "mailer_events": mailer_copy(for_mailer, events, defects=defects),
    }


def _population(
    rng: np.random.Generator, accounts: int, block: int, *, defects: bool
) -> tuple[Columns, Columns, Columns, Columns]:
    """The people of all generations and their drafts, connections and invitations."""
    people = who.account_owners(rng, accounts, defects=defects)
    done: list[Columns] = []
    acts: dict[str, list[Columns]] = {"drafts": [], "connections": [], "invitations": []}
    offset = 0
    for _ in range(GENERATIONS):
        n = len(people["created"])
        people["number"] = offset + np.arange(n)
        for name, table in journeys(rng, people, block).items():
            table["by"] = table["by"] + offset
            acts[name].append(table)
        done.append(people)
        offset += n
        last = acts["invitations"][-1]
        accepted = last["accepted"] & (len(done) < GENERATIONS)
        last["invitee"] = np.where(accepted, offset + np.cumsum(accepted) - 1, -1)
        people = who.invited_people(rng, stack(done), take(last, accepted))
    return (stack(done), *(stack(tables) for tables in acts.values()))


def _actions(
    rng: np.random.Generator,
    people: Columns,
    drafts: Columns,
    connections: Columns,
    invitations: Columns,
    flows: Columns,
) -> Columns:
    """What people do in the browser, as rows of the log without sessions."""
    asked = _invitees(invitations, len(people["created"]))
    return stack(
        [
            log.page_visits(rng, people),
            *_building(rng, people, drafts, flows),
            *_connecting(rng, connections),
            log.entries("colleague_invited", invitations["by"], invitations["at"], invitee=asked),
            _single_events("docs_opened", people),
            _single_events("community_joined", people),
        ]
    )


def _building(
    rng: np.random.Generator, people: Columns, drafts: Columns, flows: Columns
) -> list[Columns]:
    """Drafts started, workflows saved and workflows deleted."""
    by, n = flows["by"], len(flows["by"])
    known = people["intent"][by] != INTENTS.index("unknown")
    direction = np.where(known, people["intent"][by], rng.integers(0, 2, n))
    gone = deletions(rng, people, flows)
    which = gone["workflow"]
    draft = np.arange(len(drafts["by"]))
    saved = {"workflow": np.arange(n), "draft": flows["draft"], "direction": direction}
    return [
        log.entries("workflow_creation_started", drafts["by"], drafts["at"], draft=draft),
        log.entries("workflow_saved", by, flows["saved_at"], **saved),
        log.entries("workflow_deleted", by[which], gone["at"], workflow=which),
    ]


def _connecting(rng: np.random.Generator, connections: Columns) -> list[Columns]:
    """Connections created, most of them tested soon after."""
    by, at, n = connections["by"], connections["at"], len(connections["by"])
    tested = at + between(rng, 20 * SECOND, 3 * MINUTE, n)
    chosen = np.flatnonzero(rng.random(n) < TRUTH["habits"]["connection_tested"])
    return [
        log.entries("connection_created", by, at, connection=np.arange(n)),
        log.entries("connection_tested", by[chosen], tested[chosen], connection=chosen),
    ]


def _connected(people: Columns, connections: Columns) -> Columns:
    """The product's own connections: `number`, `by` and `at`, oldest first."""
    table = connections | {"number": np.arange(len(connections["by"]))}
    table = log.possible_rows(people, table)
    return take(table, np.argsort(table["at"], kind="stable"))


def _single_events(event: str, people: Columns) -> Columns:
    by = np.flatnonzero(people[event] < NEVER)
    return log.entries(event, by, people[event][by])


def _invitees(invitations: Columns, people: int) -> np.ndarray:
    """Numbers of the invited; those who never come have numbers that no person has."""
    invitee = invitations["invitee"]
    return np.where(invitee >= 0, invitee, people + np.arange(len(invitee)))


def _on_servers(rng: np.random.Generator, people: Columns, flows: Columns) -> Columns:
    """What servers record: sign-ups, verifications, accepted invitations and runs."""
    everyone = np.arange(len(people["created"]))
    verified = np.flatnonzero(people["verified"] < NEVER)
    invited = np.flatnonzero(~people["organic"])
    run = runs(rng, flows)
    by, ok = flows["by"][run["workflow"]], run["error"] < 0
    return stack(
        [
            log.entries("signed_up", everyone, people["created"]),
            log.entries("email_verified", verified, people["verified"][verified]),
            log.entries(
                "invitation_accepted", invited, people["created"][invited], invitee=invited
            ),
            log.entries("workflow_ran", by[ok], run["at"][ok], workflow=run["workflow"][ok]),
            log.entries(
                "workflow_failed",
                by[~ok],
                run["at"][~ok],
                workflow=run["workflow"][~ok],
                error=run["error"][~ok],
            ),
        ]
    )


def _bots(rng: np.random.Generator, people: Columns) -> Columns:
    """The page that a bot views within a second of signing up."""
    bot = np.flatnonzero(people["bot"])
    return log.entries(
        "page_viewed", bot, people["created"][bot] + between(rng, 100, 900, len(bot))
    )
