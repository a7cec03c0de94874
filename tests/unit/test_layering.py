"""An import runs down, never up or across."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from trigger.tasks import TASKS

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


def general_files():
    """Modules of ``trigger`` that serve every task."""
    files = [f for f in sorted((ROOT / "trigger").rglob("*")) if f.suffix in (".py", ".js", ".css")]
    general = [f for f in files if "tasks" not in f.relative_to(ROOT / "trigger").parts[:-1]]
    general += [f for f in (ROOT / "trigger" / "tasks").glob("*.py") if f.name != "table.py"]
    assert len(general) > 40
    return general


def task_words(text: str) -> set[str]:
    """Names of tasks in a text, and imports of ``sim``, which only tasks may have."""
    return {word for word in (*TASKS, "from sim", "import sim") if word in text}


def test_general_code_names_no_task():
    bad = {str(f.relative_to(ROOT)): found for f in general_files() if (found := task_words(f.read_text()))}
    assert bad == {}


@pytest.mark.parametrize("line", ["from trigger.tasks.hgcal import TASK", "import sim.events.table", "'vertexing'"])
def test_the_check_sees_a_task(line):
    assert task_words(line)


@pytest.mark.parametrize("task", sorted(TASKS))
def test_tasks_do_not_know_each_other(task):
    files = list((ROOT / "trigger" / "tasks" / task).rglob("*.py"))
    others = {f"trigger.tasks.{name}" for name in TASKS if name != task}
    assert not {str(f.relative_to(ROOT)) for f in files if any(other in f.read_text() for other in others)}
