"""`playbook init` beside an engagement tool's export: known by its tables, and mapped."""

from __future__ import annotations

from pathlib import Path

import ibis
import pytest
import yaml

from playbook.__main__ import main
from playbook.declare.shape import vendors
from tests import companies
from tests.exports import VENDORS, Drawn

OURS = {"u0": "ann", "u1": "cat"}
SHOWN = {"intercom", "klaviyo", "sendgrid"}  # by code, by its shape, and by addresses
BY_ADDRESS = {"hubspot", "sendgrid", "mailchimp"}


@pytest.fixture
def begun(tmp_path, monkeypatch):
    """The product that comes of a log, its users, and what a tool exports."""
    (tmp_path / "params").mkdir()
    monkeypatch.chdir(tmp_path)

    def begin(*drawn: str, **tables) -> dict:
        log, users = companies.log(), companies.users()
        emails = users["id"].replace(OURS) + "@x.co"
        own = {
            "events": log.assign(user_id=log["user_id"].replace(OURS)),
            "users": users.assign(id=users["id"].replace(OURS), email=emails),
        }
        companies.in_database(tmp_path, **own, **tables)
        connection = ibis.duckdb.connect(tmp_path / "company.duckdb")
        for vendor in drawn:
            Drawn(vendor, connection=connection)
        connection.disconnect()
        assert main(["init", "company.duckdb", "--product", "acme", "--yes"]) == 0
        assert main(["check", "params/acme/runs/weekly.yaml"]) == 0
        return yaml.safe_load(Path("params/acme/product.yaml").read_text("utf-8"))

    return begin


@pytest.mark.parametrize(
    "vendor",
    [
        vendor if vendor in SHOWN else pytest.param(vendor, marks=pytest.mark.thorough)
        for vendor in sorted({*VENDORS} - {"customerio"})
    ],
)
def test_a_tool_is_known_by_its_tables(vendor, begun, capsys):
    product = begun(vendor)
    assert [each["vendor"] for each in product["exports"]] == [vendor]
    assert "0 blocking" in capsys.readouterr().out
    by = product["exports"][0].get("users")
    expected = {"table": "users", "user_id": "id", "email": "email"}
    assert by == (expected if vendor in BY_ADDRESS else None)
    assert product["tables"]["events"][0]["table"] == "events"
    said = " ".join(Path("params/acme/product.yaml").read_text("utf-8").replace("#", "").split())
    assert "messages are to people of the log. Say under `plays:`" in said


def test_a_tool_that_cannot_be_read_unasked_is_named_with_what_it_lacks(begun):
    assert "exports" not in begun("customerio")
    said = " ".join(Path("params/acme/product.yaml").read_text("utf-8").replace("#", "").split())
    assert "customerio is not mapped: " in said
    assert "holdout" in said


def test_every_vendor_is_drawn_here():
    assert {*VENDORS} == {*vendors()}


def test_tables_that_are_called_like_a_tools_are_none_of_it(begun):
    product = begun(people=companies.users(), campaigns=companies.users(), event=companies.log())
    assert "exports" not in product
