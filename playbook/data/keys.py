"""Ids as text: written one way whatever type holds them, and joined so that no two read alike."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from playbook.data.warehouse import Warehouse
from playbook.language.mistakes import Mistake
from playbook.language.portable import count_if, joined, when

# Columns that say whose a row is, and what programs write there when they do not know: nobody.
WHOSE = {
    "user_id",
    "anonymous_id",
    "account_id",
    "session_id",
    "invited_by",
    "unit_id",
    "merged_id",
}
SAID = (
    *("undefined", "null", "NULL", "None", "nil", "<nil>", "NaN", "nan", "(not set)"),
    *("[object Object]", "00000000-0000-0000-0000-000000000000"),
)
NOBODY = (*SAID, "", " ")
ROWS = {"event_id", "message_id"}  # of a row itself: a part that is unknown leaves the others
_EXACT = {"float16": 2**11, "float32": 2**24}  # from here on a type skips whole numbers
_WHOLE = "^-?[0-9]+[.]0+$"


def is_id(column: str) -> bool:
    """Whether a canonical column, or a property, holds ids."""
    return column.endswith("_id") or column == "invited_by"


def key_of(column: str, parts: Sequence[ir.Value]) -> ir.StringValue:
    """The id that one column makes, or several together; null where one of several is unknown."""
    texts = [as_text(part) for part in parts]
    if column in WHOSE:
        texts = [known(text) for text in texts]
    if len(texts) == 1:
        return texts[0]
    if column in ROWS:
        filled = joined([text.fill_null("") for text in texts])
        return filled.nullif(":" * (len(texts) - 1))
    return joined([text.nullif("") for text in texts])


def as_text(value: ir.Value) -> ir.StringValue:
    """An id as text: 7, 7.0, 7.00 and "7.0" are all "7"; NaN is null.

    So is a number that its type cannot hold exactly: see `refuse_inexact`.
    """
    kind = value.type()
    if kind.is_floating():
        return when(value.abs() < _limit(kind), value).cast("int64").cast("string")
    text = value.cast("string")
    if kind.is_integer():
        return text
    # Few texts hold ".0", and to look for it costs a fifth of the pattern.
    shorter = ibis.ifelse(text.re_search(_WHOLE), text.re_replace("[.]0+$", ""), text)
    return ibis.ifelse(text.contains(".0"), shorter, text)


def known(text: ir.StringValue) -> ir.StringValue:
    """An id that says whose a row is; null where it says that nobody is known."""
    return when(~text.isin(NOBODY), text)


def refuse_inexact(warehouse: Warehouse, table: ir.Table, columns: Sequence[str], of: str) -> None:
    """Raises a Mistake where a column of ids holds numbers that are no ids, or no longer are."""
    found = {column: bad for column in columns if (bad := inexact(table[column])) is not None}
    for column, bad in found.items():
        value = table[column]
        counted = table.aggregate(n=count_if(bad), largest=when(bad, value).max().cast("string"))
        row = warehouse.connection.to_pyarrow(counted).to_pylist()[0]
        if row["n"]:
            raise Mistake(
                f"Column `{column}` of table `{of}` holds ids as numbers with a fraction, or too "
                "large for their type.",
                f"It is {value.type()}, and {row['n']:,} row(s) are such, up to {row['largest']}: "
                "such numbers run together, and ids with them.",
                "write the ids as whole numbers or text in every file or part of the table.",
            )


def inexact(value: ir.Value) -> ir.BooleanValue | None:
    """Whether a number is no whole one that its type holds as it is; None: it holds all."""
    kind = value.type()
    if kind.is_floating():
        small = when(value.abs() < _limit(kind), value)
        return (small.isnull() & value.notnull() & ~value.isnan()) | (small != small.floor())
    if kind.is_decimal() and kind.scale != 0:
        return ~value.cast("string").re_search("^-?[0-9]+([.]0*)?$")
    return None


def _limit(kind: ibis.DataType) -> int:
    return _EXACT.get(str(kind), 2**53)
