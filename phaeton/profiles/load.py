"""Loading profiles: find the file, merge what it extends and the owner's overlay, convert, expand and check."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from phaeton.profiles.schema import PointSpec, Profile, StepSpec, StepSpecs

T = TypeVar("T")

_VARIABLES = {"$limit", "$phases", "$power", "$phase_limit_w"}
_NEEDS_COUNT = {"str", "utf16", "raw"}


class ProfileError(ValueError):
    """A profile that cannot be used; the message names the profile, the path and the rule."""


def shipped() -> Path:
    """The folder of the profiles that come with Phaeton."""
    return Path(__file__).parent


def load_profile(
    profile_id: str,
    overlay: Mapping[str, Any] | None = None,
    folder: Path | None = None,
    *,
    file: str | Path = "",
) -> Profile:
    """The profile ``<profile_id>.yaml`` with the owner's overlay merged in; raises `ProfileError`.

    A ``file`` of the owner's own is taken instead; it may extend a profile beside it or one of those shipped.
    """
    folder = shipped() if folder is None else folder
    if file:
        own = Path(file).expanduser()
        profile_id = own.stem
        raw = _own(own)
    else:
        raw = _merged(profile_id, folder, ())
    if overlay:
        raw = merge(raw, overlay)
    profile = _convert(raw, profile_id)
    _check(profile)
    return profile


def merge(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Mappings are merged deeply, lists and values replaced, ``null`` takes a key away."""
    result = dict(base)
    for key, change in changes.items():
        if change is None:
            result.pop(key, None)
        elif isinstance(change, Mapping):
            before = result.get(key)
            result[key] = merge(before if isinstance(before, Mapping) else {}, change)
        else:
            result[key] = change
    return result


def _own(file: Path) -> dict[str, Any]:
    raw = _read(file, file.stem)
    parent = str(raw.get("extends") or "")
    if not parent:
        return raw
    beside = parent != file.stem and (file.parent / f"{parent}.yaml").is_file()
    return merge(_merged(parent, file.parent if beside else shipped(), (file.stem,) if beside else ()), raw)


def _merged(profile_id: str, folder: Path, seen: tuple[str, ...]) -> dict[str, Any]:
    if profile_id in seen:
        raise ProfileError(f"profile {profile_id}: extends itself ({' -> '.join((*seen, profile_id))})")
    file = folder / f"{profile_id}.yaml"
    if not file.is_file():
        known = sorted(entry.name[:-5] for entry in folder.iterdir() if entry.name.endswith(".yaml"))
        raise ProfileError(f"profile {profile_id} is not known; there is: {', '.join(known)}")
    raw = _read(file, profile_id)
    base = _merged(str(raw["extends"]), folder, (*seen, profile_id)) if raw.get("extends") else {}
    return merge(base, raw)


def _read(file: Path, profile_id: str) -> dict[str, Any]:
    try:
        # The C parser, where PyYAML was built with it, is six times as fast on a GX device.
        raw = yaml.load(file.read_text("utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise ProfileError(f"profile {profile_id}: {file} cannot be read: {why}") from None
    except yaml.YAMLError as error:
        raise ProfileError(f"profile {profile_id}: not valid YAML: {error}") from None
    if not isinstance(raw, dict):
        raise ProfileError(f"profile {profile_id}: must be a mapping")
    return raw


def _convert(raw: dict[str, Any], profile_id: str) -> Profile:
    points = raw.get("points")
    if not isinstance(points, dict):
        raise ProfileError(f"profile {profile_id}: points must be a mapping of names to registers")
    specs: dict[str, PointSpec] = {}
    for name, point in points.items():
        spec = _typed(point, PointSpec, f"profile {profile_id}: points.{name}")
        if spec.type in _NEEDS_COUNT and spec.count is None:
            raise ProfileError(f"profile {profile_id}: points.{name}: type {spec.type} needs a count of registers")
        specs.update(_expanded(str(name), spec))
    sections = {key: value for key, value in raw.items() if key != "points"}
    profile = _typed({**sections, "points": {}}, Profile, f"profile {profile_id}")
    return msgspec.structs.replace(profile, points=specs)


def _typed(raw: object, kind: type[T], where: str) -> T:
    try:
        return msgspec.convert(raw, kind, strict=True)
    except msgspec.ValidationError as error:
        text, _, path = str(error).partition(" - at `$")
        path = path.rstrip("`").lstrip(".")
        raise ProfileError(
            f"{where}{'.' if path and ':' in where[8:] else ' ' if path else ''}{path}: {text}"
        ) from None


def _expanded(name: str, spec: PointSpec) -> dict[str, PointSpec]:
    if spec.phases is None:
        return {name: spec}
    return {
        f"{name}_l{n + 1}": msgspec.structs.replace(spec, at=spec.at + n * spec.phases, phases=None) for n in range(3)
    }


def _check(profile: Profile) -> None:
    """Refuse what refers to points or capabilities that are not there."""
    for where, names in _mentions(profile):
        for name in names:
            if name is not None and name not in profile.points:
                raise ProfileError(f"profile {profile.id}: {where}: there is no point {name}")
    control = profile.control
    if control.limit is not None:
        if profile.points[control.limit.point].access == "r":
            raise ProfileError(f"profile {profile.id}: control.limit.point: {control.limit.point} cannot be written")
    elif control.kind != "none":
        raise ProfileError(f"profile {profile.id}: control.limit: needed to control the {control.kind}")
    if control.phases.if_ is not None and control.phases.if_ not in profile.capabilities:
        raise ProfileError(f"profile {profile.id}: control.phases.if: there is no capability {control.phases.if_}")
    alive = control.keepalive
    if alive is not None and alive.if_ is not None and alive.if_ not in profile.capabilities:
        raise ProfileError(f"profile {profile.id}: control.keepalive.if: there is no capability {alive.if_}")
    for where, steps in _sequences(profile):
        for n, step in enumerate(steps):
            _check_writes(profile, f"control.{where}[{n}].write", step)


def _mentions(profile: Profile) -> Iterable[tuple[str, Iterable[str | None]]]:
    """Every place of the profile that names points, with the names."""
    control = profile.control
    yield "connectors.count", [profile.connectors.count]
    yield "detect.all", profile.detect.all
    yield "detect.plausible", profile.detect.plausible
    yield "detect.serial", [profile.detect.serial]
    yield from ((f"capabilities.{name}", condition) for name, condition in profile.capabilities.items())
    yield from ((f"state.rules[{n}].if", rule.if_) for n, rule in enumerate(profile.state.rules))
    yield from ((f"state.faults[{n}].if", rule.if_) for n, rule in enumerate(profile.state.faults))
    yield "control.enabled", control.enabled
    if control.limit is not None:
        yield "control.limit", [control.limit.point, control.limit.max_point, control.limit.min_point]
    if control.verify is not None:
        yield "control.verify.point", [control.verify.point]
    if control.keepalive is not None:
        yield "control.keepalive.point", [control.keepalive.point]
        yield "control.keepalive.period.of", [control.keepalive.period.of] if control.keepalive.period else []
    if control.failsafe is not None:
        safe = control.failsafe
        yield "control.failsafe", [safe.current, safe.timeout, safe.set_current, safe.set_timeout]
    if control.phases.readback is not None:
        yield "control.phases.readback.point", [control.phases.readback.point]
    for where, steps in _sequences(profile):
        for n, step in enumerate(steps):
            yield f"control.{where}[{n}].write", step.write or ()
            yield f"control.{where}[{n}].expect", step.expect or ()
            yield f"control.{where}[{n}].until.if", step.until.if_ if step.until else ()


def _sequences(profile: Profile) -> Iterable[tuple[str, StepSpecs]]:
    control = profile.control
    yield "take", control.take
    yield "apply", control.apply or ()
    yield "pause", control.pause or ()
    yield "resume", control.resume or ()
    yield "release", control.release
    for phases, steps in control.phases.to.items():
        if phases not in (1, 3):
            raise ProfileError(f"profile {profile.id}: control.phases.to: {phases} is neither 1 nor 3")
        yield f"phases.to.{phases}", steps


def _check_writes(profile: Profile, where: str, step: StepSpec) -> None:
    for name, value in (step.write or {}).items():
        if profile.points[name].access == "r":
            raise ProfileError(f"profile {profile.id}: {where}: {name} cannot be written")
        if isinstance(value, str) and value not in _VARIABLES and value.removeprefix("$") not in profile.points:
            raise ProfileError(f"profile {profile.id}: {where}.{name}: there is no variable {value}")
