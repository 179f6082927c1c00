"""The sample company under other words: nothing of it may show in what the suite then says.

`python -m tests.renamed FOLDER` writes the declarations to FOLDER/params/hearthloom and the tables
to FOLDER/tables. Rows, ids and times stay as they are, so every figure does, too.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from playbook.data.tables import COLUMNS
from playbook.declare import PARTS, read_yaml
from playbook.run import demo_folder, root

NAME = "hearthloom"
# Old → new. A word is replaced where no letter stands beside it, the longest first; no new word
# stands anywhere in the old declarations, so that `back` finds the old ones again.
WORDS = {
    "airtouch": NAME,
    # Events, and what people call them.
    "account_created": "house_opened",
    "created the account": "opened the house",
    "signed_up": "was_enrolled",
    "signed up": "was enrolled",
    "signing up": "enrolling",
    "signs up": "enrols",
    "sign-up": "enrolment",
    "sign-ups": "enrolments",
    "session_started": "stay_begun",
    "email_verified": "address_attested",
    "verified the e-mail": "attested the address",
    "connection_created": "larder_filled",
    "created a connection": "filled a larder",
    "workflow_creation_started": "recipe_begun",
    "started a workflow": "began a recipe",
    "workflow_saved": "recipe_jotted",
    "saved a workflow": "jotted down a recipe",
    "workflow_ran": "recipe_cooked",
    "ran a workflow": "cooked a recipe",
    "colleague_invited": "companion_called",
    "invited a colleague": "called a companion",
    "invitation_accepted": "call_answered",
    "docs_opened": "cookbook_leafed",
    "opened the docs": "leafed through the cookbook",
    "community_joined": "guild_entered",
    "joined the community": "entered the guild",
    "page_viewed": "shelf_glanced_at",
    # Properties and values.
    "direction": "bearing",
    "invitee_id": "newcomer_id",
    "timeout": "burnt",
    "permission denied": "door locked",
    "schema changed": "oven changed",
    "rate limited": "too hot",
    # Whatever else speaks of the product.
    "workflow": "recipe",
    "workflows": "recipes",
    "connection": "larder",
    "connections": "larders",
    "connect": "stock",
    "connected": "stocked",
    "draft": "scribble",
    "drafts": "scribbles",
    "data engineer": "head chef",
    "data engineers": "head chefs",
    "data_engineer": "head_chef",
    "engineer": "chef",
    "engineers": "chefs",
    "analyst": "taster",
    "analysts": "tasters",
    "sales": "waiters",
    "marketing": "florists",
    "colleague": "companion",
    "colleagues": "companions",
    "workspace": "kitchen",
    "workspaces": "kitchens",
    "warehouse": "cellar",
    "docs": "cookbook",
    "documentation": "almanac",
    "community": "guild",
    "verify": "attest",
    "verifies": "attests",
    "verified": "attested",
    "verifying": "attesting",
    "verification": "attestation",
    "unverified": "unattested",
}
# Of none of these anything may be left, whatever comes before or after.
OLD = (
    *("airtouch", "workflow", "connect", "draft", "engineer", "analyst", "sales", "market"),
    *("colleague", "workspace", "warehouse", "docs", "documentation", "community", "verif"),
    *("signed_up", "signed up", "sign-up", "page_viewed", "direction", "invitee"),
)
# The playbook's own words, which a product cannot change.
SCHEMA = {"draft", *PARTS, *(column for columns in COLUMNS.values() for column in columns)}
VALUES = ("event", "persona", "intent", "direction", "error", "email_domain", "play", "flag")
OWN = "my_"  # begins the names of tables and columns that say nothing of the product
Rename = Callable[[str], str]


def write(folder: Path, *, ids: bool = False) -> Path:
    """Writes the renamed company to a folder, and says where its declarations are.

    Args:
        folder: Where `params/` and `tables/` go; run the playbook from here.
        ids: Whether questions, plays and experiments are renamed, too; else figures keep their
            ids. Plays draw the same arms either way.
    """
    home, params = root(), folder / "params" / NAME
    for path in sorted((home / "params" / "airtouch").rglob("*.yaml")):
        told = path.relative_to(home / "params" / "airtouch")
        stem = id_of(path.stem) if ids and told.parent.name in {"plays", "experiments"} else None
        target = (params / told).with_stem(stem or path.stem)
        target.parent.mkdir(parents=True, exist_ok=True)
        text = yaml.safe_dump(_declared(path, ids=ids), sort_keys=False, allow_unicode=True)
        target.write_text(text, "utf-8")
    (folder / "tables").mkdir(parents=True, exist_ok=True)
    for path in sorted(demo_folder(home).glob("*.parquet")):
        table = renamed_table(pq.read_table(path), ids=ids)
        pq.write_table(table, folder / "tables" / f"{own(path.stem)}.parquet")
    return params


def words(text: str) -> str:
    """A text in the new words; the case of their first letters stays."""
    return _replaced(text, WORDS)


def back(text: str) -> str:
    """A text in the old words again: a label, a sentence, or the id of a figure."""
    plain = re.sub(rf"(?<![A-Za-z]){OWN}", "", text)
    return _replaced(plain, {new: old for old, new in WORDS.items()})


def each_text(data: Any, rename: Rename) -> Any:
    """Rows, or any nest of lists and mappings, with each of their texts and keys renamed."""
    if isinstance(data, dict):
        return {each_text(key, rename): each_text(value, rename) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return type(data)(each_text(value, rename) for value in data)
    return rename(data) if isinstance(data, str) else data


def own(name: str) -> str:
    """The new name of a table or a column of the product's own."""
    return new if (new := words(name)) != name else OWN + name


def id_of(name: str) -> str:
    """The new id of a question, a play or an experiment."""
    return own(name)


def renamed_table(table: pa.Table, *, ids: bool = False) -> pa.Table:
    """A table under new names, with the values that are words in the new ones."""
    for place, name in enumerate(table.column_names):
        if name in VALUES:
            rename = _play(ids=ids) if name in ("play", "flag") else words
            table = table.set_column(place, name, _renamed_values(table[name], rename))
    return table.rename_columns([own(name) for name in table.column_names])


def _renamed_values(column: pa.ChunkedArray, rename: Rename) -> pa.Array:
    """Each distinct value is renamed once."""
    coded = column.combine_chunks().dictionary_encode()
    values = [rename(value) for value in coded.dictionary.to_pylist()]
    return pa.array(values, pa.string()).take(coded.indices)


def _play(*, ids: bool) -> Rename:
    """Renames what a message is of: a play as ids are, or what is no play, as words are."""
    plays = {path.stem for path in (root() / "params" / "airtouch" / "plays").glob("*.yaml")}
    kept: Rename = id_of if ids else str
    return lambda value: kept(value) if value in plays else words(value)


def _declared(path: Path, *, ids: bool) -> Any:
    """What a file of the product's folder declares, in the new words."""
    data = read_yaml(path)
    if path.parent.name == "runs":
        return data | {"product": f"params/{NAME}", "warehouse": "tables"}
    new = _in_words(data)
    if path.name == "product.yaml":
        _rename_tables(data, new)
    _rename_ids(data, new, path, id_of if ids else str)
    if ids and path.parent.name == "plays" and data.get("arms") != "logged":
        new["salt"] = data.get("salt", path.stem)
    return new


def _in_words(data: Any) -> Any:
    if isinstance(data, dict):
        return {
            key if key in SCHEMA else words(key): _in_words(value) for key, value in data.items()
        }
    if isinstance(data, list):
        return [_in_words(value) for value in data]
    return words(data) if isinstance(data, str) else data


def _rename_tables(data: Any, new: Any) -> None:
    """Where product.yaml names tables and columns of the product's own."""
    maps = [pair for name in data["tables"] for pair in _pairs(data["tables"], new["tables"], name)]
    for old, now in maps:
        now["table"] = own(old["table"])
        for kept, column in zip(now["columns"], old["columns"].values(), strict=True):
            now["columns"][kept] = own(column)
    for name, key in {"agrees": "key", "copies": "event_id"}.items():
        for old, now in _pairs(data, new, name):
            now.update({field: own(old[field]) for field in ("table", key, "at")})


def _pairs(data: Any, new: Any, name: str) -> list[tuple[Any, Any]]:
    return list(zip(data[name], new[name], strict=True))


def _rename_ids(data: Any, new: Any, path: Path, rename: Rename) -> None:
    """Where a file names questions or plays."""
    if path.name == "product.yaml":
        new["roles"] = {
            role: [rename(id) for id in ([told] if isinstance(told, str) else told)]
            for role, told in data["roles"].items()
        }
    if path.name == "questions.yaml":
        for old, now in zip(data, new, strict=True):
            now["id"] = rename(old["id"])
    for field in {"compares", "suppressed_by"} & set(data if isinstance(data, dict) else ()):
        new[field] = [rename(slug) for slug in data[field]]


def _replaced(text: str, dictionary: dict[str, str]) -> str:
    """Labels stand in ids of figures with `_` for spaces, and names without a label in sentences
    with spaces for `_`: both are found."""
    alike = {old.replace("_", " "): new for old, new in dictionary.items()}

    def like(found: re.Match[str]) -> str:
        old = found[0]
        new = dictionary.get(old.lower())
        if new is None:
            new = re.sub("[ _]", "_" if "_" in old else " ", alike[old.lower().replace("_", " ")])
        return (
            new.upper() if old.isupper() else new[0].upper() + new[1:] if old[0].isupper() else new
        )

    return _pattern(tuple(dictionary)).sub(like, text)


@cache
def _pattern(known: tuple[str, ...]) -> re.Pattern[str]:
    longest = sorted(map(re.escape, known), key=len, reverse=True)
    choices = re.sub(r"\\ |_", "[ _]", "|".join(longest))
    return re.compile(rf"(?<![A-Za-z])(?:{choices})(?![A-Za-z])", re.IGNORECASE)


if __name__ == "__main__":
    print(write(Path(sys.argv[1]), ids="--ids" in sys.argv[2:]))
