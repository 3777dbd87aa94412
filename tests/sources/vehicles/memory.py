"""A place on the disk that is none, and a clock that is set by hand."""

from __future__ import annotations

from msgspec import Struct, field


class Memory(Struct):
    """Keeps a text and remembers each; ``broken`` makes saving fail."""

    text: str | None = None
    saved: list[str] = field(default_factory=list)
    broken: bool = False

    def load(self) -> str | None:
        """What was saved last."""
        return self.text

    async def save(self, text: str) -> None:
        """Keep it."""
        if self.broken:
            raise OSError("no space")
        self.text = text
        self.saved.append(text)


class HandClock(Struct):
    """The two times, moved by the test."""

    mono_s: float = 1000.0
    utc_s: float = 1_795_441_200.0

    def now(self) -> tuple[float, float]:
        """Both."""
        return self.mono_s, self.utc_s

    def forward(self, seconds: float) -> None:
        """Let time pass."""
        self.mono_s += seconds
        self.utc_s += seconds
