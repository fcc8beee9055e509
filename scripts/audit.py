"""What the locked packages are: their licences, a bill of materials (CycloneDX), and known weaknesses: `make audit`.

Writes state/audit/sbom.cdx.json, of what is installed where the portal runs. Fails for a licence that nobody has looked
at, for a package that is not the locked one, and for a known weakness. Where no source of weaknesses can be reached,
that is said in plain words and is no failure.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SBOM = ROOT / "state" / "audit" / "sbom.cdx.json"
RUNTIME, DEV = ROOT / "requirements.lock", ROOT / "requirements-dev.lock"
OF_THE_DEMO = ROOT / "demo_provider" / "package-lock.json"
PINNED = re.compile(r"^([A-Za-z0-9][\w.-]*)(?:\[[^]]*\])?==([^\s;\\]+)", re.MULTILINE)
FREE = re.compile(
    r"MIT(?:-0)?|0BSD|BSD(?:-[23]-Clause)?|Apache-2\.0|ISC|PSF-2\.0|Python-2\.0|Unlicense|BlueOak-1\.0\.0|CC0-1\.0"
    r"|(?:BSD|MIT|Apache Software|ISC|Python Software Foundation) License"
)
SHARED = re.compile(r"LGPL-3\.0-only|MPL-2\.0|Mozilla Public License 2\.0 \(MPL 2\.0\)")
"""May be used by a program under any licence, as long as they are themselves unchanged, which they are here."""
CLASSIFIER = "License :: OSI Approved :: "
LOOKED_AT = {"axe-playwright-python": "MIT"}
"""Packages that tell no licence in a form that a program reads, and what their licence file says."""
WEAKNESS_SECONDS = 300


def name_of(name: str) -> str:
    """A package's name as the index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(path: Path) -> dict[str, str]:
    """Name and version of each package of a lock file."""
    return {name_of(name): version for name, version in PINNED.findall(path.read_text())}


def installed() -> dict[str, Any]:
    """The bill of materials of everything in this environment."""
    told = [
        sys.executable,
        "-m",
        "cyclonedx_py",
        "environment",
        "--pyproject",
        "pyproject.toml",
        "--output-reproducible",
    ]
    done = subprocess.run([*told, sys.executable], cwd=ROOT, capture_output=True, text=True, check=True)
    bill: dict[str, Any] = json.loads(done.stdout)
    return bill


def narrowed(bill: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The bill of these packages alone."""
    wanted = set(names)
    kept = [each for each in bill["components"] if name_of(each["name"]) in wanted]
    refs = {each["bom-ref"] for each in kept} | {bill["metadata"]["component"]["bom-ref"]}
    needs = [
        {**each, "dependsOn": [ref for ref in each.get("dependsOn", ()) if ref in refs]}
        for each in bill["dependencies"]
        if each["ref"] in refs
    ]
    return {**bill, "components": kept, "dependencies": needs}


def licences_of(component: dict[str, Any]) -> list[str]:
    """What a package says of its licence, each part of an expression ("MIT OR Apache-2.0") by itself."""
    told = component.get("licenses") or []
    words = [each.get("expression") or each["license"].get("id") or each["license"].get("name", "") for each in told]
    if not words:
        words = [LOOKED_AT.get(name_of(component["name"]), "")]
    parts = [part for word in words for part in re.split(r" (?:AND|OR|WITH) ", word)]
    return [part.removeprefix(CLASSIFIER) if part.startswith(CLASSIFIER) else part.strip("() ") for part in parts]


def unknown_licences(components: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Packages of which some licence is none that was looked at."""
    for each in components:
        odd = [word for word in licences_of(each) if not (FREE.fullmatch(word) or SHARED.fullmatch(word))]
        if odd:
            yield f"{each['name']} {each['version']}: {', '.join(odd) or 'it tells no licence'}"


def components_of_demo() -> list[dict[str, Any]]:
    """The Node packages of the demo's identity provider, as their lock file tells them."""
    packages: dict[str, Any] = json.loads(OF_THE_DEMO.read_text())["packages"]
    return [
        {"name": path.rpartition("node_modules/")[2], "version": told["version"],
         "licenses": [{"expression": told.get("license", "")}]}
        for path, told in packages.items() if path
    ]  # fmt: skip


def differing(components: Iterable[dict[str, Any]], pins: dict[str, str]) -> Iterator[str]:
    """Packages that are installed in another version than the locked one."""
    for each in components:
        pin = pins.get(name_of(each["name"]), each["version"])
        if pin != each["version"]:
            yield f"{each['name']} {each['version']} is installed, {pin} is locked: make {DEV.name}"


def weaknesses() -> tuple[list[str], str]:
    """Known weaknesses of the locked packages, and why they could not be asked for ("" where they could)."""
    source = [
        "--vulnerability-service",
        "osv",
        *(["--osv-url", url] if (url := os.environ.get("AUDIT_OSV_URL")) else []),
    ]
    how = ["--disable-pip", "--require-hashes", "--timeout", "10", "--progress-spinner", "off", "--format", "json"]
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(DEV), *how, *source]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=WEAKNESS_SECONDS)
        told = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return [], f"no answer within {WEAKNESS_SECONDS} s"
    except json.JSONDecodeError:
        return [], (done.stderr.strip().splitlines() or ["it said nothing"])[-1][:300]
    found = [(each, weak) for each in told["dependencies"] for weak in each.get("vulns", ())]
    return [f"{each['name']} {each['version']}: {weak['id']}, {mended(weak)}" for each, weak in found], ""


def mended(weakness: dict[str, Any]) -> str:
    """In which version it is mended."""
    versions = ", ".join(weakness.get("fix_versions") or [])
    return f"mended in {versions}" if versions else "not mended yet"


def told(title: str, lines: Iterable[str]) -> int:
    """Prints them under their title; how many."""
    found = list(lines)
    if found:
        print(title)
        for line in found:
            print(f"  {line}")
    return len(found)


def main() -> int:
    """1 where somebody has to look, else 0."""
    bill, runtime, dev = installed(), locked(RUNTIME), locked(DEV)
    ours = narrowed(bill, runtime)
    SBOM.parent.mkdir(parents=True, exist_ok=True)
    SBOM.write_text(json.dumps(ours, indent=1, sort_keys=True) + "\n")
    everything = [*narrowed(bill, dev)["components"], *components_of_demo()]
    print(f"{SBOM.relative_to(ROOT)}: {len(ours['components'])} packages where the portal runs")
    told(
        "Locked for other machines than this one:",
        sorted(runtime.keys() - {name_of(c["name"]) for c in ours["components"]}),
    )
    counts = Counter(" and ".join(sorted(set(licences_of(each)))) for each in everything)
    told(
        f"Licences of all {len(everything)}, those for tests and demo too:",
        (f"{n:4} {w}" for w, n in counts.most_common()),
    )
    wrong = told("Not the locked version:", differing(everything, dev))
    wrong += told("A licence that nobody has looked at:", unknown_licences(everything))
    found, why_not = weaknesses()
    wrong += told("Known weaknesses:", found)
    print(
        f"Known weaknesses were NOT checked: no source of them answered. {why_not}"
        if why_not
        else f"Known weaknesses: {len(found)}"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
