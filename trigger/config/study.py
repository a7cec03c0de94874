"""A study: one YAML file as frozen typed sections, checked together before anything slow runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from firmware.settings import FirmwareSettings
from sim.events.dataset import DatasetSettings
from sim.events.features import CONTEXT_FEATURES, SHOWER_FEATURES
from trigger.config.build import build, check_keys
from trigger.config.read import apply_overrides, read_yaml
from trigger.config.sections import (
    ChoiceSection,
    SearchSection,
    SpaceSection,
    StudySection,
    TrainingSection,
    VerifySection,
)
from trigger.errors import UserError

__all__ = ["DataSection", "Study", "from_mapping", "load"]


@dataclass(frozen=True, kw_only=True)
class DataSection:
    """Events: where they come from, and where they are kept.

    Parameters
    ----------
    settings : DatasetSettings
        In the file, its keys stand directly in the section.
    cache_dir : str
        Folder of generated events; does not change any result.
    """

    settings: DatasetSettings
    cache_dir: str = ".cache/events"


@dataclass(frozen=True, kw_only=True)
class Study:
    """All sections of a configuration; functions are handed the one they need."""

    study: StudySection
    data: DataSection
    space: SpaceSection
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

    study = Study(
        study=section(StudySection, "study"),
        data=_data_section(content.get("data"), f"{name}: data"),
        space=section(SpaceSection, "space"),
        training=section(TrainingSection, "training"),
        search=section(SearchSection, "search"),
        firmware=section(FirmwareSettings, "firmware"),
        verify=section(VerifySection, "verify"),
        choice=section(ChoiceSection, "choice"),
    )
    try:
        return _checked(study)
    except UserError as error:
        raise UserError(f"{name}: {error}") from error


def _data_section(content: Any, where: str) -> DataSection:
    content = {} if content is None else content
    if not isinstance(content, Mapping):
        raise UserError(f"{where}: must be a section with keys, not {content!r}")
    settings_keys = [field.name for field in fields(DatasetSettings)]
    check_keys(content, [*settings_keys, "cache_dir"], where)
    settings = build(DatasetSettings, {key: content[key] for key in content if key != "cache_dir"}, where)
    if "cache_dir" not in content:
        return DataSection(settings=settings)
    if not isinstance(content["cache_dir"], str) or not content["cache_dir"]:
        raise UserError(f"{where}.cache_dir must be a path, not {content['cache_dir']!r}")
    return DataSection(settings=settings, cache_dir=content["cache_dir"])


def _checked(study: Study) -> Study:
    """Check sections against each other, and write out what defaults mean."""
    data, space = study.data.settings, study.space
    available = data.features if data.features is not None else tuple(SHOWER_FEATURES)
    known = available if data.features is not None else (*available, *CONTEXT_FEATURES)
    for feature in space.features:
        if feature not in known:
            # The messages of a misspelt key do here as well.
            check_keys({feature: None}, known, "space.features")
    features = space.features or available
    if space.min_features > len(features):
        raise UserError(f"space.min_features must be at most the {len(features)} features, not {space.min_features}")
    if space.max_features is not None and space.max_features > len(features):
        raise UserError(f"space.max_features must be at most the {len(features)} features, not {space.max_features}")
    if data.files is None:
        _check_events(study, data.n_train)
    if study.firmware.reuse_factor != 1:
        raise UserError(
            f"firmware.reuse_factor of a study must be 1, not {study.firmware.reuse_factor}: the search costs fully "
            "parallel networks; for another factor convert a chosen model file with trigger generate --model"
        )
    return replace(study, space=replace(space, features=tuple(features)))


def _check_events(study: Study, available: int) -> None:
    wanted = study.training.train_events
    if wanted is not None and wanted > available:
        raise UserError(f"training.train_events must be at most data.n_train ({available}), not {wanted}")
    events = wanted or available
    if study.training.batch_size > events:
        raise UserError(
            f"training.batch_size must be at most the {events} training events, not {study.training.batch_size}"
        )
