"""What the README says is so."""

import re
import shlex

import pytest

import playbook as pb
from playbook import __main__ as command_line
from playbook.run import root

README = (root() / "README.md").read_text(encoding="utf-8")
MAKEFILE = (root() / "Makefile").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\.venv/bin/playbook (.*?)(?: +#.*)?$", README, re.M)


def test_it_fits_on_a_few_screens():
    assert len(README.splitlines()) <= 175


@pytest.mark.parametrize("target", re.findall(r"\bmake (\w+)\b", README))
def test_every_make_target_exists(target):
    assert re.search(rf"^{target}:", MAKEFILE, re.M)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_understood(command):
    given = command_line.parser().parse_args(shlex.split(command))
    assert callable(given.command)


def test_every_subcommand_is_shown():
    shown = {shlex.split(command)[0] for command in COMMANDS}
    assert shown == {"check", "report", "answer", "demo", "init", "plan"}


def test_the_answer_command_runs_as_written(monkeypatch, capsys):
    monkeypatch.chdir(root())
    answer = next(command for command in COMMANDS if command.startswith("answer"))
    assert command_line.main(shlex.split(answer)) == 0
    assert "SELECT" in capsys.readouterr().out


def test_every_module_has_a_place_in_its_map():
    names = {path.stem for path in (root() / "playbook").glob("*.py")} | {
        path.name for path in (root() / "playbook").iterdir() if (path / "__init__.py").is_file()
    }
    table = README.split("imports go no other way.")[1].split("### Where to begin")[0]
    assert names - {"__init__", "__main__"} == set(re.findall(r"`([a-z_]+)`", table))


def test_where_to_begin_reading_is_an_afternoon():
    spine = README.split("### Where to begin")[1].split("## Words")[0]
    listed = re.findall(r"`([a-z_/]+)`", "\n".join(re.findall(r"^\d+\. .*$", spine, re.M)))
    package, lines = root() / "playbook", 0
    for name in listed:
        folder = package / name / "__init__.py"
        lines += len((folder if folder.is_file() else package / f"{name}.py").open().readlines())
    assert len(listed) == len(set(listed))
    assert lines <= 3_500


def test_every_notebook_is_in_its_table():
    names = {path.stem for path in (root() / "notebooks").glob("*.ipynb")}
    assert names == set(re.findall(r"^\| `(\d_\w+)` ", README, re.M))


def test_links_and_pictures_are_there():
    for link in re.findall(r"\]\(([^)]+)\)", README):
        assert (root() / link).is_file(), link


def test_the_public_surface_is_what_the_notebooks_use():
    for name in pb.__all__:
        assert hasattr(pb, name)
