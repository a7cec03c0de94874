"""A study: one YAML file as frozen typed sections, checked together before anything slow runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from firmware.settings import FirmwareSettings
from trigger.config.build import build, check_keys
from trigger.config.read import apply_overrides, read_yaml
from trigger.config.sections import ChoiceSection, SearchSection, StudySection, TrainingSection, VerifySection
from trigger.errors import UserError
from trigger.tasks.table import find_task

if TYPE_CHECKING:  # the interface of a task speaks of studies
    from trigger.tasks.interface import Task

__all__ = ["DataSection", "Study", "check_choice", "from_mapping", "load"]


@dataclass(frozen=True, kw_only=True)
class DataSection:
    """Events: where they come from, and where they are kept.

    Parameters
    ----------
    settings : dataclass
        Of the task's kind. In the file, its keys stand directly in the section.
    cache_dir : str
        Folder of generated events; does not change any result.
    """

    settings: Any
    cache_dir: str = ".cache/events"


@dataclass(frozen=True, kw_only=True)
class Study:
    """All sections of a configuration; functions are handed the one they need.

    Which types ``data.settings``, ``space``, ``training`` and ``search`` have, the task says.
    """

    study: StudySection
    data: DataSection
    space: Any
    training: TrainingSection
    search: SearchSection
    firmware: FirmwareSettings
    verify: VerifySection
    choice: ChoiceSection

    @property
    def name(self) -> str:
        """Name of the study."""
        return self.study.name

    @property
    def task(self) -> Task:
        """Definition of the task."""
        return find_task(self.study.task)

    @property
    def seed(self) -> int:
        """Seed of search and training."""
        return self.study.seed


def load(path: Path | str, overrides: Sequence[str] = ()) -> Study:
    """Read a configuration.

    Parameters
    ----------
    path : Path or str
        YAML file.
    overrides : sequence of str
        ``section.key=value``, put over the file.

    Returns
    -------
    Study

    Raises
    ------
    UserError
        Anything in the file is wrong; the message names file, section and key.
    """
    return from_mapping(apply_overrides(read_yaml(Path(path)), overrides), str(path))


def from_mapping(content: Mapping[str, Any], name: str = "configuration") -> Study:
    """A study from plain values, as in the file.

    Parameters
    ----------
    content : mapping
        By section.
    name : str
        Of the file, for messages.

    Returns
    -------
    Study

    Raises
    ------
    UserError
    """
    check_keys(content, [field.name for field in fields(Study)], f"{name}: top level")

    def section(cls: type[Any], key: str) -> Any:
        return build(cls, content.get(key), f"{name}: {key}")

    head = section(StudySection, "study")
    task = find_task(head.task)
    study = Study(
        study=head,
        data=_data_section(task.data.settings, content.get("data"), f"{name}: data"),
        space=section(task.space, "space"),
        training=section(task.training, "training"),
        search=section(task.search, "search"),
        firmware=section(FirmwareSettings, "firmware"),
        verify=section(VerifySection, "verify"),
        choice=section(ChoiceSection, "choice"),
    )
    try:
        return _checked(study)
    except UserError as error:
        raise UserError(f"{name}: {error}") from error


def check_choice(choice: ChoiceSection, task: Task) -> None:
    """Refuse a budget that a task's candidates have no figure for.

    Raises
    ------
    UserError
    """
    for key in choice.budgets:
        if key not in task.budgets:
            raise UserError(
                f"choice.{key} must be null for task {task.name}, not {choice.budgets[key]:g}; its candidates are "
                f"chosen by {', '.join(task.budgets)}"
            )


def _data_section(settings_type: type[Any], content: Any, where: str) -> DataSection:
    content = {} if content is None else content
    if not isinstance(content, Mapping):
        raise UserError(f"{where}: must be a section with keys, not {content!r}")
    settings_keys = [field.name for field in fields(settings_type)]
    check_keys(content, [*settings_keys, "cache_dir"], where)
    settings = build(settings_type, {key: content[key] for key in content if key != "cache_dir"}, where)
    if "cache_dir" not in content:
        return DataSection(settings=settings)
    if not isinstance(content["cache_dir"], str) or not content["cache_dir"]:
        raise UserError(f"{where}.cache_dir must be a path, not {content['cache_dir']!r}")
    return DataSection(settings=settings, cache_dir=content["cache_dir"])


def _checked(study: Study) -> Study:
    """Check sections against each other and against the task, and write out what defaults mean."""
    task = study.task
    if study.firmware.reuse_factor != 1:
        raise UserError(
            f"firmware.reuse_factor of a study must be 1, not {study.firmware.reuse_factor}: the search costs fully "
            "parallel networks; for another factor convert a chosen model file with trigger generate --model"
        )
    check_choice(study.choice, task)
    objectives = study.search.objectives or tuple(one.name for one in task.objectives if one.default)
    known = [one.name for one in task.objectives]
    if len(objectives) < 2 or len(set(objectives)) != len(objectives) or not set(objectives) <= set(known):
        raise UserError(
            f"search.objectives must be two or more different ones of {', '.join(known)}, not {list(objectives)}"
        )
    return task.check(replace(study, search=replace(study.search, objectives=objectives)))
