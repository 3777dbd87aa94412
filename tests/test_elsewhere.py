"""What runs Phaeton on other machines: the image is made of pinned parts, the service starts again when it must."""

from __future__ import annotations

import re
from pathlib import Path

from phaeton.updates.restart import AGAIN

REPOSITORY = Path(__file__).resolve().parents[1]


def test_the_image_is_made_of_pinned_parts_that_are_there() -> None:
    text = (REPOSITORY / "container/Containerfile").read_text()
    assert re.search(r"^ARG BASE=[a-z./]+:\d+\.\d+\.\d+-[a-z-]+$", text, re.MULTILINE)
    assert set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) == {"${BASE}"}
    assert "--require-hashes" in text
    sources = [name for line in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE) for name in line.split()]
    assert sources
    assert [name for name in sources if not (REPOSITORY / name).exists()] == []


def test_the_service_starts_again_after_an_update_and_not_with_a_wrong_configuration() -> None:
    lines = (REPOSITORY / "systemd/phaeton.service").read_text().splitlines()
    assert "Restart=always" in lines
    prevented = next(line.partition("=")[2] for line in lines if line.startswith("RestartPreventExitStatus="))
    assert prevented == "2"
    assert str(AGAIN) not in prevented.split()
    assert "StateDirectory=phaeton" in lines
    assert "Environment=XDG_STATE_HOME=/var/lib" in lines
