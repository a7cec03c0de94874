"""A tiny search with real training and real adder graphs, on a table of the user's own."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from firmware.network.layers import Dense
from sim.events.dataset import load_dataset
from trigger.config import Study, from_mapping
from trigger.errors import UserError
from trigger.search import Sweep, candidate_id, choose, read_front, sweep
from trigger.search.job import Job
from trigger.search.network_cost import network_cost
from trigger.tasks.hgcal import evaluate
from trigger.tasks.hgcal.evaluate import HgcalEvaluator, output_words
from trigger.tasks.hgcal.events import events_of
from trigger.tasks.hgcal.metrics import measure
from trigger.tasks.hgcal.model_file import read_model
from trigger.tasks.hgcal.network import sparsities
from trigger.train.pruning import check_sparsity

_FEATURES = {"firstlayer": (0, 32), "coreshowerlength": (0, 32), "srrmean": (0, 0.01), "hoe": (0, 4)}


def _table(path: Path, events: int = 3000) -> None:
    """Two overlapping classes, told apart by all but the last of the variables."""
    random = np.random.default_rng(5)
    label = random.integers(0, 2, events)
    columns = {
        name: low + (high - low) * np.clip(random.normal(0.4 + 0.2 * label * (name != "hoe"), 0.15), 0, 0.99)
        for name, (low, high) in _FEATURES.items()
    }
    eta = random.choice([-1, 1], events) * random.uniform(1.5, 3.0, events)
    pq.write_table(pa.table({**columns, "label": label, "eta": eta}), path)


def _study(table: Path, **training: object) -> Study:
    return from_mapping(
        {
            "study": {"name": "tiny"},
            "data": {"files": str(table), "features": list(_FEATURES)},
            "space": {"hidden_layers": [0, 1, 2], "units": [2, 4], "sparsity": [0.0, 0.5]},
            "training": {"epochs": 2, "batch_size": 64, "learning_rate": 0.02, "final_epochs": 4, **training},
            "search": {"population": 4, "generations": 2, "promote": 3, "workers": 1, "anchors": False},
        }
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("real")
    _table(made / "clusters.parquet")
    return made


@pytest.fixture(scope="module")
def study(folder: Path) -> Study:
    return _study(folder / "clusters.parquet")


@pytest.fixture(scope="module")
def found(folder: Path, study: Study) -> Sweep:
    return sweep(study, folder / "run")


def test_front(study: Study, found: Sweep) -> None:
    assert all(candidate.status == "ok" for candidate in found.candidates), [c.reason for c in found.candidates]
    assert len(found.candidates) >= 9
    assert {candidate.stage for candidate in found.front} == {"final"}
    stored = read_front(found.run_dir, study.task)
    assert stored.complete
    assert [candidate.id for candidate in stored.front] == [candidate.id for candidate in found.front]
    assert len(stored.hypervolume) == 2
    assert 0 < stored.hypervolume[0] <= stored.hypervolume[1] < 1
    assert choose(found.front, study.choice, study.task) in found.front


def test_stored_networks_are_what_was_scored(study: Study, found: Sweep) -> None:
    """Evaluated again from its file, every candidate of the front has the objectives that were stored."""
    tables = load_dataset(study.data.settings, Path(study.data.cache_dir))
    for candidate in found.front:
        network = read_model(found.run_dir, candidate.id)
        assert network.is_trained
        for split in ("validation", "test"):
            events = events_of(candidate.genome, tables[split])
            again = measure(output_words(network, events), events.is_signal, events.eta)
            stored = candidate.metrics[split]
            assert json.loads(json.dumps({k: m.to_json() for k, m in again.items()})) == json.loads(json.dumps(stored))
        assert network_cost(network, study.firmware, fast=False) == candidate.cost
        assert candidate.cost["input_bits"] == candidate.genome.input_bits
        best = candidate.metrics["validation"]["inclusive"]["working_points"][2]
        assert best["wanted_signal_efficiency"] == 0.975
        assert best["background_efficiency"] == candidate.objectives["background_efficiency"]


def test_sparsity_is_in_the_integers(found: Sweep) -> None:
    asked = 0
    for candidate in found.candidates:
        network = read_model(found.run_dir, candidate.id)
        for name, fraction in sparsities(candidate.genome).items():
            layer = network.layer(name)
            assert isinstance(layer, Dense)
            assert layer.kernel is not None
            zeros = np.count_nonzero(layer.kernel == 0) / layer.kernel.size
            assert zeros >= fraction - 0.5 / layer.kernel.size - 1e-6 or layer.kernel.size == 1
            assert zeros == candidate.metrics["sparsity"][name]
            asked += fraction > 0
    assert asked


def test_same_seed_same_bytes(study: Study, found: Sweep, tmp_path: Path) -> None:
    """Two workers in another folder: the same front, and the same networks to the byte."""
    again = sweep(replace(study, search=replace(study.search, workers=2)), tmp_path)
    assert (again.run_dir / "front.json").read_bytes() == (found.run_dir / "front.json").read_bytes()
    for candidate in found.candidates:
        name = f"models/{candidate.id}.json"
        assert (again.run_dir / name).read_bytes() == (found.run_dir / name).read_bytes()


def test_front_without_further_training(folder: Path) -> None:
    """``final_epochs: null`` keeps the weights of the search, and still gives test figures."""
    found = sweep(_study(folder / "clusters.parquet", final_epochs=None), folder / "kept")
    by_genome = {c.genome: c for c in found.candidates if c.stage == "search"}
    for candidate in found.front:
        before = by_genome[candidate.genome]
        assert candidate.metrics["validation"] == before.metrics["validation"]
        assert "test" in candidate.metrics
        assert "test" not in before.metrics
        network = (found.run_dir / "models" / f"{candidate.id}.json").read_bytes()
        assert network == (found.run_dir / "models" / f"{before.id}.json").read_bytes()


def test_constant_network_must_not_be_chosen(study: Study, found: Sweep, tmp_path: Path, monkeypatch) -> None:
    """All its weights zero, it costs nothing and tells nothing apart: infeasible, while the trained one is not."""
    study = replace(study, training=replace(study.training, population=0))
    genome = found.front[0].genome
    job = Job(candidate_id(genome), "search", 0, genome, candidate_id(genome))
    assert HgcalEvaluator(study, tmp_path)(job).violation == 0
    fit = evaluate.fit

    def constant(*arguments, **options):
        trained = fit(*arguments, **options)
        layers = [
            replace(layer, kernel=0 * layer.kernel) if isinstance(layer, Dense) and layer.kernel is not None else layer
            for layer in trained.network.layers
        ]
        return replace(trained, network=replace(trained.network, layers=tuple(layers)))

    monkeypatch.setattr(evaluate, "fit", constant)
    made = HgcalEvaluator(study, tmp_path)(job)
    assert made.cost["lut"] == 0
    assert made.violation == 1
    assert "accepts every background event" in made.reason


def test_table_of_one_class(tmp_path: Path) -> None:
    _table(tmp_path / "clusters.parquet")
    table = pq.read_table(tmp_path / "clusters.parquet")
    index = table.column_names.index("label")
    table = table.set_column(index, "label", pa.array(np.ones(len(table), dtype=int)))
    pq.write_table(table, tmp_path / "clusters.parquet")
    with pytest.raises(ValueError, match=r"(?i)class|signal and background") as caught:
        sweep(_study(tmp_path / "clusters.parquet"), tmp_path / "run")
    assert type(caught.value).__name__ == UserError.__name__


def test_population_front_does_not_depend_on_workers(folder: Path, tmp_path: Path) -> None:
    """Candidates trained side by side, in groups of another size and company."""
    study = _study(folder / "clusters.parquet", population=8, population_mb=4)
    one = sweep(study, tmp_path / "one")
    sweep(replace(study, search=replace(study.search, workers=2)), tmp_path / "two")
    assert (tmp_path / "one" / "front.json").read_bytes() == (tmp_path / "two" / "front.json").read_bytes()
    assert {candidate.status for candidate in one.candidates} == {"ok"}
    for candidate in one.front:
        network = read_model(tmp_path / "one", candidate.id)
        assert check_sparsity(network, sparsities(candidate.genome)) == candidate.metrics["sparsity"]
