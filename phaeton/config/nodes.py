"""Putting a value into a document at a path."""

from __future__ import annotations

from typing import TypeAlias

from phaeton.config.document import Node, Section, Sequence

Step: TypeAlias = str | int
"""A key, or a place in a list."""


def put(node: Node | None, steps: tuple[Step, ...], value: Node) -> Node:
    """The node with the value at the path; what is missing on the way is made.

    Raises `IndexError` when a list would get a gap.
    """
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if isinstance(step, int) and not isinstance(node, Section):
        items = node.items if isinstance(node, Sequence) else ()
        if step > len(items):
            raise IndexError(f"the list has {len(items)} entries, so the next one is {len(items)}, not {step}")
        inner = put(items[step] if step < len(items) else None, rest, value)
        return Sequence((*items[:step], inner, *items[step + 1 :]), node.place if node is not None else value.place)
    entries = node.entries if isinstance(node, Section) else {}
    inner = put(entries.get(str(step)), rest, value)
    return Section(entries | {str(step): inner}, node.place if node is not None else value.place)
