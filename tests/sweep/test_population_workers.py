"""Workers that are sent several candidates at once: the same search, and a dead one takes no other with it."""

from __future__ import annotations

from pathlib import Path

import fake_evaluators
import preparing_evaluators
import pytest

from trigger.config import Study, from_mapping
from trigger.errors import UserError
from trigger.search import sweep


def _study(**search: object) -> Study:
    return from_mapping(
        {
            "study": {"name": "workers"},
            "space": {"features": ["firstlayer", "coreshowerlength", "maxlayer", "srrmean", "hoe", "meanz"]},
            "search": {"population": 8, "generations": 3, "promote": 6, "workers": 2, **search},
        }
    )


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    run_dir = tmp_path_factory.mktemp("one")
    sweep(_study(workers=1), run_dir, factory=fake_evaluators.plain)
    return (run_dir / "front.json").read_bytes()


@pytest.mark.parametrize(
    ("factory", "search"),
    [
        (preparing_evaluators.prepares, {"workers": 1}),
        (preparing_evaluators.prepares, {"workers": 3, "recycle_after": 2}),
        (preparing_evaluators.dies_once, {"workers": 2}),
    ],
)
def test_front_is_that_of_one_after_the_other(front: bytes, tmp_path: Path, factory, search: dict[str, int]) -> None:
    sweep(_study(**search), tmp_path, factory=factory)
    assert (tmp_path / "front.json").read_bytes() == front
    sizes = [int(line) for line in (tmp_path / "sizes").read_text().split()]
    assert 1 < max(sizes) <= preparing_evaluators.TOGETHER


def test_only_those_that_kill_a_worker_fail(tmp_path: Path) -> None:
    found = sweep(_study(generations=1), tmp_path, factory=preparing_evaluators.one_layer_dies)
    failed = [candidate for candidate in found.candidates if candidate.status == "failed"]
    assert {len(candidate.genome.hidden) for candidate in failed} == {1}
    assert {len(candidate.genome.hidden) for candidate in found.candidates if candidate.status == "ok"} == {2}


def test_a_setting_too_small_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"training\.population_mb must hold one candidate"):
        sweep(_study(), tmp_path, factory=preparing_evaluators.no_memory)
