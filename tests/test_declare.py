"""Declarations: what is written well reads well, and what is not names itself."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from playbook import declare
from playbook.declare import DataPoint, Declarations, Play, Product, Property, Question, TableMap
from playbook.language.mistakes import Mistake

ROOT = Path(__file__).parents[1]

PRODUCT = """
    name: Small
    tables:
      events:
        - table: log
          columns: {event_id: id, event: name, at: at}
"""
PLAN = """
    - event: signed_up
      says: A person joins.
    - event: workflow_saved
      says: A workflow is saved.
      was: workflow_created
      properties:
        workflow_id: {type: string}
"""
QUESTION = """
    - id: first_day
      asks: Who saves a workflow on the first day?
      decides: What to do.
      measure: reached_within
      start: signed_up
      goal: workflow_saved
      within: 24h
"""
PLAY = """
    says: Shows how to save a workflow.
    audience: {persona: sales}
    channel: email
    trigger: signed_up
    goal: workflow_saved
    goal_within: 72h
"""
EXPERIMENT = """
    hypothesis: A guide helps.
    rollout: {column: got_on, goal: workflow_saved, since: 2026-01-01}
    tried:
      - {play: guide, live_from: 2025-10-01, until: 2026-01-01,
         difference: 0.05, low: -0.02, high: 0.12}
    smallest_effect: 0.05
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small product, declared well."""
    home = tmp_path / "small"
    for name, text in {
        "product": PRODUCT,
        "tracking_plan": PLAN,
        "questions": QUESTION,
        "plays/guide": PLAY,
        "experiments/guide_or_not": EXPERIMENT,
    }.items():
        write(home / f"{name}.yaml", text)
    return home


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text), encoding="utf-8")
    return path


def mistake(folder: Path) -> Mistake:
    """What is said of a folder with one thing wrong."""
    with pytest.raises(Mistake) as said:
        declare.declarations(folder)
    return said.value


def changed(folder: Path, name: str, old: str, new: str) -> Mistake:
    """What is said once a file says something else."""
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new))
    return mistake(folder)


@pytest.mark.parametrize(
    ("product", "counts"),
    [("params/airtouch", (12, 13)), ("tests/products/travel", (6, 0))],
)
def test_the_products_of_the_project_read_well(product, counts):
    found = declare.declarations(ROOT / product)
    assert (len(found.questions), len(found.plays)) == counts
    assert found.product.slug == product.rpartition("/")[2]


def test_a_small_product_reads_well_and_files_name_plays_and_experiments(folder):
    found = declare.declarations(folder)
    assert found.question("first_day").events == ("signed_up", "workflow_saved")
    assert found.question("second_day") is None
    assert found.properties == {"workflow_id": "string"}
    assert found.plan[1].was == ("workflow_created",)
    assert [play.slug for play in found.plays] == ["guide"]
    assert found.plays[0].audience == {"persona": ("sales",)}
    assert [each.slug for each in found.experiments] == ["guide_or_not"]
    assert found.experiments[0].rollout.since == "2026-01-01"
    assert found.experiments[0].tried[0].difference == 0.05


def test_plain_words_stay_words(tmp_path):
    path = write(
        tmp_path / "words.yaml",
        """
        country: NO
        answer: yes
        time: 12:30
        code: 010
        version: 1.2.3
        day: 2026-01-31
        no_day: 2026-13-45
        flag: true
        count: 12
        share: 0.5
        nothing:
        """,
    )
    assert declare.read_yaml(path) == {
        "country": "NO",
        "answer": "yes",
        "time": "12:30",
        "code": "010",
        "version": "1.2.3",
        "day": "2026-01-31",
        "no_day": "2026-13-45",
        "flag": True,
        "count": 12,
        "share": 0.5,
        "nothing": None,
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: 2\na: 3\n", "broken.yaml, line 3: `a` stands twice."),
        ("x:\n  a: 1\n  a: 2\n", "broken.yaml, line 3: `a` stands twice."),
        ("a: [1, 2\nb: 3\n", "broken.yaml, line 2 is not YAML."),
        ("a: !!python/object/apply:os.getcwd []\n", "broken.yaml, line 1 is not YAML."),
        ("? [a, b]\n: 1\n", "broken.yaml, line 1 is not YAML."),
        ("a: &a [*a]\n", "broken.yaml, line 1 is not YAML."),
        ("a: 1\n---\nb: 2\n", "broken.yaml, line 2 is not YAML."),
        ("\ta: 1\n", "broken.yaml, line 1 is not YAML."),
    ],
)
def test_what_is_not_yaml_names_file_and_line(tmp_path, text, said):
    path = tmp_path / "broken.yaml"
    path.write_text(text)
    with pytest.raises(Mistake) as found:
        declare.read_yaml(path)
    assert found.value.wrong == said


def test_a_file_in_another_encoding_is_a_mistake(tmp_path):
    (tmp_path / "latin.yaml").write_bytes("name: Zoë".encode("latin-1"))
    with pytest.raises(Mistake, match=r"latin\.yaml is not YAML"):
        declare.read_yaml(tmp_path / "latin.yaml")


def test_a_missing_file_names_what_the_folder_has(folder):
    with pytest.raises(Mistake, match=r"It has|The folder has: experiments, plays, product.yaml"):
        declare.read_yaml(folder / "prodcut.yaml")


def test_a_missing_product_suggests_the_nearest(folder):
    found = mistake(folder.parent / "smal")
    assert (found.there, found.hint) == (
        "Beside it there are the products: small.",
        "did you mean `small`?",
    )


@pytest.mark.parametrize(
    ("name", "text", "wrong", "there"),
    [
        ("product", "", "product.yaml is no product.", "It is empty."),
        ("product", "- name: Small", "product.yaml is no product.", "It is a list of 1."),
        ("product", "Small", "product.yaml is no product.", "It is `Small`."),
        ("questions", "", "questions.yaml is no list.", "It is empty."),
        ("questions", "id: a", "questions.yaml is no list.", "It is a mapping of id."),
        (
            "questions",
            "- first_day",
            "questions.yaml, entry 1 is no question.",
            "It is `first_day`.",
        ),
        ("plays/guide", "# later", "guide.yaml is no play.", "It is empty."),
    ],
)
def test_a_file_of_another_shape_says_what_it_is(folder, name, text, wrong, there):
    write(folder / f"{name}.yaml", text)
    found = mistake(folder)
    assert (found.wrong, found.there) == (wrong, there)


@pytest.mark.parametrize(
    ("name", "old", "new", "wrong", "hint"),
    [
        (
            "questions.yaml",
            "measure:",
            "messuer:",
            "questions.yaml, entry 1: Question has no field `messuer`.",
            "did you mean `measure`?",
        ),
        (
            "product.yaml",
            "columns:",
            "colums:",
            "product.yaml: Product has no field `tables.events[0].colums`.",
            "did you mean `columns`?",
        ),
        (
            "tracking_plan.yaml",
            "{type: string}",
            "{typ: string}",
            "tracking_plan.yaml, entry 2: DataPoint has no field `properties.workflow_id.typ`.",
            "did you mean `type`?",
        ),
        (
            "tracking_plan.yaml",
            "workflow_id: {type: string}",
            "says: {typ: string}",
            "tracking_plan.yaml, entry 2: DataPoint has no field `properties.says.typ`.",
            "did you mean `type`?",
        ),
    ],
)
def test_an_unknown_field_names_its_place_and_suggests_the_nearest(
    folder, name, old, new, wrong, hint
):
    found = changed(folder, name, old, new)
    assert (found.wrong, found.hint) == (wrong, hint)


@pytest.mark.parametrize("name", ["product", "plays/guide", "experiments/guide_or_not"])
def test_the_name_of_a_file_is_no_field_of_it(folder, name):
    path = folder / f"{name}.yaml"
    path.write_text(f"slug: other\n{path.read_text()}")
    found = mistake(folder)
    assert "has no field `slug`" in found.wrong
    assert "slug" not in found.there


@pytest.mark.parametrize(
    ("name", "old", "new", "wrong"),
    [
        ("questions.yaml", "within: 24h", "within: 24", "questions.yaml, entry 1: `within: 24`"),
        ("questions.yaml", "24h", "24 hours", "questions.yaml, entry 1: `within: 24 hours`"),
        ("questions.yaml", "reached_within", "median", "entry 1: `measure: median`"),
        ("questions.yaml", "id: first_day", "id: first day", "entry 1: `id: first day`"),
        ("questions.yaml", "id: first_day", "id: ../first", "entry 1: `id: ../first`"),
        ("plays/guide.yaml", "72h", "72h\nholdout: .nan", "guide.yaml: `holdout: .nan`"),
        ("plays/guide.yaml", "72h", "72h\nholdout: nan", "guide.yaml: `holdout: nan`"),
        ("plays/guide.yaml", "72h", "72h\nholdout: 1.0", "guide.yaml: `holdout: 1.0`"),
        ("plays/guide.yaml", "72h", "72h\nholdout: 10%", "guide.yaml: `holdout: 10%`"),
        ("plays/guide.yaml", "{persona: sales}", "[sales]", "guide.yaml: `audience: a list of 1`"),
        ("experiments/guide_or_not.yaml", "effect: 0.05", "effect: inf", "`smallest_effect: inf`"),
        ("experiments/guide_or_not.yaml", "high: 0.12", "high: 12", "`tried[0].high: 12`"),
        ("experiments/guide_or_not.yaml", "high: 0.12", "high: 0.01", "`tried[0]: a mapping"),
        ("experiments/guide_or_not.yaml", "until: 2026", "until: 2025", "`tried[0]: a mapping"),
        ("experiments/guide_or_not.yaml", "column: got_on, ", "", "`rollout: a mapping"),
        ("experiments/guide_or_not.yaml", "got_on", "a, event: b", "`rollout: a mapping"),
        ("experiments/guide_or_not.yaml", "since: 2026", "since: soon", "`rollout.since: soon-01"),
        ("product.yaml", "name: Small", "name: Small\nmin_n: 0", "product.yaml: `min_n: 0`"),
    ],
)
def test_a_wrong_value_names_file_entry_and_field(folder, name, old, new, wrong):
    found = changed(folder, name, old, new)
    assert wrong in found.wrong
    assert found.there
    assert found.hint


def test_a_missing_field_names_what_its_own_mapping_has(folder):
    found = changed(folder, "product.yaml", "- table: log\n", "- only: {kind: [1]}\n")
    assert found.wrong == "product.yaml: Product lacks `tables.events[0].table`."
    assert found.there == "It has: only, columns."


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("  goal: workflow_saved\n", "", "`reached_within` also needs goal."),
        ("within: 24h", "within: 24h\n  edges: [24h]", "`reached_within` takes no edges."),
        ("measure: reached_within", "measure: steps", "`steps` also needs goals."),
    ],
)
def test_a_measure_names_the_arguments_that_it_lacks_or_does_not_take(folder, old, new, said):
    found = changed(folder, "questions.yaml", old, new)
    assert (found.wrong, found.there) == ("questions.yaml, entry 1 is wrong.", said)


@pytest.mark.parametrize(
    ("name", "old", "new", "place"),
    [
        ("questions.yaml", "goal: w", "goal: W", "question `first_day`"),
        ("plays/guide.yaml", "goal: w", "goal: W", "play `guide`"),
        ("plays/guide.yaml", "72h", "72h\nunless: Workflow_saved", "play `guide`"),
        (
            "product.yaml",
            "name: Small",
            "name: Small\npath: Workflow_saved",
            "path of product.yaml",
        ),
    ],
)
def test_an_event_that_the_plan_lacks_suggests_the_nearest(folder, name, old, new, place):
    found = changed(folder, name, old, new)
    assert str(found) == (
        f"The {place} uses the event `Workflow_saved`, which is not declared.\n"
        "The plan has: signed_up, workflow_saved.\n"
        "Hint: did you mean `workflow_saved`?"
    )


@pytest.mark.parametrize(
    ("name", "old", "new", "wrong"),
    [
        ("questions.yaml", "within:", "hold: workflow\n  within:", "holds the property `workflow`"),
        ("product.yaml", "name: Small", "name: Small\nheadline: firstday", "question `firstday`"),
        (
            "experiments/guide_or_not.yaml",
            "smallest",
            "compares: [guide, gide]\nsmallest",
            "names the play `gide`",
        ),
    ],
)
def test_a_name_that_is_declared_nowhere_suggests_the_nearest(folder, name, old, new, wrong):
    found = changed(folder, name, old, new)
    assert wrong in found.wrong
    assert found.hint.startswith("did you mean `")


@pytest.mark.parametrize(
    ("name", "more", "wrong"),
    [
        ("questions.yaml", QUESTION, "Two questions are called `first_day`."),
        ("tracking_plan.yaml", PLAN, "Two data points are called `signed_up`."),
        (
            "tracking_plan.yaml",
            "- {event: workflow_created, says: An old name.}",
            "Two data points are called `workflow_created`.",
        ),
        (
            "tracking_plan.yaml",
            "- {event: ran, says: It ran., properties: {workflow_id: {type: int64}}}",
            "The property `workflow_id` of `ran` is planned as int64.",
        ),
    ],
)
def test_a_name_stands_once(folder, name, more, wrong):
    path = folder / name
    path.write_text(path.read_text() + dedent(more))
    assert mistake(folder).wrong == wrong


def test_a_file_name_with_a_space_can_name_no_play(folder):
    (folder / "plays" / "guide.yaml").rename(folder / "plays" / "my guide.yaml")
    assert mistake(folder).wrong.startswith("The file `my guide.yaml`")


def test_a_map_says_each_column_once():
    said = {"table": "log", "columns": {"at": "at"}, "constants": {"at": "2026-01-01"}}
    with pytest.raises(Mistake, match="`at` stands under `columns` and under `constants`"):
        declare.parse(said, TableMap, place="here")


def test_nouns_are_frozen(folder):
    found = declare.declarations(folder)
    for noun in (found.product, found.plan[0], found.questions[0], found.plays[0]):
        assert isinstance(noun, Product | DataPoint | Question | Play)
        with pytest.raises(ValueError, match="frozen"):
            noun.says = "something else"
    assert isinstance(found, Declarations)


@pytest.mark.parametrize(
    "pattern",
    ["a(?=b)", "a(?!b)", "(?<=a)b", "(?<!a)b", r"(a)\1", "a++", "a{2}+"],
)
def test_a_pattern_that_engines_cannot_read_is_a_mistake(folder, pattern):
    found = changed(folder, "tracking_plan.yaml", "string}", f"string, pattern: '{pattern}'}}")
    assert "`pattern` looks around or back" in found.there


@pytest.mark.parametrize("pattern", ["[0-9]+", "(?P<a>x)", "(?:a|b)+", "a+?"])
def test_a_pattern_that_every_engine_reads_is_fine(pattern):
    assert Property(pattern=pattern).pattern == pattern
