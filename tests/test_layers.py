"""The package's own rules: imports go one way, one place executes, one place knows dialects."""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "playbook"

# Each room imports only what stands on an earlier line; what shares a line never imports the other.
ROOMS = [
    ["language"],
    ["declare"],
    ["data"],
    ["results"],
    ["inference"],
    ["run"],
    ["counting"],
    ["answers"],
    ["ledger"],
    ["audit", "friction", "personalization", "impact"],
    ["findings"],
    ["charts"],
    ["views"],
    ["report"],
    ["adapters", "airtouch"],
    ["beginning"],
    ["__main__", "__init__"],
]
STAGES = {"audit", "friction", "personalization", "impact"}
# Whoever needs them imports them in the function that does.
BY_NAME = {"adapters", "airtouch", "beginning"}
READ = 7_060  # lines that one reads, at most, to see how an answer is made, and says itself
SHARED = 0.15  # of functions have a name that another file defines, too

# Only these bring rows home.
FETCHES = {
    "results": "a result's rows, once",
    "run": "the watermark and the coverage, once per run",
    "report/sendlist": "a send list, piece by piece into its file",
    "ledger/clock": "the zones that occur, once per run",
    "ledger/contention": "whether anything is open still, once per round",
    "data/kept_parts": "data of our own that come along with a statement, to keep them on Spark",
    "data/keys": "whether numbers that hold ids can, of the columns that are such",
    "data/mapping": "counts what does not cast, after a load has failed",
    "adapters/exports/customerio": "which tests were drawn, to refuse what nothing is said of",
    "beginning/looking": "counts of tables, columns and events, to choose from",
    "adapters/plans/from_data": "counts per event and the few values of a text, to draft a plan",
}
FETCHING = {
    *("execute", "to_pandas", "to_pandas_batches", "to_polars", "to_pyarrow"),
    *("to_pyarrow_batches", "to_csv", "to_parquet", "to_list", "preview"),
}

# Engines round, truncate, order or spell these differently: `portable` says each of them once.
DISAGREED = {
    *("approx_median", "approx_nunique", "approx_quantile", "cache", "collect", "delta"),
    *("epoch_seconds", "first", "group_concat", "hash", "hexdigest", "last", "median", "mode"),
    *("notin", "quantile", "sample"),
}
# What an engine computes: these of a table or a column, and `_`, which stands for a table.
COMPUTED = {"sum", "count", "nunique", "mean", "min", "max", "cast", "length"}


def modules() -> dict[str, ast.Module]:
    """Path inside the package, without its ending → the module's syntax tree."""
    return {
        path.relative_to(PACKAGE).with_suffix("").as_posix().removesuffix("/__init__"): ast.parse(
            path.read_text("utf-8")
        )
        for path in sorted(PACKAGE.rglob("*.py"))
    }


MODULES = modules()
EXPRESSIONS = [
    path
    for path, tree in MODULES.items()
    if path != "language/portable"
    and any(isinstance(n, ast.Import) and n.names[0].name.startswith("ibis") for n in tree.body)
]


def file_of(path: str) -> Path:
    folder = PACKAGE / path / "__init__.py"
    return folder if folder.is_file() else PACKAGE / f"{path}.py"


def room(path: str) -> str:
    return path.split("/")[0]


def targets(node: ast.ImportFrom) -> Iterator[str]:
    """The modules of the package that a statement imports from."""
    if node.module != "playbook" and not (node.module or "").startswith("playbook."):
        return
    base = node.module.split(".")[1:]
    for alias in node.names:
        whole = "/".join([*base, alias.name])
        yield whole if whole in MODULES else "/".join(base) or "__init__"


def imported(tree: ast.Module, *, at_top: bool = False) -> set[str]:
    """The modules of the package that a module imports, wherever in it, or at its top alone."""
    nodes = tree.body if at_top else ast.walk(tree)
    return {t for node in nodes if isinstance(node, ast.ImportFrom) for t in targets(node)}


def calls(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """(line, name) of every method that is called; Python has its own statistics and hashes."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="statistics" | "hashlib"))):
                continue
            case ast.Call(func=ast.Attribute(value=ast.Call(func=ast.Attribute(value=made)))) if (
                isinstance(made, ast.Name) and made.id == "hashlib"
            ):
                continue
            case ast.Call(func=ast.Attribute(attr=name)):
                yield node.lineno, name


def divisions(tree: ast.AST) -> Iterator[int]:
    """The lines that divide what an engine computes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
            for part in ast.walk(node):
                match part:
                    case ast.Name(id="_") | ast.Call(func=ast.Attribute(attr="cast")):
                        yield node.lineno
                        break
                    case ast.Call(func=ast.Attribute(attr=name), args=[]) if name in COMPUTED:
                        yield node.lineno
                        break


def functions() -> list[tuple[str, str]]:
    """(name, file) of every function that is no method and stands in no other."""

    def own(node: ast.AST) -> Iterator[str]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef):
                yield child.name
            elif not isinstance(child, ast.ClassDef):
                yield from own(child)

    return [(name, path) for path, tree in MODULES.items() for name in own(tree)]


def reading(path: str) -> set[str]:
    """The files that one reads to understand a module: it, and all that they import at the top."""
    found, waiting = set(), [path]
    while waiting:
        here = waiting.pop()
        if here not in found:
            found.add(here)
            waiting += imported(MODULES[here], at_top=True)
    return found


def lines(paths: set[str]) -> int:
    return sum(len(file_of(path).read_text("utf-8").splitlines()) for path in paths)


def test_every_module_has_its_place_in_the_order():
    placed = [name for line in ROOMS for name in line]
    assert len(placed) == len(set(placed))
    assert {room(path) for path in MODULES} == set(placed)


@pytest.mark.parametrize("path", MODULES)
def test_imports_go_one_way(path):
    order = {name: place for place, line in enumerate(ROOMS) for name in line}
    own = room(path)
    known = set(map(room, imported(MODULES[path]))) - {own}
    late = {each for each in known if order[each] >= order[own]} - (BY_NAME - {own})
    assert not late, f"playbook/{path} stands before {sorted(late)}"


@pytest.mark.parametrize("path", [path for path in MODULES if room(path) not in BY_NAME])
def test_exports_plans_and_the_simulator_are_loaded_by_whoever_needs_them(path):
    assert not BY_NAME & set(map(room, imported(MODULES[path], at_top=True)))


def test_no_two_modules_import_each_other():
    for path in MODULES:
        behind = set().union(*map(reading, imported(MODULES[path], at_top=True) - {path}))
        assert path not in behind, path


def test_stages_never_import_each_other_and_only_the_report_knows_them():
    for path, tree in MODULES.items():
        known = set(map(room, imported(tree))) & STAGES
        if room(path) not in {"report", "__main__", "__init__"}:
            assert known <= {room(path)}, path


def test_one_answer_is_read_in_an_afternoon(capsys):
    read = reading("answers")
    with capsys.disabled():
        print(f"\nreading one answer: {len(read)} files, {lines(read):,} lines")
    assert lines(read) <= READ


def test_most_functions_have_a_name_of_their_own():
    files = defaultdict(set)
    for name, path in functions():
        files[name].add(path)
    shared = [name for name, _path in functions() if len(files[name]) > 1]
    assert len(shared) <= SHARED * len(functions()), Counter(shared).most_common(40)


def test_only_charts_know_altair():
    knowing = {
        room(path)
        for path, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Import) and any("altair" in alias.name for alias in node.names)
    }
    assert knowing == {"charts"}


def test_only_a_few_modules_bring_rows_home():
    fetching = {
        path
        for path, tree in MODULES.items()
        if room(path) != "airtouch" and any(name in FETCHING for _line, name in calls(tree))
    }
    assert fetching == set(FETCHES)


def test_only_opening_a_warehouse_reads_the_environment():
    reading_it = {
        path
        for path, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
    }
    assert {path for path in reading_it if room(path) != "report"} <= {
        "data/opening",
        "data/sessions",
    }


@pytest.mark.parametrize("path", MODULES)
def test_a_file_has_one_subject_and_fits_on_a_few_screens(path):
    name = path.rpartition("/")[2]
    assert name not in {"utils", "helpers", "common", "core", "base", "manager", "misc"}
    assert len(file_of(path).read_text("utf-8").splitlines()) <= 400
    first_line = (ast.get_docstring(MODULES[path]) or "").partition("\n")[0]
    assert first_line.endswith((".", "?")), "a module begins with a sentence"


@pytest.mark.parametrize("path", EXPRESSIONS)
def test_what_engines_disagree_on_is_said_in_portable_only(path):
    found = [f"line {line}: {name}" for line, name in calls(MODULES[path]) if name in DISAGREED]
    assert not found


@pytest.mark.parametrize("path", EXPRESSIONS)
def test_expressions_divide_by_portable_ratio_only(path):
    assert not list(divisions(MODULES[path])), "say portable.ratio"


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
    allowed = {"language/portable", "data/warehouse", "data/mapping/times"}
    assert casting <= allowed | {"adapters/exports/reading"}


def test_the_lint_sees_what_it_forbids():
    tree = ast.parse("def f(t):\n    return t.a.sum() / t.b.approx_median().delta(t.c, 'day')\n")
    assert list(divisions(tree)) == [2]
    assert {name for _line, name in calls(tree)} & DISAGREED == {"approx_median", "delta"}
    assert list(divisions(ast.parse("_.n / _.of\n1 / n"))) == [1]
