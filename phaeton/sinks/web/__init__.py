"""The page and the API. Importing this loads the web library, so do it once the control runs."""

from phaeton.sinks.web.api import Sessions, Submit
from phaeton.sinks.web.server import WebServer
from phaeton.sinks.web.status import Diagnostics, LinkDiagnostics, PointDiagnostics, PointName

__all__ = ["Diagnostics", "LinkDiagnostics", "PointDiagnostics", "PointName", "Sessions", "Submit", "WebServer"]
