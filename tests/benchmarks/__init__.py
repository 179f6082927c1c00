"""Measurements, side by side in one run, as ratios of CPU seconds."""

from __future__ import annotations

from pathlib import Path

from playbook import airtouch
from playbook.run import demo_folder, root

SMALL = 10_000  # events, to have everything imported before the clock starts


def log(events: int) -> Path:
    """A log of the sample company, written once for each version of the simulator."""
    folder = root() / ".demo" / f"benchmark-{events}-{demo_folder(root()).name}"
    return folder if folder.is_dir() else airtouch.write(folder, events=events, defects=False)
