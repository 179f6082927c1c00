"""What only some engines need: each takes it in its own form, and the others in Ibis's."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

TIME = "timestamp(6)"


def sooner(time: ir.TimestampValue, microseconds: int, *, engine: str) -> ir.TimestampValue:
    """The time so many microseconds earlier; Ibis has no such interval for ClickHouse."""
    if engine == "clickhouse":
        return _subtract_microseconds(time, ibis.literal(microseconds, "int64"))
    return time - ibis.interval(microseconds=microseconds)


@ibis.udf.scalar.builtin(name="subtractMicroseconds", signature=((TIME, "int64"), TIME))
def _subtract_microseconds(time, microseconds): ...


def with_booleans(table: ir.Table) -> ir.Table:
    """The table, whose comparisons are booleans; ClickHouse compares to 0 and 1."""
    told = {name: table[name] for name, kind in table.schema().items() if kind.is_boolean()}
    yes_or_no = {n: ibis.cases((v, True), (~v, False), else_=None) for n, v in told.items()}
    return table.mutate(**yes_or_no) if told else table
