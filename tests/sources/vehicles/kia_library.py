"""A stand-in for the library hyundai_kia_connect_api: the names that are used of it, and its exceptions by code."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from types import ModuleType, SimpleNamespace
from typing import Any


class AuthenticationError(Exception):
    """As the library's."""


class AuthenticationOTPRequired(AuthenticationError):  # noqa: N818 - the library's name
    """As the library's."""


class APIError(Exception):
    """As the library's."""


class DeviceIDError(APIError):
    """As the library's."""


class DuplicateRequestError(APIError):
    """As the library's."""


class RequestTimeoutError(APIError):
    """As the library's."""


class RateLimitingError(APIError):
    """As the library's."""


class ServiceTemporaryUnavailable(APIError):  # noqa: N818 - the library's name
    """As the library's."""


class NoDataFound(APIError):  # noqa: N818 - the library's name
    """As the library's."""


CODES = {
    "5091": RateLimitingError,
    "4004": DuplicateRequestError,
    "4081": RequestTimeoutError,
    "5031": ServiceTemporaryUnavailable,
    "7501": AuthenticationError,
    "9999": RequestTimeoutError,
    "4002": DeviceIDError,
    "5921": NoDataFound,
}
"""The library's own mapping of ``resCode``."""


def raised_for(answer: dict[str, Any]) -> Exception | None:
    """What the library raises for an answer."""
    if answer.get("retCode") == "F":
        return CODES[answer["resCode"]](f"{answer['resCode']}: {answer['resMsg']}")
    if "expired" in str(answer.get("error", "")):
        return AuthenticationError(answer["error"])
    return APIError(f"{answer['code']}") if "code" in answer else None


class Token:
    """The part of the token that is used."""

    def __init__(self, access_token: str) -> None:
        self.access_token = access_token

    def to_dict(self) -> dict[str, object]:
        """As plain data."""
        return {"access_token": self.access_token, "valid_until": datetime(2026, 11, 24, tzinfo=UTC)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Token:
        """From plain data."""
        return cls(data["access_token"])


class Account:
    """What the service behind the library does, and what it was asked."""

    def __init__(self, state: object) -> None:
        self.state = state
        self.error: Exception | None = None
        self.login_error: Exception | None = None
        self.logins = 0
        self.cached = 0
        self.forced = 0
        self.threads: set[str] = set()
        self.hold: threading.Event | None = None

    def library(self) -> ModuleType:
        """The module as it is imported."""
        account = self

        class VehicleManager:
            def __init__(self, **settings: Any) -> None:
                self.token = settings["token"]
                self.vehicles: dict[str, Any] = {}

            def check_and_refresh_token(self) -> bool:
                account.threads.add(threading.current_thread().name)
                if self.token is None:
                    account.logins += 1
                    if account.login_error is not None:
                        raise account.login_error
                    self.token = Token(f"token-{account.logins}")
                if not self.vehicles:
                    self.vehicles = {"c1": SimpleNamespace(VIN="KNATESTEV60000001", data=None)}
                return True

            def update_vehicle_with_cached_state(self, vehicle_id: str) -> None:
                account.cached += 1
                if account.hold is not None:
                    account.hold.wait(10)
                if account.error is not None:
                    raise account.error
                self.vehicles[vehicle_id].data = account.state

            def force_refresh_vehicle_state(self, vehicle_id: str) -> None:
                account.forced += 1

        module = ModuleType("hyundai_kia_connect_api")
        module.VehicleManager = VehicleManager  # type: ignore[attr-defined]
        module.Token = Token  # type: ignore[attr-defined]
        return module
