"""Section ``search`` of this task, and the rules between sections."""

from __future__ import annotations

from dataclasses import dataclass

from trigger.config.check import in_range
from trigger.config.sections import SearchSection
from trigger.config.study import Study
from trigger.errors import UserError
from trigger.tasks.vertexing.space import SpaceSection
from trigger.tasks.vertexing.training_section import VertexTraining

__all__ = ["VertexSearch", "check", "search_of", "space_of", "training_of"]


@dataclass(frozen=True, kw_only=True)
class VertexSearch(SearchSection):
    """The search, and what counts as found.

    Parameters
    ----------
    window_cm : float
        Largest distance to the true vertex (published: 0.15).
    association_margin : float
        A candidate may be chosen only if its association, at the purity of FastHisto's cuts, keeps at least this much
        more of the primary tracks than those cuts, in each process (-1 to 1).

    Raises
    ------
    UserError
    """

    window_cm: float = 0.15
    association_margin: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        in_range("window_cm", self.window_cm, 0.01, 5)
        in_range("association_margin", self.association_margin, -1, 1)


def check(study: Study) -> Study:
    """Check the sections against each other.

    Raises
    ------
    UserError
    """
    data, training = study.data.settings, training_of(study)
    if data.files is not None:
        return study
    if not 0 < data.ttbar_fraction < 1:
        raise UserError(
            f"data.ttbar_fraction must be above 0 and below 1, not {data.ttbar_fraction:g}: one network is trained on "
            "the mixture and judged on both processes"
        )
    wanted = training.train_events
    if wanted is not None and wanted > data.n_train:
        raise UserError(f"training.train_events must be at most data.n_train ({data.n_train}), not {wanted}")
    if training.batch_size > (wanted or data.n_train):
        raise UserError(
            f"training.batch_size must be at most the {wanted or data.n_train} training events, "
            f"not {training.batch_size}"
        )
    for split in ("validation", "test"):
        if data.events(split) < 100:
            raise UserError(
                f"data.n_{split} must be at least 100, so that both processes occur, not {data.events(split)}"
            )
    return study


def space_of(study: Study) -> SpaceSection:
    """Section ``space`` of a study of this task."""
    assert isinstance(study.space, SpaceSection)
    return study.space


def search_of(study: Study) -> VertexSearch:
    """Section ``search`` of a study of this task."""
    assert isinstance(study.search, VertexSearch)
    return study.search


def training_of(study: Study) -> VertexTraining:
    """Section ``training`` of a study of this task."""
    assert isinstance(study.training, VertexTraining)
    return study.training
