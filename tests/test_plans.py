"""Plans of other tools, drawn as these tools export them, and plans drafted from drawn data."""

import json
import random
from pathlib import Path

import ibis
import pytest

from playbook.__main__ import main
from playbook.adapters import plans
from playbook.adapters.plans import draft, from_data, writing
from playbook.adapters.plans.entries import Entry
from playbook.data.warehouse import Warehouse
from playbook.declare import DataPoint, Product, Property, TableMap, read_list
from playbook.language.mistakes import Mistake, Nothing
from playbook.run import root
from tests.spec import table
from tests.test_engines_not_here import DIALECTS

WEEKLY = "params/airtouch/runs/weekly.yaml"

CSV = """Event Name,Event Description,Labels,Property Name,Property Description,Status,\
Data Type,Permitted Values
Report Exported,"A person exports a report, as a file.",owner:reporting,,,,,
Report Exported,,,format,Which file,Required,string,csv|pdf|xlsx
Report Exported,,,rows,How many,Optional,integer,
Report Exported,,,code,,Required,string,^R-[0-9]+$
Report Exported,,,filters,,Optional,object,
Report Exported,,,filters.team,,Optional,string,
Report Exported,,,finished,,Optional,Date time,
Plan 🎉 “Chosen”,Somebody picks a plan.,team:money,price,,required,number,
"""


def message(properties, required=(), **rest):
    """A JSON Schema of a whole message, as Segment, RudderStack and Avo have it."""
    inner = {"type": "object", "properties": properties, "required": list(required)}
    return {
        "type": "object",
        "properties": {"context": {}, "properties": inner, "traits": {}},
        **rest,
    }


def imported(tmp_path, content, name="plan.json", format=""):
    """The data points that the written file holds, read back as declarations; and its text."""
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return reread(tmp_path, plans.imported_plan([path], format))


def reread(tmp_path, plan):
    text = plans.imported_as_yaml(plan, "a file")
    out = tmp_path / "out.yaml"
    out.write_text(text, "utf-8")
    return {point.event: point for point in read_list(out, DataPoint)}, text


def of_one(tmp_path, schema, required=()):
    """A single property `it` of a single event, and the text of the plan."""
    rule = {"type": "TRACK", "key": "e", "jsonSchema": message({"it": schema}, required)}
    points, text = imported(tmp_path, {"rules": [rule]})
    return points["e"].properties["it"], text


def test_segments_csv_becomes_data_points_with_owner_types_and_values(tmp_path):
    points, text = imported(tmp_path, CSV, "plan.csv")
    exported = points["Report Exported"]
    assert exported.owner == "reporting"
    assert exported.says == "A person exports a report, as a file."
    assert exported.properties == {
        "format": Property(required=True, says="Which file", values=("csv", "pdf", "xlsx")),
        "rows": Property(type="int64", says="How many"),
        "code": Property(required=True, pattern="^R-[0-9]+$"),
        "filters": Property(),
        "finished": Property(type="timestamp"),
    }
    assert points["Plan 🎉 “Chosen”"].properties == {
        "price": Property(type="float64", required=True)
    }
    assert "Not kept: it is an object: kept as string." in text
    assert "Not kept: `filters.team` is inside of `filters`." in text
    assert "Not kept: label team:money." in text


def test_a_csv_with_one_name_column_tells_properties_by_their_status(tmp_path):
    content = """Name;Description;Status;Data Type;Permitted Values
saved;It is saved.;;;
size;;Required;integer;
"""
    points, _text = imported(tmp_path, content, "plan.csv")
    assert points["saved"].says == "It is saved."
    assert points["saved"].properties == {"size": Property(type="int64", required=True)}


def test_a_csv_says_what_it_asks_of_identify_calls(tmp_path):
    content = (
        "Event Type,Event Name,Property Name,Data Type,Allowed Property Values\n"
        'track,saved,kind,string,"draft, final"\nidentify,,plan,string,\n'
    )
    points, text = imported(tmp_path, content, "plan.csv")
    assert points["saved"].properties["kind"].values == ("draft", "final")
    assert "Not kept: identify: plan." in text


def test_segments_public_api_keeps_track_events_and_counts_the_rest(tmp_path):
    saved = message(
        {"size": {"type": ["integer", "null"], "description": "In bytes"}},
        ["size"],
        description="A draft is saved.",
        labels={"owner": "editors", "tier": "1"},
    )
    person = {"type": "object", "properties": {"traits": {"properties": {"email": {}, "age": {}}}}}
    rules = [
        {"type": "TRACK", "key": "Draft Saved", "version": 1, "jsonSchema": message({"old": {}})},
        {"type": "TRACK", "key": "Draft Saved", "version": 2, "jsonSchema": saved},
        {"type": "IDENTIFY", "key": None, "version": 1, "jsonSchema": person},
    ]
    points, text = imported(tmp_path, {"data": {"rules": rules, "pagination": {}}})
    assert list(points) == ["Draft Saved"]
    assert points["Draft Saved"].says == "A draft is saved."
    assert points["Draft Saved"].owner == "editors"
    assert points["Draft Saved"].properties == {"size": Property(type="int64", says="In bytes")}
    assert "version 1 is left out: 2 is newer." in text
    assert "1 data point; 4 rules could not be kept: rule of identify (2)" in text.replace(
        "\n# ", " "
    )


def test_segments_config_api_is_read_too(tmp_path):
    content = {
        "name": "workspaces/acme/tracking-plans/rs_1",
        "display_name": "Acme",
        "rules": {
            "events": [
                {
                    "name": "Paid",
                    "description": "It is paid.",
                    "rules": message({"sum": {"type": ["number"]}}),
                }
            ],
            "global": {},
            "group": message({}),
            "identify_traits": [{"name": "age"}],
        },
    }
    points, text = imported(tmp_path, content)
    assert points["Paid"].properties == {"sum": Property(type="float64")}
    assert "Not kept: identify: age." in text


def test_rudderstacks_events_come_as_schemas_or_as_lists(tmp_path):
    schemas = {
        "id": "tp_1",
        "events": [
            {
                "name": "Seen",
                "eventType": "track",
                "identitySection": "properties",
                "description": "It is from_data.",
                "rules": message({"sum": {"type": ["number"]}}, ["sum"]),
            },
            {"name": "", "eventType": "identify", "rules": message({"age": {"type": ["number"]}})},
        ],
    }
    lists = {
        "data": [
            {
                "name": "Seen",
                "eventType": "track",
                "description": "It is from_data.",
                "additionalProperties": False,
                "properties": [
                    {
                        "name": "sum",
                        "type": "number",
                        "required": True,
                        "propConfig": {"minimum": 0},
                    },
                    {"name": "either", "type": "number, string", "required": False},
                    {"name": "parts", "type": "array", "propConfig": {"itemTypes": ["string"]}},
                ],
            }
        ]
    }
    points, text = imported(tmp_path, schemas)
    assert points["Seen"].properties == {"sum": Property(type="float64", required=True)}
    assert "Not kept: identify: age." in text
    points, text = imported(tmp_path, lists)
    assert points["Seen"].says == "It is from_data."
    assert points["Seen"].properties["sum"] == Property(type="float64", required=True, least=0)
    assert "Not kept: it may be number or string: kept as string." in text
    assert "Not kept: it is an array: kept as string." in text
    assert "Not kept: no other property may be there." in text


def test_avos_export_says_what_it_carries_beside_the_schema(tmp_path):
    event = {
        "id": "x1",
        "name": "game_started",
        "description": "A round begins.",
        "tags": ["core"],
        "categories": [],
        "triggers": [],
        "sources": [{"id": "s", "name": "Web", "destinations": [{"id": "d"}]}],
        "owner": {"name": "games"},
        "rules": message(
            {"mode": {"id": "p", "type": ["string"], "enum": ["solo", "duo"]}}, ["mode"]
        ),
    }
    points, text = imported(tmp_path, {"name": "Exported", "events": [event]})
    assert points["game_started"].owner == "games"
    assert points["game_started"].properties == {
        "mode": Property(required=True, values=("solo", "duo"))
    }
    assert "Not kept: tag core." in text
    assert "Not kept: sent by Web." in text


def iglu(name, version, properties, required=()):
    return {
        "$schema": "http://iglucentral.com/schemas/com.snowplowanalytics.self-desc/schema/jsonschema/1-0-0#",
        "self": {"vendor": "com.acme", "name": name, "format": "jsonschema", "version": version},
        "description": f"{name} happens.",
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def test_of_iglus_schemas_the_newest_version_counts(tmp_path):
    for version in ("1-0-0", "1-0-10", "1-0-9"):
        path = tmp_path / "schemas/com.acme/button_click/jsonschema" / version
        path.parent.mkdir(parents=True, exist_ok=True)
        properties = {
            "label": {"type": "string", "maxLength": 255},
            f"v{version}": {"type": "integer"},
        }
        path.write_text(json.dumps(iglu("button_click", version, properties, ["label"])))
    (tmp_path / "schemas/README.md").write_text("# Ours")
    points, text = reread(tmp_path, plans.imported_plan([tmp_path / "schemas"]))
    assert points["button_click"].properties == {
        "label": Property(required=True),
        "v1-0-10": Property(type="int64"),
    }
    assert "version 1-0-9 is left out: 1-0-10 is newer." in text
    assert "maxLength: 255" in text


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string", "enum": ["a", "b"]}, {"values": ("a", "b")}),
        ({"type": "string", "enum": ["a", 1, True, None]}, {"values": ("a", "1", "true")}),
        ({"enum": ["a", "b"]}, {"values": ("a", "b")}),
        ({"const": "a"}, {"values": ("a",)}),
        ({"type": "string", "pattern": "^a"}, {"pattern": "^a"}),
        ({"type": "string", "format": "date-time"}, {"type": "timestamp"}),
        ({"type": ["null", "boolean"]}, {"type": "boolean"}),
        ({"type": ["integer", "number"]}, {"type": "float64"}),
        (
            {"type": "number", "minimum": 0.5, "maximum": 1e-7},
            {"type": "float64", "least": 0.5, "most": 1e-7},
        ),
        (
            {"type": "integer", "exclusiveMinimum": 0, "maximum": 9},
            {"type": "int64", "least": 1, "most": 9},
        ),
        (
            {"type": "integer", "minimum": 0, "exclusiveMinimum": True},
            {"type": "int64", "least": 1},
        ),
        ({"type": "any"}, {}),
        ({}, {}),
        (True, {}),
    ],
)
def test_a_rule_that_we_have_is_kept_without_a_word(tmp_path, schema, expected):
    found, text = of_one(tmp_path, schema)
    assert found == Property(**expected)
    assert "1 data point; every rule is kept." in text


@pytest.mark.parametrize(
    ("schema", "expected", "says"),
    [
        ({"type": "integer", "enum": [1, 2]}, {"type": "int64"}, "only the values 1, 2"),
        ({"type": ["string", "integer"]}, {}, "it may be string or integer"),
        ({"type": "object", "properties": {"a": {}, "b": {}}}, {}, "it is an object of a, b"),
        ({"type": "array", "items": {"properties": {"sku": {}}}}, {}, "it is an array of sku"),
        ({"type": "string", "pattern": r"\p{L}+"}, {}, "Python cannot read it"),
        ({"type": "string", "pattern": "^(?!test)"}, {}, "engines cannot look around"),
        ({"type": "string", "minimum": 3}, {}, "minimum: 3 (of a string)"),
        ({"type": "number", "exclusiveMaximum": 1}, {"type": "float64"}, "exclusiveMaximum: 1"),
        ({"type": "string", "format": "email"}, {}, "format: email"),
        ({"anyOf": [{"type": "string"}]}, {}, "anyOf: "),
        ({"type": "integer", "maximum": 10**400}, {"type": "int64"}, "is no number"),
        (False, {}, "it must never be there"),
    ],
)
def test_a_rule_that_we_lack_is_said_beside_the_property(tmp_path, schema, expected, says):
    found, text = of_one(tmp_path, schema)
    assert found == Property(**expected)
    assert f"Not kept: {says}" in text or says in text
    assert "1 rule could not be kept" in text


def test_a_null_type_is_not_required(tmp_path):
    found, text = of_one(tmp_path, {"type": ["string", "null"]}, ["it"])
    assert found == Property(required=False)
    assert "it must be there, though it may be null" in text


def test_a_conditional_rule_of_an_event_is_said_above_it(tmp_path):
    rule = {
        "type": "TRACK",
        "key": "e",
        "jsonSchema": message({}, **{"if": {"a": 1}, "then": {"b": 2}}),
    }
    _points, text = imported(tmp_path, {"rules": [rule]})
    assert text.index("Not kept: if: ") < text.index("- event: e")


def test_a_property_of_two_types_falls_back_to_text_wherever_it_is(tmp_path):
    rules = [
        {
            "type": "TRACK",
            "key": "a",
            "jsonSchema": message({"sum": {"type": "number", "minimum": 1}}),
        },
        {"type": "TRACK", "key": "b", "jsonSchema": message({"sum": {"type": "string"}})},
    ]
    points, text = imported(tmp_path, {"rules": rules})
    assert [point.properties["sum"] for point in points.values()] == [Property(), Property()]
    assert text.count("its type differs: float64 in `a`, string in `b`") == 2
    assert "2 rules could not be kept" in text


def test_whole_and_broken_numbers_meet_as_broken_ones(tmp_path):
    rules = [
        {"type": "TRACK", "key": key, "jsonSchema": message({"sum": {"type": type_, "minimum": 1}})}
        for key, type_ in (("a", "integer"), ("b", "number"))
    ]
    points, _text = imported(tmp_path, {"rules": rules})
    assert {point.properties["sum"] for point in points.values()} == {
        Property(type="float64", least=1)
    }


def test_a_property_named_as_a_column_of_every_event_has_its_type(tmp_path):
    rule = {"type": "TRACK", "key": "a", "jsonSchema": message({"user_id": {"type": "integer"}})}
    points, text = imported(tmp_path, {"rules": [rule]})
    assert points["a"].properties["user_id"].type == "string"
    assert "`user_id` is a column of every event" in text


WEIRD = [
    "a",
    " ",
    "é",
    "🎉👩‍👩‍👧",
    '"',
    "'",
    ":",
    "#",
    "\n",
    "\\",
    "\u2028",
    "\x7f",
    "{",
    "-",
    "\t",
    "?",
    "\ud800",
    "%",
]


def test_any_name_survives_the_way_into_yaml_and_back(tmp_path):
    draw = random.Random(7)
    names = {"".join(draw.choices(WEIRD, k=draw.randint(1, 12))) for _ in range(300)}
    names |= {"true", "No", "null", "12", "1.5", "2026-01-01", "k" * 2000, "- a", "a: b", "~"}
    names = sorted(name.encode("utf-8", "replace").decode() for name in names)
    spec = Property(values=tuple(names), says=names[5], pattern="a|\\n# b")
    entries = [
        Entry(
            DataPoint(
                event=name,
                says=name,
                owner=name,
                properties={name: spec},
                destinations={name: name},
            ),
            notes=(f"{name}\n- event: injected",),
            beside={name: (name,)},
        )
        for name in names
    ]
    out = tmp_path / "out.yaml"
    out.write_text(writing.plan_as_yaml(entries, ["one\n- event: two"]), "utf-8", newline="\n")
    assert list(read_list(out, DataPoint)) == [entry.point for entry in entries]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("plan.json", '{"rules": [', "`plan.json` is not JSON"),
        ("plan.json", "[" * 100_000, "`plan.json` is not JSON"),
        ("plan.json", '{"rules": NaN}', "`plan.json` is not JSON"),
        ("plan.json", '{"cells": 1}', "in none of the formats"),
        ("plan.json", "[]", "in none of the formats"),
        ("plan.json", "", "`plan.json` is not JSON"),
        ("plan.csv", "", "in none of the formats"),
        ("plan.csv", "Colour,Data Type\nred,string\n", "in none of the formats"),
        ("plan.csv", "Event Name,Property Name,Data Type\n", "plan.csv plans no event"),
        ("plan.json", '{"rules": {"events": []}}', "plan.json plans no event"),
        ("plan.json", '{"rules": {"events": [null, {"name": 5}]}}', "plan.json plans no event"),
    ],
)
def test_a_file_that_is_no_plan_is_a_mistake_in_three_parts(tmp_path, capsys, name, content, says):
    (tmp_path / name).write_text(content)
    assert main(["plan", "import", str(tmp_path / name)]) == 2
    said = capsys.readouterr().err
    assert says in said
    assert len(said.strip().splitlines()) == 3


def test_files_that_are_not_there_or_no_text_are_mistakes(tmp_path):
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Mistake, match="no text in UTF-8"):
        plans.imported_plan([tmp_path / "binary.csv"])
    with pytest.raises(Mistake, match="There is no file"):
        plans.imported_plan([tmp_path / "absent.csv"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(Mistake, match="holds no plan"):
        plans.imported_plan([tmp_path / "empty"])


def test_a_named_format_must_be_known_and_must_fit(tmp_path):
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(iglu("a", "1-0-0", {})))
    with pytest.raises(Mistake, match="did you mean `segment-json`"):
        plans.imported_plan([path], "segment-jsn")
    with pytest.raises(Mistake, match="looks like iglu"):
        plans.imported_plan([path], "avo")
    (tmp_path / "plan.csv").write_text("Colour,Taste\nred,sweet\n")
    with pytest.raises(Mistake, match="lacks the columns of a tracking plan"):
        plans.imported_plan([tmp_path / "plan.csv"], "segment-csv")


MAULED = [None, 0, -1.5, True, "", "x", [], {}, [None], {"properties": []}, {"type": 5}, [[]]]


@pytest.mark.parametrize("format", [name for name in plans.FORMATS if name != "segment-csv"])
def test_json_with_anything_anywhere_is_read_or_is_a_mistake(tmp_path, format):
    draw = random.Random(3)
    whole = {
        "segment-json": {
            "rules": [
                {
                    "type": "TRACK",
                    "key": "e",
                    "version": 1,
                    "jsonSchema": message(
                        {"p": {"type": ["string"], "enum": ["a"], "minimum": 1}}, ["p"]
                    ),
                }
            ]
        },
        "rudderstack": {
            "events": [
                {
                    "name": "e",
                    "eventType": "track",
                    "properties": [
                        {
                            "name": "p",
                            "type": "string",
                            "propConfig": {"enum": ["a"], "pattern": "a"},
                            "properties": [{"name": "q"}],
                        }
                    ],
                }
            ]
        },
        "avo": {
            "events": [
                {
                    "name": "e",
                    "tags": ["t"],
                    "sources": [{"name": "s"}],
                    "owner": {"name": "o"},
                    "rules": message({"p": {"items": [{}]}}),
                }
            ]
        },
        "iglu": iglu("e", "1-0-0", {"p": {"type": "object", "properties": {"q": {}}}}, ["p"]),
    }[format]
    for _ in range(300):
        broken = mauled(whole, draw)
        path = tmp_path / "plan.json"
        path.write_text(json.dumps(broken))
        try:
            reread(tmp_path, plans.imported_plan([path], format))
        except Mistake:
            continue


def mauled(data, draw):
    """The data with something else in a few of its places."""
    if draw.random() < 0.06:
        return draw.choice(MAULED)
    match data:
        case dict():
            return {key: mauled(value, draw) for key, value in data.items()}
        case list():
            return [mauled(value, draw) for value in data]
    return data


def test_import_prints_a_plan_or_writes_it_to_a_new_file_only(tmp_path, capsys):
    (tmp_path / "plan.csv").write_text(CSV, "utf-8")
    out = tmp_path / "tracking_plan.yaml"
    assert main(["plan", "import", str(tmp_path / "plan.csv")]) == 0
    said = capsys.readouterr()
    assert "- event: Report Exported" in said.out
    assert (
        said.err
        == "2 data points; 3 rules could not be kept: nested property, nested object, label.\n"
    )
    assert main(["plan", "import", str(tmp_path / "plan.csv"), "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"{out}\n"
    assert len(read_list(out, DataPoint)) == 2
    before = out.read_bytes()
    assert main(["plan", "import", str(tmp_path / "plan.csv"), "--out", str(out)]) == 2
    assert "is there already" in capsys.readouterr().err
    assert out.read_bytes() == before
    assert (
        main(["plan", "import", str(tmp_path / "plan.csv"), "--out", str(tmp_path / "no/x")]) == 2
    )


def test_several_files_make_one_plan(tmp_path):
    (tmp_path / "plan.csv").write_text(CSV, "utf-8")
    (tmp_path / "a.json").write_text(json.dumps(iglu("a", "1-0-0", {})))
    plan = plans.imported_plan([tmp_path / "plan.csv", tmp_path / "a.json"])
    assert [entry.point.event for entry in plan.entries] == [
        "Report Exported",
        "Plan 🎉 “Chosen”",
        "a",
    ]


def small(rows, plan=(), connection=None, **types):
    """A draft over a drawn log whose columns are all mapped by their own names, but `spare`."""
    connection = connection or ibis.duckdb.connect()
    connection.create_table("log", table(rows, **types).to_pyarrow(), overwrite=True)
    mapped = {name: name for name in connection.table("log").columns if name != "spare"}
    product = Product(name="Small", tables={"events": (TableMap(table="log", columns=mapped),)})
    return draft.inferred_plan(product, plan, Warehouse(connection))


def log(n, *, event="saved", kind="a", size="1"):
    """The header and `n` rows of a log, one an hour from 5 January on."""
    header = "event_id | event | user_id | at | kind | size | item_id | spare"
    rows = [
        f"{event}{i} | {event} | u | 2026-01-{5 + i // 24:02} {i % 24:02}:00 | "
        f"{kind(i) if callable(kind) else kind} | {size(i) if callable(size) else size} | "
        f"{i % 3} | x"
        for i in range(n)
    ]
    return "\n".join([header, *rows])


def drawn(tmp_path, found):
    """The data points of a draft, written and read back; and its text."""
    text = plans.draft_as_yaml(found)
    (tmp_path / "draft.yaml").write_text(text, "utf-8")
    return {point.event: point for point in read_list(tmp_path / "draft.yaml", DataPoint)}, text


def test_a_draft_names_events_properties_types_and_their_few_values(tmp_path):
    found = small(log(120, kind=lambda i: "ab"[i % 2]))
    points, text = drawn(tmp_path, found)
    assert (
        points["saved"].says == "Drafted from 120 rows seen 5 Jan to 9 Jan 2026: say what happened."
    )
    assert points["saved"].properties == {
        "kind": Property(required=True, values=("a", "b")),
        "size": Property(type="int64", required=True),
        "item_id": Property(required=True),
    }
    assert points["saved"].destinations == {}
    assert "destinations: {}  # Where is it consumed" in text
    assert "All 120 rows carry it." in text
    assert "does not map, so that they are no property yet: spare." in text
    assert found.summary == "1 data point: 0 planned before, 1 drafted."


def test_a_draft_leaves_out_what_is_rare_and_says_so(tmp_path):
    rows = log(10) + "\n" + log(9, event="typo").partition("\n")[2]
    points, text = drawn(tmp_path, small(rows))
    assert list(points) == ["saved"]
    assert "fewer than 10 rows: typo (9)" in text


def test_values_are_listed_of_a_hundred_rows_and_up_to_twelve_only(tmp_path):
    def values(n, kinds):
        rows = log(n, kind=lambda i: chr(97 + i % kinds))
        return drawn(tmp_path, small(rows))[0]["saved"].properties["kind"].values

    assert len(values(100, 12)) == 12
    assert values(99, 2) == ()
    assert values(100, 13) == ()


def test_an_address_is_never_listed_as_a_value(tmp_path):
    points, text = drawn(tmp_path, small(log(100, kind="ann@acme.com")))
    assert points["saved"].properties["kind"].values == ()
    assert "ann@acme.com" not in text


def test_a_property_is_required_from_999_of_1000_rows_on(tmp_path):
    def spec(n, missing):
        rows = log(n, kind=lambda i: "" if i < missing else "a")
        points, text = drawn(tmp_path, small(rows))
        return points["saved"].properties["kind"].required, text

    assert spec(500, 0)[0]
    required, text = spec(500, 1)
    assert not required
    assert "499 of 500 rows carry it (99.8%)." in text


@pytest.mark.parametrize(
    ("texts", "type_"),
    [
        (["0", "-12"], "int64"),
        (["1", "2.50"], "float64"),
        (["true", "false"], "boolean"),
        (["2026-01-31", "2026-01-31T10:00:00.5Z", "2026-01-31 10:00+02:00"], "timestamp"),
        (["007"], "string"),
        (["1", "x"], "string"),
        (["2026-13-01"], "string"),
    ],
)
def test_a_text_that_always_looks_like_a_type_is_drafted_as_that_type(tmp_path, texts, type_):
    points, _text = drawn(tmp_path, small(log(30, size=lambda i: texts[i % len(texts)])))
    assert points["saved"].properties["size"].type == type_


def test_the_type_of_a_column_is_its_properties_type_and_ids_are_text(tmp_path):
    types = {"size": "float64", "item_id": "int64"}
    points, _text = drawn(tmp_path, small(log(10, size="1.5"), **types))
    assert points["saved"].properties["size"].type == "float64"
    assert points["saved"].properties["item_id"].type == "string"


def test_what_the_plan_says_is_kept_and_only_what_it_leaves_open_is_drafted(tmp_path):
    planned = DataPoint(
        event="saved",
        says="A draft is saved.",
        owner="editors",
        properties={
            "kind": {"values": ["a", "z"], "required": False},
            "size": {"says": "In bytes"},
        },
        destinations={"crm": "scores"},
        follows=[{"event": "opened", "by": "item_id"}],
    )
    silent = DataPoint(event="shared", says="It is shared.", was=["sent"])
    points, text = drawn(tmp_path, small(log(120), plan=[planned, silent]))
    assert points["shared"] == silent
    assert "No row of it arrives: nothing is drafted." in text
    expected = {
        "kind": Property(values=("a", "z")),
        "size": Property(says="In bytes", required=True, values=("1",)),
        "item_id": Property(required=True),
    }
    assert points["saved"] == planned.model_copy(update={"properties": expected})
    assert "All 120 rows carry it. Drafted: required, values." in text


def test_a_draft_is_the_same_on_every_engine(engine, tmp_path):
    texts = ["1", "2.5", "", "-3"]
    rows = log(200, kind=lambda i: "abé"[i % 3], size=lambda i: texts[i % 4])
    try:
        points, _text = drawn(tmp_path, small(rows, connection=engine))
    finally:
        engine.drop_table("log", force=True)
    assert points["saved"].says.startswith("Drafted from 200 rows seen 5 Jan to 13 Jan 2026")
    assert points["saved"].properties == {
        "kind": Property(required=True, values=("a", "b", "é")),
        "size": Property(type="float64"),
        "item_id": Property(required=True),
    }


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_a_draft_asks_compiles_for_warehouses_that_are_not_here(dialect):
    types = {"event": "string", "at": "timestamp(6)", "received_at": "timestamp(6)"}
    events = ibis.table(types | {"kind": "string"}, name="events")
    counts = from_data.filled_per_event(events, ["kind"], ["kind"])
    for asked in (counts, from_data.few_values(events, "kind")):
        assert ibis.to_sql(asked, dialect=dialect)


def test_an_empty_log_drafts_nothing():
    with pytest.raises(Nothing, match="empty"):
        small("event_id | event | user_id | at | kind")


def test_the_demo_is_drafted_over_its_own_plan(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(root())
    out = tmp_path / "draft.yaml"
    assert main(["plan", "draft", WEEKLY, "--out", str(out)]) == 0
    assert "planned before" in capsys.readouterr().err
    points = {point.event: point for point in read_list(out, DataPoint)}
    direction = points["workflow_saved"].properties["direction"]
    assert direction.values == ("into_warehouse", "out_of_warehouse")
    assert points["workflow_saved"].owner == "product"
    assert points["connection_checked"].says.startswith("Drafted from ")


def test_a_product_without_a_plan_is_drafted_from_its_mapping(tmp_path, monkeypatch, capsys):
    home = root()
    folder = tmp_path / "params/airtouch"
    folder.mkdir(parents=True)
    (folder / "product.yaml").write_text((home / "params/airtouch/product.yaml").read_text("utf-8"))
    (folder / "run.yaml").write_text("product: params/airtouch\nwarehouse: tables\n")
    assert main(["demo", "--events", "20000", "--out", str(tmp_path / "tables")]) == 0
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()
    assert main(["plan", "draft", "params/airtouch/run.yaml"]) == 0
    (Path("plan.yaml")).write_text(capsys.readouterr().out, "utf-8")
    points = {point.event: point for point in read_list(Path("plan.yaml"), DataPoint)}
    assert set(points["workflow_saved"].properties) == {"workflow_id", "draft_id", "direction"}
    assert points["workflow_saved"].properties["direction"].values == (
        "into_warehouse",
        "out_of_warehouse",
    )


@pytest.mark.parametrize(
    ("content", "says"),
    [("product: params/nowhere\n", "There is no file"), ("warehouse: demo\n", "names no product")],
)
def test_a_run_without_a_product_is_a_mistake(tmp_path, monkeypatch, capsys, content, says):
    monkeypatch.chdir(root())
    (tmp_path / "run.yaml").write_text(content)
    assert main(["plan", "draft", str(tmp_path / "run.yaml")]) == 2
    assert says in capsys.readouterr().err
