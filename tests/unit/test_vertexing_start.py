"""Where training starts, and what is said of the events."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from vertexing_events import shipped_events
from vertexing_finders import small_genome

from firmware.network.qkeras_io import to_qkeras
from sim.events.tracks.dataset import VertexDatasetSettings
from trigger.errors import UserError
from trigger.tasks.vertexing.data import describe, digests, event_counts
from trigger.tasks.vertexing.model import FinderPlan, make_plan
from trigger.tasks.vertexing.samples import Blocks, make_blocks
from trigger.tasks.vertexing.space import SpaceSection
from trigger.tasks.vertexing.warm_start import target_weights, warm_start
from trigger.train.runtime import prepare


def _case(**choices: int | float) -> tuple[FinderPlan, Blocks]:
    plan = make_plan(small_genome(**choices), SpaceSection())
    blocks = make_blocks(shipped_events(512), plan.features, lanes=18, tracks_per_lane=32, size=128, seed=1)
    return plan, blocks


def test_target_rises_with_the_share_of_primary_tracks() -> None:
    plan, blocks = _case()
    target, importance = target_weights(blocks, plan)
    assert importance.mean() == pytest.approx(1.0, rel=1e-4)
    slow, fast = (blocks.inputs["pt"] == 0, blocks.inputs["pt"] > 16)
    assert np.average(target[fast], weights=importance[fast]) > 3 * np.average(target[slow], weights=importance[slow])


def test_a_narrow_histogram_gets_smaller_weights() -> None:
    wide, narrow = (target_weights(blocks, plan)[0].max() for plan, blocks in (_case(), _case(histogram_bits=8)))
    assert narrow < wide / 2


def test_the_best_of_a_few_starts_is_kept() -> None:
    tf = prepare(0)
    plan, blocks = _case()
    model = to_qkeras(plan.weight)
    cells = [
        tf.constant(p.format.to_float(blocks.inputs[p.name])[:, None].astype(np.float32)) for p in plan.weight.inputs
    ]
    shapes = [weights.shape for weights in model.get_weights()]
    started: list[int] = []

    def restart(number: int) -> None:
        """Dead units at first, useful ones in the second start."""
        started.append(number)
        random = np.random.default_rng(number)
        values = [np.full(shape, -1.0) if number == 0 else random.normal(0, 0.7, shape) for shape in shapes]
        model.set_weights(values)

    warm_start(tf, model, cells, blocks, plan, restart)
    assert len(started) > 1
    weight = model(cells).numpy()[:, 0]
    assert weight.std() > 0.1
    assert np.corrcoef(weight, target_weights(blocks, plan)[0])[0, 1] > 0.5


def test_events_are_counted_by_process() -> None:
    samples = {"train": shipped_events(512), "test": shipped_events(256)}
    counts = event_counts(samples)
    assert (counts["train"]["ttbar"], counts["train"]["zll"]) == (256, 256)
    summary = describe(VertexDatasetSettings(), samples)
    assert summary.content["events"] == counts
    assert "256 ttbar" in summary.lines[1]


def test_contents_of_user_files_count_and_not_their_paths(tmp_path: Path) -> None:
    for name in ("a.parquet", "b.parquet", "c.root"):
        (tmp_path / name).write_bytes(b"tracks")
    one, other = (
        digests(VertexDatasetSettings(files=str(tmp_path / name)))["files"] for name in ("a.parquet", "b.parquet")
    )
    assert one == other
    assert digests(VertexDatasetSettings(files=f"{tmp_path}/c.root:tree"))["files"] == f"{one}:tree"
    assert digests(VertexDatasetSettings()) == {}
    assert digests(VertexDatasetSettings(pool=str(tmp_path))) == {"pool": [one, one]}
    with pytest.raises(UserError, match=r"data\.files"):
        digests(VertexDatasetSettings(files=str(tmp_path / "none.parquet")))
