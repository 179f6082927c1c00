"""The files of audiences: their rows, their cells, what changed since the last, the manifest."""

import csv
import hashlib
import json
from datetime import datetime

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playbook import ledger
from playbook.declare import Destination, Step
from playbook.report import audiences, pages, sendlist
from tests import small
from tests.small import play
from tests.spec import table

EVENTS = """
    user_id | event     | at
    ann     | signed_up | 2026-01-05 09:00
    bob     | signed_up | 2026-01-04 10:30
    cat     | signed_up | 2026-01-06 11:00
"""
USERS = """
    user_id | account_id | persona  | nickname
    ann     | a1         | engineer | Ännchen
    bob     |            | engineer | =1+1
    cat     | a1         | sales    |
"""
LEDGER = (
    "unit | user_id | account_id | arm | channel | step | episode | triggered_at | moment_at "
    "| decision"
)


def opened(*plays, events=EVENTS, users=USERS, **words):
    return small.run(plays=plays, events=events, users=users, words=words)


def export(home, run, *earlier):
    """The manifest of a report's audiences; `home` is the report's folder."""
    home.mkdir()
    return audiences.write_audiences(home / "audiences", run, earlier=earlier)


def cells(path):
    """A CSV file as Python reads it."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def objects(path):
    """A file of JSON lines."""
    return [json.loads(line) for line in path.read_text("utf-8").split("\n")[:-1]]


@pytest.fixture
def drawn(monkeypatch):
    """Draws the ledger of every play: all exports after it are of these rows."""

    def draw(text):
        rows = table(f"{LEDGER}\n{text}", step="int64", episode="int64")
        monkeypatch.setattr(audiences, "rows_of", lambda _run, _play: rows)

    return draw


def test_a_file_has_a_row_per_message_in_the_words_of_its_destination(tmp_path):
    welcome = play(
        "welcome",
        holdout=0,
        destination="mailer",
        message={"subject": "Grüß Gott", "unit": "h", "priority": 1, "loud": True},
    )
    mailer = Destination(user="customer_id", account="workspace", columns={"nick": "nickname"})
    told = export(tmp_path / "r", opened(welcome, destinations={"mailer": mailer}))
    folder = tmp_path / "r" / "audiences"
    assert (folder / "welcome.csv").read_text("utf-8") == (
        "unit,customer_id,workspace,arm,channel,step,episode,triggered_at,moment_at,since_last,"
        "nick,message.subject,message.unit,message.priority,message.loud\n"
        "bob,bob,,treated,email,0,1,2026-01-04T10:30:00Z,2026-01-04T10:30:00Z,new,"
        "'=1+1,Grüß Gott,h,1,true\n"
        "ann,ann,a1,treated,email,0,1,2026-01-05T09:00:00Z,2026-01-05T09:00:00Z,new,"
        "Ännchen,Grüß Gott,h,1,true\n"
    )
    assert objects(folder / "welcome.jsonl")[0] == {
        "unit": "bob",
        "customer_id": "bob",
        "workspace": None,
        "arm": "treated",
        "channel": "email",
        "step": 0,
        "episode": 1,
        "triggered_at": "2026-01-04T10:30:00Z",
        "moment_at": "2026-01-04T10:30:00Z",
        "since_last": "new",
        "nick": "=1+1",
        "message": {"subject": "Grüß Gott", "unit": "h", "priority": 1, "loud": True},
    }
    assert sorted(path.name for path in folder.iterdir()) == [
        "manifest.json",
        "welcome.csv",
        "welcome.jsonl",
    ]
    entry = told["plays"]["welcome"]
    assert json.loads((folder / "manifest.json").read_text("utf-8")) == told
    assert (told["product"], told["as_of"]) == ("Small", "2026-01-31T00:00:00Z")
    assert (told["since"], told["until"]) == ("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z")
    assert (entry["user"], entry["account"]) == ("customer_id", "workspace")
    assert (entry["rows"], entry["new"], entry["kept"], entry["gone"]) == (2, 2, 0, 0)
    assert entry["columns"] == list(cells(folder / "welcome.csv")[0])
    assert entry["files"] == {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
        for name in ("welcome.csv", "welcome.jsonl")
    }


def test_a_step_says_its_own_message_on_its_own_channel(tmp_path, drawn):
    drawn("""
        ann | ann | a1 | treated | email  | 0 | 1 | 2026-01-05 09:00 | 2026-01-05 09:00 | send
        ann | ann | a1 | treated | in_app | 1 | 1 | 2026-01-06 09:00 | 2026-01-06 09:30 | send
    """)
    second = Step(after="24h", channel="in_app", message={"guide": "intro", "subject": 7})
    export(tmp_path / "r", opened(play("p", message={"subject": "Hi"}, then=(second,))))
    folder = tmp_path / "r" / "audiences"
    found = [
        (row["step"], row["channel"], row["message.subject"], row["message.guide"])
        for row in cells(folder / "p.csv")
    ]
    assert found == [("0", "email", "Hi", ""), ("1", "in_app", "7", "intro")]
    assert [row["message"] for row in objects(folder / "p.jsonl")] == [
        {"subject": "Hi"},
        {"guide": "intro", "subject": 7},
    ]


def test_what_is_new_kept_and_gone_is_told_of_messages_and_not_of_moments(tmp_path, drawn):
    run = opened(play("p", unit="account"))
    # bob triggered before the period by now, dee is capped now, and eve's account has another
    # first person; ann's trigger turned out to be earlier, and cat begins a second episode.
    drawn("""
        a1 | ann | a1 | treated | email | 0 | 1 | 2026-01-05 09:00 | 2026-01-05 09:00 | send
        a2 | bob | a2 | treated | email | 0 | 1 | 2025-12-30 09:00 | 2026-01-02 07:00 | send
        a3 | cat | a3 | treated | email | 0 | 1 | 2026-01-05 09:00 | 2026-01-05 09:00 | send
        a4 | dee | a4 | treated | email | 0 | 1 | 2026-01-05 09:00 | 2026-01-05 09:00 | send
        a5 | eve | a5 | treated | email | 0 | 1 | 2026-01-05 09:00 | 2026-01-05 09:00 | send
    """)
    first = export(tmp_path / "2026-01-24", run)
    drawn("""
        a1 | ann | a1 | treated | email | 0 | 1 | 2026-01-04 08:00 | 2026-01-04 08:00 | send
        a3 | cat | a3 | treated | email | 0 | 1 | 2026-01-05 09:00 | 2026-01-05 09:00 | send
        a3 | cat | a3 | treated | email | 0 | 2 | 2026-01-25 09:00 | 2026-01-25 09:00 | send
        a4 | dee | a4 | treated | email | 0 | 1 | 2026-01-05 09:00 | 2026-01-05 09:00 | capped
        a5 | abe | a5 | treated | email | 0 | 1 | 2026-01-03 09:00 | 2026-01-03 09:00 | send
    """)
    second = export(tmp_path / "2026-01-31", run, tmp_path / "2026-01-24")
    folder = tmp_path / "2026-01-31" / "audiences"
    since = [(row["user_id"], row["episode"], row["since_last"]) for row in cells(folder / "p.csv")]
    assert since == [
        ("abe", "1", "new"),
        ("ann", "1", "kept"),
        ("cat", "1", "kept"),
        ("cat", "2", "new"),
    ]
    assert [row["since_last"] for row in objects(folder / "p.jsonl")] == [s for *_, s in since]
    gone = cells(folder / "p.gone.csv")
    assert [(row["user_id"], row["because"]) for row in gone] == [
        ("bob", "left_period"),
        ("dee", "no_longer"),
        ("eve", "no_longer"),
    ]
    assert gone[0] == {
        "unit": "a2",
        "user_id": "bob",
        "account_id": "a2",
        "step": "0",
        "episode": "1",
        "triggered_at": "2025-12-30T09:00:00Z",
        "because": "left_period",
    }
    told = second["plays"]["p"]
    assert {word: told[word] for word in ("rows", "new", "kept", "gone", "left_period")} == {
        "rows": 4,
        "new": 2,
        "kept": 2,
        "gone": 3,
        "left_period": 1,
    }
    assert (told["last"], told["changed"]) == ("2026-01-24", [])
    assert set(told["files"]) == {"p.csv", "p.jsonl", "p.gone.csv"}
    assert audiences.summary(first) == "No earlier export: all 5 messages are new."
    assert audiences.summary(second) == (
        "Since the export of 2026-01-24: 2 new, 2 kept, 3 gone (1 left the period)."
    )


def test_a_step_left_the_period_when_its_own_trigger_did(tmp_path, drawn):
    run = opened(play("p", after="1h", then=(Step(after="48h"),)))
    # The first messages were due an hour after their triggers, the second 48 hours later.
    drawn("""
        in  | in  | | treated | email | 0 | 1 | 2026-01-01 01:00 | 2026-01-01 01:00 | send
        in  | in  | | treated | email | 1 | 1 | 2026-01-03 01:00 | 2026-01-03 01:00 | send
        out | out | | treated | email | 0 | 1 | 2026-01-01 00:59 | 2026-01-01 00:59 | send
        out | out | | treated | email | 1 | 1 | 2026-01-03 00:59 | 2026-01-03 00:59 | send
    """)
    export(tmp_path / "1", run)
    drawn("")
    export(tmp_path / "2", run, tmp_path / "1")
    gone = cells(tmp_path / "2" / "audiences" / "p.gone.csv")
    assert {(row["unit"], row["step"], row["because"]) for row in gone} == {
        ("in", "0", "no_longer"),
        ("in", "1", "no_longer"),
        ("out", "0", "left_period"),
        ("out", "1", "left_period"),
    }
    assert objects(tmp_path / "2" / "audiences" / "p.jsonl") == []
    assert cells(tmp_path / "2" / "audiences" / "p.csv") == []


KEYS = st.tuples(st.sampled_from("abc"), st.sampled_from("xyz"), st.integers(0, 1))
IDS = {"x": "é'x", "y": 'q"y\n2', "z": "-z"}
MESSAGES = st.dictionaries(KEYS, st.integers(0, 600), max_size=9)  # key → minute of the moment


@pytest.fixture(scope="module")
def run():
    return opened(play("p"))


@settings(max_examples=20)
@given(before=MESSAGES, after=MESSAGES)
def test_two_exports_compare_as_plain_python_compares_them(run, tmp_path_factory, before, after):
    home = tmp_path_factory.mktemp("compared")
    with pytest.MonkeyPatch.context() as patch:
        for name, rows in (("1", before), ("2", after)):
            text = {
                "unit": [unit for unit, _user, _step in rows],
                "user_id": [IDS[user] for _unit, user, _step in rows],
                "step": [step for _unit, _user, step in rows],
                "minute": list(rows.values()),
            }
            patch.setattr(audiences, "rows_of", lambda *_, text=text: drawn_ledger(text))
            last = [home / "1"] if name == "2" else []
            told = export(home / name, run, *last)["plays"]["p"]
    found = objects(home / "2" / "audiences" / "p.jsonl")
    keys = [(row["unit"], row["user_id"], row["step"]) for row in found]
    ordered = sorted(after, key=lambda key: (after[key], key[0], key[2], IDS[key[1]]))
    assert keys == [(unit, IDS[user], step) for unit, user, step in ordered]
    expected = ["kept" if key in before else "new" for key in ordered]
    assert [row["since_last"] for row in found] == expected
    assert (told["kept"], told["new"]) == (expected.count("kept"), expected.count("new"))
    assert told["gone"] == len(before.keys() - after.keys())
    path = home / "2" / "audiences" / "p.gone.csv"
    gone = cells(path) if path.is_file() else []
    safe = {"x": IDS["x"], "y": IDS["y"], "z": "'-z"}
    assert {(row["unit"], row["user_id"], int(row["step"])) for row in gone} == {
        (unit, safe[user], step) for unit, user, step in before.keys() - after.keys()
    }


def drawn_ledger(columns):
    """A ledger of messages that are sent."""
    import ibis

    n = len(columns["unit"])
    times = [datetime(2026, 1, 5, minute // 60, minute % 60) for minute in columns["minute"]]
    drawn = {
        "unit": pa.array(columns["unit"], pa.string()),
        "user_id": pa.array(columns["user_id"], pa.string()),
        "account_id": pa.nulls(n, pa.string()),
        "arm": pa.array(["treated"] * n, pa.string()),
        "channel": pa.array(["email"] * n, pa.string()),
        "step": pa.array(columns["step"], pa.int64()),
        "episode": pa.array([1] * n, pa.int64()),
        "triggered_at": pa.array(times, pa.timestamp("us")),
        "moment_at": pa.array(times, pa.timestamp("us")),
        "decision": pa.array(["send"] * n, pa.string()),
    }
    return ibis.memtable(pa.table(drawn))


@pytest.mark.parametrize(
    "hostile",
    ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "\nx", " =1", "\u00a0@x", "\uff1d1", '=a,b\n"\'c"'],
)
def test_no_cell_and_no_head_is_run_by_a_spreadsheet_and_the_lines_are_exact(tmp_path, hostile):
    text = {"unit": [hostile], "user_id": [hostile], "step": [0], "minute": [0]}
    declared = play("p", destination="tool", message={hostile: hostile, "plain": hostile})
    tool = Destination(user=hostile, columns={"=c": "nickname"})
    run = opened(declared, destinations={"tool": tool})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(audiences, "rows_of", lambda *_: drawn_ledger(text))
        export(tmp_path / "1", run)
        export(tmp_path / "2", run, tmp_path / "1")
        patch.setattr(audiences, "rows_of", lambda *_: drawn_ledger({name: [] for name in text}))
        export(tmp_path / "3", run, tmp_path / "2")
    (row,) = cells(tmp_path / "2" / "audiences" / "p.csv")
    assert row["unit"] == row[f"'{hostile}"] == row["message.plain"] == f"'{hostile}"
    assert row[f"message.{hostile}"] == f"'{hostile}"
    assert "'=c" in row
    (line,) = objects(tmp_path / "2" / "audiences" / "p.jsonl")
    assert line["unit"] == line[hostile] == hostile
    assert line["message"] == {hostile: hostile, "plain": hostile}
    assert line["since_last"] == "kept"  # what is written can be read again
    (gone,) = cells(tmp_path / "3" / "audiences" / "p.gone.csv")
    assert gone["unit"] == gone[f"'{hostile}"] == f"'{hostile}"


@pytest.mark.parametrize(
    ("tool", "message", "says"),
    [
        ({"user": "unit"}, {}, "the send list of `bad` would have the column `unit` twice."),
        ({"columns": {"Arm": "persona"}}, {}, "would have the column `arm` twice."),
        ({"columns": {"message": "persona"}}, {}, "would have the column `message` twice."),
        ({"columns": {"message.a": "persona"}}, {"a": 1}, "the column `message.a` twice."),
        ({}, {"a": 1, "A": 2}, "would have the column `message.a` twice."),
        ({"account": " "}, {}, "the send list of `bad` would have a column without a name."),
    ],
)
def test_columns_of_one_name_are_refused_and_the_other_plays_go_on(tmp_path, tool, message, says):
    bad = play("bad", destination="tool", message=message, after="4h")
    plays = bad, play("good", holdout=0)
    run = opened(*plays, destinations={"tool": Destination(**tool)})
    told = export(tmp_path / "r", run)["plays"]
    assert says in told["bad"]["unavailable"].lower()
    assert "Its columns would be: unit, " in told["bad"]["unavailable"]
    assert "Hint: rename it under `destinations`" in told["bad"]["unavailable"]
    assert told["good"]["rows"] == 2
    names = {path.name for path in (tmp_path / "r" / "audiences").iterdir()}
    assert names == {"good.csv", "good.jsonl", "manifest.json"}


def test_a_column_that_users_lack_is_told_in_three_parts(tmp_path):
    plays = play("bad", destination="tool"), play("good")
    tool = Destination(columns={"mail": "nickame", "who": "persona"})
    told = export(tmp_path / "r", opened(*plays, destinations={"tool": tool}))["plays"]
    assert told["bad"] == {
        "draft": False,
        "unavailable": (
            "The destination `tool` asks for the column `nickame`, which `users` lacks. "
            "It has: account_id, nickname, persona, user_id. Hint: did you mean `nickname`?"
        ),
    }
    assert "rows" in told["good"]


def test_an_audience_that_cannot_be_told_says_why(tmp_path):
    run = opened(play("lost", audience={"colour": "red"}), play("who.gone"))
    told = export(tmp_path / "r", run)["plays"]
    assert "names colour, which `users` lacks" in told["lost"]["unavailable"]
    assert "rename the play" in told["who.gone"]["unavailable"]
    index = audiences.overview(export(tmp_path / "s", run))
    assert index["said"] == "No earlier export: all 0 messages are new."
    assert index["rows"][0]["note"] == told["lost"]["unavailable"]
    assert index["rows"][0]["files"] == []


def test_a_product_without_plays_gets_no_files(tmp_path):
    assert export(tmp_path / "r", opened()) == {}
    assert not (tmp_path / "r" / "audiences").exists()


@pytest.mark.parametrize("unit", ["user", "account"])
def test_nobody_who_is_held_out_is_in_a_list(tmp_path, unit):
    people = [f"u{k:03d}" for k in range(200)]
    events = "user_id | event | at\n" + "".join(f"{u} | signed_up | 2026-01-05\n" for u in people)
    users = "user_id | account_id | persona\n" + "".join(
        f"{u} | a{place // 2} | engineer\n" for place, u in enumerate(people)
    )
    run = opened(play("half", unit=unit), events=events, users=users)
    told = export(tmp_path / "r", run)["plays"]["half"]
    arms = ledger.audience(run, play("half", unit=unit)).to_pyarrow().to_pylist()
    held = {row["user_id"] for row in arms if row["arm"] == "holdout"}
    sent = {row["user_id"] for row in objects(tmp_path / "r" / "audiences" / "half.jsonl")}
    assert held
    assert sent
    assert not held & sent
    assert told["rows"] + told["held_out"] == (200 if unit == "user" else 100)
    assert told["held_out"] == len({r["unit"] for r in arms if r["arm"] == "holdout"})


@pytest.mark.parametrize("arm", ["holdout", "everything", ""])
def test_a_ledger_that_would_send_to_a_held_out_unit_stops_everything(tmp_path, drawn, arm):
    drawn(f"""
        a | ann | a1 | treated | email | 0 | 1 | 2026-01-05 09:00 | 2026-01-05 09:00 | send
        b | bob | a2 | {arm}   | email | 0 | 1 | 2026-01-05 09:00 | 2026-01-05 09:00 | send
    """)
    with pytest.raises(RuntimeError, match="send list of `p` holds a unit that is held out"):
        export(tmp_path / "r", opened(play("p")))
    assert not list((tmp_path / "r").rglob("*.csv"))


def test_a_second_run_writes_the_same_bytes(tmp_path):
    run = opened(play("p", holdout=0), play("d", holdout=0, draft=True))
    for name in ("1", "2"):
        export(tmp_path / name, run)
    files = [
        path.relative_to(tmp_path / "1") for path in (tmp_path / "1").rglob("*.*") if path.is_file()
    ]
    assert len(files) == 5
    for path in files:
        if path.name != "manifest.json":
            assert (tmp_path / "1" / path).read_bytes() == (tmp_path / "2" / path).read_bytes()


def test_a_new_salt_a_new_declaration_and_a_new_tool_are_told(tmp_path):
    plain = {
        slug: {"holdout": 0, "after": f"{2 * place}h"}  # so that nobody is wanted twice an hour
        for place, slug in enumerate(("salted", "said", "moved", "same"))
    }
    other = {
        "salted": {"salt": "second"},
        "said": {"goal_within": "24h"},
        "moved": {"destination": "other"},
    }
    before = [play(slug, **said) for slug, said in plain.items()]
    after = [play(slug, **said, **other.get(slug, {})) for slug, said in plain.items()]
    export(tmp_path / "1", opened(*before))
    told = export(tmp_path / "2", opened(*after), tmp_path / "1")
    assert {slug: each["changed"] for slug, each in told["plays"].items()} == {
        "salted": ["salt", "version"],
        "said": ["version"],
        "moved": ["destination", "version"],
        "same": [],
    }
    assert told["plays"]["salted"]["salt"] == "second"
    assert told["plays"]["same"]["salt"] == "same"
    assert told["plays"]["same"]["kept"] == 2
    assert audiences.summary(told) == (
        "Since the export of 1: 0 new, 8 kept, 0 gone; arms are drawn anew in salted; another "
        "declaration of salted, said, moved; another tool sends moved."
    )
    obeyed = opened(*after, sending={"every": "2h", "holdout": 0.1, "salt": "third"})
    told = export(tmp_path / "3", obeyed, tmp_path / "2", tmp_path / "1")
    assert {tuple(each["changed"]) for each in told["plays"].values()} == {
        ("salt_of_all", "sending")
    }
    assert told["plays"]["same"]["salt_of_all"] == "third"


def test_a_version_is_of_what_is_declared_and_not_of_how_it_is_written():
    one = play("p", audience={"persona": "engineer", "intent": "in"}, priority=0)
    two = play("p", audience={"intent": "in", "persona": ["engineer"]})
    other = play("p", audience={"intent": "in", "persona": ["engineer"]}, priority=1)
    run = opened()
    marks = [audiences._marks(run, each)["version"] for each in (one, two, other)]
    assert marks[0] == marks[1] != marks[2]


def test_a_draft_stands_apart_and_is_new_to_its_tool_when_it_goes_live(tmp_path):
    draft, live = play("p", holdout=0, draft=True), play("p", holdout=0)
    first = export(tmp_path / "1", opened(draft))
    assert {path.name for path in (tmp_path / "1" / "audiences").iterdir()} == {
        "drafts",
        "manifest.json",
    }
    assert set(first["plays"]["p"]["files"]) == {"drafts/p.csv", "drafts/p.jsonl"}
    assert first["plays"]["p"]["draft"] is True
    assert audiences.overview(first)["rows"][0] == {
        "play": "p (draft)",
        "counts": ["2", "2", "0", "0", "0"],
        "note": "email",
        "files": [("csv", "audiences/drafts/p.csv"), ("jsonl", "audiences/drafts/p.jsonl")],
    }
    second = export(tmp_path / "2", opened(live), tmp_path / "1")["plays"]["p"]
    assert (second["new"], second["kept"], second["last"]) == (2, 0, None)
    third = export(tmp_path / "3", opened(draft), tmp_path / "2", tmp_path / "1")
    # As a draft it was the same before it was live; whoever sends it must stop.
    assert (third["plays"]["p"]["kept"], third["plays"]["p"]["last"]) == (2, "1")
    assert third["withdrawn"]["p"]["gone"] == 2
    gone = cells(tmp_path / "3" / "audiences" / "p.gone.csv")
    assert {row["because"] for row in gone} == {"withdrawn"}


def test_no_draft_takes_anybody_away_from_a_play_that_is_sent(tmp_path):
    live = play("live", holdout=0, suppressed_by="draft")
    draft = play("draft", holdout=0, priority=9, draft=True)
    told = export(tmp_path / "r", opened(live, draft))["plays"]
    assert {slug: each["rows"] for slug, each in told.items()} == {"live": 2, "draft": 2}
    sent = export(tmp_path / "s", opened(live, play("draft", holdout=0, priority=9)))["plays"]
    assert {slug: each["rows"] for slug, each in sent.items()} == {"live": 0, "draft": 2}


def test_a_play_that_is_no_longer_declared_is_withdrawn_once(tmp_path):
    run, none = opened(play("p", holdout=0)), opened()
    past = [tmp_path / name for name in "4321"]
    export(tmp_path / "1", run)
    told = export(tmp_path / "2", none, *past[3:])
    assert told["plays"] == {}
    assert told["withdrawn"]["p"] == {
        "last": "1",
        "gone": 2,
        "left_period": 0,
        "files": told["withdrawn"]["p"]["files"],
    }
    assert set(told["withdrawn"]["p"]["files"]) == {"p.gone.csv"}
    assert audiences.summary(told) == (
        "Since the export of 1: 0 new, 0 kept, 2 gone; withdrawn: p."
    )
    assert audiences.overview(told)["rows"][0]["note"] == "withdrawn"
    assert export(tmp_path / "3", none, *past[2:]) == {}
    back = export(tmp_path / "4", run, *past[1:])["plays"]["p"]
    assert (back["new"], back["last"]) == (2, None)


def test_a_report_that_could_not_tell_an_audience_is_passed_over(tmp_path):
    run = opened(play("p", holdout=0))
    export(tmp_path / "1", run)
    broken = opened(play("p", holdout=0, audience={"colour": "red"}))
    assert export(tmp_path / "2", broken, tmp_path / "1")["withdrawn"] == {}
    (tmp_path / "3" / "audiences").mkdir(parents=True)
    (tmp_path / "3" / "audiences" / "manifest.json").write_text("{half a")
    (tmp_path / "4" / "audiences").mkdir(parents=True)
    (tmp_path / "4" / "audiences" / "manifest.json").write_text('{"format": 0}')
    told = export(tmp_path / "5", run, *(tmp_path / name for name in "4321"))["plays"]["p"]
    assert (told["kept"], told["new"], told["last"]) == (2, 0, "1")


def test_a_destination_may_change_its_words_between_two_exports(tmp_path):
    declared = play("p", holdout=0, destination="tool")
    first = opened(declared, destinations={"tool": Destination(user="order", account="group")})
    second = opened(play("p", holdout=1 - 1e-9, destination="tool"))
    export(tmp_path / "1", first)
    told = export(tmp_path / "2", second, tmp_path / "1")["plays"]["p"]
    assert (told["rows"], told["gone"], told["held_out"]) == (0, 2, 2)
    gone = cells(tmp_path / "2" / "audiences" / "p.gone.csv")
    # Who is gone is told to the tool in the words that it knows them by.
    assert [(row["order"], row["group"]) for row in gone] == [("bob", ""), ("ann", "a1")]


def test_rows_come_from_every_engine_alike(tmp_path, engine):
    rows = table(
        """
        unit | user_id | at
        é    | ü       | 2026-01-05 09:00:00.25
             | "q      | 2026-01-05 09:00
        """
    )
    name = "audiences_of_a_test"
    stored = engine.create_table(name, rows.to_pyarrow(), overwrite=True).mutate(step=2, last=3)
    try:
        with sendlist.desk_in(tmp_path) as place:
            brought = place.kept("rows", place.brought(stored).order_by("at"))
            exact = brought.mutate(at=sendlist.exact_value(brought.at))
            place.write(exact, tmp_path / "rows.jsonl", sendlist.JSON_LINES)
    finally:
        engine.drop_table(name)
    assert objects(tmp_path / "rows.jsonl") == [
        {"unit": None, "user_id": '"q', "at": "2026-01-05T09:00:00Z", "step": 2, "last": 3},
        {
            "unit": "é",
            "user_id": "ü",
            "at": "2026-01-05T09:00:00.250000Z",
            "step": 2,
            "last": 3,
        },
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["rows.jsonl"]


def test_the_index_links_the_files_of_each_play(tmp_path):
    bad = play("bad", audience={"<colour>": "red"})
    told = export(tmp_path / "r", opened(play("p", holdout=0, destination="mailer"), bad))
    html = pages.index(
        {
            **dict.fromkeys(("product", "run", "since", "until", "as_of", "made_at"), ""),
            "stages": [],
            "changes": [],
            "files": [],
            "audiences": audiences.overview(told),
        }
    )
    assert "<p>No earlier export: all 2 messages are new.</p>" in html
    assert '<th class="number">held out</th>' in html
    assert '<td>p</td><td class="number">2</td><td class="number">2</td>' in html
    assert '<td>mailer</td><td><a href="audiences/p.csv">csv</a>, <a' in html
    assert "&lt;colour&gt;" in html
    assert "<colour>" not in html
