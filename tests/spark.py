"""A Spark of the tests' own: a master and two workers' threads in one Java process."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

MASTER = "local[2]"
# A few thousand rows: what costs is a plan, and not the rows. So none is compiled, to bytes or by
# the second compiler of Java's, and nothing is cut into many pieces.
SETTINGS = {
    "spark.default.parallelism": "1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.memory": "1g",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.shuffle.partitions": "1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}


def missing() -> str:
    """Why there can be no session; "" if there can."""
    if not importlib.util.find_spec("pyspark"):
        return "not installed: pyspark"
    has_java = shutil.which("java") or os.environ.get("JAVA_HOME")
    return "" if has_java else "Java is not installed (Debian: apt install default-jre-headless)"


@contextmanager
def session(home: Path) -> Iterator[Any]:
    """A session whose tables are under a folder; it ends afterwards."""
    from pyspark.sql import SparkSession

    given = SETTINGS | {"spark.sql.warehouse.dir": str(home), "spark.local.dir": str(home)}
    opened = SparkSession.builder.master(MASTER).config(map=given).getOrCreate()
    opened.sparkContext.setLogLevel("ERROR")
    try:
        yield opened
    finally:
        opened.stop()
