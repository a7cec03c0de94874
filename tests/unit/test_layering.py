"""An import runs down, never up or across."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Where each part of the tree may import from, apart from the standard library and installed packages.
ALLOWED = {
    "sim/events": {"sim"},
    "sim/bench": {"sim"},
    "firmware": {"firmware"},
    "trigger": {"trigger", "firmware", "sim"},
}
OURS = {"trigger", "firmware", "sim", "tests", "benchmarks"}


def imported_packages(source: str) -> set[str]:
    """Top-level packages that a module imports, at any depth of its code."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add("relative" if node.level else (node.module or "").split(".")[0])
    return found


def bad_imports(source: str, allowed: set[str]) -> set[str]:
    """What a module imports of ours and should not."""
    return (imported_packages(source) & (OURS | {"relative"})) - allowed


@pytest.mark.parametrize("folder", sorted(ALLOWED))
def test_imports_run_down(folder):
    files = sorted((ROOT / folder).rglob("*.py"))
    assert files
    bad = {str(f.relative_to(ROOT)): found for f in files if (found := bad_imports(f.read_text(), ALLOWED[folder]))}
    assert bad == {}


def test_events_do_not_import_the_bench():
    sources = [f.read_text() for f in (ROOT / "sim" / "events").rglob("*.py")]
    assert sources
    assert not any("sim.bench" in source for source in sources)


@pytest.mark.parametrize("line", ["import trigger.cli", "def f():\n    from trigger import cli", "from .. import x"])
def test_the_check_sees_a_bad_import(line):
    assert bad_imports(line, ALLOWED["firmware"])
