"""Where a study's files are: the folder of its run, its projects, and the small files that link the stages."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from firmware.project.atomic import write_whole
from trigger.config import Study, hash8, load, run_folder
from trigger.config.sections import BUDGETS, ChoiceSection
from trigger.config.study import check_choice
from trigger.errors import UserError

__all__ = ["Workspace", "open_workspace", "read_json"]


@dataclass(frozen=True)
class Workspace:
    """A study and its place on disk.

    Parameters
    ----------
    study : Study
    config_path : str
        As the user gave it.
    overrides : tuple of str
        ``--set`` of the command.
    root : Path
        Folder of ``runs/`` and ``hls_projects/``.
    """

    study: Study
    config_path: str
    overrides: tuple[str, ...]
    root: Path

    @cached_property
    def run_dir(self) -> Path:
        """``runs/<study>-<hash8>``; need not exist."""
        return run_folder(self.study, self.root / "runs")

    @property
    def baselines_file(self) -> Path:
        """References of the report."""
        return self.run_dir / "baselines.json"

    @property
    def chosen_file(self) -> Path:
        """The candidate that was made into a project last, and its evaluation."""
        return self.run_dir / "chosen.json"

    @property
    def primitives_file(self) -> Path:
        """Yosys' counts, by candidate."""
        return self.run_dir / "primitives.json"

    @property
    def report_file(self) -> Path:
        """The page."""
        return self.run_dir / "report.html"

    def project_dir(self, candidate_id: str) -> Path:
        """``hls_projects/<study>-<candidate>-<hash8>``; need not exist."""
        return self.root / "hls_projects" / f"{self.study.name}-{candidate_id}-{hash8(self.study)}"

    def shown(self, path: Path) -> str:
        """A path below the root as files of the run state it: the same wherever ``--out`` points."""
        return path.relative_to(self.root).as_posix()

    @property
    def shown_config(self) -> str:
        """The configuration's path as the report states it: nothing of this machine's folders above the working one."""
        path = Path(self.config_path)
        if not path.is_absolute():
            return path.as_posix()
        here = Path.cwd()
        return (path.relative_to(here) if path.is_relative_to(here) else Path(path.name)).as_posix()

    def write_json(self, path: Path, content: Mapping[str, Any]) -> None:
        """Write a file of the run, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(content, indent=1, allow_nan=False) + "\n")


def open_workspace(options: Namespace) -> Workspace:
    """Read the configuration of a command.

    Raises
    ------
    UserError
        The configuration, an override or a budget is wrong.
    """
    overrides = tuple(options.overrides)
    study = load(options.config, overrides)
    return Workspace(_with_choice(study, options), options.config, overrides, Path(options.out or "."))


def read_json(path: Path) -> dict[str, Any] | None:
    """A JSON file of the run; None if there is none.

    Raises
    ------
    UserError
        The file was damaged or edited.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise UserError(
            f"{path} must be JSON as this program wrote it: {error}; delete it to have it made again"
        ) from error
    if not isinstance(content, dict):
        raise UserError(f"{path} must hold a JSON object; delete it to have it made again")
    return content


def _with_choice(study: Study, options: Namespace) -> Study:
    """Put the budgets of the command line in place of the configuration's choice."""
    asked = {
        "id": getattr(options, "candidate", None) if options.verb in ("generate", "run") else None,
        **{key: getattr(options, key, None) for key in BUDGETS},
    }
    if all(value is None for value in asked.values()):
        return study
    if asked["id"] == "knee":
        asked["id"] = None
    choice = ChoiceSection(**asked, tolerance=study.choice.tolerance)
    check_choice(choice, study.task)
    return replace(study, choice=choice)
