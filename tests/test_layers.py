"""The package's own rules: imports go one way, one place executes, one place knows dialects."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "playbook"

# Each module imports only what stands on an earlier line; what shares a line never imports itself.
LAYERS = [
    ["mistakes", "wording"],
    ["portable"],
    ["tables"],
    ["periods"],
    ["declare"],
    ["rules"],
    ["warehouse"],
    ["sources"],
    ["demo"],
    ["coverage"],
    ["results"],
    ["stats"],
    ["sizing", "inference"],
    ["agents", "domains"],
    ["run"],
    ["units"],
    ["things"],
    ["attempts"],
    ["measures"],
    ["shaping"],
    ["plans"],
    ["answers"],
    ["bounds"],
    ["triggers"],
    ["audit", "friction", "personalization", "impact"],
    ["figures"],
    ["findings"],
    ["charts", "listings", "pages"],
    ["report"],
    ["__main__", "__init__"],
]
STAGES = {"audit", "friction", "personalization", "impact"}
VIEWS = {"charts", "findings", "listings", "pages", "figures"}

# Modules that build Ibis expressions.
EXPRESSIONS = [
    *("sources/__init__", "sources/native", "sources/snowplow", "tables", "periods", "rules"),
    *(f"sources/tools/{name}" for name in ("__init__", "facts", "reading", "braze", "customerio")),
    *(f"sources/tools/{name}" for name in ("hubspot", "intercom", "iterable", "mailchimp")),
    *(f"sources/tools/{name}" for name in ("pendo", "sendgrid")),
    *("coverage", "units", "measures", "bounds"),
    *(f"triggers/{name}" for name in ("__init__", "clock", "contention", "due", "episodes")),
    *(f"triggers/{name}" for name in ("limits", "people", "stopping")),
    *("personalization/audiences", "personalization/dryrun", "personalization/lint"),
    *(f"audit/{name}" for name in ("agreement", "destinations", "identity", "order")),
    *("audit/plan", "audit/soundness"),
    *("attempts/__init__", "attempts/chain", "attempts/moments"),
    *("answers/__init__", "answers/asked"),
    *("things", "friction/retention", "friction/roles", "friction/times"),
    *(f"friction/{name}" for name in ("cohorts", "drafts", "prompts", "verification")),
    *("friction/drivers", "friction/paths"),
    "plans/seen",
    *("personalization/holdouts", "report/sendlist"),
    *(f"impact/{name}" for name in ("claims", "counted", "harms", "launches", "reach")),
    *(f"impact/{name}" for name in ("rollouts", "waiting", "whom")),
]

# Only these bring rows home.
FETCHES = {
    "results": "a result's rows, once",
    "run": "the watermark and the coverage, once per run",
    "report/desk": "a send list, piece by piece into its file",
    "triggers/clock": "the zones that occur, once per run",
    "triggers/contention": "whether anything is open still, once per round",
    "sources/native": "counts what does not cast, after a load has failed",
    "sources/tools/customerio": "which tests were drawn, to refuse those of which nothing is said",
    "plans/seen": "counts per event and the few values of a text, to draft a plan",
}
FETCHING = {
    "execute",
    "to_pandas",
    "to_pandas_batches",
    "to_polars",
    "to_pyarrow",
    "to_pyarrow_batches",
    "to_csv",
    "to_parquet",
    "to_list",
    "preview",
}

# Engines round, truncate, order or spell these differently: `portable` says each of them once.
DISAGREED = {
    "approx_median",
    "approx_nunique",
    "approx_quantile",
    "cache",
    "collect",
    "delta",
    "epoch_seconds",
    "first",
    "group_concat",
    "hash",
    "hexdigest",
    "last",
    "median",
    "mode",
    "notin",
    "quantile",
    "sample",
}

# Where `/` divides plain Python numbers (or joins paths), and of what.
DIVIDES = {
    "plans/seen": {"share": "counts of a fetched row"},
    "answers/__init__": {"curve": "a length of time"},
    "coverage": {"need": "counts of a fetched row", "_share": "counts of a fetched row"},
    "audit/agreement": {"_shares": "counts of fetched rows"},
    "audit/destinations": {"_shares": "counts of fetched rows"},
    "audit/identity": {"rows": "counts of a fetched row"},
    "audit/order": {"_shares": "counts of fetched rows"},
    "audit/plan": {"_silence": "a length of time"}
    | dict.fromkeys(("_broken", "_weeks", "_where"), "counts of fetched rows"),
    "audit/soundness": {"_fresh": "lengths of time", "_volume": "a chance", "_scale": "distances"}
    | dict.fromkeys(("_to_come", "_complete", "_judged"), "counts of fetched rows")
    | dict.fromkeys(("_duplicates", "_defects"), "counts of fetched rows"),
    "bounds": dict.fromkeys(("share", "part", "_missing"), "counts of fetched rows"),
    "friction/retention": dict.fromkeys(("_cohort", "_on"), "counts of fetched rows"),
    "friction/times": dict.fromkeys(("curves", "_middle"), "seconds and counts of fetched rows"),
    "friction/drivers": {"_row": "counts of fetched rows"},
    "friction/paths": {"_places": "counts of fetched rows"},
    "personalization/cards": {"finish": "counts of fetched rows"},
    "personalization/lint": {"_held_back": "counts of a fetched row"},
    "personalization/holdouts": dict.fromkeys(
        ("window", "units", "weeks", "_facts", "_alike"), "lengths of time, counts of a fetched row"
    ),
    "triggers/episodes": {"_followed": "lengths of time"},
    "impact/claims": dict.fromkeys(("finish", "_row", "_because"), "counts of fetched rows"),
    "impact/harms": {"_harmed": "counts of fetched rows"},
    "impact/reach": {"_steps": "counts of fetched rows"},
    "impact/rollouts": {"_share_after": "counts of fetched rows"},
    "impact/waiting": dict.fromkeys(("waiting", "finish", "_sooner", "_waiting"), "hours"),
}


def modules() -> dict[str, ast.Module]:
    """Path inside the package, without its ending → the module's syntax tree."""
    return {
        path.relative_to(PACKAGE).with_suffix("").as_posix(): ast.parse(path.read_text("utf-8"))
        for path in sorted(PACKAGE.rglob("*.py"))
    }


MODULES = modules()


def top(path: str) -> str:
    return path.split("/")[0]


def imported(tree: ast.Module) -> Iterator[str]:
    """The top modules of the package that a module imports, wherever in it."""
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module="playbook", names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(module)) if module.startswith("playbook."):
                yield module.split(".")[1]
            case ast.Import(names=names):
                for alias in names:
                    if alias.name.startswith("playbook."):
                        yield alias.name.split(".")[1]


def calls(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """(line, name) of every method that is called; plain numbers have their own `statistics`."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="statistics"))):
                continue
            case ast.Call(func=ast.Attribute(attr=name)):
                yield node.lineno, name


def divisions(node: ast.AST, function: str = "") -> Iterator[tuple[str, int]]:
    """(innermost function, line) of every `/`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.BinOp | ast.AugAssign) and isinstance(child.op, ast.Div):
            yield function, child.lineno
        named = isinstance(child, ast.FunctionDef)
        yield from divisions(child, child.name if named else function)


def test_every_module_has_its_place_in_the_order():
    placed = [name for layer in LAYERS for name in layer]
    assert len(placed) == len(set(placed))
    assert {top(path) for path in MODULES} == set(placed)


@pytest.mark.parametrize("path", MODULES)
def test_imports_go_one_way(path):
    order = {name: place for place, layer in enumerate(LAYERS) for name in layer}
    own = top(path)
    late = {
        name
        for name in imported(MODULES[path])
        if name in order and name != own and order[name] >= order[own]
    }
    assert not late, f"playbook/{path}.py stands before {sorted(late)}"


def test_stages_never_import_each_other_and_views_import_no_stage():
    for path, tree in MODULES.items():
        if top(path) in STAGES | VIEWS:
            assert not set(imported(tree)) & (STAGES - {top(path)}), path


def test_only_charts_know_altair():
    knowing = {
        top(path)
        for path, tree in MODULES.items()
        for node in ast.walk(tree)
        if "altair" in getattr(node, "module", "")
        or ""
        or any(
            "altair" in alias.name
            for alias in getattr(node, "names", [])
            if isinstance(alias, ast.alias)
        )
    }
    assert knowing == {"charts"}


def test_only_a_few_modules_bring_rows_home():
    fetching = {
        path
        for path, tree in MODULES.items()
        if top(path) != "demo" and any(name in FETCHING for _line, name in calls(tree))
    }
    assert fetching == set(FETCHES)


def test_only_the_warehouse_reads_the_environment_for_declarations():
    reading = {
        top(path)
        for path, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
    }
    assert reading <= {"warehouse", "report"}


@pytest.mark.parametrize("path", MODULES)
def test_a_file_has_one_subject_and_fits_on_a_few_screens(path):
    name = path.rpartition("/")[2]
    assert name not in {"utils", "helpers", "common", "core", "base", "manager", "misc"}
    assert len((PACKAGE / f"{path}.py").read_text("utf-8").splitlines()) <= 400
    first_line = (ast.get_docstring(MODULES[path]) or "").partition("\n")[0]
    assert first_line.endswith((".", "?")), "a module begins with a sentence"


@pytest.mark.parametrize("path", EXPRESSIONS)
def test_what_engines_disagree_on_is_said_in_portable_only(path):
    found = [f"line {line}: {name}" for line, name in calls(MODULES[path]) if name in DISAGREED]
    assert not found


@pytest.mark.parametrize("path", EXPRESSIONS)
def test_expressions_divide_by_portable_ratio_only(path):
    allowed = DIVIDES.get(path, {})
    found = [
        f"line {line}, in {function}"
        for function, line in divisions(MODULES[path])
        if function not in allowed
    ]
    assert not found, "say portable.ratio, or add the function to DIVIDES with its reason"


def test_only_the_source_casts_to_a_time_with_a_zone():
    casting = {
        path
        for path, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value.startswith(("timestamp('", 'timestamp("'))
    }
    # There the session's zone is UTC: the warehouse has set it.
    assert casting <= {"portable", "warehouse", "sources/native", "sources/tools/reading"}


def test_the_lint_sees_what_it_forbids():
    tree = ast.parse("def f(t):\n    return t.a.sum() / t.b.approx_median().delta(t.c, 'day')\n")
    assert list(divisions(tree)) == [("f", 2)]
    assert {name for _line, name in calls(tree)} & DISAGREED == {"approx_median", "delta"}
