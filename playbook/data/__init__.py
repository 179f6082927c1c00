"""From a warehouse to the canonical tables: opening, mapping, and what arrived."""
