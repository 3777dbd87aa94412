"""A Tesla account: OAuth2 with PKCE, and refresh tokens that can be used once.

Using a refresh token kills it, and the answer brings the next one. So the disk is tried before a token is spent, the
new pair is on the disk before anything uses it, and the token before stays beside it. Only the moment between Tesla's
answer and the disk can lose a token; then the one before is tried once, which Tesla is said to bear for a while.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
import secrets
from urllib.parse import parse_qs, urlencode, urlsplit

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from phaeton.config.tree_vehicles import Tesla
from phaeton.links.http import Answer, Ask
from phaeton.model import Now
from phaeton.sources.vehicles.asking import Http, answered, patience_s
from phaeton.sources.vehicles.kept import Kept
from phaeton.sources.vehicles.report import Trouble, VehicleError
from phaeton.sources.vehicles.values import at, decoded, number

_log = logging.getLogger(__name__)

EUROPE = "https://fleet-api.prd.eu.vn.cloud.tesla.com"
SCOPES = "openid offline_access vehicle_device_data vehicle_location vehicle_charging_cmds"
"""The position for "at home" only; the charging scope for waking."""

RENEW_BEFORE_S = 300.0
LOGIN_WITHIN_S = 900.0
_USUAL_LIFE_S = 28_800.0
_LOGIN_AGAIN = "log in again: `phaeton vehicles login`"


class Tokens(Struct, frozen=True, kw_only=True):
    """What is kept of a login."""

    access: str = ""
    refresh: str = ""
    expires_utc_s: float = 0.0
    before: str = ""
    """The refresh token before, until the present one has worked."""
    base_url: str = ""
    seed: str = ""
    """Fingerprint of the configured first token that these came from."""

    def __repr__(self) -> str:
        return "Tokens(***)"


class Login(Struct, frozen=True):
    """A login that was begun."""

    state: str
    verifier: str
    begun_s: float

    def __repr__(self) -> str:
        return "Login(***)"


class FixedAccount:
    """A proxy with one token for good, or none."""

    def __init__(self, base_url: str, token: str) -> None:
        self.turn = asyncio.Lock()
        self.base_url = base_url.rstrip("/") or EUROPE
        self._token = token

    async def token(self) -> str:
        """The configured one."""
        return self._token

    async def renew(self, refused: str) -> None:
        """There is no other."""
        raise VehicleError(Trouble.DENIED, "the proxy refuses the token (401): check tesla.token")

    async def find_region(self) -> None:
        """A proxy has one place."""
        raise VehicleError(Trouble.DENIED, "the proxy says that the account is elsewhere (421): check tesla.base_url")


class TeslaAccount:
    """One account with all of its cars; requests that need a token wait for one renewal together."""

    def __init__(self, config: Tesla, first: str, secret: str, http: Http, now: Now, kept: Kept) -> None:
        self.turn = asyncio.Lock()
        self._config = config
        self._secret = secret
        self._http = http
        self._now = now
        self._kept = kept
        self._lock = asyncio.Lock()
        self._tokens = _loaded(kept.load())
        self._unsaved = False
        self._login: Login | None = None
        seed = hashlib.sha256(first.encode()).hexdigest()[:16] if first else ""
        if first and self._tokens.seed != seed:
            self._tokens = Tokens(refresh=first, seed=seed, base_url=self._tokens.base_url)

    @property
    def base_url(self) -> str:
        """The configured place, else what Tesla said, else Europe."""
        return (self._config.base_url or self._tokens.base_url or EUROPE).rstrip("/")

    @property
    def logged_in(self) -> bool:
        """Whether there is a token to try."""
        return bool(self._tokens.refresh)

    # Tokens.

    async def token(self) -> str:
        """An access token that is on the disk and holds for five minutes at least; raises `VehicleError`."""
        async with self._lock:
            if self._unsaved:
                await self._save(self._tokens)
            if not self._tokens.access or self._now()[1] > self._tokens.expires_utc_s - RENEW_BEFORE_S:
                await self._renew()
            return self._tokens.access

    async def renew(self, refused: str) -> None:
        """Get another pair; raises `VehicleError`. A token that somebody renewed meanwhile is not renewed again."""
        async with self._lock:
            if self._tokens.access == refused:
                await self._renew()

    async def _renew(self) -> None:
        if not self._tokens.refresh:
            raise VehicleError(Trouble.DENIED, f"nobody has logged in yet: {_LOGIN_AGAIN}")
        await self._save(self._tokens)  # a disk that takes nothing now would lose the token that is about to come
        try:
            await self._exchange_refresh(self._tokens.refresh)
        except VehicleError as error:
            if error.trouble is not Trouble.DENIED or not self._tokens.before:
                raise
            # the answer to the last renewal may have been lost with the power; Tesla may bear the token before
            await self._exchange_refresh(self._tokens.before)

    async def _exchange_refresh(self, refresh: str) -> None:
        form = {"grant_type": "refresh_token", "client_id": self._config.client_id, "refresh_token": refresh}
        await self._take(await self._post(form), before=refresh)

    async def _post(self, form: dict[str, str]) -> Answer:
        return await answered(self._http, Ask(method="POST", url=self._config.token_url, form=form))

    async def _take(self, answer: Answer, before: str) -> None:
        """Put the new pair on the disk, then into use."""
        failure = refused_login(answer)
        if failure is not None:
            raise failure
        tree = decoded(answer.body)
        access, refresh = at(tree, "access_token"), at(tree, "refresh_token")
        if not isinstance(access, str) or not isinstance(refresh, str) or not access or not refresh:
            raise VehicleError(Trouble.BAD_DATA, "the answer holds no pair of tokens")
        life_s = number(at(tree, "expires_in")) or _USUAL_LIFE_S
        tokens = replace(
            self._tokens, access=access, refresh=refresh, before=before, expires_utc_s=self._now()[1] + life_s
        )
        await self._save(tokens)

    async def _save(self, tokens: Tokens) -> None:
        self._tokens, self._unsaved = tokens, True
        try:
            await self._kept.save(msgspec.json.encode(tokens).decode())
        except Exception:
            # only that it failed: the text of whoever failed might hold what was to be kept
            raise VehicleError(Trouble.TRANSIENT, "the disk takes no token, so none is used") from None
        self._unsaved = False

    async def find_region(self) -> None:
        """Ask where the account's cars are, and remember it; raises `VehicleError`."""
        if self._config.base_url:
            raise VehicleError(Trouble.DENIED, "the account belongs to another region (421): leave base_url empty")
        access = await self.token()
        ask = Ask(url=f"{self.base_url}/api/1/users/region", headers={"Authorization": f"Bearer {access}"})
        answer = await answered(self._http, ask)
        place = at(decoded(answer.body), "response", "fleet_api_base_url") if answer.status == 200 else None
        if not isinstance(place, str) or urlsplit(place).scheme != urlsplit(self.base_url).scheme:
            raise VehicleError(Trouble.DENIED, "the account belongs to another region (421): set base_url to it")
        async with self._lock:
            await self._save(replace(self._tokens, base_url=place))

    # Logging in.

    def begin_login(self) -> str:
        """The address of the page where the owner agrees; raises `VehicleError`."""
        if not self._config.client_id or not self._config.redirect_url:
            raise VehicleError(Trouble.DENIED, "tesla.client_id and tesla.redirect_url must be set to log in")
        verifier = secrets.token_urlsafe(64)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        self._login = Login(secrets.token_urlsafe(24), verifier, self._now()[0])
        query = {
            "response_type": "code",
            "client_id": self._config.client_id,
            "redirect_uri": self._config.redirect_url,
            "scope": SCOPES,
            "state": self._login.state,
            "nonce": secrets.token_urlsafe(16),
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "prompt_missing_scopes": "true",
        }
        return f"{self._config.authorize_url}?{urlencode(query)}"

    def waits_for(self, state: str) -> bool:
        """Whether a login with this state was begun here."""
        return self._login is not None and secrets.compare_digest(self._login.state.encode(), state.encode())

    async def finish_login(self, redirected: str) -> None:
        """Exchange the code in the address where the login ended; raises `VehicleError`."""
        login, self._login = self._login, None
        code, state = _code_of(redirected)
        if login is None or self._now()[0] > login.begun_s + LOGIN_WITHIN_S:
            raise VehicleError(Trouble.DENIED, "no login was begun in the last 15 minutes: begin again")
        if not secrets.compare_digest(login.state.encode(), state.encode()):
            raise VehicleError(Trouble.DENIED, "this address belongs to another login: begin again")
        form = {
            "grant_type": "authorization_code",
            "client_id": self._config.client_id,
            "client_secret": self._secret,
            "code": code,
            "code_verifier": login.verifier,
            "audience": self.base_url,
            "redirect_uri": self._config.redirect_url,
        }
        async with self._lock:
            await self._take(await self._post({k: v for k, v in form.items() if v}), before="")
        _log.info("logged in to Tesla")


def _loaded(text: str | None) -> Tokens:
    if not text:
        return Tokens()
    try:
        return msgspec.json.decode(text, type=Tokens)
    except msgspec.MsgspecError:
        _log.error("the kept Tesla tokens cannot be read: %s", _LOGIN_AGAIN)
        return Tokens()


def _code_of(redirected: str) -> tuple[str, str]:
    """Code and state out of the address of the redirect."""
    try:
        query = parse_qs(urlsplit(redirected.strip()).query)
    except ValueError:
        query = {}
    if "code" not in query or "state" not in query:
        refused = "Tesla did not agree" if "error" in query else "this is not the address where the login ended"
        raise VehicleError(Trouble.DENIED, f"{refused}: begin again and paste the whole address")
    return query["code"][0], query["state"][0]


def refused_login(answer: Answer) -> VehicleError | None:
    """What a refusal of the token service means."""
    status = answer.status
    if 200 <= status < 300:
        return None
    if status == 429:
        return VehicleError(Trouble.LIMITED, "Tesla's login was asked too often (429)", patience_s(answer))
    if status >= 499 or status == 408:
        return VehicleError(Trouble.TRANSIENT, f"Tesla's login has trouble ({status})")
    return VehicleError(Trouble.DENIED, f"Tesla does not take the login ({status}); {_LOGIN_AGAIN}")
