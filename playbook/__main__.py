"""The command line: argument parsing, and exit codes."""

from __future__ import annotations

import argparse
import io
import sys
import traceback
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path

from playbook.language.mistakes import Mistake, Nothing, listed, nearest

# What a question may say on the command line.
ASKED = ("measure", "unit", "start", "goal", "first", "goals", "within", "edges", "every", "hold")
ASKED += ("among", "unless", "order", "entry", "ties", "anchor", "windows", "optional")
ASKED += ("exclude", "count")
DONE, FAILED, MISTAKE, NOTHING, CLOSED = 0, 1, 2, 3, 4
ABOUT = "Product-led growth in four stages, from a warehouse to honest reports."
WEEKLY = "params/acme/runs/weekly.yaml"
# Command → one that somebody would type.
EXAMPLES = {
    "demo": "playbook demo --events 5000000 --out big",
    "init": "playbook init acme.duckdb --product acme",
    "check": f"playbook check {WEEKLY} --fail-on blocking",
    "report": f"playbook report {WEEKLY}",
    "answer": f"playbook answer first_workflow_24h --run {WEEKLY} --by persona",
    "import": "playbook plan import plan.csv --out params/acme/tracking_plan.yaml",
    "draft": f"playbook plan draft {WEEKLY} --out params/acme/tracking_plan.yaml",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns 0 done, 1 failed, 2 the user's mistake, 3 nothing to report on, 4 the gate is closed.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # not every terminal has every letter
    given = parser().parse_args(arguments)
    try:
        return given.command(given)
    except Nothing as nothing:
        return _stopped(given, nothing, NOTHING)
    except Mistake as mistake:
        return _stopped(given, mistake, MISTAKE)
    except KeyboardInterrupt:
        print("Stopped; nothing was changed.", file=sys.stderr)
        return FAILED
    except Exception:
        traceback.print_exc()
        return FAILED


def parser() -> argparse.ArgumentParser:
    """The commands and what each is told."""
    parser = argparse.ArgumentParser(prog="playbook", description=ABOUT)
    parser.add_argument("--version", action="version", version=_versions())
    _loudness(parser, default=False)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    demo = _command(commands, "demo", _demo, "write the sample company's tables as Parquet")
    demo.add_argument("--events", type=int, default=600_000, help="about how many events")
    demo.add_argument("--out", type=Path, default=Path("airtouch"), help="the folder to write")

    init = _command(commands, "init", _init, "write a product from the tables of a warehouse")
    init.add_argument("warehouse", help="a folder, a file, or env:NAME, as in a run's file")
    init.add_argument("--product", default="", help="what it is called; else by the warehouse")
    init.add_argument("--yes", action="store_true", help="choose what is not clear, ask nothing")

    check = _command(commands, "check", _check, "check a product's declarations and tables")
    check.add_argument("target", help="a run's YAML file, or a product's folder")
    check.add_argument("--warehouse", help="where a folder's tables are; else its first run tells")
    check.add_argument(
        "--fail-on",
        choices=("blocking", "warning", "note"),
        help="end with code 4 if the audit finds anything as bad as this, or worse",
    )
    check.add_argument("--out", type=Path, help="where violations.parquet and .csv go")

    report = _command(commands, "report", _report, "render the four-stage report of a run")
    report.add_argument("run", type=Path, help="the run's YAML file")
    report.add_argument("--out", type=Path, help="where reports go; reports/ by default")

    answer = _command(commands, "answer", _answer, "answer one question")
    answer.add_argument("question", nargs="?", default="", help="the id of a declared question")
    for word in ASKED:
        says = "ask another question: what it says, as in questions.yaml (--among '{plan: pro}')"
        answer.add_argument(f"--{word}", nargs="+", help=says)
    answer.add_argument("--run", type=Path, required=True, help="the run's YAML file")
    answer.add_argument("--by", default="", help="a column to break the answer down by")
    answer.add_argument("--sql", action="store_true", help="print the SQL instead")
    plan = commands.add_parser("plan", help="import or draft a tracking plan").add_subparsers(
        required=True, metavar="COMMAND"
    )
    bring = _command(plan, "import", _plan_import, "write a plan of ours from another tool's")
    bring.add_argument("files", type=Path, nargs="+", help="what the tool exports")
    bring.add_argument("--format", default="", help="its format; else its content tells")
    bring.add_argument("--out", type=Path, help="the file to write; else it is printed")
    draft = _command(plan, "draft", _plan_draft, "infer a plan from the data, for you to finish")
    draft.add_argument("run", type=Path, help="the run's YAML file")
    draft.add_argument("--out", type=Path, help="the file to write; else it is printed")
    return parser


def _command(commands, name: str, function: Callable, says: str) -> argparse.ArgumentParser:
    example = f"example: {EXAMPLES[name]}" if name in EXAMPLES else None
    parser = commands.add_parser(name, help=says, description=says, epilog=example)
    parser.set_defaults(command=function)
    _loudness(parser, default=argparse.SUPPRESS)
    return parser


def _loudness(parser: argparse.ArgumentParser, *, default: object) -> None:
    """How much is said, before the command or behind it."""
    given = {"action": "store_true", "default": default}
    parser.add_argument("-q", "--quiet", help="say nothing but results and mistakes", **given)
    parser.add_argument("-v", "--verbose", help="show where a mistake was found", **given)


def _versions() -> str:
    """The version, and those of what counts: for whoever reports a fault."""
    found = {}
    for name in ("growth-playbook", "ibis-framework", "duckdb"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    own, *others = (f"{name} {version}" for name, version in found.items())
    return f"{own} ({', '.join(others)}, Python {sys.version.split()[0]})"


def _stopped(given: argparse.Namespace, mistake: Exception, code: int) -> int:
    if given.verbose:
        traceback.print_exception(mistake)
    print(mistake, file=sys.stderr)
    return code


def _demo(given: argparse.Namespace) -> int:
    from playbook import airtouch

    if given.out.exists():
        raise Mistake(
            f"`{given.out}` is there already.",
            f"It holds: {', '.join(sorted(p.name for p in given.out.iterdir())[:8])}.",
            "name another folder with --out, or remove it.",
        )
    print(airtouch.write(given.out, events=given.events, progress=_progress_of(given)))
    return DONE


def _init(given: argparse.Namespace) -> int:
    from playbook import beginning

    on_terminal = sys.stdin is not None and sys.stdin.isatty() and not given.yes
    ask = beginning.asking(sys.stdin, sys.stderr) if on_terminal else beginning.choosing(_progress)
    begun = beginning.begin(given.warehouse, product=given.product, ask=ask, tell=_progress)
    here = Path.cwd().resolve()
    file = begun.run.resolve()
    print(begun.folder)
    print(f"playbook report {file.relative_to(here) if file.is_relative_to(here) else file}")
    return DONE


def _check(given: argparse.Namespace) -> int:
    from playbook import audit, declare, report, run

    parameters = _target(given)
    product = parameters["product"]
    found = declare.declarations(run.root() / product)
    print(
        f"{found.product.name}: {len(found.plan)} data points, {len(found.questions)} questions, "
        f"{len(found.plays)} plays, {len(found.experiments)} experiments are declared well."
    )
    if "warehouse" not in parameters:
        return DONE
    opened = report.opened_run(parameters)
    if opened.warehouse.left_out:
        print(f"Left out of the warehouse: {listed(opened.warehouse.left_out)}.")
    for row in audit.verdicts(opened).rows:
        print(f"{row['verdict']}: {row['question']} {row['because']}".strip())
    return _gate(given, opened)


def _target(given: argparse.Namespace) -> dict[str, str]:
    """The parameters of the run to check; of a folder without any, its product alone."""
    from playbook import declare, report, run

    if given.target.endswith((".yaml", ".yml")):
        return {"warehouse": "demo"} | report.parameters(Path(given.target))
    runs = sorted((run.root() / given.target / "runs").glob("*.yaml"))
    warehouse = given.warehouse or (declare.read_yaml(runs[0])["warehouse"] if runs else None)
    return {"product": given.target} | ({"warehouse": warehouse} if warehouse else {})


def _gate(given: argparse.Namespace, opened) -> int:
    """Writes the violations, tells the worst of them, and whether the gate is closed."""
    from playbook import run
    from playbook.report import gate

    name = Path(given.target).stem
    slug = opened.declared.product.slug
    folder = given.out or run.root() / "reports" / slug / (name if name != slug else "") / "check"
    rows = gate.write_violations(opened, folder)
    counts = [f"{sum(row['severity'] == s for row in rows)} {s}" for s in gate.audit.SEVERITIES]
    print(f"{len(rows)} violations ({', '.join(counts)}): {folder / 'violations.csv'}")
    closed = gate.closing_violations(rows, given.fail_on) if given.fail_on else []
    for row in closed:
        said = f"{row['severity']}: {row['subject']}: {row['seen']}"
        print("".join(c if c.isprintable() else " " for c in said), file=sys.stderr)
    return CLOSED if closed else DONE


def _report(given: argparse.Namespace) -> int:
    from playbook import report

    try:
        index = report.render(given.run, out=given.out, progress=_progress_of(given))
    except report.Failed as failed:
        print(f"{failed}\nWhat failed and where: {failed.page}", file=sys.stderr)
        return FAILED
    print(index)
    return DONE


def _answer(given: argparse.Namespace) -> int:
    from playbook import audit, report

    opened = report.opened_run(report.parameters(given.run))
    if words := {word: told for word in ASKED if (told := getattr(given, word))}:
        return _asked(given, opened, words)
    ids = [question.id for question in opened.declared.questions]
    if not given.question:
        raise Mistake(
            "No question is named.",
            f"The questions are: {listed(ids)}.",
            "name one, or ask another with --measure, --start …: see `playbook answer --help`.",
        )
    if given.question not in ids:
        raise Mistake(
            f"There is no question `{given.question}`.",
            f"The questions are: {listed(ids)}.",
            nearest(given.question, ids),
        )
    question = opened.declared.question(given.question)
    report.refuse_unmapped(opened, given.by, asked=[question])
    return _shown(given, audit.answer(opened, given.question, by=given.by))


def _asked(given: argparse.Namespace, opened, words: dict[str, list[str]]) -> int:
    """Answers what the options ask, and says how to declare it."""
    from playbook import declare, report
    from playbook.answers.asking import ask, question_of
    from playbook.results import Result

    if given.question:
        raise Mistake(
            f"`{given.question}` is declared, and the options ask another question.",
            f"The options are: {listed(f'--{word}' for word in words)}.",
            "leave out one of the two.",
        )
    fields = declare.Question.model_fields
    lists = {word for word in words if fields[word].default == () and word != "exclude"}
    said = {
        word: told if word in lists else declare.read_text(" ".join(told), f"--{word}")
        for word, told in words.items()
    }
    question = question_of(opened, said)
    report.refuse_unmapped(opened, given.by, asked=[question])
    found = ask(opened, by=given.by, **said)
    code = _shown(given, found)
    if isinstance(found, Result) and not given.sql:
        print(f"\n# To declare it, in questions.yaml:\n{found.yaml()}", end="")
    return code


def _shown(given: argparse.Namespace, result) -> int:
    from playbook import findings
    from playbook.results import listings

    print(listings.sql(result).text if given.sql else findings.of(result).text)
    return DONE


def _plan_import(given: argparse.Namespace) -> int:
    from playbook.adapters import plans

    found = plans.imported_plan(given.files, given.format)
    source = ", ".join(path.name for path in given.files)
    return _plan(plans.imported_as_yaml(found, source), given, found.summary)


def _plan_draft(given: argparse.Namespace) -> int:
    from playbook import report
    from playbook.adapters import plans

    parameters = {"product": "", "warehouse": "demo"} | report.parameters(given.run, ())
    found = plans.draft_of(parameters["product"], parameters["warehouse"])
    return _plan(plans.draft_as_yaml(found), given, found.summary)


def _plan(text: str, given: argparse.Namespace, summary: str) -> int:
    """Print a plan or write it to a new file, and say what is in it."""
    from playbook.adapters import plans

    if given.out:
        plans.save(text, given.out)
        print(given.out)
    else:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8")  # as the file would be, on any terminal
        print(text, end="")
    if not given.quiet:
        print(summary, file=sys.stderr)
    return DONE


def _progress_of(given: argparse.Namespace) -> Callable[[str], None]:
    return (lambda _text: None) if given.quiet else _progress


def _progress(text: str) -> None:
    """Plain lines; on a terminal also what is under way (it ends in "…"), until it is done."""
    on_terminal, under_way = sys.stderr.isatty(), text.endswith("…")
    if under_way and not on_terminal:
        return
    clear = "\r\033[K" if on_terminal else ""
    print(clear + text, end="" if under_way else "\n", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
