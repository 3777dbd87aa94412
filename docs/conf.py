"""The site of these pages: ``./dev docs`` builds it into ``build/docs``."""

from phaeton import __version__

project = "Phaeton"
author = "The Phaeton authors"
version = release = __version__
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "Phaeton"
html_static_path: list[str] = []
exclude_patterns = ["examples", "grafana"]
myst_heading_anchors = 4
suppress_warnings = ["myst.header"]
