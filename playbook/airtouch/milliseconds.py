"""Times of the simulated company: whole milliseconds since START."""

from __future__ import annotations

import numpy as np

from playbook.airtouch.truth import END, START

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
SPAN = (END - START).days * DAY
NEVER = np.int64(2**53)
