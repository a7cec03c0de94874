"""Section ``data``: checks, samples, and what there is to say of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from sim.events.dataset import DatasetSettings
from sim.events.features import CONTEXT_FEATURES, SHOWER_FEATURES
from sim.events.table import ClusterTable
from sim.events.user_table import split_path
from trigger.config.build import check_keys
from trigger.config.digest import file_digest
from trigger.config.study import Study
from trigger.errors import UserError
from trigger.tasks.interface import Summary

__all__ = ["check", "class_counts", "describe", "digests"]


def check(study: Study) -> Study:
    """Check the sections against each other, and write out what an empty list of features means.

    Raises
    ------
    UserError
    """
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


def describe(settings: DatasetSettings, samples: Mapping[str, ClusterTable]) -> Summary:
    """Events by sample and class, and the number of variables."""
    counts = class_counts(samples)
    variables = len(samples["train"].names)
    lines = [
        f"{split:<11}{found['signal']:>9,} signal {found['background']:>9,} background"
        for split, found in counts.items()
    ]
    where = ", read from the user's tables" if settings.files else ""
    head = f"events, {variables} variables each{where}"
    return Summary(content={"events": counts, "variables": variables}, lines=(head, *lines))


def class_counts(samples: Mapping[str, ClusterTable]) -> dict[str, dict[str, int]]:
    """Events by sample and class."""
    return {
        split: {
            "signal": int(np.count_nonzero(table.label == 1)),
            "background": int(np.count_nonzero(table.label != 1)),
        }
        for split, table in samples.items()
    }


def digests(settings: DatasetSettings) -> dict[str, Any]:
    """Digests of the user's tables, under the key ``files``; empty without such.

    Raises
    ------
    UserError
        A table cannot be read.
    """
    if settings.files is None:
        return {}
    if isinstance(settings.files, str):
        return {"files": _digest(settings.files)}
    return {"files": {split: _digest(source) for split, source in settings.files.items()}}


def _digest(source: str) -> str:
    path, tree = split_path(source)
    digest = file_digest(path, "data.files")
    return digest if tree is None else f"{digest}:{tree}"
