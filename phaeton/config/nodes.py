"""Documents made and changed by programs: a node from plain data, a value at a path."""

from __future__ import annotations

from typing import TypeAlias

from phaeton.config.document import Node, Plain, Scalar, Section, Sequence
from phaeton.config.problems import NOWHERE

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


def at(node: Node | None, step: Step) -> Node | None:
    """What stands below a node; None where nothing does."""
    if isinstance(node, Section):
        return node.entries.get(str(step))
    if isinstance(node, Sequence) and isinstance(step, int) and step < len(node.items):
        return node.items[step]
    return None


def made(value: Plain) -> Node:
    """Plain data as a document: texts are texts, as if they were written in quotes."""
    if isinstance(value, dict):
        return Section({key: made(item) for key, item in value.items()}, NOWHERE)
    if isinstance(value, list):
        return Sequence(tuple(made(item) for item in value), NOWHERE)
    if isinstance(value, bool):
        return Scalar("true" if value else "false", NOWHERE)
    if isinstance(value, str):
        return Scalar(value, NOWHERE, quoted=True)
    return Scalar("null" if value is None else repr(value), NOWHERE)


def written(steps: tuple[Step, ...]) -> str:
    """A path as people read it: ``chargers[0].host``."""
    text = ""
    for step in steps:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text
