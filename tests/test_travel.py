"""Real people: Travel Stack Exchange, 2011 to 2017, declared as a product beside these tests."""

import nbformat
import pytest

import playbook as pb
from playbook import report
from playbook.run import root

PRODUCT = "tests/products/travel"


@pytest.fixture(scope="module")
def warehouse(shared):
    return shared / "data" / "travel_stackexchange"


@pytest.fixture(scope="module")
def travel(warehouse):
    return pb.open(PRODUCT, str(warehouse))


def counts(result):
    return {row["label"]: row["n"] for row in result.rows}


def test_first_posts_come_out_as_published(travel):
    result = pb.audit.answer(travel, "first_post")
    assert counts(result) == {
        # As published, less the 132 people whose three days are not over: 53, 1 and 78 of them.
        "within 24 hours": 16_185 - 53,
        "24 hours to 3 days": 219 - 1,
        "after 3 days": 2_197,
        "not so far": 25_496 - 78,
        "before the start": 105,
        "still open": 132,
    }
    assert sum(counts(result).values()) == 44_202


def test_posting_more_than_once_in_the_first_day_comes_out_as_published(travel):
    # The published 945 counts everybody who posts twice in their first day; two of them had
    # posted before they signed up (their history was imported from another site).
    (row,) = pb.audit.answer(travel, "first_post_24h").rows
    assert row["repeated"] == 945
    assert row["n"] + row["open"] == 44_202


def test_posts_without_an_owner_are_seen(travel):
    posted = travel.coverage["posted"]
    assert posted["n"] - posted["with_user_id"] == 920


def test_votes_have_no_voter_so_a_question_on_them_is_not_answerable(travel):
    voted = travel.coverage["voted"]
    assert round(1 - voted["with_user_id"] / voted["n"], 3) == 0.976
    verdicts = {row["question"]: row["verdict"] for row in pb.audit.verdicts(travel).rows}
    assert verdicts["What share of new people vote in their first week?"] == "not answerable"
    assert (
        "97.6 % of its events have no user_id" in pb.audit.answer(travel, "votes_per_person").reason
    )


def test_many_people_post_in_the_second_they_join_so_ties_move_the_answer_most(travel):
    stands, first, *_others = pb.audit.bounds_of(travel, "first_post_24h").rows
    assert first["defect"] == "ties"
    assert stands["lowest"] < first["share"] - 0.1
    assert stands["lowest"] <= stands["share"] <= stands["highest"]


@pytest.fixture(scope="module")
def rendered(warehouse, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRAVEL_WAREHOUSE", str(warehouse))
        patch.chdir(root())
        run = root() / PRODUCT / "runs" / "whole.yaml"
        return report.render(run, out=tmp_path_factory.mktemp("travel"), progress=lambda _t: None)


@pytest.mark.thorough
def test_all_four_notebooks_render_and_say_what_they_lack(rendered):
    folder = rendered.parent
    texts = {}
    for slug in report.STAGES:
        notebook = nbformat.read(folder / f"{slug}.ipynb", as_version=4)
        assert report.trusted(notebook) == ""
        texts[slug] = (folder / f"{slug}.html").read_text()
    assert "16,185" in texts["1_audit"] or "36.6 %" in texts["1_audit"]
    assert "the role <code>verification</code> in product.yaml" in texts["2_friction"]
    assert "has no plays" in texts["3_personalization"]
    assert "nothing can be compared" in texts["4_impact"]
