"""pyproject.toml, environment.yml and requirements.lock say the same versions."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from playbook.data import engines

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))
LOCK = (ROOT / "requirements.lock").read_text("utf-8")
ENGINES = (ROOT / "requirements-engines.lock").read_text("utf-8")

# What conda-forge calls otherwise.
CONDA_NAMES = {
    "ibis-framework[duckdb]": "ibis-duckdb",
    "ibis-framework[postgres]": "ibis-postgres",
    "duckdb": "python-duckdb",
}
DRIVERS = ("mssql", "mysql", "snowflake", "trino")  # no such server is here
FOR_CONDA_ALONE = {"hatchling", "pip"}  # what `pip install -e .` needs, without a second solve


def bounds(requirements: list[str]) -> dict[str, SpecifierSet]:
    """Name with its extra → bounds."""
    found = {}
    for text in requirements:
        requirement = Requirement(text)
        extra = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
        found[requirement.name + extra] = requirement.specifier
    return found


def locked(lock: str = LOCK) -> dict[str, set[str]]:
    """Name → the versions that are locked, for one Python or another."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([A-Za-z0-9_.-]+)==([^\s;\\]+)", lock, re.MULTILINE):
        found.setdefault(name.lower(), set()).add(version)
    return found


def test_conda_installs_what_pip_does():
    wanted = {
        CONDA_NAMES.get(name, name): bound
        for name, bound in bounds([*PROJECT["dependencies"], *EXTRAS["postgres"]]).items()
    }
    wanted["python"] = SpecifierSet(PROJECT["requires-python"])
    *there, by_pip = CONDA["dependencies"]
    there += by_pip["pip"][:-1]
    given = {text.split()[0]: SpecifierSet("".join(text.split()[1:])) for text in there}
    for name in FOR_CONDA_ALONE:
        given.pop(name)
    assert given == wanted


def test_conda_installs_the_project_itself_and_takes_packages_from_conda_forge():
    assert CONDA["channels"] == ["conda-forge"]
    assert CONDA["dependencies"][-1]["pip"][-1] == "-e ."


def test_the_lock_keeps_every_bound():
    every = bounds([*PROJECT["dependencies"], *EXTRAS["postgres"], *EXTRAS["dev"]])
    versions = locked()
    for name, bound in every.items():
        found = versions[name.partition("[")[0]]
        assert all(version in bound for version in found), f"{name}{bound} is locked at {found}"


def test_the_lock_for_engines_adds_to_it_and_changes_nothing():
    every = bounds([*EXTRAS["engines"], *EXTRAS["spark"], *EXTRAS["clickhouse"]])
    versions = locked(ENGINES)
    assert {name: versions[name] for name in locked()} == locked()
    for name, bound in every.items():
        assert all(version in bound for version in versions[name.partition("[")[0]])


@pytest.mark.parametrize("lock", [LOCK, ENGINES], ids=["all", "engines"])
def test_a_lock_has_a_hash_for_each_package_and_no_address(lock):
    packages = re.findall(r"^\S+==.*(?:\n    --hash=sha256:[0-9a-f]{64}.*)*", lock, re.MULTILINE)
    assert len(packages) > 100
    assert all("--hash=sha256:" in package for package in packages)
    assert not re.search(r"://|@ |--(?:extra-)?index-url|--find-links|file:", lock)


def test_an_extra_and_the_tests_pin_the_same_ibis():
    pinned = {str(bound) for name, bound in bounds(
        [*PROJECT["dependencies"], *EXTRAS["postgres"], *EXTRAS["dev"]]
    ).items() if name.startswith("ibis-framework")}  # fmt: skip
    assert pinned == {"==12.0.0"}


def test_the_tests_have_what_every_extra_installs():
    tested = bounds([*EXTRAS["dev"], *EXTRAS["engines"]]).items()
    extras = {name: bounds(extra).items() for name, extra in EXTRAS.items()}
    assert all(extra <= tested for name, extra in extras.items() if name not in DRIVERS)


def test_an_engines_extra_is_ibiss_own_driver_in_our_version_of_ibis():
    (ours,) = EXTRAS["postgres"]
    assert {*DRIVERS, "clickhouse", "postgres", "spark"} == set(engines.EXTRAS)
    assert EXTRAS["spark"][0] == ours.replace("postgres", "pyspark")
    assert all(EXTRAS[name] == [ours.replace("postgres", name)] for name in DRIVERS)
