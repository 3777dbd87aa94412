"""What a process costs, as the kernel counts it."""

from __future__ import annotations

import os
from pathlib import Path

from msgspec import Struct


class Cost(Struct, frozen=True):
    """Counted since the process began, except for the memory."""

    cpu_s: float
    rss_mb: float
    threads: int
    switches: int
    """Voluntary context switches of the main thread: how often it was woken."""


def cost_of(pid: int) -> Cost:
    """Read ``/proc``; the CPU time includes all threads, those that ended too."""
    where = Path(f"/proc/{pid}")
    # The command's name in parentheses may hold spaces: count from behind it (proc(5), fields 14 and 15).
    fields = (where / "stat").read_text().rpartition(")")[2].split()
    status = dict(line.split(":", 1) for line in (where / "status").read_text().splitlines() if ":" in line)
    return Cost(
        cpu_s=(int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"),
        rss_mb=int(status["VmRSS"].split()[0]) / 1024,
        threads=int(status["Threads"]),
        switches=int(status["voluntary_ctxt_switches"]),
    )
