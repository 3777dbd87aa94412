"""The documents: the site of them is built without a warning, and no link of the README leads nowhere."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path

from phaeton.sinks.web.metrics import KINDS

ROOT = Path(__file__).parents[1]


def test_the_site_is_built_without_a_warning_and_holds_every_page(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-n", str(ROOT / "docs"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    index = (tmp_path / "index.html").read_text()
    pages = {page.relative_to(ROOT / "docs").with_suffix(".html").as_posix() for page in ROOT.glob("docs/**/*.md")}
    assert {page for page in pages if f'href="{page}"' not in index} <= {"index.html"}


def test_the_plots_are_those_of_the_program() -> None:
    plots = runpy.run_path(str(ROOT / "docs" / "plots.py"))
    for name, make in plots["PLOTS"].items():
        assert (plots["FOLDER"] / f"{name}.svg").read_text() == make(), "python docs/plots.py makes them anew"


def test_the_dashboard_for_grafana_asks_for_metrics_that_are_there() -> None:
    made = runpy.run_path(str(ROOT / "docs" / "grafana" / "make.py"))
    text = made["FILE"].read_text()
    assert text == made["text"](), "python docs/grafana/make.py makes it anew"
    asked = {re.sub("_bucket$", "", name) for name in re.findall(r"\b(?:phaeton|process)_[a-z_]+\b(?=[{,])", text)}
    assert len(asked) > 30
    assert asked <= KINDS.keys()


def test_no_link_of_the_files_at_the_top_leads_nowhere() -> None:
    for document in ROOT.glob("*.md"):
        for target in re.findall(r"\]\(([^)#]+)", document.read_text()):
            assert target.startswith(("https://", "mailto:")) or (ROOT / target).exists(), f"{document.name}: {target}"
