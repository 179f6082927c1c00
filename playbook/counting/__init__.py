"""Who is counted and how: units, attempts, measures, and counts as rows."""
