"""Saving settings: where, what is kept, what is told, and that nothing changes where it fails."""

from __future__ import annotations

import asyncio
import errno
import os
from pathlib import Path

import pytest

from phaeton.app.settings import LiveSettings
from phaeton.config import saving
from phaeton.config.change import Change, compare
from phaeton.config.load import Loaded, load
from phaeton.config.problems import ConfigError
from phaeton.config.tree import Charger, Config
from phaeton.sinks.web.settings import SettingsError, Wish
from phaeton.sources.config_file import ConfigFile
from tests.waiting import until

PATCH = Wish(patch={"auto": {"rest_s": 200}})


class Desk:
    """Settings of a daemon that only remembers what it was told."""

    def __init__(self, loaded: Loaded, folder: Path, environ: dict[str, str]) -> None:
        self.config = loaded.config
        self.reloads: list[Config] = []
        self.file = ConfigFile(loaded, environ, period_s=0.01, settle_s=0.01)
        self.settings = LiveSettings(self.file, self._reload, folder / "state", lambda: 1e9)
        self.file.verdicts.subscribe(self.settings.noticed)

    async def _reload(self, config: Config) -> Change:
        before, self.config = self.config, config
        self.reloads.append(config)
        return compare(before, config)

    async def save(self, wish: Wish = PATCH, if_match: str | None = None) -> list[str]:
        return list((await self.settings.save(wish, "someone", if_match)).messages)

    async def refused(self, wish: Wish = PATCH) -> tuple[int, str]:
        before = self.config
        with pytest.raises(SettingsError) as error:
            await self.save(wish)
        assert self.config is before
        assert self.reloads == []
        return error.value.status, str(error.value)


def desk(folder: Path, text: str | None = "charger: a  # mine\n", **environ: str) -> Desk:
    path = folder / "phaeton_config.yaml"
    if text is not None:
        path.write_text(text)
    return Desk(load(path if text is not None else None, environ), folder, environ)


async def test_without_a_file_the_first_place_that_can_be_written_gets_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    environ = {"PHAETON_CHARGER": "10.0.0.5"}
    made = desk(tmp_path, None, **environ)
    keys = await made.settings.keys()
    assert (keys.file, keys.saves_to) == (None, str(tmp_path / "phaeton_config.yaml"))
    await made.save()
    file = tmp_path / "phaeton_config.yaml"
    assert file.read_text() == "auto:\n  rest_s: 200.0\n"
    assert file.stat().st_mode & 0o777 == 0o600
    assert load(None, environ).config == made.config
    watching = asyncio.create_task(made.file.watch())
    file.write_text("auto: {rest_s: 250}\n")
    await until(lambda: made.config.auto.rest_s == 250)
    watching.cancel()


async def test_a_configuration_of_the_program_itself_is_not_saved(tmp_path: Path) -> None:
    loaded = Loaded(Config(chargers=(Charger(host="a"),)), None, (), "")
    status, said = await Desk(loaded, tmp_path, {}).refused()
    assert (status, "no file" in said) == (409, True)


async def test_a_link_stays_a_link(tmp_path: Path) -> None:
    real = tmp_path / "real.yaml"
    real.write_text("charger: a\n")
    (tmp_path / "phaeton_config.yaml").symlink_to(real)
    made = Desk(load(tmp_path / "phaeton_config.yaml", {}), tmp_path, {})
    await made.save()
    assert (tmp_path / "phaeton_config.yaml").is_symlink()
    assert "rest_s: 200" in real.read_text()


async def test_the_watcher_does_not_take_a_saved_file_over_again(tmp_path: Path) -> None:
    made = desk(tmp_path)
    watching = asyncio.create_task(made.file.watch())
    verdicts: list[object] = []
    made.file.verdicts.subscribe(verdicts.append)
    for rest_s in range(5):
        await made.save(Wish(patch={"auto": {"rest_s": 100 + rest_s}}))
        await asyncio.to_thread(os.sync)
    assert len(made.reloads) == 5
    path = tmp_path / "phaeton_config.yaml"
    path.write_text(path.read_text() + "# by hand\n")
    await until(lambda: len(verdicts) == 1)
    await until(lambda: len(made.reloads) == 6)
    watching.cancel()


@pytest.mark.parametrize(
    ("code", "status", "words"),
    [(errno.ENOSPC, 507, "free some space"), (errno.EROFS, 409, "is read-only"), (errno.EBUSY, 409, "mount its folder"),
     (errno.EACCES, 409, "may not be written")],
)  # fmt: skip
async def test_a_file_that_cannot_be_written_changes_nothing_and_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, status: int, words: str
) -> None:
    made = desk(tmp_path)

    def fails(path: Path, text: str) -> Path:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(saving, "beside", fails)
    found, said = await made.refused()
    assert (found, words in said, "nothing was changed" in said) == (status, True, True)
    assert (tmp_path / "phaeton_config.yaml").read_text() == "charger: a  # mine\n"


async def test_a_file_of_a_forerunner_is_migrated_and_kept(tmp_path: Path) -> None:
    text = "modbus: {ip: 10.0.0.5}  # the box\n"
    made = desk(tmp_path, text)
    told = await made.save()
    assert (tmp_path / "phaeton_config.yaml.bak-1").read_text() == text
    assert ["present layout" in told[0], "a comment of the file" in told[1]] == [True, True]
    assert "host: 10.0.0.5" in (tmp_path / "phaeton_config.yaml").read_text()
    await made.save(Wish(revision=1))
    assert (tmp_path / "phaeton_config.yaml").read_text() == text


async def test_a_file_that_was_broken_by_hand_is_repaired_or_replaced(tmp_path: Path) -> None:
    made = desk(tmp_path)
    file = tmp_path / "phaeton_config.yaml"
    file.write_text("charger: [broken\n")
    status, said = await made.refused()
    assert (status, "line 2" in said) == (409, True)
    await made.save(Wish(document={"charger": "b"}))
    assert made.config.chargers[0].host == "b"
    kept = await made.settings.revisions()
    assert [one.in_force for one in kept] == [True, False]
    await asyncio.to_thread(file.unlink)
    await made.save()
    assert load(file, {}).config == made.config


async def test_what_does_not_stand_is_refused_with_its_key(tmp_path: Path) -> None:
    made = desk(tmp_path)
    with pytest.raises(ConfigError, match=r"auto\.rest_s"):
        await made.save(Wish(patch={"auto": {"rest_s": -1}}))
    assert made.reloads == []
    judged = await made.settings.check(Wish(text="charger: a\nauto: {rest_s: -1}\n"))
    assert [(one.path, one.line) for one in judged.problems] == [("auto.rest_s", 2)]


async def test_saving_the_same_again_writes_nothing(tmp_path: Path) -> None:
    made = desk(tmp_path)
    await made.save()
    before = (tmp_path / "phaeton_config.yaml").stat().st_mtime_ns
    saved = await made.settings.save(PATCH, "someone", f"{made.settings.etag()}")
    assert (saved.revision, saved.changed) == (None, ())
    assert (tmp_path / "phaeton_config.yaml").stat().st_mtime_ns == before
    assert len(await made.settings.revisions()) == 2


async def test_an_etag_is_of_one_text_only(tmp_path: Path) -> None:
    made = desk(tmp_path)
    first = made.settings.etag()
    await made.save(if_match=first)
    with pytest.raises(SettingsError) as stale:
        await made.save(Wish(patch={"auto": {"rest_s": 201}}), if_match=first)
    assert stale.value.status == 412
    await made.save(Wish(patch={"auto": {"rest_s": 201}}), if_match="*")
    assert made.settings.etag() != first
    assert desk(tmp_path).settings.etag() != made.settings.etag(), "it tells nothing that could be tried elsewhere"
