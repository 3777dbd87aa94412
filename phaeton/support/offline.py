"""What can be gathered for a bundle while no daemon runs: from the configuration and the disk."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from phaeton.config.load import Loaded, load
from phaeton.config.problems import ConfigError
from phaeton.config.tree import Config
from phaeton.sinks.recorder import folder_of, recordings_in
from phaeton.sinks.store.place import directory
from phaeton.support.bundle import Gathered, database_facts, database_sessions

SESSIONS = 50


def gathered(config: Path | None, *, recording: bool) -> Gathered:
    """What is not there is left out; a configuration with mistakes is told by them alone."""
    try:
        loaded = load(config)
    except ConfigError as error:
        loaded = Loaded(Config(), None, (), "")
        mistakes = str(error).splitlines()
    else:
        mistakes = []
    database = directory(loaded.config.store.directory) / "phaeton.db"
    try:
        facts, sessions = database_facts(database), database_sessions(database, SESSIONS)
    except sqlite3.Error:
        facts, sessions = {}, []
    folder = folder_of(loaded.config)
    newest = [folder / name for name, _ in recordings_in(folder)][-1:]
    return Gathered(
        config=loaded.config,
        notices=[*mistakes, *(str(notice) for notice in loaded.notices)],
        documents={"sessions": sessions},
        log_file=Path(loaded.config.log.file.path) if loaded.config.log.file.path else None,
        recordings=newest if recording else [],
        database=database,
        facts=facts,
        serials=[text for key, text in facts.items() if key.startswith("serial:")],
    )
