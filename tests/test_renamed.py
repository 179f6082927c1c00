"""The sample company under other words: every answer stays, and no old word is left."""

from collections import Counter

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import playbook as pb
from playbook.__main__ import main
from playbook.declare import declarations
from playbook.run import root
from tests import renamed

SAMPLE = "params/airtouch"


@pytest.fixture(scope="module")
def wholly(tmp_path_factory):
    """Under other words, with the ids."""
    folder = tmp_path_factory.mktemp("wholly")
    renamed.write(folder, ids=True)
    return folder


@pytest.fixture(scope="module")
def run(wholly):
    return pb.open(str(wholly / "params" / renamed.NAME), str(wholly / "tables"))


def same(result):
    """Its rows in the old words, in an order that no name decides."""
    return sorted(renamed.each_text(result.rows, renamed.back), key=repr)


def every_id(run):
    """Question of the sample company → its id under other words."""
    sample = declarations(root() / SAMPLE)
    return dict(
        zip([q.id for q in sample.questions], [q.id for q in run.declared.questions], strict=True)
    )


def test_every_question_has_the_same_answer(airtouch, run):
    for old, new in every_id(run).items():
        for by in ("", "persona"):
            before, after = pb.audit.answer(airtouch, old, by=by), pb.audit.answer(run, new, by=by)
            assert same(after) == sorted(before.rows, key=repr), f"{old} by {by or 'nothing'}"


def test_every_play_has_the_same_effect(airtouch, run):
    assert same(pb.impact.effects(run)) == sorted(pb.impact.effects(airtouch).rows, key=repr)


def test_the_same_becomes_of_every_message(airtouch, run):
    before, after = pb.personalization.decisions(airtouch), pb.personalization.decisions(run)
    assert same(after) == sorted(before.rows, key=repr)


def test_no_old_word_is_left_in_any_declaration(wholly):
    for path in wholly.rglob("*.yaml"):
        assert left(path.stem) == [], path.name
        for line in path.read_text("utf-8").splitlines():
            key, _colon, value = line.strip().removeprefix("- ").partition(": ")
            if key != "salt":  # a play draws the arms that it drew under its old name
                own = value if key.rstrip(":") in renamed.SCHEMA | {"warehouse"} else line
                assert left(own) == [], f"{path.name}: {line}"


def left(text):
    return [word for word in renamed.OLD if word in text.lower()]


def test_no_old_word_is_left_in_any_table(wholly):
    for path in (wholly / "tables").glob("*.parquet"):
        table = pq.read_table(path)
        assert left(" ".join([path.stem, *table.column_names])) == []
        for name, column in zip(table.column_names, table.columns, strict=True):
            if not name.endswith("id") and column.type == "string":
                assert left(" ".join(filter(None, pc.unique(column).to_pylist()))) == [], name


def test_no_event_property_or_persona_keeps_its_name(wholly):
    sample, other = (
        declarations(folder) for folder in (root() / SAMPLE, wholly / "params" / renamed.NAME)
    )
    assert not {point.event for point in sample.plan} & {point.event for point in other.plan}
    assert set(sample.properties) & set(other.properties) == {"error"}
    assert not {p.slug for p in sample.plays} & {p.slug for p in other.plays}
    assert not {q.id for q in sample.questions} & {q.id for q in other.questions}
    assert sorted(p.salted for p in other.plays if p.arms != "logged") == sorted(
        p.slug for p in sample.plays if p.arms != "logged"
    )


def test_each_word_is_found_again():
    assert Counter(renamed.WORDS.values()).most_common(1)[0][1] == 1
    for old in renamed.WORDS:
        for text in (old, old.capitalize(), f"Some {old} of theirs", f"x_{old}_id"):
            assert renamed.back(renamed.words(text)) == text


def test_words_are_found_again_in_ids_of_figures_and_in_sentences():
    assert renamed.back("friction.x.filled_a_larder_only") == "friction.x.created_a_connection_only"
    assert (
        renamed.back("shelf glanced at → filled a larder") == "page viewed → created a connection"
    )
    assert renamed.back("my_activation_rate.persona=head_chef") == (
        "activation_rate.persona=data_engineer"
    )


def test_no_new_word_stands_in_the_old_declarations():
    for path in (root() / SAMPLE).rglob("*.yaml"):
        text = path.read_text("utf-8")
        assert renamed.back(text) == text


def test_from_its_own_folder_the_company_answers_by_the_ids_that_it_had(
    airtouch, tmp_path, monkeypatch, capsys
):
    renamed.write(tmp_path)
    monkeypatch.chdir(tmp_path)
    weekly = f"params/{renamed.NAME}/runs/weekly.yaml"
    assert main(["answer", "activation_rate", "--run", weekly]) == 0
    told = capsys.readouterr().out
    other = declarations(tmp_path / "params" / renamed.NAME)
    assert [q.id for q in other.questions] == [q.id for q in airtouch.declared.questions]
    assert [p.slug for p in other.plays] == [p.slug for p in airtouch.declared.plays]
    (row,) = pb.audit.answer(airtouch, "activation_rate").rows
    assert f"n = {row['n']:,}" in told
