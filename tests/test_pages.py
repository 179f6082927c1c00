"""Pages: everything in a notebook is shown or dropped, and nothing in it runs."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import v4

from playbook import charts
from playbook.report import pages
from playbook.results import listings
from tests import pictures
from tests.browser import needs_chromium, open_page

NAV = [("index.html", "Overview"), ("2_friction.html", "Friction analysis")]
OK = {"state": "ok", "reason": ""}
PIXEL = base64.b64encode(pages.PNG + b"and so on").decode()
ATTACKS = {
    "script in Markdown": {"text/markdown": "x <script>document.title = 'pwned'</script>"},
    "handler in Markdown": {"text/markdown": '<img src=x onerror="document.title = 1">'},
    "link in Markdown": {
        "text/markdown": "[x](javascript:alert(1)) ![](http://evil.example/x.png)"
    },
    "script in HTML": {"text/html": "<p>x</p><script>alert(1)</script>"},
    "unclosed script": {"text/html": "<p>x</p><script>alert(1)//"},
    "nested script": {"text/html": "<scr<script></script>ipt>alert(1)</script>"},
    "markup that parsers read in two ways": {
        "text/html": '<math><mtext><table><mglyph><style><!--</style><img title="'
        '--&gt;&lt;img src=x onerror=alert(1)&gt;">'
    },
    "text that is no text without scripts": {
        "text/html": '<noscript><p title="</noscript><img src=x onerror=alert(1)>">'
    },
    "handler in HTML": {"text/html": '<table onclick="alert(1)"><tr><td>x</td></tr></table>'},
    "frame": {"text/html": '<iframe src="http://evil.example"></iframe><object data="x"></object>'},
    "form": {"text/html": '<form action="http://evil.example"><input name="a"></form>'},
    "style": {"text/html": '<style>@import url(http://evil.example)</style><p style="x">x</p>'},
    "base": {"text/html": '<base href="http://evil.example"><meta http-equiv="refresh">'},
    "JavaScript": {"application/javascript": "alert(1)", "text/plain": "x"},
    "picture with scripts": {"image/svg+xml": "<svg onload='alert(1)'></svg>", "text/plain": "x"},
    "no picture": {"image/png": "<script>alert(1)</script>", "text/plain": "x"},
    "diagram": {"text/vnd.mermaid": "graph TD; A-->B", "text/plain": "x"},
    "text": {"text/plain": pictures.HOSTILE},
    "chart from elsewhere": {
        pages.VEGALITE[1]: {"data": {"url": "http://evil.example/x.json"}, "mark": "bar"},
        "text/plain": "x",
    },
    "chart that loads": {
        pages.VEGALITE[1]: {
            "usermeta": {"embedOptions": {"config": "http://evil.example", "ast": False}},
            "data": {"values": [{"a": 1, "b": "</script><script>alert(1)</script><!--"}]},
            "mark": "point",
            "encoding": {"tooltip": {"field": "b", "type": "nominal"}},
        }
    },
}


def code(source: str, *bundles: dict[str, Any], tags: tuple[str, ...] = ()) -> Any:
    outputs = [v4.new_output("display_data", data=bundle) for bundle in bundles]
    return v4.new_code_cell(source, outputs=outputs, metadata={"tags": list(tags)})


def shown(*cells: Any, status: dict[str, str] = OK) -> str:
    notebook = v4.new_notebook(cells=list(cells))
    return pages.page(notebook, title="Friction analysis", nav=NAV, status=status)


def main(html: str) -> str:
    """The part of a page between its first and last `main`, without white space at the edges."""
    return html.split("<main>")[1].split("</main>")[0].strip()


def every_shape() -> nbformat.NotebookNode:
    """A notebook with a chart of every shape and a hostile one."""
    cells = [v4.new_markdown_cell("# Friction analysis")]
    for name, result in pictures.EVERY.items():
        chart = charts.of(result, title=f"{name}: what is shown")
        cells.append(v4.new_markdown_cell(f"## {name}"))
        cells.append(code(f"pb.charts.of({name!r})", chart._repr_mimebundle_()))
    return v4.new_notebook(cells=cells)


def test_outputs_are_shown_by_the_richest_type_that_is_allowed():
    html = shown(
        code("a", {"text/markdown": "**38.2 %** of users", "text/plain": "poorer"}),
        code("b", {"text/html": "<table><tr><td>x</td></tr></table>", "text/plain": "poorer"}),
        code("c", {"image/png": PIXEL, "text/plain": "what it shows"}),
        code("d", {"application/vnd.playbook.figures+json": [{}], "text/plain": "plain"}),
    )
    assert "<strong>38.2 %</strong> of users" in html
    assert "<td>x</td>" in html
    assert f'<img src="data:image/png;base64,{PIXEL}" alt="what it shows">' in html
    assert "<pre>plain</pre>" in html
    assert "poorer" not in html


def test_code_that_follows_one_another_is_folded_once_and_escaped():
    html = shown(code("a < b"), code("c"), v4.new_markdown_cell("Text."), code("d"))
    assert re.findall(r"(?s)<code>(.*?)</code>", html) == ["a &lt; b\n\nc", "d"]
    assert html.count("How this is computed") == 2


def test_the_parameters_are_a_table_of_what_this_run_was_given():
    html = shown(
        code('since = "2026-01-01"  # first day\nby = ""', tags=("parameters",)),
        code('# Parameters\nsince = "-90d"', tags=("injected-parameters",)),
    )
    assert "<tr><td>since</td><td>-90d</td><td>first day</td></tr>" in html
    assert "<tr><td>by</td><td>–</td><td></td></tr>" in html
    assert "2026-01-01" not in html


def test_headings_of_the_second_level_are_the_contents():
    html = shown(v4.new_markdown_cell("# Title\n\n## Who & `what`\n\n### Not this"))
    assert '<h2 id="s1">Who &amp; <code>what</code></h2>' in html
    assert '<a href="#s1">Who &amp; what</a>' in html
    assert html.count("<h1>") == 1


def test_a_page_without_a_heading_gets_its_title():
    assert "<h1>Friction analysis</h1>" in shown(v4.new_markdown_cell("Text."))


def test_the_bottom_line_is_set_apart():
    html = shown(code("x", {"text/markdown": "- One."}, tags=("bottom-line",)))
    assert main(html).index('<div class="lead">') < main(html).index("One.")


def test_a_failed_run_says_so_and_why():
    html = shown(status={"state": "failed", "reason": "KeyError: <persona>"})
    assert 'role="alert"' in html
    assert "KeyError: &lt;persona&gt;" in html
    assert 'role="alert"' not in shown()


def test_an_error_is_shown_without_colour_codes_and_a_warning_is_not():
    cell = v4.new_code_cell("x")
    cell.outputs = [
        v4.new_output("stream", name="stderr", text="Warning: /elsewhere/x.py"),
        v4.new_output("stream", name="stdout", text="a & b"),
        v4.new_output(
            "error", ename="Mistake", evalue="\x1b[31mNo <table>\x1b[0m", traceback=["t"]
        ),
    ]
    html = main(shown(cell))
    assert '<pre class="failed">Mistake: No &lt;table&gt;</pre>' in html
    assert "<pre>a &amp; b</pre>" in html
    assert "/home/ann" not in html


def test_columns_of_numbers_are_aligned_with_their_heads():
    table = listings.Listing(
        ("who", "n", "share"), (("ann 1", "1,234", "38.2 %"), ("bob", "5", "–"))
    )
    html = shown(code("x", table._repr_mimebundle_()))
    assert '<th>who</th><th class="number">n</th><th class="number">share</th>' in html
    assert '<td>ann 1</td><td class="number">1,234</td><td class="number">38.2 %</td>' in html


def test_numbers_in_a_table_with_row_heads_keep_their_place():
    html = shown(code("x", {"text/html": "<table><tr><th>0</th><td>a</td><td>5</td></tr></table>"}))
    assert '<th class="number">0</th><td>a</td><td class="number">5</td>' in html


@pytest.mark.parametrize("attack", ATTACKS)
def test_hostile_outputs_are_text_or_nothing(attack):
    html = shown(code("x", ATTACKS[attack]))
    body = re.sub(r"(?s)<script>.*?</script>", "", main(html))
    assert not re.search(r"(?i)<(script|img|svg|iframe|object|form|input|style|base|meta)\b", body)
    assert not re.search(r"(?i)<[^>]*\s(on\w+|style|src|action)\s*=", body)
    assert not re.search(r"(?i)<[^>]*(javascript:|evil\.example)", body)


def test_only_scripts_of_ours_may_run():
    html = pages.page(every_shape(), title="x", nav=NAV, status=OK)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)[1].replace("&#39;", "'")
    assert "default-src 'none'" in policy
    assert "unsafe-eval" not in policy
    scripts = re.findall(r"(?s)<script>(.*?)</script>", html)
    assert [f"'sha256-{pages._script_hash(script)}'" in policy for script in scripts] == [
        True,
        True,
    ]


def test_charts_stand_in_the_page_as_json_that_no_text_can_leave():
    hostile = {"data": {"values": [{"a": pictures.HOSTILE + "&"}]}, "mark": "bar", "usermeta": {}}
    html = shown(code("x", {pages.VEGALITE[1]: hostile}))
    text = re.search(r'(?s)<script type="application/json" id="c1">(.*?)</script>', html)[1]
    assert not set("<>&") & set(text)
    assert json.loads(text) == {key: hostile[key] for key in ("data", "mark")}


def test_a_page_without_charts_carries_no_vega():
    assert len(shown(v4.new_markdown_cell("Text."))) < 20_000


def test_a_page_is_the_same_in_every_run():
    one, two = (pages.page(every_shape(), title="x", nav=NAV, status=OK) for _ in range(2))
    assert one == two


REPORT = {
    "product": "Air & touch",
    "run": "weekly",
    "since": "01 Jan 2026",
    "until": "01 Apr 2026",
    "as_of": "2026-04-01 00:00",
    "made_at": "2026-04-01 06:00:00",
    "stages": [
        {
            "slug": "1_audit",
            "title": "Collection audit",
            "state": "partial",
            "in_words": "3 of 9 sections: no messages are mapped",
            "reason": "",
            "bottom_line": ["- **30.6 %** of users <script>alert(1)</script>"],
            "page": "1_audit.html",
        },
        {
            "slug": "2_friction",
            "title": "Friction analysis",
            "state": "failed",
            "in_words": "failed",
            "reason": "KeyError: <persona>",
            "bottom_line": [],
            "page": "",
        },
    ],
    "changes": [{"label": "a.share", "before": "17.0 %", "now": "18.4 %", "change": "+1.4 points"}],
    "files": [("every number", "figures.parquet")],
}


def test_the_index_tells_each_stage_what_changed_and_where_the_files_are():
    html = pages.index(REPORT)
    assert "<h1>Air &amp; touch: growth report</h1>" in html
    assert '<a href="1_audit.html">Collection audit</a>' in html
    assert "<strong>30.6 %</strong> of users &lt;script&gt;" in html
    assert "KeyError: &lt;persona&gt;" in html
    assert '<span class="state partial">3 of 9 sections: no messages are mapped</span>' in html
    assert '<td>a.share</td><td class="number">17.0 %</td>' in html
    assert '<a href="figures.parquet">every number</a>' in html


def test_a_first_report_says_that_there_is_nothing_to_compare_with():
    assert "no earlier report" in pages.index({**REPORT, "changes": []})


@needs_chromium
def test_a_page_draws_every_shape_offline_without_a_request_or_an_error(tmp_path: Path):
    page = tmp_path / "page.html"
    page.write_text(pages.page(every_shape(), title="x", nav=NAV, status=OK), encoding="utf-8")
    seen = open_page(page, hover="[data-chart] svg .mark-rect path")
    assert (seen.requests, seen.errors, seen.dialogs) == ([], [], [])
    assert seen.drawn == seen.charts == len(pictures.EVERY)
    assert "36.4 to 40.1 %" in seen.tooltip
    assert not seen.wide


@needs_chromium
def test_a_page_fits_a_telephone(tmp_path: Path):
    page = tmp_path / "page.html"
    page.write_text(pages.page(every_shape(), title="x", nav=NAV, status=OK), encoding="utf-8")
    assert not open_page(page, width=400).wide


@needs_chromium
def test_nothing_hostile_runs_in_a_browser(tmp_path: Path):
    page = tmp_path / "page.html"
    cells = [code(name, bundle) for name, bundle in ATTACKS.items()]
    cells += [v4.new_markdown_cell(bundle.get("text/markdown", "")) for bundle in ATTACKS.values()]
    page.write_text(shown(*cells), encoding="utf-8")
    seen = open_page(page, hover="[data-chart] svg .mark-symbol path")
    assert (seen.title, seen.dialogs, seen.requests) == ("Friction analysis", [], [])
    assert seen.errors == []
    assert "alert(1)" in seen.tooltip
