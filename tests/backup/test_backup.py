"""A backup holds what it says, gives secrets to nobody without the password, and comes back whole or not at all."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sqlite3
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phaeton.backup import STAGED, container, restoring, sealing, waits
from phaeton.backup.collect import House, make
from phaeton.backup.container import opened
from phaeton.backup.problem import BackupError
from phaeton.backup.restoring import finish, look, stage
from phaeton.config.load import load
from tests.backup.house import PASSWORD, build, contents

EVERYTHING = ("config", "sessions", "secrets", "recordings")


@pytest.fixture(autouse=True)
def cheap_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key is made in a moment."""
    monkeypatch.setattr(sealing, "N", 1 << 10)


@pytest.fixture
def old(tmp_path: Path) -> House:
    return build(tmp_path / "old")


@pytest.fixture
def new(tmp_path: Path) -> House:
    return build(tmp_path / "new", token="another-secret", sessions=1)


def whole(house: House, folder: Path, include: tuple[str, ...] = EVERYTHING) -> Path:
    target = folder / "all.phaeton-backup"
    make(house, target, include, PASSWORD if "secrets" in include else "")
    return target


def fresh(house: House) -> House:
    assert house.loaded.path is not None
    return House.of(load(house.loaded.path, {}), {})


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_everything_comes_back_and_the_old_is_set_aside(old: House, new: House, tmp_path: Path) -> None:
    backup = whole(old, tmp_path)
    store = new.store
    text = contents(old)[2].replace(str(old.store), str(store))
    old_path = old.loaded.path
    assert old_path is not None
    old_path.write_text(text)  # a device of the same make: its store is at the same place
    backup.unlink()
    backup = whole(fresh_at(old, old.store), tmp_path)
    seen = look(new, backup, PASSWORD)
    assert (seen.sessions, seen.includes, seen.missing) == (3, EVERYTHING, ())
    assert seen.changed == ('prices.homeassistant.token.value: "***" -> "***"',)
    stage(new, backup, PASSWORD)
    assert waits(store)
    done = finish(store)
    assert done is not None
    found, login, written = contents(fresh(new))
    assert found == {"tell-nobody-this-0", "tell-nobody-this-1", "tell-nobody-this-2"}
    assert login == "login-tell-nobody-this"
    assert written == text
    assert json.loads((store / "access" / "password.json").read_text()) == {"hash": "hash-of-tell-nobody-this"}
    aside = Path(done.aside)
    assert {path.name for path in aside.iterdir()} == {
        "phaeton.db", "password.json", "logins.json", "revisions", "phaeton_config.yaml"
    }  # fmt: skip
    assert "another-secret" in (aside / "phaeton_config.yaml").read_text()
    assert not waits(store)
    assert finish(store) is None


def fresh_at(house: House, store: Path) -> House:
    """The house with another text, its data still where they are."""
    assert house.loaded.path is not None
    return House(load(house.loaded.path, {}), store, {})


def test_without_a_password_nothing_secret_is_inside(old: House, tmp_path: Path) -> None:
    backup = whole(old, tmp_path, ("config", "sessions", "recordings"))
    with zipfile.ZipFile(backup) as archive:
        inside = b"".join(archive.read(name) for name in archive.namelist())
        assert sorted(archive.namelist()) == [
            "configuration.yaml", "manifest.json", "recordings/2026-05-01.phaeton", "sessions.db"
        ]  # fmt: skip
    assert b"tell-nobody-this-0" in inside, "the sessions are there"
    assert inside.count(b"tell-nobody-this") == inside.count(b"tell-nobody-this-"), "the secret is not"
    assert b"login-" not in inside
    assert b"# garage" in inside
    with pytest.raises(BackupError, match="password"):
        make(old, tmp_path / "x", EVERYTHING, "")
    assert not (tmp_path / "x").exists()


def test_with_a_password_nothing_is_readable_without_it(old: House, tmp_path: Path) -> None:
    backup = whole(old, tmp_path)
    assert backup.stat().st_mode & 0o777 == 0o600
    for word in (b"10.0.0.5", b"tell-nobody", b"configuration.yaml", b"PK\x03\x04"):
        assert word not in backup.read_bytes()


def test_a_backup_without_secrets_keeps_those_that_are_here(old: House, new: House, tmp_path: Path) -> None:
    backup = whole(old, tmp_path, ("config", "sessions"))
    data = rewritten(backup, lambda text: text.replace(str(old.store), str(new.store)))
    seen = stage(new, data, "")
    assert seen.missing == ()
    finish(new.store)
    found, login, written = contents(fresh(new))
    assert len(found) == 3
    assert login == "login-another-secret"
    assert "token: another-secret" in written
    assert "# garage" in written


def test_secrets_that_are_nowhere_are_named(old: House, tmp_path: Path) -> None:
    backup = whole(old, tmp_path, ("config",))
    (tmp_path / "bare").mkdir()
    file = tmp_path / "bare" / "c.yaml"
    file.write_text(f"charger: 10.0.0.9\nstore: {{directory: {tmp_path / 'bare' / 'state'}}}\n")
    bare = House.of(load(file, {}), {})
    assert look(bare, backup, "").missing == ("prices.homeassistant.token",)


def test_a_secret_does_not_go_to_another_address_by_a_backup(old: House, new: House, tmp_path: Path) -> None:
    backup = whole(old, tmp_path, ("config",))
    evil = rewritten(
        backup,
        lambda text: text.replace(str(old.store), str(new.store)).replace("http://ha.local", "http://evil.example"),
    )
    assert stage(new, evil, "").missing == ("prices.homeassistant.token",)
    finish(new.store)
    assert "another-secret" not in contents(fresh(new))[2]


def rewritten(backup: Path, change: object) -> Path:
    """A plain backup with another configuration inside."""
    assert callable(change)
    target = backup.with_name("rewritten")
    with opened(backup, "", backup.with_name("scratch")) as content:
        members: dict[str, Path | bytes] = {name: content.read(name) for name in content.manifest.members}
        text = members["configuration.yaml"]
        assert isinstance(text, bytes)
        members["configuration.yaml"] = change(text.decode()).encode()
        container.write(target, members, content.manifest.includes, (), "")
    return target


def refused(house: House, backup: Path, password: str = PASSWORD) -> str:
    before = tree(house.store)
    with pytest.raises(BackupError) as error:
        stage(house, backup, password)
    assert tree(house.store) == before, "nothing was changed"
    assert not waits(house.store)
    return str(error.value)


def test_a_wrong_password_is_told_from_a_changed_file(old: House, new: House, tmp_path: Path) -> None:
    backup = whole(old, tmp_path)
    assert refused(new, backup, "another password") == "the password is not that of this backup"
    assert refused(new, backup, "") == "the backup is encrypted: its password is needed"
    data = backup.read_bytes()
    for changed in (
        data[:-1] + bytes([data[-1] ^ 1]),
        data[: len(data) // 2],
        data[:-20],
        data.replace(b'"by":"', b'"by":"9'),
    ):
        backup.write_bytes(changed)
        assert refused(new, backup) == "the backup was changed or cut short since it was made"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255), cut=st.booleans())
def test_no_damage_does_more_than_be_refused(
    old: House, new: House, tmp_path: Path, where: float, flip: int, cut: bool
) -> None:
    backup = tmp_path / "plain"
    if not backup.exists():
        make(old, backup, ("config", "sessions"), "")
    data = bytearray(backup.read_bytes())
    place = int(where * len(data))
    data[place] ^= flip
    damaged = tmp_path / "damaged"
    damaged.write_bytes(data[:place] if cut else data)
    with contextlib.suppress(BackupError):
        assert look(new, damaged, "").sessions == 3
    assert not list(new.store.glob(".restore*"))


def plain_backup(
    target: Path, members: dict[str, bytes], manifest: dict[str, object] | None = None, version: int = 1
) -> Path:
    described = {
        name: {"size": len(data), "sha256": container.hashlib.sha256(data).hexdigest()}
        for name, data in members.items()
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
        archive.writestr("manifest.json", json.dumps({"includes": ["config"], "members": described} | (manifest or {})))
    head = {"phaeton_backup": version, "made": "2026-05-01T00:00:00Z", "by": "1"}
    target.write_bytes(json.dumps(head, separators=(",", ":")).encode() + b"\n" + packed.getvalue())
    return target


def test_a_newer_one_and_other_files_are_refused(new: House, tmp_path: Path) -> None:
    target = tmp_path / "x"
    assert "newer Phaeton" in refused(new, plain_backup(target, {}, version=2))
    target.write_bytes(b"PK\x03\x04 something")
    assert refused(new, target) == "this is no backup of Phaeton"
    target.write_bytes(b'{"phaeton_backup":' + b"1" * 10_000)
    assert refused(new, target) == "this is no backup of Phaeton"


def test_a_bomb_and_a_way_out_are_refused(new: House, tmp_path: Path) -> None:
    target = tmp_path / "x"
    assert "larger than it may be" in refused(new, plain_backup(target, {"configuration.yaml": b" " * 3_000_000}))
    small = {"configuration.yaml": {"size": 5, "sha256": "0" * 64}}
    lying = plain_backup(target, {"configuration.yaml": b" " * 2_000_000}, {"members": small})
    assert "larger than it may be" in refused(new, lying)
    for name in ("../../etc/passwd", "/etc/passwd", "access/../../x", "recordings/../x.phaeton", "access/logins.json"):
        assert "belongs to no backup" in refused(new, plain_backup(target, {name: b"x"}))
    many = {f"revisions/{n:08}.json": b"" for n in range(container.MOST_MEMBERS + 1)}
    assert "too many files" in refused(new, plain_backup(target, many))
    assert "other files than it says" in refused(
        new, plain_backup(target, {"configuration.yaml": b"x"}, {"members": {}})
    )


def test_a_seal_that_asks_for_too_much_is_refused(old: House, new: House, tmp_path: Path) -> None:
    backup = whole(old, tmp_path)
    head, _, rest = backup.read_bytes().partition(b"\n")
    for change in ({"n": 1 << 30}, {"r": 4000}, {"p": 1000}, {"n": 1000}, {"salt": "zz"}):
        found = json.loads(head)
        found["seal"] |= change
        backup.write_bytes(json.dumps(found, separators=(",", ":")).encode() + b"\n" + rest)
        assert "damaged" in refused(new, backup)


def test_without_the_library_only_a_backup_without_secrets_can_be_made(
    old: House, new: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = whole(old, tmp_path)
    for name in ("cryptography.exceptions", "cryptography.hazmat.primitives.ciphers"):
        monkeypatch.setitem(sys.modules, name, None)
    assert not sealing.available()
    with pytest.raises(BackupError, match="phaeton\\[backup\\]"):
        make(old, tmp_path / "x", EVERYTHING, PASSWORD)
    assert not (tmp_path / "x").exists()
    assert "phaeton[backup]" in refused(new, backup)
    assert look(old, whole_plain(old, tmp_path), "").sessions == 3


def test_a_store_without_sqlite_is_backed_up_too(old: House, tmp_path: Path) -> None:
    (old.store / "phaeton.db").unlink()
    plain = old.store / "phaeton-state.json"
    plain.write_text(json.dumps({"version": 1, "facts": {"vehicle:ev6": "login-x", "serial:a": "ACE"}, "sessions": []}))
    backup = whole_plain(old, tmp_path)
    plain.unlink()
    stage(old, backup, "")
    finish(old.store)
    assert json.loads(plain.read_text())["facts"] == {"serial:a": "ACE"}


def test_sessions_of_another_program_are_refused(new: House, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as db:
        db.execute("CREATE TABLE session (id)")
    db.close()
    backup = plain_backup(tmp_path / "x", {"sessions.db": other.read_bytes()}, {"includes": ["sessions"]})
    assert "another program" in refused(new, backup)
    backup = plain_backup(tmp_path / "x", {"sessions.db": b"SQLite format 3\0" * 100}, {"includes": ["sessions"]})
    assert "damaged" in refused(new, backup)


def test_a_configuration_that_cannot_be_used_is_named(new: House, tmp_path: Path) -> None:
    backup = plain_backup(tmp_path / "x", {"configuration.yaml": b"charger: a\nauto: {start_delay_s: soon}\n"})
    assert "auto.start_delay_s" in refused(new, backup)


CHILD = """
import os, sys
from pathlib import Path
from phaeton.backup import restoring
after = int(sys.argv[2])
seen = 0
def counted(name):
    work = getattr(Path, name)
    def wrapper(*args, **more):
        global seen
        seen += 1
        if seen > after:
            os.kill(os.getpid(), 9)
        return work(*args, **more)
    setattr(Path, name, wrapper)
counted("replace")
counted("unlink")
restoring.finish(Path(sys.argv[1]))
"""


def test_a_kill_anywhere_in_the_middle_is_finished_at_the_next_start(old: House, tmp_path: Path) -> None:
    for after in range(0, 40, 2):
        new = build(tmp_path / f"new{after}", token="another-secret", sessions=1)
        backup = rewritten(whole_plain(old, tmp_path), lambda text, to=new: text.replace(str(old.store), str(to.store)))
        stage(new, backup, "")
        child = subprocess.run([sys.executable, "-c", CHILD, str(new.store), str(after)], check=False)
        if child.returncode == 0:
            assert after > 3
            break
        assert child.returncode == -9
        finish(new.store)
        found, login, written = contents(fresh(new))
        assert len(found) == 3, after
        assert (login, "another-secret" in written) == ("login-another-secret", True)
        (aside,) = new.store.glob("before-restore-*")
        with sqlite3.connect(aside / "phaeton.db") as db:
            assert db.execute("SELECT count(*) FROM session").fetchone() == (1,), "what was there is kept"
        db.close()
    else:
        pytest.fail("the restore never ended")


def whole_plain(house: House, folder: Path) -> Path:
    target = folder / "plain"
    make(house, target, ("config", "sessions"), "")
    return target


def test_a_kill_while_unpacking_changes_nothing(old: House, new: House, tmp_path: Path) -> None:
    (new.store / STAGED).mkdir()
    (new.store / STAGED / "sessions.db").write_bytes(b"half")
    before = contents(new)
    assert finish(new.store) is None
    assert contents(new) == before
    assert not (new.store / STAGED).exists()


def test_a_full_disk_is_told_before_anything_happens(
    old: House, new: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = whole(old, tmp_path)
    monkeypatch.setattr(restoring, "SPARE_BYTES", 1 << 60)
    assert "MB are free" in refused(new, backup)


def run(*arguments: str, password: str = PASSWORD, cwd: Path) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "PHAETON_BACKUP_PASSWORD": password, "XDG_STATE_HOME": str(cwd / "xdg")}
    root = str(Path(__file__).parents[2])
    return subprocess.run(
        [sys.executable, "-m", "phaeton", *arguments], capture_output=True, text=True, check=False, cwd=cwd,
        env=environ | {"PYTHONPATH": root},
    )  # fmt: skip


def test_at_the_terminal_a_new_device_gets_all_of_the_old_one(old: House, tmp_path: Path) -> None:
    assert old.loaded.path is not None
    backup = tmp_path / "b.phaeton-backup"
    made = run("backup", str(backup), "-c", str(old.loaded.path), cwd=tmp_path)
    assert (made.returncode, made.stderr) == (0, "")
    assert "config, sessions, secrets" in made.stdout
    again = run("backup", str(backup), "-c", str(old.loaded.path), cwd=tmp_path)
    assert (again.returncode, "is there already" in again.stderr) == (1, True)
    before = contents(old)
    for path in sorted(old.store.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    old.loaded.path.unlink()
    wrong = run("restore", str(backup), "-c", str(old.loaded.path), password="not this one", cwd=tmp_path)
    assert (wrong.returncode, "the password is not" in wrong.stderr) == (1, True)
    dry = run("restore", str(backup), "-c", str(old.loaded.path), "--dry-run", cwd=tmp_path)
    assert dry.returncode == 0
    assert "sessions: 3" in dry.stdout
    assert not old.loaded.path.exists()
    done = run("restore", str(backup), "-c", str(old.loaded.path), cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert contents(fresh(old)) == before
