"""Pauses after wrong passwords, and buckets of requests: their arithmetic and their memory."""

from __future__ import annotations

from phaeton.sinks.web.access import rates, throttle
from phaeton.sinks.web.access.rates import Rate, Rates
from phaeton.sinks.web.access.throttle import FREE, FREE_FOR_ALL, LONGEST_S, Throttle


def test_pauses_double_up_to_a_quarter_of_an_hour() -> None:
    found, now_s, pauses = Throttle(), 0.0, []
    for _ in range(40):
        pauses.append(found.begin("a", now_s, known=True))
        now_s += pauses[-1]
    assert pauses[: FREE + 6] == [0.0] * FREE + [1.0, 0.0, 2.0, 0.0, 4.0, 0.0]
    pauses = [pause for pause in pauses if pause]
    assert max(pauses) == LONGEST_S
    assert pauses == sorted(pauses)


def test_an_early_try_does_not_make_the_pause_longer() -> None:
    found = Throttle()
    for _ in range(FREE):
        found.begin("a", 0.0, known=True)
    assert [found.begin("a", 0.0, known=True) for _ in range(50)] == [1.0] * 50
    assert found.begin("a", 1.0, known=True) == 0.0


def test_after_an_hour_of_peace_it_is_forgotten() -> None:
    found = Throttle()
    for second in range(FREE + 1):
        found.begin("a", second * 1000.0, known=True)
    late_s = FREE * 1000.0 + throttle.FORGET_S + 1.0
    assert [found.begin("a", late_s, known=True) for _ in range(FREE)] == [0.0] * FREE


def test_all_together_wait_a_little_but_not_who_is_known() -> None:
    found = Throttle()
    for number in range(FREE_FOR_ALL):
        assert found.begin(f"a{number}", 0.0, known=False) == 0.0
    assert found.begin("another", 0.0, known=False) == 1.0
    assert found.begin("the owner", 0.0, known=True) == 0.0
    for number in range(100):
        now_s = 100.0 * (number + 1)
        assert found.begin(f"b{number}", now_s, known=False) == 0.0
        assert found.begin("another", now_s, known=False) <= throttle.LONGEST_FOR_ALL_S


def test_the_right_password_clears_what_was_counted() -> None:
    found = Throttle()
    for _ in range(FREE - 1):
        found.begin("a", 0.0, known=False)
    found.begin("a", 0.0, known=False)
    found.right("a", known=False)
    assert [found.begin("a", 0.0, known=False) for _ in range(FREE)] == [0.0] * FREE


def test_the_memory_of_addresses_is_bounded() -> None:
    found = Throttle()
    for number in range(3 * throttle.MOST_ADDRESSES):
        found.begin(str(number), 0.0, known=True)
    assert len(found._by_address) == throttle.MOST_ADDRESSES


def test_a_bucket_fills_again_at_its_rate() -> None:
    found = Rates(reads=Rate(10.0, 3.0), changes=Rate(1.0, 1.0))
    assert [found.take("a", 0.0, change=False) for _ in range(4)] == [0.0, 0.0, 0.0, 0.1]
    assert found.take("a", 0.1, change=False) == 0.0
    assert found.take("a", 0.1, change=True) == 0.0
    assert found.take("a", 0.6, change=True) == 0.5
    assert [found.take("a", 1000.0, change=False) for _ in range(4)][-1] > 0.0
    assert found.take("b", 1000.0, change=False) == 0.0


def test_the_memory_of_clients_is_bounded_and_forgets_the_oldest() -> None:
    found = Rates(reads=Rate(1.0, 1.0))
    for number in range(rates.MOST_CLIENTS):
        found.take(str(number), 0.0, change=False)
    assert found.take("0", 0.0, change=False) > 0.0
    found.take("one more", 0.0, change=False)
    assert found.take("0", 0.0, change=False) > 0.0
    assert found.take("1", 0.0, change=False) == 0.0
    assert len(found._buckets) == rates.MOST_CLIENTS
