"""Writes what the exporter is made of as a CycloneDX document, from requirements.lock alone: `make sbom`.

No network and no clock: the same lock gives the same document, byte for byte.
"""

import json
import re
import sys
import tomllib
import uuid
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PACKAGE = re.compile(
    r"^(?P<name>[\w.-]+)(?:\[[^]]+\])?==(?P<version>[^\s;\\]+)(?: ; (?P<marker>.+?))? \\$"
    r"(?P<hashes>(?:\n    --hash=sha256:[0-9a-f]{64}(?: \\)?)+)"
    r"(?P<via>(?:\n    #.*)*)",
    re.MULTILINE,
)


def component(found: re.Match[str]) -> dict[str, Any]:
    """A locked package; each of its hashes is that of one file at the index."""
    name, version = found["name"], found["version"]
    hashes = re.findall(r"sha256:([0-9a-f]{64})", found["hashes"])
    marker = [{"name": "epay-exporter:marker", "value": found["marker"]}] if found["marker"] else []
    return {
        "type": "library",
        "bom-ref": purl(name, version),
        "name": name,
        "version": version,
        "purl": purl(name, version),
        "scope": "required",
        "externalReferences": [
            {
                "type": "distribution",
                "url": f"https://pypi.org/project/{name}/{version}/#files",
                "hashes": [{"alg": "SHA-256", "content": content} for content in hashes],
            }
        ],
        **({"properties": marker} if marker else {}),
    }


def purl(name: str, version: str) -> str:
    """A package of the index as CycloneDX names it."""
    return f"pkg:pypi/{name.lower().replace('_', '-')}@{version}"


def wanted_by(found: re.Match[str]) -> set[str]:
    """The packages that are there because of others: who wants this one, from the lock's `# via`."""
    return set(re.findall(r"# +(?:via +)?(?!via$)([\w.-]+)", found["via"], re.MULTILINE))


def document(lock: str, name: str, version: str, licence: str) -> dict[str, Any]:
    """The whole bill of materials."""
    packages = list(PACKAGE.finditer(lock))
    pinned = re.findall(r"^[\w.-]+(?:\[[^]]+\])?==", lock, re.MULTILINE)
    if not packages or len(packages) != len(pinned):
        raise SystemExit("sbom: requirements.lock is not as `make lock` writes it: every package pinned, with hashes")
    itself = purl(name, version)
    references = {found["name"]: purl(found["name"], found["version"]) for found in packages} | {name: itself}
    needs: dict[str, list[str]] = {reference: [] for reference in references.values()}
    for found in packages:
        for wanting in wanted_by(found):
            needs[references[wanting]].append(references[found["name"]])
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, itself + lock)}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": itself,
                "name": name,
                "version": version,
                "purl": itself,
                "licenses": [{"license": {"id": licence}}],
            }
        },
        "components": [component(found) for found in packages],
        "dependencies": [{"ref": ref, "dependsOn": sorted(on)} for ref, on in sorted(needs.items())],
    }


def main() -> None:
    """Write it to the file that is named, or to the standard output."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    text = json.dumps(document(lock, project["name"], project["version"], project["license"]), indent=2) + "\n"
    if len(sys.argv) > 1:
        path = Path(sys.argv[1])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
