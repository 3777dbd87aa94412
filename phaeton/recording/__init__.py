"""Recordings: every event that entered the graph, and what was decided upon it, in a few bytes each.

Here is the format, with the reading of files; the daemon's writer is `phaeton.sinks.recorder`.
"""

from phaeton.recording.file import (
    MAGIC,
    SUFFIX,
    Part,
    PartWriter,
    Recording,
    RecordingError,
    Step,
    checksum,
    first_header,
    gist,
    open_recording,
    packed,
    whole_length,
)
from phaeton.recording.header import Cause, Header, HeaderError, Start, header, start

__all__ = [
    "MAGIC",
    "SUFFIX",
    "Cause",
    "Header",
    "HeaderError",
    "Part",
    "PartWriter",
    "Recording",
    "RecordingError",
    "Start",
    "Step",
    "checksum",
    "first_header",
    "gist",
    "header",
    "open_recording",
    "packed",
    "start",
    "whole_length",
]
