"""The order of versions, and the notes of a release."""

from __future__ import annotations

from itertools import pairwise

import pytest

from phaeton.updates.notes import html_of
from phaeton.updates.version import newer, order, unstable


def test_versions_are_in_their_order() -> None:
    ordered = ["0.9", "0.9.1.dev3", "0.9.1-alpha", "0.9.1a2", "0.9.1b1", "0.9.1-rc1", "v0.9.1-rc.2", "0.9.1"]
    ordered += ["0.10.0", "1"]
    for before, after in pairwise(ordered):
        assert newer(after, before), (before, after)
        assert not newer(before, after)
    assert not newer("1.0.0", "v1")


@pytest.mark.parametrize("text", ["nightly", "", "1.2.3.4.5", "1..2", "../1", "1.2 3"])
def test_what_is_no_version_is_never_newer(text: str) -> None:
    assert order(text) is None
    assert not newer(text, "0.0.1")
    assert newer("0.0.1", text)


def test_a_version_says_itself_that_it_is_to_be_tried() -> None:
    assert unstable("1.0-rc1")
    assert not unstable("1.0")


def test_notes_are_shown_and_nothing_of_them_runs() -> None:
    notes = "# New\n\nIt **works** <script>alert(1)</script>\nstill\n- one `a<b`\n- two [x](javascript:alert(1))\nEnd"
    assert html_of(notes) == (
        "<h3>New</h3>\n<p>\nIt <strong>works</strong> &lt;script&gt;alert(1)&lt;/script&gt;\nstill\n</p>\n"
        "<ul>\n<li>one <code>a&lt;b</code></li>\n<li>two [x](javascript:alert(1))</li>\n</ul>\n<p>\nEnd\n</p>"
    )
