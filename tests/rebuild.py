"""Runs the notebooks and stores their outputs, byte for byte: `python -m tests.rebuild FILE…`."""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient


def rebuilt(path: Path) -> str:
    """The text of the notebook after a run, without anything that another run would change."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook, kernel_name="python3", timeout=300, resources={"metadata": {"path": path.parent}}
    ).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    notebook.metadata = {
        "kernelspec": notebook.metadata.kernelspec,
        "language_info": {"name": "python"},
    }
    return nbformat.writes(notebook, version=4).rstrip("\n") + "\n"


if __name__ == "__main__":
    for name in sys.argv[1:]:
        text = rebuilt(Path(name))
        Path(name).write_text(text, encoding="utf-8")
        print(f"{name}: {len(text):,} characters")
