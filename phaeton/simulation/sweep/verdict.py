"""Which settings would have been best, and how sure that is, in words.

How sure: the weeks of the history are drawn anew, with repetition, a thousand times (bootstrap). In how many of these
other pasts are the best settings better than the present ones, and in how many are they the best of all? Whoever
chooses the best of many on the same weeks is fooled by luck; so they are also chosen on the weeks that were drawn and
judged on those that were not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

from msgspec import Struct

from phaeton.simulation.sweep.rows import Row

DRAWS = 1000
FEWEST_WEEKS = 6
"""With fewer there is nothing to draw from."""
_MOST_JUDGED = 200
"""So many of the best are drawn; the others are too far off."""
_SAME = 0.005
_NO_LUCK = 0.8
"""When the savings on other weeks are so much of those on the same."""
_SHOWN = 5


class Sureness(Struct, frozen=True):
    """What the drawn pasts say; money over a time as long as the history."""

    weeks: int
    better: float
    """Share in which the best settings beat the present ones."""
    best: float
    """Share in which they are the best of all."""
    low: float
    """Nine of ten savings lie between these."""
    high: float
    elsewhere: float
    """Saving of what was chosen on the drawn weeks, on the weeks that were not."""


class Effect(Struct, frozen=True):
    """What one key matters, the others varied."""

    key: str
    best: str
    worst: str
    difference: float
    """Between the mean costs with these values."""


class Verdict(Struct, frozen=True):
    """The outcome of a sweep."""

    present: Row
    ranking: tuple[Row, ...]
    """The best first; the present settings are among them."""
    effects: tuple[Effect, ...]
    sureness: Sureness | None
    """None where the history is too short."""

    @property
    def saving(self) -> float:
        """Of the best against the present settings."""
        return self.present.settled - self.ranking[0].settled


def verdict(keys: Sequence[str], rows: Sequence[Row], present: Row, seed: int = 0) -> Verdict:
    """Judge the rows and the present settings, which may be one of them; of equal ones the nearest to those wins."""
    everyone = rows if present in rows else [present, *rows]
    ranking = sorted(everyone, key=lambda row: (round(row.settled, 2), _changes(row, present)))
    if present.settled - ranking[0].settled < _SAME:
        ranking = [present, *(row for row in ranking if row is not present)]
    judged = ranking[:_MOST_JUDGED]
    if present not in judged:
        judged.append(present)
    weeks = len(present.weeks)
    sure = None
    if weeks >= FEWEST_WEEKS and ranking[0] is not present:
        sure = _sureness([list(row.weeks.values()) for row in judged], judged.index(present), seed)
    effects = sorted(_effects(keys, rows), key=lambda one: -one.difference)
    return Verdict(present, tuple(ranking), tuple(effects), sure)


def _changes(row: Row, present: Row) -> int:
    return sum(one != other for one, other in zip(row.values, present.values, strict=True))


def _sureness(costs: list[list[float]], present: int, seed: int) -> Sureness:
    """Draw the weeks anew; the first of ``costs`` is the best."""
    random = Random(seed)
    weeks = len(costs[0])
    everyone = range(len(costs))
    better = best = 0
    savings: list[float] = []
    elsewhere: list[float] = []
    for _ in range(DRAWS):
        drawn = random.choices(range(weeks), k=weeks)
        sums = [sum([one[week] for week in drawn]) for one in costs]
        savings.append(sums[present] - sums[0])
        better += savings[-1] > 0.0
        chosen = min(everyone, key=sums.__getitem__)
        best += sums[0] - sums[chosen] < _SAME
        left = set(range(weeks)).difference(drawn)
        if left:
            gained = sum(costs[present][week] - costs[chosen][week] for week in left)
            elsewhere.append(gained / len(left) * weeks)
    savings.sort()
    return Sureness(
        weeks=weeks,
        better=better / DRAWS,
        best=best / DRAWS,
        low=savings[DRAWS // 20],
        high=savings[-DRAWS // 20],
        elsewhere=sum(elsewhere) / len(elsewhere),
    )


def _effects(keys: Sequence[str], rows: Sequence[Row]) -> Iterator[Effect]:
    for place, key in enumerate(keys):
        costs: dict[str, list[float]] = {}
        for row in rows:
            costs.setdefault(row.values[place], []).append(row.settled)
        means = {value: sum(found) / len(found) for value, found in costs.items()}
        if len(means) > 1:
            best, worst = min(means, key=means.__getitem__), max(means, key=means.__getitem__)
            yield Effect(key, best, worst, means[worst] - means[best])


def told(found: Verdict, keys: Sequence[str], currency: str) -> Iterator[str]:
    """The verdict for people."""
    best, present = found.ranking[0], found.present
    if best is present:
        yield (
            f"Your present settings ({_settings(keys, present)}) are as good as the best of {len(found.ranking)}: "
            f"{present.settled:.2f} {currency}"
        )
    else:
        share = 100.0 * found.saving / abs(present.settled) if present.settled else 0.0
        yield f"Best of {len(found.ranking)}: {_settings(keys, best)}"
        yield (
            f"  {best.settled:.2f} {currency} instead of {present.settled:.2f} with your present settings "
            f"({_settings(keys, present)}): {found.saving:.2f} less ({share:.1f} %)"
        )
        yield from _missing(best, present)
        yield from _how_sure(found, currency)
    yield "The best:"
    for row in found.ranking[:_SHOWN]:
        yield f"  {row.settled:10.2f} {currency}  {_settings(keys, row)}{'  (present)' if row is present else ''}"
    yield "What each setting matters, the others varied:"
    for one in found.effects:
        which = f"best {_value(one.best)}, worst {_value(one.worst)}" if one.difference >= _SAME else "no difference"
        yield f"  {one.difference:10.2f} {currency}  {one.key}: {which}"


def _how_sure(found: Verdict, currency: str) -> Iterator[str]:
    sure, weeks = found.sureness, len(found.present.weeks)
    if sure is None:
        yield f"  How sure that is cannot be told from {weeks} weeks; it takes {FEWEST_WEEKS}, better a year"
        return
    yield (
        f"  {_word(sure.better)} better than the present ones: in {100 * sure.better:.0f} % of {DRAWS} pasts drawn "
        f"from your {sure.weeks} weeks"
    )
    yield (
        f"  in nine of ten of these they save {sure.low:.2f} to {sure.high:.2f} {currency}; in "
        f"{100 * sure.best:.0f} % they are the best of all"
    )
    luck = "expect this rather than the number above"
    if sure.elsewhere <= 0.0:
        luck = "the choice may be luck"
    elif sure.elsewhere >= _NO_LUCK * found.saving:
        luck = "the choice is no luck"
    yield f"  chosen on some weeks and judged on the others, the best save {sure.elsewhere:.2f} {currency}: {luck}"


def _word(share: float) -> str:
    if share >= 0.975:
        return "Almost certainly"
    if share >= 0.9:
        return "Very likely"
    if share >= 0.75:
        return "Likely"
    return "Perhaps"


def _missing(best: Row, present: Row) -> Iterator[str]:
    ours, theirs = best.figures["unmet_kwh"] or 0.0, present.figures["unmet_kwh"] or 0.0
    if abs(ours - theirs) > 0.05:
        yield f"  {ours:.1f} kWh are missing at departures (present: {theirs:.1f}); they are in these costs"


def _settings(keys: Sequence[str], row: Row) -> str:
    return ", ".join(f"{key}={_value(value)}" for key, value in zip(keys, row.values, strict=True))


def _value(text: str) -> str:
    return text or "(empty)"
