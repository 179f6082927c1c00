"""A product's own tables, all of whose columns product.yaml maps."""

from __future__ import annotations

from playbook.data.mapping import Source

SOURCE = Source()
