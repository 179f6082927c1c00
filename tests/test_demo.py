"""The simulated Airtouch gives back, to plain SQL, every rate, effect and defect planted in it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from playbook.airtouch import TRUTH, agents, write, writing
from playbook.airtouch.truth import INTENTS, PERSONAS

TABLES = (
    "events",
    "users",
    "workspaces",
    "workflows",
    "connections",
    "messages",
    "suppressions",
    "holdouts",
    "mailer_events",
    "tool_arms",
    "flags",
    "invoices",
    "form_visits",
)
DEFECTS = TRUTH["defects"]
END = "timestamp '2026-07-06'"
KEYS = {
    "events": "event_id",
    "users": "id",
    "workspaces": "id",
    "workflows": "id",
    "connections": "id",
    "messages": "message_id",
    "suppressions": "user_id, reason",
    "holdouts": "play, unit_id",
    "mailer_events": "event_id",
    "tool_arms": "play, unit_id, arm",
    "flags": "flag, user_id",
    "invoices": "id",
    "form_visits": "server, form, day",
}
MAILER_GETS = ", ".join(f"'{event}'" for event in TRUTH["mailer_gets"])
OUTAGE = f"(timestamp '2026-01-05' + interval ({DEFECTS['outage']['day']}) day)"
# People of whom it is certain that they did not verify within 48 hours.
UNVERIFIED = f"""(
    p.created_at + interval 48 hour <= {END}
    and coalesce(p.verified_at > p.created_at + interval 48 hour, true)
)"""
# Of a demo of 6,000 events. It changes with TRUTH and with the order of the draws.
DIGEST = "19995a7c43a24e2d95575429819ecd02cbad9056744463f6d33510b05696c0a7"


def opened(folder: Path) -> duckdb.DuckDBPyConnection:
    """The tables of a demo, and `log` and `people`: without duplicates, bots, internal people."""
    db = duckdb.connect()
    for table in TABLES:
        files = folder / table / "*.parquet" if (folder / table).is_dir() else folder / table
        files = files if files.suffix else files.with_suffix(".parquet")
        db.sql(f"create view {table} as select * from '{files}'")
    db.sql("""
        create table log as
        select * from events
        qualify row_number() over (partition by event_id order by received_at) = 1
    """)
    db.sql("""
        create table people as
        select *, coalesce(persona, 'unknown') as who, coalesce(intent, 'unknown') as wants
        from users
        where not is_staff and id not in (select user_id from log where is_bot)
    """)
    return db


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    with opened(write(tmp_path_factory.mktemp("demo") / "airtouch")) as db:
        yield db


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    folder = tmp_path_factory.mktemp("demo") / "airtouch"
    with opened(write(folder, events=60_000, defects=False)) as db:
        yield db


def near(share: float, planted: float, n: int) -> bool:
    """Whether a share lies within four standard errors of what was planted."""
    return abs(share - planted) <= 4 * (planted * (1 - planted) / n) ** 0.5


def firsts(event: str) -> str:
    return f"""(
        select user_id, min(occurred_at) as at from log where event = '{event}' group by 1
    )"""


def digest(folder: Path) -> str:
    """A digest of the rows of a demo in their order, whatever the Parquet files look like."""
    result = hashlib.sha256()
    for table in TABLES:
        for row in pq.read_table(folder / f"{table}.parquet").to_pylist():
            line = [f"{name}={'' if value is None else value}" for name, value in row.items()]
            result.update((table + "|" + "|".join(line) + "\n").encode())
    return result.hexdigest()


# Sizes


def test_the_default_demo_has_600_000_events_of_4_000_accounts(demo):
    sizes = {t: demo.sql(f"select count(*) from {t}").fetchone()[0] for t in TABLES}
    assert sizes["events"] == pytest.approx(600_000, rel=0.03)
    assert sizes["workspaces"] == 4000
    assert sizes["users"] == pytest.approx(11_000, rel=0.03)


def test_a_small_demo_works_and_is_smaller(tmp_path):
    with opened(write(tmp_path / "small", events=20_000)) as db:
        assert db.sql("select count(*) from workspaces").fetchone() == (133,)
        assert 10_000 < db.sql("select count(*) from events").fetchone()[0] < 30_000


def test_the_smallest_demo_has_one_account(tmp_path):
    with opened(write(tmp_path / "tiny", events=1)) as db:
        assert db.sql("select count(*) from workspaces").fetchone() == (1,)


def test_several_blocks_keep_ids_unique_and_say_what_they_did(tmp_path):
    said = []
    folder = writing.write_blocks(
        tmp_path / "blocks",
        accounts=130,
        block_accounts=50,
        seed=1,
        defects=False,
        progress=said.append,
    )
    assert said == ["1 of 3 blocks written", "2 of 3 blocks written", "3 of 3 blocks written"]
    assert sorted(p.name for p in (folder / "users").iterdir()) == [
        "part-00000.parquet",
        "part-00001.parquet",
        "part-00002.parquet",
    ]
    with opened(folder) as db:
        assert db.sql("select count(*) from workspaces").fetchone() == (130,)
        for table, key in KEYS.items():
            n, ids = db.sql(f"select count(*), count(distinct ({key})) from {table}").fetchone()
            assert n == ids > 0, table


def test_several_blocks_keep_ids_unique_among_the_defects_too(tmp_path):
    folder = writing.write_blocks(
        tmp_path / "blocks", accounts=700, block_accounts=350, seed=1, defects=True
    )
    with opened(folder) as db:
        for table, key in KEYS.items():
            rows = "log" if table == "events" else table
            n, ids = db.sql(f"select count(*), count(distinct ({key})) from {rows}").fetchone()
            assert n == ids > 0, table
        assert (
            db.sql("""
            select count(distinct event_id), count(distinct (event_id, event, occurred_at)) from log
        """).fetchone()
            == (len(db.table("log")),) * 2
        )
        imported, blocks = db.sql("""
            select count(*), count(distinct left(id, 2)) from workflows
            where id not in (select workflow_id from log where event = 'workflow_saved')
        """).fetchone()
        assert imported > blocks == 2


def test_a_demo_replaces_the_one_before_and_leaves_nothing_beside_it(tmp_path):
    write(tmp_path / "demo", events=3_000)
    (tmp_path / "demo" / "stale.txt").write_text("of the demo before")
    write(tmp_path / "demo", events=3_000)
    assert [p.name for p in tmp_path.iterdir()] == ["demo"]
    assert sorted(p.stem for p in (tmp_path / "demo").iterdir()) == sorted(TABLES)


# The same everywhere


def test_the_same_seed_gives_the_same_demo_and_another_seed_another(tmp_path):
    once, again, other = (
        digest(write(tmp_path / name, events=6_000, seed=seed))
        for name, seed in (("once", 1), ("again", 1), ("other", 2))
    )
    assert once == again != other


def test_the_demo_is_the_same_on_every_machine(tmp_path):
    assert digest(write(tmp_path / "demo", events=6_000)) == DIGEST


# Sign-ups


def test_every_user_signs_up_once_at_the_time_of_their_row(demo):
    wrong = demo.sql("""
        select id from users left join log on user_id = id and event = 'signed_up'
        group by id, created_at
        having count(event_id) <> 1 or created_at <> min(occurred_at)
    """)
    assert wrong.fetchall() == []


def test_whoever_verified_has_the_event_at_the_time_of_their_row(demo):
    wrong = demo.sql("""
        select id from users left join log on user_id = id and event = 'email_verified'
        group by id, verified_at
        having count(event_id) <> count(verified_at) or verified_at <> min(occurred_at)
    """)
    assert wrong.fetchall() == []


def test_accounts_begin_when_their_owner_signs_up(demo):
    wrong = demo.sql("""
        select w.id from workspaces w
        left join users u on u.workspace_id = w.id and u.role = 'owner'
        group by w.id, w.created_at
        having count(u.id) <> 1 or w.created_at <> min(u.created_at)
    """)
    assert wrong.fetchall() == []


def test_invited_people_sign_up_after_their_invitation_and_accept_it_then(demo):
    wrong = demo.sql("""
        select id from users
        left join log a on a.user_id = id and a.event = 'invitation_accepted'
        left join log i on i.invitee_id = id and i.event = 'colleague_invited'
        where acquisition = 'invited' and (
            a.invitee_id is distinct from id or a.occurred_at <> created_at
            or i.user_id is distinct from invited_by or i.received_at is null
        )
    """)
    assert wrong.fetchall() == []


def test_fewer_people_sign_up_at_weekends(demo):
    weekend, workday = demo.sql("""
        select count_if(isodow(created_at) > 5) / 2, count_if(isodow(created_at) <= 5) / 5
        from users where role = 'owner'
    """).fetchone()
    assert weekend / workday == pytest.approx(TRUTH["size"]["weekend_sign_ups"], abs=0.06)


def test_owners_have_the_planted_personas(demo):
    rows = demo.sql("select who, count(*) from people where role = 'owner' group by 1").fetchall()
    n = sum(row[1] for row in rows)
    assert {who for who, _ in rows} == set(PERSONAS)
    for who, people in rows:
        assert near(people / n, TRUTH["owners"]["persona"][who], n), who


def test_people_have_the_planted_intents(demo):
    rows = demo.sql("""
        select distinct who, wants, count(*) over (partition by who, wants),
               count(*) over (partition by who)
        from people
    """).fetchall()
    for who, wants, people, n in rows:
        share = TRUTH["intent"][who][INTENTS.index(wants)]
        assert near(people / n, share, n), (who, wants)


def test_members_have_the_personas_that_their_inviter_looks_for(demo):
    rows = demo.sql("""
        select distinct i.who, p.who, count(*) over (partition by i.who, p.who),
               count(*) over (partition by i.who)
        from people p join people i on i.id = p.invited_by
    """).fetchall()
    for inviter, who, people, n in rows:
        share = TRUTH["invited"]["persona_by_inviter"][inviter][PERSONAS.index(who)]
        assert near(people / n, share, n), (inviter, who)


# Verification


def test_share_verified_within_48_hours(demo):
    rows = demo.sql(f"""
        select acquisition, count(*),
               avg(coalesce(verified_at <= created_at + interval 48 hour, false)::int)
        from people where created_at + interval 48 hour <= {END} group by 1
    """).fetchall()
    assert len(rows) == 2
    for acquisition, n, share in rows:
        assert near(share, TRUTH["verified_within_48h"][acquisition], n), acquisition


def test_reasons_for_not_verifying(demo):
    domains = ", ".join(f"'{d}'" for d in DEFECTS["disposable_domains"])
    rows = demo.sql(f"""
        select acquisition, count(*), avg((email_domain in ({domains}))::int),
               avg((bounce_kind is not distinct from 'hard')::int)
        from people p left join messages m on m.user_id = p.id and m.play = 'verification'
        where {UNVERIFIED} group by 1
    """).fetchall()
    for acquisition, n, disposable, bounced in rows:
        planted = TRUTH["unverified_reasons"][acquisition]
        assert near(disposable, planted["disposable_domain"], n), acquisition
        assert near(bounced, planted["hard_bounce"], n), acquisition


def test_what_unverified_people_did_in_their_48_hours(demo):
    n, connections, invitations, workflows, nothing = demo.sql(f"""
        with did as (
            select p.id, bool_or(event = 'connection_created') as connected,
                   bool_or(event = 'colleague_invited') as invited,
                   bool_or(event = 'workflow_saved') as saved
            from people p left join log l on l.user_id = p.id
                and l.occurred_at <= p.created_at + interval 48 hour
            where {UNVERIFIED}
            group by 1
        )
        select count(*), avg(connected::int), avg(invited::int), avg(saved::int),
               avg((not (connected or invited or saved))::int)
        from did
    """).fetchone()
    planted = TRUTH["unverified_in_48h"]
    assert near(connections, planted["connection_created"], n)
    assert near(invitations, planted["colleague_invited"], n)
    assert near(workflows, planted["workflow_saved"], n)
    none = (1 - planted["connection_created"]) * (1 - planted["colleague_invited"])
    assert near(nothing, none, n)


def test_nobody_does_anything_unverified_after_48_hours(clean):
    locked = clean.sql("""
        select count(*) from log join users on id = user_id
        where occurred_at > created_at + interval 48 hour
        and (verified_at is null or occurred_at < verified_at)
    """)
    assert locked.fetchone() == (0,)


def test_whoever_verifies_has_clicked_the_mail_just_before(demo):
    wrong = demo.sql("""
        select id from users left join messages on user_id = id and play = 'verification'
        where sent_at is null
        or verified_at is not null and (clicked_at is null or clicked_at >= verified_at)
        or not coalesce(sent_at < delivered_at and seen_at <= clicked_at, true)
    """)
    assert wrong.fetchall() == []


# Workflows


def test_first_and_second_workflow_within_24_hours_by_persona(demo):
    rows = demo.sql(f"""
        with saves as (
            select p.id, p.who, count(l.event_id) as saves
            from people p
            left join log l on l.user_id = p.id and l.event = 'workflow_saved'
                and l.occurred_at between p.created_at and p.created_at + interval 24 hour
            where p.created_at + interval 24 hour <= {END}
            group by all
        )
        select who, count(*), avg((saves >= 1)::int), count_if(saves >= 1),
               count_if(saves >= 2) / count_if(saves >= 1)
        from saves group by 1
    """).fetchall()
    assert {row[0] for row in rows} == set(PERSONAS)
    for persona, n, once, savers, twice in rows:
        assert near(once, TRUTH["first_workflow_within_24h"][persona], n), persona
        assert near(twice, TRUTH["second_workflow_within_24h"][persona], savers), persona


def test_share_of_drafts_saved_by_persona_and_intent(demo):
    rows = demo.sql(f"""
        select who, wants, count(*), avg((s.event_id is not null)::int)
        from log d
        join people p on p.id = d.user_id
        left join log s on s.event = 'workflow_saved' and s.draft_id = d.draft_id
        where d.event = 'workflow_creation_started'
        and d.occurred_at + interval 3 hour <= {END}
        group by all
    """).fetchall()
    assert len(rows) == len(PERSONAS) * len(INTENTS)
    for who, wants, n, share in rows:
        planted = TRUTH["draft_saved"][who]
        planted = planted[wants] if isinstance(planted, dict) else planted
        assert near(share, planted, n), (who, wants)


def test_share_of_sessions_with_a_draft_that_save_it_by_persona_and_intent(demo):
    rows = demo.sql(f"""
        with attempts as (
            select session_id, user_id, count_if(event = 'workflow_creation_started') as drafts,
                   bool_or(event = 'workflow_saved') as saved
            from log where session_id is not null and occurred_at < {END} - interval 3 hour
            group by all
        )
        select who, wants, count(*), avg(saved::int)
        from attempts join people on id = user_id
        where drafts = 1 group by all
    """).fetchall()
    for who, wants, n, share in rows:
        planted = TRUTH["draft_saved"][who]
        planted = planted[wants] if isinstance(planted, dict) else planted
        assert near(share, planted * (1 - TRUTH["saved_in_a_later_session"]), n), (who, wants)


def test_accounts_run_their_first_workflow_when_planted(demo):
    n, *shares = demo.sql(f"""
        with first_runs as (
            select w.id, min(l.occurred_at - w.created_at) as wait
            from workspaces w
            join people o on o.workspace_id = w.id and o.role = 'owner'
            left join users u on u.workspace_id = w.id
            left join log l on l.user_id = u.id and l.event = 'workflow_ran'
            where w.created_at + interval 30 day <= {END}
            group by w.id
        )
        select count(*),
               count_if(wait <= interval 24 hour),
               count_if(wait > interval 24 hour and wait <= interval 72 hour),
               count_if(wait > interval 72 hour and wait <= interval 30 day)
        from first_runs
    """).fetchone()
    for seen, planted in zip(shares, TRUTH["account_first_run"].values(), strict=True):
        assert near(seen / n, planted, n)


def test_active_workflows_grow_over_the_weeks(demo):
    active = demo.sql("""
        with weeks as (
            select unnest(range(timestamp '2026-01-12', timestamp '2026-07-07', interval 28 day))
                   as week
        )
        select count(distinct workflow_id) from weeks
        join log on event = 'workflow_ran'
            and occurred_at > week - interval 7 day and occurred_at <= week
        group by week order by week
    """).fetchall()
    counts = [row[0] for row in active]
    assert counts == sorted(counts)
    assert counts[-1] > 10 * counts[0]


def test_workflows_run_only_once_saved_and_never_after_their_deletion(clean):
    wrong = clean.sql("""
        select workflow_id
        from log where workflow_id is not null group by 1
        having count_if(event = 'workflow_saved') <> 1
        or min(occurred_at) < min(case when event = 'workflow_saved' then occurred_at end)
        or max(occurred_at) > max(case when event = 'workflow_deleted' then occurred_at end)
    """)
    assert wrong.fetchall() == []


# The product's own tables, and the engagement tool's copy


@pytest.mark.parametrize(
    ("table", "event", "key"),
    [
        ("workflows", "workflow_saved", "workflow_id"),
        ("connections", "connection_created", "connection_id"),
    ],
)
def test_the_products_own_tables_agree_with_the_log(clean, table, event, key):
    n, wrong = clean.sql(f"""
        select count(*), count_if(
            id is null or {key} is null or created_at <> occurred_at
            or t.workspace_id <> l.workspace_id
        )
        from {table} t full join (select * from log where event = '{event}') l on {key} = id
    """).fetchone()
    assert n > 500
    assert wrong == 0


def test_a_workflow_is_created_by_whoever_saves_it_first(clean):
    wrong = clean.sql("""
        select count(*) from workflows w join log on workflow_id = w.id and event = 'workflow_saved'
        where created_by <> user_id
    """)
    assert wrong.fetchone() == (0,)


def test_skewed_clocks_leave_the_products_own_tables_alone(demo):
    for table, event in (("workflows", "workflow_saved"), ("connections", "connection_created")):
        key = f"{table[:-1]}_id"
        lost, same = demo.sql(f"""
            select count_if(t.id is null), avg((t.created_at = l.occurred_at)::int)
            from log l left join {table} t on t.id = l.{key} where l.event = '{event}'
        """).fetchone()
        assert lost == 0
        assert 1 - same == pytest.approx(DEFECTS["skewed_clocks"], abs=0.01)
    assert demo.sql("""
        select count(*) from connections
        where id not in (select connection_id from log where event = 'connection_created')
    """).fetchone() == (0,)


def test_the_engagement_tool_has_every_event_that_it_is_sent_once_and_soon(clean):
    n, missing, wrong = clean.sql(f"""
        select count(*), count_if(m.event_id is null and received < {END} - interval 1 minute),
               count_if(not coalesce(e.event = m.event and m.received_at - received
                        between interval 1 second and interval 1 minute, true))
        from (select event_id, event, received_at as received from log
              where event in ({MAILER_GETS})) e
        left join mailer_events m using (event_id)
    """).fetchone()
    assert n > 3000
    assert (missing, wrong) == (0, 0)
    assert_the_mailers_copy_is_of_the_log(clean)


def assert_the_mailers_copy_is_of_the_log(db):
    assert db.sql(f"""
        select count(*) - count(distinct m.event_id), count_if(l.event_id is null),
               count_if(m.event <> l.event or m.event not in ({MAILER_GETS})),
               count_if(m.received_at >= {END})
        from mailer_events m left join log l using (event_id)
    """).fetchone() == (0, 0, 0, 0)


# Colleagues


def test_share_inviting_a_colleague_before_or_without_a_workflow(demo):
    rows = demo.sql(f"""
        select p.acquisition, p.who, count(*),
               avg(coalesce(i.at <= p.created_at + interval 14 day
                            and (s.at is null or i.at < s.at), false)::int)
        from people p
        left join {firsts("colleague_invited")} i on i.user_id = p.id
        left join {firsts("workflow_saved")} s on s.user_id = p.id
        where p.created_at + interval 14 day <= {END}
        group by all
    """).fetchall()
    assert len(rows) == 2 * len(PERSONAS)
    for acquisition, who, n, share in rows:
        planted = TRUTH["invites_before_workflow"][acquisition].get(who)
        planted = organic_inviters(who) if planted is None else planted
        assert near(share, planted, n), (acquisition, who)


def organic_inviters(who: str) -> float:
    """What the two plays for organic sales and marketing people make of their invitations."""
    guide = TRUTH["plays"]["sales_marketing_invite_guide"]
    welcome = TRUTH["plays"]["sales_marketing_welcome"]
    early = TRUTH["organic_inviters"]["within_first_hour"]
    guided = guide["base"][who] + (1 - guide["holdout"]) * guide["effect"][who]
    late = welcome["late_base"] + (1 - welcome["holdout"]) * welcome["effect"]
    return early + (1 - early) * guided + late


def test_what_invited_people_did_within_14_days(demo):
    rows = demo.sql(f"""
        with did as (
            select p.id, p.who, bool_or(event = 'connection_created') as connected,
                   bool_or(event = 'workflow_saved') as saved
            from people p left join log l on l.user_id = p.id
                and l.occurred_at between p.created_at and p.created_at + interval 14 day
            where p.acquisition = 'invited' and p.created_at + interval 14 day <= {END}
            group by all
        )
        select who, count(*), avg((connected and not saved)::int), avg(saved::int)
        from did group by 1
    """).fetchall()
    for who, n, connections, workflows in rows:
        planted = TRUTH["invited_in_14_days"][who]
        assert near(connections, planted["connections_only"], n), who
        assert near(workflows, planted["workflows_too"], n), who


# Sessions


def test_every_session_starts_once_and_has_no_gap_of_30_minutes(clean):
    wrong = clean.sql("""
        with gaps as (
            select session_id, event,
                   occurred_at - lag(occurred_at) over session as gap,
                   row_number() over session as place
            from log where session_id is not null
            window session as (partition by session_id order by occurred_at)
        )
        select session_id from gaps group by 1
        having count_if(event = 'session_started') <> 1
        or max(gap) >= interval 30 minute
        or min(case when event = 'session_started' then place end) <> 1
    """)
    assert wrong.fetchall() == []


def test_server_events_have_neither_session_nor_device(demo):
    seen = demo.sql("""
        select source, count(session_id) > 0, count(sent_at) > 0, count(app_version) > 0
        from events group by 1 order by 1
    """)
    assert seen.fetchall() == [("server", False, False, False), ("web", True, True, True)]


# Plays


def triggered(slug: str) -> str:
    """The people whom a play's trigger reaches, as `unit`, `persona`, `arm`, `user_id`, `moment`
    and whether their goal came in its window; windows that are open at END are left out."""
    play = TRUTH["plays"][slug]
    one = "workspace_id" if play["unit"] == "account" else "user_id"
    audience = [
        f"p.{column} in (select unnest({[values] if isinstance(values, str) else list(values)}))"
        for column, values in play["audience"].items()
    ]
    stops = [(event, "not") for event in play.get("unless", ())]
    stops += [(event, "") for event in play.get("having", ())]
    conditions = [
        f"""{no} exists (
            from log l where l.{one} = p.{one} and l.event = '{event}'
            and l.occurred_at <= p.moment
        )"""
        for event, no in stops
    ]
    return f"""
        with p as (
            select *, id as user_id,
                   created_at + interval ({play["after_hours"]}) hour as moment
            from people
        )
        select p.{one} as unit, p.persona, h.arm, p.id as user_id, p.moment, exists (
            from log l where l.{one} = p.{one} and l.event = '{play["goal"]}'
            and l.occurred_at > p.moment
            and l.occurred_at <= p.moment + interval ({play["goal_within_hours"]}) hour
        ) as reached
        from p join holdouts h on h.play = '{slug}' and h.unit_id = p.{one}
        where {" and ".join([*audience, *conditions, "true"])}
        and p.moment + interval ({play["goal_within_hours"]}) hour <= {END}
    """


@pytest.mark.parametrize("slug", TRUTH["plays"])
def test_the_effect_of_a_play_is_what_was_planted(demo, slug):
    play = TRUTH["plays"][slug]
    personas = play["effect"] if isinstance(play["effect"], dict) else {None: play["effect"]}
    for persona, effect in personas.items():
        chosen = f"where persona = '{persona}'" if persona else ""
        arms = demo.sql(f"""
            select arm, count(*), avg(reached::int) from ({triggered(slug)}) {chosen}
            group by 1 order by 1
        """).fetchall()
        (_, n_held, held), (_, n_treated, treated) = arms
        error = (held * (1 - held) / n_held + treated * (1 - treated) / n_treated) ** 0.5
        assert abs(treated - held - effect) <= 4 * error, persona
        if "base" in play:
            base = play["base"][persona] if persona else play["base"]
            assert near(held, base, n_held), persona


def detected(demo, slug: str, persona: str | None = None) -> int:
    """1 or -1 where a 95 % interval of the effect is above or below 0, otherwise 0."""
    chosen = f"where persona = '{persona}'" if persona else ""
    (_, n0, p0), (_, n1, p1) = demo.sql(f"""
        select arm, count(*), avg(reached::int) from ({triggered(slug)}) {chosen}
        group by 1 order by 1
    """).fetchall()
    error = 1.96 * (p0 * (1 - p0) / n0 + p1 * (1 - p1) / n1) ** 0.5
    return int(p1 - p0 > error) - int(p1 - p0 < -error)


def test_the_guide_to_invite_visibly_helps_sales_and_harms_marketing(demo):
    slug = "sales_marketing_invite_guide"
    assert (detected(demo, slug, "sales"), detected(demo, slug, "marketing")) == (1, -1)


def test_the_guide_into_the_warehouse_visibly_works_and_the_other_is_too_small_to_tell(demo):
    assert detected(demo, "organic_engineer_guide_into") == 1
    assert detected(demo, "organic_engineer_guide_out") == 0


def test_the_welcome_of_organic_engineers_looks_splendid_and_does_nothing(demo):
    slug = "organic_engineer_welcome"
    sent, opened, unopened = demo.sql(f"""
        select avg(reached::int), avg(reached::int) filter (m.seen_at is not null),
               avg(reached::int) filter (m.seen_at is null)
        from ({triggered(slug)}) t join messages m on m.user_id = t.user_id and m.play = '{slug}'
        where m.step = 0 and not coalesce(m.seen_by_machine, false)
    """).fetchone()
    assert sent > TRUTH["plays"][slug]["naive_conversion_above"]
    assert opened > unopened + 0.1
    assert detected(demo, slug) == 0


def test_a_sequence_goes_on_to_treated_people_who_are_not_stopped_nor_lost(clean):
    slug = "organic_engineer_welcome"
    for step, later in enumerate(TRUTH["plays"][slug]["then"], start=1):
        done = ", ".join(f"'{event}'" for event in later["unless"])
        moment = f"t.moment + interval ({later['after_hours']}) hour"
        expected = clean.sql(f"""
            select t.user_id from ({triggered(slug)}) t join users u on u.id = t.user_id
            join messages m on m.user_id = t.user_id and m.play = '{slug}' and m.step = 0
            where t.arm = 'treated' and u.intent = '{later["intent"]}'
            and {moment} < {END} - interval 1 hour
            and coalesce(m.bounce_kind <> 'hard', true)
            and coalesce(m.unsubscribed_at >= {moment}, true)
            and coalesce(m.complained_at >= {moment}, true)
            and t.user_id not in (
                select user_id from events e where event in ({done}) and user_id is not null
                and occurred_at <= {moment}
            )
        """)
        sent = clean.sql(f"""
            select user_id from messages where play = '{slug}' and step = {step}
            and sent_at < {END} - interval 1 hour
        """)
        assert sorted(sent.fetchall()) == sorted(expected.fetchall())
        assert sent.fetchall()


@pytest.mark.parametrize("slug", TRUTH["plays"])
def test_arms_follow_the_hash_of_play_and_unit(demo, slug):
    rows = demo.sql(f"select unit_id, unit_type, arm from holdouts where play = '{slug}'")
    play = TRUTH["plays"][slug]
    for unit_id, unit_type, arm in rows.fetchall():
        drawn = int(hashlib.md5(f"{slug}:{unit_id}".encode()).hexdigest()[:7], 16) % 10_000
        assert arm == ("holdout" if drawn < round(play["holdout"] * 10_000) else "treated")
        assert unit_type == play["unit"]


@pytest.mark.parametrize("slug", TRUTH["plays"])
def test_treated_people_who_trigger_get_one_message_and_held_out_ones_none(clean, slug):
    rows = clean.sql(f"""
        select t.arm, count(distinct t.unit), count(m.message_id),
               bool_and(m.sent_at > t.moment and m.sent_at <= t.moment + interval 10 minute)
        from ({triggered(slug)}) t
        left join messages m on m.user_id = t.user_id and m.play = '{slug}' and m.step = 0
        group by 1 order by 1
    """).fetchall()
    for arm, units, messages, at_once in rows:
        assert messages == (units if arm == "treated" else 0)
        assert at_once in (True, None)
    strays = clean.sql(f"""
        select count(*) from messages where play = '{slug}' and user_id not in (
            select user_id from ({triggered(slug)}) where arm = 'treated'
        ) and sent_at + interval 10 day <= {END}
    """)
    assert strays.fetchone() == (0,)


# Tests that others have drawn

TESTS = TRUTH["drawn_elsewhere"]


def arms_drawn(slug: str) -> str:
    """What a tool has drawn, as `unit`, `arm` and `begins`; without internal people, and without
    accounts in several arms."""
    if TESTS[slug]["source"] == "flags":
        return f"""
            select user_id as unit, variation as arm, evaluated_at as begins
            from flags join people on id = user_id where flag = '{slug}'
        """
    key = "id" if TESTS[slug]["unit"] == "user" else "workspace_id"
    return f"""
        select unit_id as unit, any_value(arm) as arm, min(assigned_at) as begins
        from tool_arms where play = '{slug}' and unit_id in (select {key} from people)
        group by unit_id having count(*) = 1
    """


@pytest.mark.parametrize("slug", TESTS)
def test_others_draw_the_planned_shares_in_the_time_of_their_test(demo, slug):
    test = TESTS[slug]
    rows = demo.sql(f"""
        select arm, count(*), min(begins) >= {day(test["from_day"])} - interval 1 second,
               max(begins) < {day(test.get("until_day", 182))}
        from ({arms_drawn(slug)}) group by 1
    """).fetchall()
    assert {arm for arm, *_ in rows} == set(test["split"])
    units = sum(n for _, n, *_ in rows)
    for arm, n, *in_time in rows:
        assert near(n / units, test["split"][arm], units), arm
        assert in_time == [True, True]


def day(number: int) -> str:
    return f"(timestamp '2026-01-05' + interval ({number}) day)"


@pytest.mark.parametrize("slug", ["spring_digest", "new_editor"])
def test_the_effect_of_what_others_have_drawn_is_what_was_planted(demo, slug):
    test = TESTS[slug]
    hours = f"interval ({test['goal_within_hours']}) hour"
    rows = demo.sql(f"""
        with units as ({moments_of(slug)})
        select arm, count(*), avg((exists (
            from log l where l.user_id = u.unit and l.event = '{test["goal"]}'
            and l.occurred_at between u.begins and u.begins + {hours}
        ))::int)
        from units u where begins + {hours} <= {END} group by 1
    """).fetchall()
    shares = {arm: (n, share) for arm, n, share in rows}
    control, treated = (shares[arm] for arm in test["split"])
    error = sum(share * (1 - share) / n for n, share in (control, treated)) ** 0.5
    assert abs(treated[1] - control[1] - test["effect"]) <= 4 * error
    assert treated[1] - control[1] > 2 * error


@pytest.mark.parametrize("slug", ["spring_digest", "new_editor"])
def test_arms_that_others_have_drawn_did_the_same_before(demo, slug):
    rows = demo.sql(f"""
        with units as ({moments_of(slug)}), before as (
            select arm, count(l.event_id) > 0 as came, bool_or(l.event = 'workflow_saved') as saved
            from units u left join log l on l.user_id = u.unit
                and l.occurred_at between u.begins - interval 28 day and u.begins - interval 1 hour
            group by u.unit, arm
        )
        select count(*), avg(came::int), avg(coalesce(saved, false)::int) from before group by arm
    """).fetchall()
    (n, *ones), (m, *others) = rows
    for one, other in zip(ones, others, strict=True):
        error = (one * (1 - one) / n + other * (1 - other) / m) ** 0.5
        assert abs(one - other) <= 4 * error


def moments_of(slug: str) -> str:
    """`arms_drawn` with the moment from which units are watched: of a flag, its event."""
    if TESTS[slug]["source"] != "flags":
        return arms_drawn(slug)
    return f"""
        select unit, arm, min(occurred_at) as begins
        from ({arms_drawn(slug)}) join log on user_id = unit
        where event = '{TESTS[slug]["trigger"]}' and occurred_at >= {day(TESTS[slug]["from_day"])}
        group by all
    """


def test_flags_are_evaluated_just_before_the_editor_opens(demo):
    waits = demo.sql(f"""
        select min(u.begins - d.begins), max(u.begins - d.begins)
        from ({moments_of("new_editor")}) u join ({arms_drawn("new_editor")}) d using (unit)
    """).fetchone()
    assert all(timedelta(0) < wait < timedelta(seconds=1) for wait in waits)


def test_a_few_accounts_stand_in_two_arms_of_the_offer(demo):
    n, twice, most = demo.sql("""
        select count(*), count_if(arms > 1), max(arms) from (
            select count(distinct arm) as arms from tool_arms
            where play = 'upgrade_offer' group by unit_id
        )
    """).fetchone()
    assert near(twice / n, TESTS["upgrade_offer"]["in_two_arms"], n)
    assert (twice > 0, most) == (True, 2)


@pytest.mark.parametrize("slug", ["upgrade_offer", "spring_digest"])
def test_whoever_the_mailer_treats_gets_a_mail_soon_after_and_nobody_else(demo, slug):
    test = TESTS[slug]
    one = "m.user_id" if test["unit"] == "user" else "m.workspace_id"
    drawn, sent, wrong = demo.sql(f"""
        select count_if(a.arm <> '{test["control"]}'), count(m.message_id),
               count_if(m.message_id is not null and a.arm = '{test["control"]}'
                        or m.variant not in ('a', a.arm) or m.bounce_kind = 'hard'
                        or m.unsubscribed_at is not null or m.complained_at is not null)
        from (select * from tool_arms where play = '{slug}') a
        full join (select * from messages where play = '{slug}') m on {one} = a.unit_id
            and m.sent_at between a.assigned_at and a.assigned_at + interval 10 minute
    """).fetchone()
    assert drawn == sent > 0
    assert wrong == 0
    assert demo.sql(f"""
        select count(*) from messages m join users u on u.id = m.user_id
        where play = '{slug}' and (u.verified_at > m.sent_at or u.role <> 'owner'
                                   and '{test["unit"]}' = 'account')
    """).fetchone() == (0,)


def revenue(demo, *, before: bool = False) -> dict[str, tuple[int, float, float]]:
    """Arm → accounts, mean and variance of the revenue in the 28 days after the offer, its
    largest hundredth drawn in; or in those before."""
    days = f"interval ({TESTS['upgrade_offer']['within_days']}) day"
    period = f"a.begins - {days} and a.begins" if before else f"a.begins and a.begins + {days}"
    rows = demo.sql(f"""
        with sums as (
            select a.unit, a.arm, coalesce(sum(i.amount), 0) as paid
            from ({arms_drawn("upgrade_offer")}) a
            left join invoices i on i.workspace_id = a.unit and i.paid_at between {period}
            group by all
        )
        select arm, count(*), avg(least(paid, most)), var_samp(least(paid, most))
        from sums, (select quantile_cont(paid, 0.99) as most from sums) group by 1
    """).fetchall()
    return {arm: tuple(rest) for arm, *rest in rows}


def compared(arms: dict[str, tuple[int, float, float]], arm: str) -> tuple[float, float]:
    """An arm of the offer less the control, and the standard error."""
    (n, mean, variance), (m, base, other) = arms[arm], arms["nothing"]
    return mean - base, (variance / n + other / m) ** 0.5


def test_the_long_offer_brings_what_was_planted_and_the_short_one_nothing(demo):
    found, planted = revenue(demo), TESTS["upgrade_offer"]["effect"]
    for arm, effect in planted.items():
        difference, error = compared(found, arm)
        assert abs(difference - effect) <= 3 * error, arm
    assert compared(found, "long")[0] > 4 * compared(found, "long")[1]
    assert abs(compared(found, "short")[0]) < 2 * compared(found, "short")[1]


def test_the_arms_of_the_offer_paid_alike_before(demo):
    found = revenue(demo, before=True)
    for arm in ("short", "long"):
        difference, error = compared(found, arm)
        assert abs(difference) <= 3 * error, arm
    assert min(mean for _, mean, _ in found.values()) > 10


def test_invoices_are_of_verified_accounts_and_many_are_outside_the_test(demo):
    n, outside, wrong, typical, largest = demo.sql(f"""
        select count(*), count_if(workspace_id not in (
                   select unit_id from tool_arms where play = 'upgrade_offer')),
               count_if(not coalesce(paid_at >= verified_at and paid_at < {END}, false)
                        or is_staff or amount <= 0),
               median(amount), max(amount)
        from invoices left join users u using (workspace_id) where role = 'owner'
    """).fetchone()
    assert outside > n / 3
    assert wrong == 0
    assert 10 * typical < largest < 1000


def test_plans_pay_as_planted(demo):
    rows = demo.sql(f"""
        select plan, count(*), avg((w.id in (select workspace_id from invoices
                                             where paid_at < {END}))::int)
        from workspaces w join people o on o.workspace_id = w.id and o.role = 'owner'
        where o.verified_at < {END} - interval 90 day
        and w.id not in (select unit_id from tool_arms where arm = 'long')
        group by 1
    """).fetchall()
    for plan, n, share in rows:
        assert near(share, TRUTH["invoices"]["pay"][plan], n), plan


def test_messages_fare_as_planted(demo):
    n, delivered, arrived, machine = demo.sql("""
        select count(*), avg((delivered_at is not null)::int), count(delivered_at),
               count_if(seen_by_machine) / count(delivered_at)
        from messages where channel = 'email' and play <> 'verification'
    """).fetchone()
    planted = TRUTH["messages"]
    assert near(delivered, planted["email_delivered"], n)
    known = 1 - planted["seen_by_unknown"]
    assert near(machine, planted["machine_opened"] * known, arrived)


def test_no_message_is_seen_before_it_is_delivered_or_clicked_before_it_is_seen(demo):
    wrong = demo.sql("""
        select count(*) from messages where not (
            coalesce(delivered_at > sent_at, true) and coalesce(seen_at >= delivered_at, true)
            and coalesce(clicked_at > seen_at, true) and coalesce(completed_at > seen_at, true)
            and (bounced_at is null or delivered_at is null)
            and (clicked_at is null or not coalesce(seen_by_machine, false))
        )
    """)
    assert wrong.fetchone() == (0,)


# Defects


def test_duplicates_have_their_planted_share_and_come_later(demo):
    n, copies, differing = demo.sql("""
        select count(*), sum(n - 1), count_if(n > 1 and (events <> 1 or apart < interval 1 second))
        from (
            select event_id, count(*) as n, count(distinct (event, occurred_at, user_id)) as events,
                   max(received_at) - min(received_at) as apart
            from events group by 1
        )
    """).fetchone()
    assert near(float(copies) / n, DEFECTS["duplicates"], n)
    assert differing == 0


def test_late_arrivals_have_their_planted_share(demo):
    # A server's clock is right: there, late is late.
    n, late = demo.sql(f"""
        select count(*), avg((received_at - occurred_at >= interval 1 hour)::int)
        from log where source = 'server' and occurred_at < {END} - interval 4 day
    """).fetchone()
    assert near(late, DEFECTS["late_arrivals"], n)


def test_skewed_clocks_have_their_planted_share_and_show_in_the_time_of_sending(demo):
    n, skewed = demo.sql("""
        with clocks as (
            select anonymous_id,
                   median(abs(epoch(received_at) - epoch(sent_at))) > 3600 as is_skewed
            from log where source = 'web' and not is_bot group by 1
        )
        select count(*), avg(is_skewed::int) from clocks
    """).fetchone()
    assert near(skewed, DEFECTS["skewed_clocks"], n)


def test_a_handful_of_events_has_impossible_times(demo):
    seen = demo.sql(f"""
        select count_if(year(occurred_at) = 1970), count_if(occurred_at > {END} + interval 1 year)
        from log
    """).fetchone()
    assert seen == (DEFECTS["impossible_times"] / 2, DEFECTS["impossible_times"] / 2)


def test_some_runs_are_linked_to_no_account(demo):
    n, unlinked = demo.sql("""
        select count(*), avg((workspace_id is null)::int) from log where event = 'workflow_ran'
    """).fetchone()
    assert near(unlinked, DEFECTS["unlinked_runs"], n)


def test_an_event_is_renamed_halfway(demo):
    renamed = DEFECTS["renamed"]
    old, new = demo.sql(f"""
        select count_if(event = '{renamed["from"]}' and received_at > timestamp '2026-04-10'),
               count_if(event = '{renamed["to"]}' and received_at < timestamp '2026-04-06')
        from log
    """).fetchone()
    assert (old, new) == (0, 0)
    assert demo.sql(
        f"select count(*) > 1000 from log where event = '{renamed['to']}'"
    ).fetchone() == (True,)


def test_direction_is_missing_from_one_version_on(demo):
    rows = demo.sql("""
        select app_version, avg((direction is null)::int) from log
        where event = 'workflow_saved' group by 1 order by 1
    """).fetchall()
    broken = DEFECTS["direction_missing_from_version"]
    assert rows == [(v, 1.0 if v >= broken else 0.0) for v in TRUTH["app_versions"]]


def test_bots_sign_up_view_one_page_and_never_verify(demo):
    users, bots = demo.sql("""
        select (select count(*) from users), count(distinct user_id) from log where is_bot
    """).fetchone()
    assert near(bots / users, DEFECTS["bots"], users)
    did = demo.sql(f"""
        select distinct list(event order by event) from log
        join users on id = user_id where user_id in (select user_id from log where is_bot)
        and not (created_at between {OUTAGE} and {OUTAGE} + interval 1 day)
        group by user_id
    """).fetchall()
    assert did == [(["page_viewed", "signed_up"],)]
    assert demo.sql("""
        select count(*) from users where verified_at is not null
        and id in (select user_id from log where is_bot)
    """).fetchone() == (0,)


def test_bots_have_user_agents_of_crawlers_and_people_those_of_browsers(demo):
    seen = demo.sql("""
        select is_bot, list(distinct user_agent) from events where source = 'web' group by 1
    """).fetchall()
    assert {who: set(names) for who, names in seen} == {
        False: set(agents.OF_PEOPLE),
        True: set(agents.OF_BOTS),
    }


def test_the_public_list_of_crawlers_knows_the_bots_and_none_of_the_browsers():
    is_crawler = pytest.importorskip("crawleruseragents").is_crawler
    assert all(is_crawler(agent) for agent in agents.OF_BOTS)
    assert not any(is_crawler(agent) for agent in agents.OF_PEOPLE)


def test_every_browser_sends_one_user_agent_and_servers_none(demo):
    # Whoever views a page before signing up does so with the browser that signs up.
    wrong = demo.sql("""
        select anonymous_id from events group by anonymous_id
        having count(distinct user_agent) <> (anonymous_id is not null)::int
        or count_if((source = 'web') <> (user_agent is not null)) > 0
    """)
    assert wrong.fetchall() == []


def test_internal_people_have_our_domain_and_their_own_accounts(demo):
    n, staff = demo.sql("""
        select count(*), avg(is_staff::int) from users where role = 'owner'
    """).fetchone()
    assert near(staff, DEFECTS["staff_accounts"], n)
    assert demo.sql("""
        select count(*) from users where is_staff <> (email_domain = 'airtouch.example')
    """).fetchone() == (0,)


def test_disposable_domains_are_known_as_such():
    known = pytest.importorskip("disposable_email_domains").blocklist
    assert set(DEFECTS["disposable_domains"]) <= set(known)


def test_some_people_view_a_page_before_they_sign_up(demo):
    n, seen = demo.sql("""
        with before as (
            select distinct anonymous_id from log
            where user_id is null and event = 'page_viewed'
        )
        select count(*), avg((b.anonymous_id is not null)::int)
        from people p left join before b on b.anonymous_id = replace(p.id, '-u', '-a')
        where p.acquisition = 'organic'
    """).fetchone()
    assert near(seen, DEFECTS["anonymous_first_view"], n)


def test_an_outage_loses_most_page_views_of_a_wednesday(demo):
    event, lost = DEFECTS["outage"]["event"], DEFECTS["outage"]["lost"]
    # Events are numbered as they were tracked: a gap is an event that never came.
    gaps, kept, beside, weekday = demo.sql(f"""
        select max(right(event_id, 9)::int) + 1 - count(*),
               count_if(event = '{event}' and occurred_at::date = {OUTAGE}),
               count_if(event = '{event}' and occurred_at::date in (
                   {OUTAGE} - interval 7 day, {OUTAGE} + interval 7 day)) / 2,
               dayname({OUTAGE})
        from log
    """).fetchone()
    assert weekday == "Wednesday"
    assert near(gaps / (gaps + kept), lost, gaps + kept)
    assert 1 - kept / beside == pytest.approx(lost, abs=0.06)


def test_the_outage_spares_other_events(demo):
    that_day, beside = demo.sql(f"""
        select count_if(occurred_at::date = {OUTAGE}),
               count_if(occurred_at::date in (
                   {OUTAGE} - interval 7 day, {OUTAGE} + interval 7 day)) / 2
        from log where event <> '{DEFECTS["outage"]["event"]}'
    """).fetchone()
    assert that_day / beside == pytest.approx(1, abs=0.1)


FIRED = f"""(
    select user_id, count(*) as n, max(occurred_at) - min(occurred_at) as apart,
           count(distinct (session_id, workspace_id, anonymous_id, user_agent)) as kinds
    from log where event = '{DEFECTS["double_fired"]["event"]}' group by 1
)"""


def test_some_events_are_fired_twice_at_once_with_two_ids(demo):
    # Everybody opens the docs once: whatever comes again was fired twice.
    n, again, wrong = demo.sql(f"""
        select count(*), sum(n - 1), count_if(n > 2 or kinds > 1 or n = 2 and apart not between
               interval 50 millisecond and interval 1500 millisecond)
        from {FIRED}
    """).fetchone()
    assert near(float(again) / n, DEFECTS["double_fired"]["share"], n)
    assert wrong == 0


def copied(db: duckdb.DuckDBPyConnection) -> str:
    """One row per event that was sent twice: in how many `versions`, and `kinds` of the rest."""
    own = {"app_version", "received_at"}
    rest = ", ".join(name for name in db.table("events").columns if name not in own)
    return f"""(
        select event_id, count(distinct app_version) as versions, count(distinct ({rest})) as kinds
        from events group by 1 having count(*) > 1
    )"""


def test_some_copies_say_another_version_and_nothing_else(demo):
    n, conflicting, wrong = demo.sql(f"""
        select count(*), avg((versions > 1)::int), count_if(kinds > 1) from {copied(demo)}
    """).fetchone()
    assert near(conflicting, DEFECTS["conflicting_copies"], n)
    assert wrong == 0


def test_an_unplanned_property_comes_with_some_page_views(demo):
    column = DEFECTS["unplanned_property"]
    n, filled, elsewhere = demo.sql(f"""
        select count_if(event = 'page_viewed'),
               count_if(event = 'page_viewed' and {column} is not null),
               count_if(event <> 'page_viewed' and {column} is not null)
        from log
    """).fetchone()
    assert near(filled / n, DEFECTS["unplanned_property_filled"], n)
    assert elsewhere == 0


def test_some_workflows_are_imported_without_an_event(demo):
    logged, imported, wrong = demo.sql(f"""
        select count(workflow_id), count_if(workflow_id is null),
               count_if(u.id is null or u.workspace_id <> w.workspace_id
                        or w.created_at not between u.created_at and {END})
        from workflows w
        left join log on workflow_id = w.id and event = 'workflow_saved'
        left join users u on u.id = created_by
    """).fetchone()
    assert near(imported / logged, DEFECTS["workflows_without_event"], logged)
    assert wrong == 0


def test_the_engagement_tool_loses_some_events_and_gets_others_late(demo):
    n, lost, arrived, slow, wrong = demo.sql(f"""
        select count(*), count_if(delay is null), count(delay),
               count_if(delay >= interval 2 hour),
               count_if(not (delay between interval 1 second and interval 1 minute
                             or delay between interval 2 hour and interval 12 hour))
        from (
            select m.received_at - l.received_at as delay
            from log l left join mailer_events m using (event_id)
            where l.event in ({MAILER_GETS}) and l.received_at < {END} - interval 12 hour
        )
    """).fetchone()
    assert near(lost / n, DEFECTS["mailer_lost"], n)
    assert near(slow / arrived, DEFECTS["mailer_slow"], arrived)
    assert wrong == 0
    assert_the_mailers_copy_is_of_the_log(demo)


def test_without_defects_nothing_is_lost_fired_twice_or_unplanned(clean):
    assert DEFECTS["unplanned_property"] not in clean.table("events").columns
    assert clean.sql("""
        select max(right(event_id, 9)::int) + 1 - count(*) from log
    """).fetchone() == (0,)
    assert clean.sql(f"select max(n) from {FIRED}").fetchone() == (1,)
    assert clean.sql(f"select count(*) from {copied(clean)}").fetchone() == (0,)


def test_without_defects_the_tables_are_clean(clean):
    assert (
        clean.sql("""
        select count(*) - count(distinct event_id), count_if(is_bot), count_if(user_id is null),
               count_if(workspace_id is null), count_if(event = 'connection_checked'),
               count_if(event = 'workflow_saved' and direction is null),
               count_if(received_at - occurred_at not between interval 0 hour and interval 1 minute)
        from events
    """).fetchone()
        == (0,) * 7
    )
    assert clean.sql(f"""
        select count_if(occurred_at < timestamp '2026-01-05' or occurred_at >= {END}),
               (select count_if(is_staff or email_domain not like '%.example') from users)
        from events
    """).fetchone() == (0, 0)


def test_events_are_in_the_order_of_their_receipt(tmp_path):
    folder = write(tmp_path / "demo", events=6_000)
    received = pq.read_table(folder / "events.parquet")["received_at"].to_pylist()
    assert received == sorted(received)
