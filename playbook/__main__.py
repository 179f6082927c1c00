"""The command line: argument parsing, and exit codes."""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from playbook.mistakes import Mistake, Nothing

DONE, FAILED, MISTAKE, NOTHING = 0, 1, 2, 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns 0 done, 1 failed, 2 the user's mistake, 3 nothing to report on."""
    given = parser().parse_args(arguments)
    try:
        return given.command(given)
    except Nothing as nothing:
        print(nothing, file=sys.stderr)
        return NOTHING
    except Mistake as mistake:
        print(mistake, file=sys.stderr)
        return MISTAKE
    except KeyboardInterrupt:
        print("Stopped; nothing was changed.", file=sys.stderr)
        return FAILED
    except Exception:
        traceback.print_exc()
        return FAILED


def parser() -> argparse.ArgumentParser:
    """The commands and what each is told."""
    parser = argparse.ArgumentParser(prog="playbook", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    demo = _command(commands, "demo", _demo, "write the sample company's tables as Parquet")
    demo.add_argument("--events", type=int, default=600_000, help="about how many events")
    demo.add_argument("--out", type=Path, default=Path("airtouch"), help="the folder to write")

    check = _command(commands, "check", _check, "check a product's declarations and tables")
    check.add_argument("product", help="the folder with the declarations, such as params/airtouch")
    check.add_argument("--warehouse", help="where its tables are; else its first run tells")

    report = _command(commands, "report", _report, "render the four-stage report of a run")
    report.add_argument("run", type=Path, help="the run's YAML file")
    report.add_argument("--out", type=Path, help="where reports go; reports/ by default")

    answer = _command(commands, "answer", _answer, "answer one question")
    answer.add_argument("question", help="the question's id")
    answer.add_argument("--run", type=Path, required=True, help="the run's YAML file")
    answer.add_argument("--by", default="", help="a column to break the answer down by")
    answer.add_argument("--sql", action="store_true", help="print the SQL instead")
    return parser


def _command(commands, name: str, function: Callable, says: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=says, description=says)
    parser.set_defaults(command=function)
    return parser


def _demo(given: argparse.Namespace) -> int:
    from playbook import demo

    if given.out.exists():
        raise Mistake(
            f"`{given.out}` is there already.",
            f"It holds: {', '.join(sorted(p.name for p in given.out.iterdir())[:8])}.",
            "name another folder with --out, or remove it.",
        )
    print(demo.write(given.out, events=given.events, progress=_progress))
    return DONE


def _check(given: argparse.Namespace) -> int:
    from playbook import audit, declare, findings, run

    found = declare.declarations(run.root() / given.product)
    print(
        f"{found.product.name}: {len(found.plan)} data points, {len(found.questions)} questions, "
        f"{len(found.plays)} plays, {len(found.experiments)} experiments are declared well."
    )
    runs = sorted((run.root() / given.product / "runs").glob("*.yaml"))
    warehouse = given.warehouse or (declare.load(runs[0])["warehouse"] if runs else None)
    if warehouse is None:
        return DONE
    opened = run.open(given.product, warehouse)
    for row in audit.verdicts(opened).rows:
        print(f"{row['verdict']}: {row['question']} {row['because']}".strip())
    print(findings.audit(audit.questions(opened)).text.replace("*", ""))
    return DONE


def _report(given: argparse.Namespace) -> int:
    from playbook import report

    try:
        index = report.render(given.run, out=given.out, progress=_progress)
    except report.Failed as failed:
        print(f"{failed}\nWhat failed and where: {failed.page}", file=sys.stderr)
        return FAILED
    print(index)
    return DONE


def _answer(given: argparse.Namespace) -> int:
    from playbook import audit, findings, listings, report, run

    parameters = report.parameters(given.run)
    parameters.pop("by", None)
    opened = run.open(**parameters)
    ids = [question.id for question in opened.declared.questions]
    if given.question not in ids:
        from playbook.mistakes import listed, nearest

        raise Mistake(
            f"There is no question `{given.question}`.",
            f"The questions are: {listed(ids)}.",
            nearest(given.question, ids),
        )
    result = audit.answer(opened, given.question, by=given.by)
    print(listings.sql(result).text if given.sql else findings.of(result).text)
    return DONE


def _progress(text: str) -> None:
    """Plain lines; on a terminal also what is under way (it ends in "…"), until it is done."""
    on_terminal, under_way = sys.stderr.isatty(), text.endswith("…")
    if under_way and not on_terminal:
        return
    clear = "\r\033[K" if on_terminal else ""
    print(clear + text, end="" if under_way else "\n", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
