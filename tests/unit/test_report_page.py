"""The page of a study: needs nothing else, says what was found, and does not depend on the moment."""

from __future__ import annotations

import dataclasses
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from firmware.network.layers import Dense
from trigger.report.page import render
from trigger.report.record import Candidate, Chosen, StudyRecord
from trigger.report.table import Html, table
from trigger.tasks import find_task
from trigger.tasks.hgcal.genome import Genome, HiddenGene, OutputGene
from trigger.tasks.hgcal.network import build
from trigger.tasks.hgcal.report.record import Performance, WorkingPoint
from trigger.tasks.hgcal.report.sections import architecture_section, performance_section
from trigger.tasks.hgcal.sections import SpaceSection
from trigger.tasks.parts import CandidateDetails, Column, Reference, ReportParts, Section, Tile

DEVICE = {"lut": 1_728_000, "ff": 3_456_000, "dsp": 12_288}
VOID = {"meta", "link", "br", "line", "path"}


def candidate(number: int, **changes) -> Candidate:
    values = {
        "id": f"{number:08x}", "generation": number // 4, "accuracy": 0.3 - 0.01 * number,
        "values": {"input_bits": 10.0 + number, "lut": 100.0 * (number + 1), "latency_ns": 12.5},
        "details": CandidateDetails(cells=("0.9000", "8-4"), hover=("layers 8-4",), low=0.1, high=0.35),
        "on_front": number % 2 == 0, "feasible": True,
    }  # fmt: skip
    return Candidate(**{**values, **changes})


def performance(name: str, label: str, background: float) -> Performance:
    point = WorkingPoint(
        signal_efficiency=0.975, background_efficiency=background, low=background - 0.01, high=background + 0.01
    )
    return Performance(
        name=name, label=label, n_features=3, auc=0.9321, signal_efficiency=(0.0, 0.9, 1.0),
        background_efficiency=(0.0, background / 2, 1.0), low=(0.0, background / 3, 1.0),
        high=(0.01, background / 1.5, 1.0), working_points=(point,), regions={"low_eta": (point,)},
    )  # fmt: skip


def checks(mismatches: int) -> dict:
    first = {"event": 7, "expected": -3, "found": -2} if mismatches else None
    return {
        "passed": not mismatches, "latency_cycles": 9, "ii": 1, "clock_period_ns": 2.778,
        "checks": [
            {"name": name, "events": 1234, "outputs": 1, "mismatches": bad, "first_mismatch": first if bad else None}
            for name, bad in (("hls_csim_vs_emulator", mismatches), ("rtl_vs_emulator", 0))
        ],
    }  # fmt: skip


@pytest.fixture
def record() -> StudyRecord:
    manifest = {
        "resources": {
            "lut": 777, "ff": 555, "dsp": 0, "low": {"lut": 700}, "high": {"lut": 850}, "source": "adder graph",
        },
        "settings": {"part": "xcvu13p", "clock_margin": 0.1}, "clock_period_ns": 2.778, "latency_cycles": 9, "ii": 1,
    }  # fmt: skip
    chosen = Chosen(id="00000002", project="hls_projects/p", manifest=manifest, verification=checks(0))
    judged = (performance("chosen", "chosen candidate", 0.21), performance("cmssw_small", "CMSSW small set", 0.4))
    parts = ReportParts(
        tiles=(Tile(value="21.00 %", label="background", below="20 % to 22 %"),),
        sections=(Section(key="performance", title="Performance", content=performance_section(judged)),),
        references=(Reference(label="CMSSW small set", value=0.4),),
        accuracy_axis="background efficiency at 97.5% signal",
        front_note="On validation events.",
        physics=Html("The events are <b>made up</b>."),
        events=table(("sample", "events"), [("test", "1 000")]),
    )
    return StudyRecord(
        study="hgcal", folder="runs/hgcal-01234567", config_path="configs/hgcal.yaml",
        config={"study": {"name": "hgcal"}}, overrides=("search.population=8",), seed=4,
        objectives=find_task("hgcal").objectives, searched=("background_efficiency", "lut"),
        packages={"alkaid": "0.8.2"}, hashes={"rtl/top.v": "ab" * 32}, evaluated=8,
        candidates=tuple(candidate(n) for n in range(8)),
        columns=(Column(head="AUC"), Column(head="layers", numeric=False)),
        hypervolume=(0.4, 0.5), algorithm="NSGA-II", parts=parts, chosen=chosen,
    )  # fmt: skip


class Page(HTMLParser):
    """Text of a page without its scripts, and every address it would load; nesting is checked on the way."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.words: list[str] = []
        self.stack: list[str] = []
        self.feed(html)
        assert self.stack == []

    def handle_starttag(self, tag, attributes):
        self.addresses += [value for name, value in attributes if name in ("src", "href", "data", "srcset", "action")]
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.addresses += [value for name, value in attributes if name in ("src", "href")]

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def handle_data(self, data):
        if self.stack and self.stack[-1] not in ("script", "style"):
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).replace("\u2009", " ").split())


def test_the_page_loads_nothing_from_anywhere(record):
    html = render(record, DEVICE)
    assert all(address.startswith(("#", "data:")) for address in Page(html).addresses)
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)
    assert style is not None
    assert "url(" not in style[1]
    assert "@import" not in style[1]
    assert html.count("<script") == 3


def test_the_page_says_what_was_found(record):
    text = Page(render(record, DEVICE)).text
    for words in (
        "0 mismatches", "21.00 %", "beaten by no other in background efficiency, LUT together", "CMSSW small set",
        "0.9321", "30.00% 10.00% to 35.00%", "latency (ns)", "The events are made up",
        "777", "700 to 850", "0.045 %", "360 MHz", "a target; no tool has closed it", "latency 9 cycles (25 ns",
        "trigger run configs/hgcal.yaml --set search.population=8",
        "alkaid", "Seed 4", "1 000", "low_eta",
    ):  # fmt: skip
        assert words in text


def test_a_failed_proof_is_shown_as_one(record):
    failed = dataclasses.replace(record, chosen=dataclasses.replace(record.chosen, verification=checks(3)))
    text = Page(render(failed, DEVICE)).text
    assert "Verification failed: 3 mismatches" in text
    assert "event 7, expected -3, found -2" in text
    assert "Proven" not in text


def test_a_study_that_is_only_searched_has_a_page_too(record):
    text = Page(render(dataclasses.replace(record, chosen=None, parts=ReportParts()), DEVICE)).text
    assert "not verified yet" in text
    assert "8 candidates" in text


def test_an_empty_run_says_so(record):
    empty = dataclasses.replace(record, chosen=None, parts=ReportParts(), candidates=(), hypervolume=())
    assert "No candidate has been evaluated yet" in Page(render(empty, DEVICE)).text


def test_the_same_record_gives_the_same_bytes(record):
    assert render(record, DEVICE) == render(dataclasses.replace(record), DEVICE)


def test_the_plot_holds_every_candidate_and_the_references(record):
    html = render(record, DEVICE)
    block = re.search(r'<script type="application/json" id="front-data">(.*?)</script>', html, re.DOTALL)
    assert block is not None
    data = json.loads(block[1])
    assert len(data["points"]) == 8
    assert [axis["name"] for axis in data["axes"]] == ["lut", "input_bits", "latency_ns"]
    assert [axis["log"] for axis in data["axes"]] == [True, False, False]
    assert [point["values"]["lut"] for point in data["points"] if point["chosen"]] == [300.0]
    assert data["references"] == [{"label": "CMSSW small set", "value": 0.4}]
    assert data["label"] == "background efficiency at 97.5% signal"


def test_an_objective_that_is_not_known_of_all_is_no_axis(record):
    candidates = (*record.candidates, candidate(9, values={"lut": 5.0, "input_bits": 3.0}))
    html = render(dataclasses.replace(record, candidates=candidates), DEVICE)
    assert 'data-axis="lut"' in html
    assert 'data-axis="latency_ns"' not in html


def test_the_chosen_network_is_told_variable_by_variable_and_layer_by_layer():
    genome = Genome((("meanz", 6), ("hoe", 4)), (HiddenGene(4, 4, 4, 0.0),), OutputGene(4, 0.0))
    network = build(genome, SpaceSection())
    shapes = {"hidden1": (2, 4), "score": (4, 1)}
    layers = tuple(
        dataclasses.replace(layer, kernel=np.eye(*shapes[layer.name], dtype=np.int64), bias=np.zeros(layer.units, int))
        if isinstance(layer, Dense)
        else layer
        for layer in network.layers
    )
    network = dataclasses.replace(network, layers=layers)
    html = architecture_section({"id": "ab", "reason": "the knee of the front"}, genome, network)
    text = Page(html).text
    assert "Candidate ab , the knee of the front. It reads 2 variables in 10 bits; 12 weights, 75.0 % of them" in text
    for words in ("328 to 352 6", "hidden1 Dense 4 ap_fixed<4,3> exact 8 2 75.0 %", "score Dense 1", "4 1 75.0 %"):
        assert words in text


def test_text_of_a_user_cannot_become_markup(record):
    evil = dataclasses.replace(
        record,
        study="</script><script>alert(1)</script>",
        config={"study": {"name": "<img src=x>"}},
        candidates=(candidate(0, details=CandidateDetails(cells=("<b>", "<img>"), hover=("</script><img>",))),),
        parts=ReportParts(
            tiles=(Tile(value="<img>", label="<img>", below="<img>"),), front_note="<img>", accuracy_axis="<img>",
            references=(Reference(label="</script><img>", value=0.3),),
        ),
    )  # fmt: skip
    html = render(evil, DEVICE)
    assert html.count("<script") == 3
    assert "<img" not in html.split("<script>")[0]
