"""A task is its own package and one line in a table: a toy goes from configuration to report by the same verbs."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import toy_task

from trigger.cli import main
from trigger.config import from_mapping, hash8, resolved
from trigger.errors import UserError
from trigger.tasks import TASKS

_STUDY = {
    "study": {"name": "coins", "task": "toy"},
    "search": {"population": 4, "generations": 3, "workers": 1, "promote": 3},
}
_YAML = json.dumps(_STUDY)


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    monkeypatch.setitem(TASKS, "toy", "toy_task")


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("toy")
    (folder / "coins.yaml").write_text(_YAML)
    return folder


@pytest.fixture
def command(place, monkeypatch, capfd):
    """A verb of the command, in that folder; gives its code, its result or lines, and its messages."""

    def run(verb: str, *arguments: str) -> tuple[int, str, str]:
        monkeypatch.chdir(place)
        capfd.readouterr()
        code = main([verb, "coins.yaml", *arguments])
        out, err = capfd.readouterr()
        return code, out, err

    return run


def test_sections_are_those_of_the_task():
    study = from_mapping(_STUDY)
    assert study.task is toy_task.TASK
    assert study.search.objectives == ("missed", "lut", "latency_ns")
    assert study.training.patience == 3
    assert from_mapping(resolved(study)) == study


def test_the_task_checks_and_completes_its_sections():
    assert from_mapping({**_STUDY, "data": {"coins": 7}}).data.settings.coins == 100
    with pytest.raises(UserError, match=r"configuration: data\.coins must be at least training\.patience \(3\)"):
        from_mapping({**_STUDY, "data": {"coins": 2}})


def test_the_hash_takes_the_digests_of_the_task(monkeypatch):
    before = hash8(from_mapping(_STUDY))
    assert hash8(from_mapping({**_STUDY, "data": {"workers": 5}})) == before
    assert hash8(from_mapping({**_STUDY, "training": {"patience": 4}})) != before
    changed = replace(toy_task.TASK.data, digests=lambda settings: {"coins": "another digest"})
    monkeypatch.setattr(toy_task, "TASK", replace(toy_task.TASK, data=changed))
    assert hash8(from_mapping(_STUDY)) != before


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"search": {"signal_efficiency": 0.9}}, "search: unknown key 'signal_efficiency'"),
        ({"search": {"objectives": ["missed", "input_bits"]}}, "different ones of missed, lut, latency_ns, luck, not"),
        ({"choice": {"max_bits": 5}}, r"choice\.max_bits must be null for task toy, not 5; .* max_lut, max_latency_ns"),
        ({"training": {"patience": 10}}, "training: patience must be 1 to 9, not 10"),
        ({"data": {"files": "a"}}, "data: unknown key 'files'"),
    ],
)
def test_what_the_task_does_not_know_is_refused(section, message):
    with pytest.raises(UserError, match=message):
        from_mapping({**_STUDY, **section})


def test_the_line_from_data_to_report(command, place):
    assert command("data")[:2] == (0, "100 coins\n")
    code, out, _ = command("sweep", "--json")
    found = json.loads(out)
    assert code == 0
    (run_dir,) = (place / "runs").iterdir()
    candidates = [json.loads(line) for line in (run_dir / "candidates.jsonl").read_text().splitlines()]
    first = [one["genome"] for one in candidates if one["generation"] == 0 and one["stage"] == "search"]
    assert {"bits": 1, "lanes": 1} in first
    assert {"bits": 4, "lanes": 8} in first
    front = {one["id"]: one["objectives"] for one in found["front"]}
    assert len(front) == 3
    reference = json.loads((run_dir / "front.json").read_text())["reference_point"]
    assert reference["missed"] == 1.0
    assert reference["latency_ns"] == 12.0
    assert reference["lut"] == max(one["objectives"]["lut"] for one in candidates if one["generation"] == 0)

    assert command("train", "--candidate", "published", "--epochs", "2")[:2] == (0, "published: heads\n")
    trained = json.loads((run_dir / "trained" / "published.json").read_text())
    assert (trained["name"], trained["epochs"], trained["genome"]) == ("published", 2, {"bits": 4, "lanes": 8})

    code, out, _ = command("generate", "--max-lut", "1000", "--json")
    made = json.loads(out)
    assert code == 0
    fitting = [id for id, values in front.items() if values["lut"] <= 1000]
    assert made["candidate"] == min(fitting, key=lambda id: front[id]["missed"])
    chosen = json.loads((run_dir / "chosen.json").read_text())
    assert chosen["evaluation"] == {"missed": front[made["candidate"]]["missed"], "tested": 100}
    assert chosen["reason"] == "the best of the front with at most 1,000 LUT"

    assert command("report")[0] == 0
    page = (run_dir / "report.html").read_text()
    for words in ("coins missed", "Heads or tails.", "Coins have two sides.", "<th class=n>sides</th>", "NSGA-II"):
        assert words in page
    data = re.search(r'<script type="application/json" id="front-data">(.*?)</script>', page, re.DOTALL)
    assert data is not None
    assert json.loads(data[1])["references"] == [{"label": "a monkey", "value": 0.5}]
    assert [axis["name"] for axis in json.loads(data[1])["axes"]] == ["lut", "latency_ns"]
    assert json.loads((run_dir / "baselines.json").read_text())["of"] == chosen["genome"]


def test_a_budget_of_another_task_is_refused_on_the_command_line(command):
    code, out, err = command("generate", "--max-bits", "5")
    assert (code, out) == (2, "")
    assert "choice.max_bits must be null for task toy" in err


def test_an_anchor_that_does_not_fit_is_refused(command):
    code, _, err = command("train", "--candidate", "published", "--set", "space.bits=[1, 2]")
    assert code == 2
    assert "candidate published needs choices that section space leaves out" in err
