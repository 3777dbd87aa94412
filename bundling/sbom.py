"""A bill of materials in CycloneDX 1.6: what is in a bundle, for those who look for known weaknesses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from urllib.parse import quote

import msgspec

from bundling.architectures import SUITE
from bundling.lock import DebianPart, PythonPart

NAME = "SBOM.cdx.json"


def bill(version: str, arch: str, created: str, debian: Iterable[DebianPart], python: Iterable[PythonPart]) -> bytes:
    """The document; the same bytes for the same parts."""
    parts = [*_of_debian(debian), *_of_python(python)]
    root = f"pkg:github/phaeton@{version}?arch={arch}"
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": created,
            "component": {
                "type": "application",
                "bom-ref": root,
                "name": "phaeton",
                "version": version,
                "licenses": [{"license": {"id": "MIT"}}],
            },
        },
        "components": parts,
        "dependencies": [{"ref": root, "dependsOn": sorted(str(part["bom-ref"]) for part in parts)}],
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"


def _of_debian(parts: Iterable[DebianPart]) -> Iterator[dict[str, object]]:
    for part in sorted(parts, key=lambda one: one.package):
        version = quote(part.version, safe="")
        address = f"pkg:deb/debian/{quote(part.package, safe='')}@{version}?arch={part.architecture}&distro={SUITE}"
        yield {
            **_component(part.package, part.version, address, part.sha256),
            "properties": [{"name": "debian:source", "value": part.source}],
        }


def _of_python(parts: Iterable[PythonPart]) -> Iterator[dict[str, object]]:
    for part in sorted(parts, key=lambda one: one.name.lower()):
        name = part.name.lower().replace("_", "-")
        found = _component(part.name, part.version, f"pkg:pypi/{name}@{part.version}", part.sha256)
        if part.licence:
            found["licenses"] = [{"expression": part.licence}]
        yield found


def _component(name: str, version: str, address: str, sha256: str) -> dict[str, object]:
    return {
        "type": "library",
        "bom-ref": address,
        "name": name,
        "version": version,
        "purl": address,
        "hashes": [{"alg": "SHA-256", "content": sha256}],
    }
