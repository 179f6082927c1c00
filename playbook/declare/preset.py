"""`Preset`: what the tables of a vendor have everywhere, so that no product has to map it."""

from __future__ import annotations

from playbook.declare.mapping import TableMap
from playbook.declare.reading import Names, Noun


class Preset(Noun):
    """A vendor's tables, in the words of product.yaml: what a product writes goes first.

    Attributes:
        name: The vendor, as people call it.
        tables: Canonical table → maps. Each completes the product's maps of the table that it
            names, in whatever schema; that of `*` those of all others. What a table lacks is left
            out, unless it is required.
        own: What the columns begin with that a company's own plan fills: no others are a gap in
            it; nor are
        theirs: columns that begin so, which the vendor fills.
    """

    name: str
    tables: dict[str, tuple[TableMap, ...]]
    own: Names = ("",)
    theirs: Names = ()
