"""What a search does with workers: any number gives the same front, and bad candidates end nothing."""

from __future__ import annotations

from pathlib import Path

import fake_evaluators
import pytest

from trigger.config import Study, from_mapping
from trigger.errors import UserError
from trigger.search import SweepProgress, read_front, sweep
from trigger.tasks import find_task

_TASK = find_task("hgcal")


def _study(seed: int = 1, budget_ns: float | None = None, **search: object) -> Study:
    return from_mapping(
        {
            "study": {"name": "workers", "seed": seed},
            "space": {"features": ["firstlayer", "coreshowerlength", "maxlayer", "srrmean", "hoe", "meanz"]},
            "search": {"population": 8, "generations": 4, "promote": 6, "workers": 2, **search},
            "firmware": {"latency_budget_ns": budget_ns},
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
        (fake_evaluators.slow, {"workers": 3}),
        (fake_evaluators.plain, {"workers": 2, "recycle_after": 3}),
        (fake_evaluators.dies_once, {"workers": 2}),
    ],
)
def test_front_does_not_depend_on_workers(front: bytes, tmp_path: Path, factory, search: dict[str, int]) -> None:
    sweep(_study(**search), tmp_path, factory=factory)
    assert (tmp_path / "front.json").read_bytes() == front


def test_front_depends_on_the_seed(front: bytes, tmp_path: Path) -> None:
    sweep(_study(seed=2), tmp_path, factory=fake_evaluators.plain)
    assert (tmp_path / "front.json").read_bytes() != front


@pytest.mark.parametrize(
    ("factory", "reason"),
    [
        (fake_evaluators.one_layer_raises, "ArithmeticError: one layer is too few"),
        (fake_evaluators.one_layer_is_nan, "objective must be a finite number: lut"),
    ],
)
def test_failed_candidates_are_kept_out(tmp_path: Path, factory, reason: str) -> None:
    found = sweep(_study(), tmp_path, factory=factory)
    failed = [candidate for candidate in found.candidates if candidate.status == "failed"]
    assert failed
    assert {candidate.reason for candidate in failed} == {reason}
    assert {len(candidate.genome.hidden) for candidate in failed} == {1}
    assert {len(candidate.genome.hidden) for candidate in found.front} == {2}


def test_dead_worker_is_retried_once(tmp_path: Path) -> None:
    found = sweep(_study(population=4, generations=1), tmp_path, factory=fake_evaluators.one_layer_dies)
    failed = [candidate for candidate in found.candidates if candidate.status == "failed"]
    assert failed
    for candidate in failed:
        assert "its worker process ended 2 times (exit code 9)" in candidate.reason
        assert (tmp_path / f"attempts-{candidate.id}").read_text() == "xx"


def test_nothing_works(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"every candidate of the first generation failed; .* nothing works"):
        sweep(_study(), tmp_path, factory=fake_evaluators.all_raise)


def test_worker_refuses_the_users_data(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="must hold signal and background"):
        sweep(_study(), tmp_path, factory=fake_evaluators.refuses_the_data)


def test_workers_cannot_start(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"3 worker processes in a row ended .* \(exit code 3\)"):
        sweep(_study(), tmp_path, factory=fake_evaluators.cannot_start)


def test_budget_is_a_constraint(tmp_path: Path) -> None:
    found = sweep(_study(budget_ns=35.0), tmp_path, factory=fake_evaluators.plain)
    assert {len(candidate.genome.hidden) for candidate in found.front} == {1}
    assert any(candidate.violation > 0 for candidate in found.candidates)


def test_budget_that_nothing_meets(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"latency_budget_ns \(5\) .* the closest, [0-9a-f]{10}, is estimated at 30 ns"):
        sweep(_study(budget_ns=5.0), tmp_path, factory=fake_evaluators.plain)
    assert read_front(tmp_path, _TASK).front == ()


def test_useless_candidates_are_no_front(tmp_path: Path) -> None:
    """The cheapest of all, but it accepts everything: an error in words if there is nothing else, else kept out."""
    found = sweep(_study(), tmp_path / "some", factory=fake_evaluators.one_layer_is_useless)
    useless = [candidate for candidate in found.candidates if candidate.violation > 0]
    assert {candidate.objectives["lut"] for candidate in useless} == {0.0}
    assert {candidate.reason for candidate in useless} == {"it accepts everything"}
    assert {len(candidate.genome.hidden) for candidate in found.front} == {2}
    with pytest.raises(UserError, match=r"every constraint, .* none of 8 does; .*: it accepts everything; train"):
        sweep(_study(generations=1), tmp_path / "all", factory=fake_evaluators.all_useless)


def test_progress(tmp_path: Path) -> None:
    states: list[SweepProgress] = []
    found = sweep(_study(), tmp_path, states.append, factory=fake_evaluators.plain)
    assert [state.done for state in states if state.stage == "search"] == list(range(1, 33))
    assert {state.total for state in states if state.stage == "search"} == {32}
    last = states[-1]
    assert (last.stage, last.done, last.total, last.seconds_left) == ("final", last.total, last.total, 0.0)
    assert last.best["lut"] == min(candidate.objectives["lut"] for candidate in found.front)


def test_small_space_is_searched_once(tmp_path: Path) -> None:
    """Fewer genomes than evaluations: each is evaluated once, and the search ends."""
    study = from_mapping(
        {
            "study": {"name": "small"},
            "space": {
                "features": ["hoe"], "input_bits": [4, 6], "hidden_layers": [0], "weight_bits": [4, 5],
                "sparsity": [0.0, 0.5],
            },
            "search": {"population": 8, "generations": 5, "anchors": False, "workers": 1},
        }
    )  # fmt: skip
    found = sweep(study, tmp_path, factory=fake_evaluators.plain)
    searched = [candidate.genome for candidate in found.candidates if candidate.stage == "search"]
    assert len(searched) == len(set(searched)) == 8
