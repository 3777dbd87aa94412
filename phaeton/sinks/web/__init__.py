"""The page and the API; the web library itself is loaded when the first visitor knocks."""

from phaeton.sinks.web.parts import Parts
from phaeton.sinks.web.server import WebServer
from phaeton.sinks.web.status import Diagnostics, LinkDiagnostics, PointDiagnostics, PointName

__all__ = ["Diagnostics", "LinkDiagnostics", "Parts", "PointDiagnostics", "PointName", "WebServer"]
