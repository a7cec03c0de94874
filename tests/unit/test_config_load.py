"""Configurations: what is read, and what each mistake is called."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trigger.config import Study, from_mapping, hash8, load, resolved, run_folder
from trigger.errors import UserError
from trigger.tasks import TASKS

_CONFIGS = Path(__file__).parents[2] / "configs"
_SMALL = {"study": {"name": "small"}}


def _write(folder: Path, text: str) -> Path:
    path = folder / "study.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["hgcal.yaml", "hgcal_demo.yaml"])
def test_shipped_configs(name: str) -> None:
    study = load(_CONFIGS / name)
    assert study.name == name.removesuffix(".yaml")
    assert from_mapping(resolved(study)) == study
    assert resolved(study) == json.loads(json.dumps(resolved(study), allow_nan=False))


def test_defaults_are_written_out() -> None:
    study = from_mapping(_SMALL)
    assert "meanz" in study.space.features
    assert resolved(study)["space"]["features"] == list(study.space.features)
    assert study.search.objectives == ("background_efficiency", "input_bits", "lut")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stdy: {name: a}", "top level: unknown key 'stdy'; did you mean 'study'?"),
        ("study: {name: a, sed: 2}", "study: unknown key 'sed'; did you mean 'seed'?"),
        ("study: {name: a}\nsearch: {popluation: 8}", "search: unknown key 'popluation'; did you mean 'population'?"),
        (
            "study: {name: a}\ndata: {showers: {pileupp: 1}}",
            "data.showers: unknown key 'pileupp'; did you mean 'pileup'?",
        ),
        ("study: {name: a}\nfirmware: {zzz: 1}", "firmware: unknown key 'zzz'; valid keys: "),
        ("study: {name: a}\nspace: {features: [meenz]}", "space.features: unknown key 'meenz'; did you mean 'meanz'?"),
        ("study: {seed: 1}", "study: key 'name' must be given, and is missing"),
        ("study: {name: A b}", "name must be 1 to 40 small letters"),
        ("study: {name: a, task: hgcall}", f"study: task must be one of {', '.join(TASKS)}, not 'hgcall'"),
        ("study: {name: a, task: [hgcal]}", "study.task must be a word, not ['hgcal']"),
        ("study: {name: a, seed: one}", "study.seed must be an integer, not 'one'"),
        ("study: {name: a, seed: true}", "study.seed must be an integer, not True"),
        ("study: {name: a, seed: -1}", "seed must be 0 to"),
        ("study: [a]", "study: must be a section with keys, not ['a']"),
        ("study: {name: a}\ntraining: {learning_rate: .inf}", "training.learning_rate must be a finite number"),
        ("study: {name: a}\ntraining: {learning_rate: 0}", "learning_rate must be above 0"),
        ("study: {name: a}\nspace: {input_bits: [0, 4]}", "every choice of input_bits must be 1 to 16, not 0"),
        ("study: {name: a}\nspace: {weight_bits: []}", "weight_bits must list at least one choice"),
        ("study: {name: a}\nspace: {units: [8, 4]}", "units must rise without repetition, not [8, 4]; write [4, 8]"),
        ("study: {name: a}\nspace: {units: 8}", "space.units must be a list, not 8"),
        ("study: {name: a}\nspace: {units: [8, x]}", "space.units[1] must be an integer, not 'x'"),
        ("study: {name: a}\nspace: {sparsity: [1.0]}", "every choice of sparsity must be 0 to 0.95, not 1"),
        ("study: {name: a}\nspace: {hidden_layers: [4]}", "every choice of hidden_layers must be 0 to 3, not 4"),
        ("study: {name: a}\nspace: {features: [hoe], min_features: 2}", "min_features must be at most"),
        ("study: {name: a}\nspace: {max_features: 99}", "space.max_features must be at most"),
        ("study: {name: a}\nsearch: {population: 10}", "population must be a multiple of 4, not 10; nearest: 8, 12"),
        ("study: {name: a}\nsearch: {objectives: [lut]}", "search.objectives must be two or more"),
        ("study: {name: a}\nsearch: {objectives: [lut, lut]}", "search.objectives must be two or more different"),
        (
            "study: {name: a}\nsearch: {objectives: [lut, luts]}",
            "different ones of background_efficiency, input_bits, lut, latency_ns, not ['lut', 'luts']",
        ),
        ("study: {name: a}\nsearch: {signal_efficiency: 0.4}", "signal_efficiency must be 0.5 to 0.999, not 0.4"),
        ("study: {name: a}\ntraining: {pruning_begin: 0.8}", "pruning_begin must be below pruning_end"),
        (
            "study: {name: a}\ntraining: {train_events: 70000}",
            "training.train_events must be at most data.n_train (60000)",
        ),
        ("study: {name: a}\ntraining: {batch_size: 70000}", "training.batch_size must be at most the 60000"),
        ("study: {name: a}\nfirmware: {part: xc7}", "firmware: part must be one of"),
        ("study: {name: a}\nfirmware: {reuse_factor: 3}", "firmware.reuse_factor of a study must be 1, not 3"),
        ("study: {name: a}\nfirmware: {reuse_factor: [1]}", "firmware.reuse_factor must be an integer or a mapping"),
        ("study: {name: a}\nfirmware: {latency_budget_ns: 0}", "latency_budget_ns must be above 0"),
        ("study: {name: a}\nverify: {simulator: vcs}", "verify.simulator must be one of verilator, icarus, not 'vcs'"),
        ("study: {name: a}\nchoice: {id: ab, max_lut: 5}", "id ('ab') must not be given together with a budget"),
        ("study: {name: a}\nchoice: {max_lut: 0}", "max_lut must be above 0 or null, not 0"),
        ("study: {name: a}\ndata: {n_train: 3}", "data: n_train must be"),
        ("study: {name: a}\ndata: {cache_dir: 3}", "data.cache_dir must be a path, not 3"),
        (
            "study: {name: a}\nstudy: {name: b}",
            "key 'study' must be given once, and is given twice; remove one (line 2",
        ),
        ("study: {name: a, name: b}", "key 'name' must be given once"),
        ("study: {name: !!python/object/apply:os.system [ls]}", "must be valid YAML with plain values"),
        ("study: {1: a}", "a key must be a word, not 1"),
        ("study: {", "must be valid YAML"),
        ("- a", "must hold sections such as 'study:', not list"),
        ("", "must hold sections such as 'study:', not NoneType"),
    ],
)
def test_mistakes(tmp_path: Path, text: str, message: str) -> None:
    path = _write(tmp_path, text)
    with pytest.raises(UserError) as caught:
        load(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="must be a readable YAML file"):
        load(tmp_path / "none.yaml")


def test_binary_file(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(UserError, match="no UTF-8 text"):
        load(tmp_path / "study.yaml")


def test_overrides(tmp_path: Path) -> None:
    path = _write(tmp_path, "study: {name: a}\nsearch: {population: 8}")
    study = load(path, ["search.population=16", "space.units=[4, 8]", "choice.id=null", "data.showers.pileup=140"])
    assert study.search.population == 16
    assert study.space.units == (4, 8)
    assert study.data.settings.showers.pileup == 140
    assert load(path).search.population == 8


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("search.population", "must have the form section.key=value"),
        ("population=8", "must have the form section.key=value"),
        ("search..population=8", "must have the form section.key=value"),
        ("search.popluation=8", "did you mean 'population'?"),
        ("search.population=[", "must be valid YAML"),
        ("study.name.first=a", "'name' must be a section, and holds the value 'a'"),
    ],
)
def test_bad_overrides(tmp_path: Path, override: str, message: str) -> None:
    path = _write(tmp_path, "study: {name: a}")
    with pytest.raises(UserError) as caught:
        load(path, [override])
    assert message in str(caught.value)


def _with(section: str, **keys: object) -> Study:
    return from_mapping({**_SMALL, section: {**_SMALL.get(section, {}), **keys}})


@pytest.mark.parametrize(
    ("section", "keys"),
    [
        ("search", {"workers": 7}),
        ("search", {"recycle_after": 5}),
        ("data", {"cache_dir": "elsewhere"}),
        ("data", {"workers": 3}),
        ("verify", {"events": 100}),
        ("choice", {"max_lut": 100.0}),
    ],
)
def test_hash_ignores_what_changes_no_result(section: str, keys: dict[str, object]) -> None:
    assert hash8(_with(section, **keys)) == hash8(from_mapping(_SMALL))


@pytest.mark.parametrize(
    ("section", "keys"),
    [
        ("study", {"seed": 2}),
        ("data", {"n_train": 50_000}),
        ("data", {"showers": {"pileup": 140}}),
        ("space", {"units": [4]}),
        ("training", {"epochs": 3}),
        ("search", {"population": 8}),
        ("firmware", {"clock_period_ns": 5.0}),
    ],
)
def test_hash_changes_with_results(section: str, keys: dict[str, object]) -> None:
    assert hash8(_with(section, **keys)) != hash8(from_mapping(_SMALL))


def test_hash_reads_the_users_table(tmp_path: Path) -> None:
    """The contents count, the path does not."""
    (tmp_path / "a.parquet").write_bytes(b"one")
    (tmp_path / "b.parquet").write_bytes(b"one")
    first = hash8(_with("data", files=str(tmp_path / "a.parquet")))
    assert first == hash8(_with("data", files=str(tmp_path / "b.parquet")))
    (tmp_path / "b.parquet").write_bytes(b"two")
    assert first != hash8(_with("data", files=str(tmp_path / "b.parquet")))
    with pytest.raises(UserError, match=r"must be readable tables, and .*c\.parquet' is not"):
        hash8(_with("data", files=str(tmp_path / "c.parquet")))


def test_run_folder() -> None:
    study = from_mapping(_SMALL)
    assert run_folder(study) == Path("runs") / f"small-{hash8(study)}"
