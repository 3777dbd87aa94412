"""A configuration full of secrets, and all of them by themselves."""

from __future__ import annotations

from pathlib import Path

VIN = "WVWZZZE1ZNP012345"
FILE_SECRET = "file-kept-secret-93411"
COOKIE = "c00kie-of-a-login-5521"
REFRESH = "refresh-token-kept-in-the-store-771"
LATITUDE, LONGITUDE = "52.372759", "4.893604"
SERIAL = "ACE7654321"

SECRETS = (
    "tibber-token-1111", "entsoe-token-2222", "forecast-key-3333", "header-secret-4444", "mqtt-password-5555",
    "mqtt-user-6666", "kia-password-7777", "kia-user@example.org", "90817", "tesla-client-secret-8888",
    "tesla-refresh-9999", "tesla-token-aaaa", "homeassistant-token-bbbb", "hunter2", "url-password-cccc", VIN,
    FILE_SECRET, COOKIE, REFRESH, LATITUDE, LONGITUDE,
)  # fmt: skip

KNOWN = tuple(secret for secret in SECRETS if secret not in ("hunter2", COOKIE))
"""Those that are known from the configuration or the store; the others show by the words around them."""


def lines(folder: Path) -> list[str]:
    """More lines of a configuration with all of them."""
    kept = folder / "secret.txt"
    kept.write_text(FILE_SECRET)
    kept.chmod(0o600)
    return [
        f"site: {{source: none, home: {{latitude: {LATITUDE}, longitude: {LONGITUDE}}}}}",
        "prices: {tibber: {token: tibber-token-1111}, entsoe: {token: entsoe-token-2222}}",
        "forecast: {forecast_solar: {key: forecast-key-3333}}",
        "vehicles:",
        "  - {id: a, source: http_json, http_json: {url: 'http://me:url-password-cccc@127.0.0.1:1/x',"
        " headers: [{name: X-Key, value: header-secret-4444}]}}",
        "  - {id: b, source: manual, mqtt: {username: mqtt-user-6666, password: mqtt-password-5555}}",
        "  - {id: c, source: manual, kia: {username: kia-user@example.org, password: kia-password-7777, pin: '90817',"
        f" vin: {VIN}}}}}",
        "  - {id: d, source: manual, tesla: {client_secret: tesla-client-secret-8888,"
        " refresh_token: tesla-refresh-9999, token: tesla-token-aaaa}}",
        "  - {id: e, source: manual, homeassistant: {token: homeassistant-token-bbbb},"
        f" tesla: {{token: {{file: {kept}}}}}}}",
    ]


def log_lines() -> list[str]:
    """What must never be logged, in lines of a log."""
    return [
        *(f"2026-01-01T12:00:00Z warning http: the service said {secret!r} and no more" for secret in KNOWN),
        f"2026-01-01T12:00:00Z info    charger: serial number {SERIAL}",
        "2026-01-01T12:00:00Z warning http: password=hunter2",
        f"2026-01-01T12:00:00Z warning http: Cookie: phaeton={COOKIE}; other=1",
    ]
