"""The configuration of the running daemon: shown, judged, saved into the owner's file, taken over, undone."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import logging
import secrets
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from phaeton.config import environment, nodes, saving
from phaeton.config.change import Change, compare
from phaeton.config.effects import effects, restarts_web
from phaeton.config.load import PLACES, Loaded, parse, places, text_of
from phaeton.config.problems import ConfigError, Place
from phaeton.config.revisions import Revision, Revisions
from phaeton.config.tree import Config
from phaeton.config.writing import at_default, hidden_yaml, keys, to_plain
from phaeton.sinks.web.settings import (
    Judgement,
    KeyInfo,
    Keys,
    PlainDocument,
    Remark,
    RevisionInfo,
    RevisionText,
    Saved,
    SettingsError,
    Wish,
    mistakes,
)
from phaeton.sources.config_file import ConfigFile

if TYPE_CHECKING:
    from phaeton.config.desired import Desired

_log = logging.getLogger("phaeton.settings")

Reload = Callable[[Config], Awaitable[Change]]


class LiveSettings:
    """What the API does with the configuration; saves go one after the other, disk work beside the event loop."""

    def __init__(self, file: ConfigFile, reload: Reload, store: Path, now_utc_s: Callable[[], float]) -> None:
        """``store`` is the directory that revisions are kept in."""
        self._file = file
        self._running = file.loaded
        """What was taken over last."""
        self._reload = reload
        self._kept = Revisions(store)
        self._now_utc_s = now_utc_s
        self._saving = asyncio.Lock()
        self._key = secrets.token_bytes(16)
        self._tasks: set[asyncio.Task[None]] = set()

    # What is there

    def etag(self) -> str:
        """Of the file as it was read last. It is keyed, so that it tells nothing of the secrets in the file."""
        loaded = self._file.loaded
        return hashlib.blake2b(
            msgspec.json.encode(loaded.config) + loaded.text.encode(), digest_size=12, key=self._key
        ).hexdigest()

    def document(self) -> PlainDocument:
        """All keys with their defaults, secrets hidden."""
        return dict(to_plain(self._file.loaded.config))

    async def text(self) -> str:
        """The owner's own text; that of all keys where there is no file."""
        loaded = self._file.loaded
        if loaded.path is None:
            return hidden_yaml(loaded.config)
        return await asyncio.to_thread(_hidden, loaded.text)

    async def keys(self) -> Keys:
        """Where each value comes from."""
        return await asyncio.to_thread(self._keys, self._file.loaded, self.etag())

    def _keys(self, loaded: Loaded, etag: str) -> Keys:
        known = places(loaded.text, self._file.environ)
        entries = []
        for path, value in keys(loaded.config).items():
            short = path.removesuffix(".value")  # a secret may be written as a text
            written = path if path in known else short if short in known else None
            place = known[written] if written is not None else Place()
            entries.append(
                KeyInfo(
                    path,
                    value,
                    default=at_default(path, value),
                    origin="environment" if place.variable else "file" if written is not None else "default",
                    line=place.line,
                    variable=place.variable or None,
                )
            )
        try:
            target, why_not = str(self._target(loaded)), ""
        except SettingsError as error:
            target, why_not = None, str(error)
        named = {nodes.written(steps): name for steps, name in environment.named(self._file.environ).items()}
        return Keys(
            file=str(loaded.path) if loaded.path is not None else None,
            saves_to=target,
            why_not=why_not,
            etag=etag,
            overridden=named,
            notices=tuple(Remark(notice.key, notice.text) for notice in loaded.notices),
            keys=tuple(entries),
        )

    # Judging

    async def check(self, wish: Wish) -> Judgement:
        """What saving would do."""
        loaded = self._file.loaded
        try:
            found = await asyncio.to_thread(self._desired, wish, loaded, loaded)
        except ConfigError as error:
            return Judgement(False, mistakes(error))
        return Judgement(
            True,
            notices=tuple(Remark(notice.key, notice.text) for notice in found.loaded.notices),
            changed=found.change.keys,
            effects=effects(found.change),
            comments_kept=not found.edited.lost,
            lost_comments=found.edited.lost,
        )

    async def wished(self, wish: Wish) -> Config:
        """The configuration as it would be; raises `ConfigError` where it has mistakes."""
        loaded = self._file.loaded
        return (await asyncio.to_thread(self._desired, wish, loaded, loaded)).loaded.config

    def _desired(self, wish: Wish, base: Loaded, running: Loaded) -> Desired:
        """The wish on top of a file; ``running`` is what it is compared with."""
        from phaeton.config.desired import from_document, from_patch, from_text  # noqa: PLC0415 - few save

        environ = self._file.environ
        text = base.text
        if base.path is None and not text and not environment.names_a_charger(environ):
            raise SettingsError(409, "this configuration was given by the program itself; there is no file to change")
        if wish.patch is not None:
            found = from_patch(base, wish.patch, environ)
        elif wish.document is not None:
            found = from_document(base.config, text, base.path, wish.document, environ)
        elif wish.text is not None:
            found = from_text(base.config, text, base.path, wish.text, environ)
        else:
            assert wish.revision is not None
            found = from_text(base.config, text, base.path, self._revision(wish.revision).text, environ)
        return msgspec.structs.replace(found, change=compare(running.config, found.loaded.config))

    # Saving

    async def save(self, wish: Wish, who: str, if_match: str | None) -> Saved:
        """Write the file, keep revisions, and take over; nothing changes where that cannot be done."""
        async with self._saving:
            found, revision, messages = await self._saved(wish, who, if_match)
            if restarts_web(found.change):
                self._spawn(self._take_over(found.loaded.config))  # the answer has to be out before
            else:
                await self._reload(found.loaded.config)
            return Saved(
                True,
                str(found.loaded.path or ""),
                None if revision is None else revision.number,
                self.etag(),
                found.change.keys,
                effects(found.change),
                not found.edited.lost,
                found.edited.lost,
                tuple(messages),
            )

    async def _saved(self, wish: Wish, who: str, if_match: str | None) -> tuple[Desired, Revision | None, list[str]]:
        """Write the file and keep the text before; the watcher of the file does not look meanwhile."""
        async with self._file.changing:
            running = self._file.loaded
            base = await asyncio.to_thread(self._base, running, wish, if_match)
            if if_match is not None and (if_match not in ("*", self.etag()) or base.text != running.text):
                raise SettingsError(412, "the configuration was changed by somebody else meanwhile: read it again")
            found = await asyncio.to_thread(self._desired, wish, base, running)
            revision: Revision | None = None
            messages: list[str] = []
            if found.loaded.text != base.text:
                path = await asyncio.to_thread(self._target, base)
                note = f"back to revision {wish.revision}" if wish.revision is not None else ""
                revision, messages = await asyncio.to_thread(self._write, path, base, found, who, note)
                _log.info("the configuration was saved to %s by %s", path, who)
                found = msgspec.structs.replace(found, loaded=msgspec.structs.replace(found.loaded, path=path))
            self._file.took(found.loaded)
            self._running = found.loaded
            return found, revision, messages

    def _base(self, running: Loaded, wish: Wish, if_match: str | None) -> Loaded:
        """The file as it is now, which somebody may have changed a moment ago."""
        if running.path is None:
            return running
        try:
            text = text_of(running.path)
        except ConfigError:
            text = ""  # it is gone: it is made again
        if text == running.text:
            return running
        try:
            return parse(text, running.path, self._file.environ)
        except ConfigError as error:
            if if_match is not None:
                raise SettingsError(412, f"the file was changed and has mistakes: {error}") from None
            if wish.patch is not None and text:
                raise SettingsError(409, f"the file was changed by hand and has mistakes; repair it. {error}") from None
            return msgspec.structs.replace(running, text=text)

    def _target(self, loaded: Loaded) -> Path:
        """The file that is written, or `SettingsError` with what to do."""
        try:
            return saving.target(loaded.path, PLACES)
        except saving.NowhereError as error:
            raise SettingsError(409, str(error)) from None

    def _write(
        self, path: Path, base: Loaded, found: Desired, who: str, note: str
    ) -> tuple[Revision | None, list[str]]:
        messages: list[str] = []
        now_s = self._now_utc_s()
        try:
            self._keep_before(base.text, now_s)
        except OSError as error:
            if found.edited.lost:
                raise SettingsError(
                    507,
                    f"comments of the file would be lost, and the old text cannot be kept: {error.strerror}; "
                    "nothing was changed",
                ) from None
            messages.append(f"the text from before could not be kept for an undo: {error.strerror}")
        try:
            kept = saving.replace(path, found.loaded.text, keep=found.migrated)
        except OSError as error:
            status = 507 if error.errno in (errno.ENOSPC, errno.EDQUOT) else 409
            detail = f"{path} cannot be written: {(error.strerror or str(error)).lower()}; nothing was changed"
            raise SettingsError(status, f"{detail}. To do: {saving.remedy(path, error)}") from None
        if kept is not None:
            messages.append(f"the file was written in the present layout; the old one is {kept}")
        if found.edited.lost:
            count = len(found.edited.lost)
            messages.append(
                "a comment of the file could not stay; it is in the revision before"
                if count == 1
                else f"{count} comments of the file could not stay; they are in the revision before"
            )
        try:
            return self._kept.add(now_s, who, found.loaded.text, found.change.keys, note), messages
        except OSError as error:
            messages.append(f"the revision could not be kept: {error.strerror}")
            return None, messages

    def _keep_before(self, text: str, now_s: float) -> None:
        newest = self._kept.newest()
        if text and (newest is None or newest.text != text):
            self._kept.add(now_s, "before" if newest is None else "file", text)

    async def _take_over(self, config: Config) -> None:
        await self._reload(config)

    # Changes by hand

    def noticed(self, verdict: Loaded | ConfigError) -> None:
        """The file was changed by hand: take it over, and keep a revision."""
        if isinstance(verdict, ConfigError):
            _log.error("the changed configuration is refused, the old one stays in force:\n%s", verdict)
            return
        self._spawn(self._by_hand(verdict))

    async def _by_hand(self, loaded: Loaded) -> None:
        async with self._saving:
            before, self._running = self._running, loaded
            await self._reload(loaded.config)
            if loaded.text == before.text:
                return
            try:
                await asyncio.to_thread(self._keep_by_hand, loaded, before)
            except OSError as error:
                _log.warning("the change of the configuration cannot be kept for an undo: %s", error.strerror)

    def _keep_by_hand(self, loaded: Loaded, before: Loaded) -> None:
        now_s = self._now_utc_s()
        self._keep_before(before.text, now_s)
        newest = self._kept.newest()
        if newest is None or newest.text != loaded.text:
            self._kept.add(now_s, "file", loaded.text, compare(before.config, loaded.config).keys)

    async def begin(self) -> None:
        """Clean up after a save that a power cut interrupted."""
        path = self._file.loaded.path
        if path is not None:
            await asyncio.to_thread(saving.sweep, path)

    # Revisions

    async def revisions(self) -> list[RevisionInfo]:
        """The newest first."""
        found = await asyncio.to_thread(self._kept.all)
        return [RevisionInfo(*self._told(revision, found)) for revision in found]

    async def revision(self, number: int) -> RevisionText:
        """One of them, and what became of it."""
        return await asyncio.to_thread(self._revision_text, number, self._file.loaded.text)

    def _revision_text(self, number: int, text: str) -> RevisionText:
        import difflib  # noqa: PLC0415 - few look

        revision = self._revision(number)
        then, now = _hidden(revision.text), _hidden(text)
        diff = difflib.unified_diff(
            then.splitlines(keepends=True), now.splitlines(keepends=True), f"revision {number}", "in force", n=2
        )
        return RevisionText(*self._told(revision, self._kept.all()), then, "".join(diff))

    def _revision(self, number: int) -> Revision:
        found = self._kept.get(number)
        if found is None:
            raise SettingsError(404, f"there is no revision {number}")
        return found

    def _told(self, revision: Revision, known: list[Revision]) -> tuple[int, str, str, tuple[str, ...], str, bool]:
        text = self._file.loaded.text
        same = next((one.number for one in known if one.text == text), None)
        moment = datetime.fromtimestamp(revision.utc_s, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        return revision.number, moment, revision.who, revision.changes, revision.note, revision.number == same

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _hidden(text: str) -> str:
    from phaeton.config.hiding import hidden_text  # noqa: PLC0415 - few look

    return hidden_text(text)
