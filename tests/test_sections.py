"""What an executed notebook tells, section by section, and how its page shows that."""

from __future__ import annotations

from nbformat import v4

from playbook.report import pages, sections
from playbook.results import UNTOLD
from playbook.views import HEADING, UNASKED

NO_PLAYS = "Acme has no plays. Declare plays to see this section."


def text(source):
    return v4.new_markdown_cell(source)


def code(*outputs, tags=()):
    shown = [v4.new_output("display_data", data=data) for data in outputs]
    return v4.new_code_cell("pb.show()", outputs=shown, metadata={"tags": list(tags)})


def told(said):
    return {"text/markdown": said}


def untold(why):
    return {"text/markdown": f"*Not available.* {why}", UNTOLD: {"why": why}}


def unasked(said):
    return {"text/markdown": f"*Not asked.* {said}", UNASKED: {"text": said}}


CELLS = [
    text("# Friction: where?"),
    code(told("Acme"), tags=["bottom-line"]),
    text("## Where do they stop?\n\nRead it so."),
    code(told("24 %")),
    text("### By segment"),
    code(unasked("")),
    text("## Who never verifies?"),
    code(unasked("Who never verifies.")),
    text("### Why?"),
    code(unasked("")),
    text("## What would have gone out?"),
    code({**told("### A play"), HEADING: {}}, untold(NO_PLAYS)),
    text("## How full does a week get?"),
    code(untold(NO_PLAYS)),
    text("## What to do next\n\nMend it."),
    text("## How the numbers are made"),
    code(told("By rules."), tags=["method"]),
]


def shown(cells=CELLS):
    notebook = v4.new_notebook(cells=cells)
    return pages.page(notebook, title="Friction", nav=[("a.html", "A")], status={"state": "ok"})


def test_sections_are_counted_without_those_that_nobody_asks_for():
    found = sections.told(CELLS)
    assert (found.answered, found.of, found.state) == (1, 3, "partial")
    assert found.in_words == "1 of 3 sections: Acme has no plays"
    assert found.unasked == ("Who never verifies.",)


def test_a_page_of_blanks_is_never_ok_and_one_that_tells_all_is():
    assert sections.told(CELLS[10:14]).state == "blank"
    assert sections.told(CELLS[2:4]).in_words == "1 of 1 sections"
    assert sections.told([]).state == "blank"
    assert sections.told([code(told("One."))]).in_words == "1 of 1 sections"


def test_what_tells_nothing_stands_at_the_end_of_the_page_with_its_reason():
    html = shown()
    body, _end, rest = html.partition('<h2 id="not-asked">')
    assert "Who never verifies?" not in body
    assert "Why?" not in body
    assert "By segment" not in body
    assert "Where do they stop?" in body
    assert "What to do next" in body
    assert "<p>Who never verifies.</p>" in rest
    assert "Acme has no plays. Declare plays to see this section. So it is not told: " in rest
    assert "<em>What would have gone out?</em> <em>How full does a week get?</em>" in rest


def test_a_section_to_look_up_is_folded_under_its_heading():
    html = shown([text("## First"), *CELLS[-2:], text("## Appendix: a\n\nSo."), code(told("b"))])
    assert html.count('<details class="section">') == html.count("</details>") - html.count(
        "How this is computed"
    )
    folded = html.split('<details class="section"><summary><h2 id="s2">How the numbers are made')[1]
    assert "By rules." in folded.split("</details>")[1] + folded.split("</details>")[0]
    assert '<summary><h2 id="s3">Appendix: a</h2></summary>' in html


def test_links_to_a_notebook_of_the_report_lead_to_its_page():
    html = shown([text("[a](a.ipynb) [b](b.ipynb) [c](https://c.de/a.ipynb)")])
    assert 'href="a.html"' in html
    assert "</a> b <a" in html  # of what is not in the report the name alone is left
    assert 'href="https://c.de/a.ipynb"' in html


def test_code_without_outputs_is_the_authors_and_stays():
    html = shown([text("## Own"), v4.new_code_cell("x = 1")])
    assert "x = 1" in html
