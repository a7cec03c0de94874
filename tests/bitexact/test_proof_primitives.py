"""Instances of the Verilog library: each proven against its formula, kept by content, and refused when broken."""

from __future__ import annotations

import json
import re
import shutil
from importlib.resources import files

import pytest

from firmware.errors import UserError
from firmware.network.random_networks import random_network
from firmware.proof import prove_primitives
from firmware.proof.meanings import MEANINGS, Instance, miter
from firmware.rtl import stage_budget_ns, write_rtl
from firmware.settings import FirmwareSettings

LIBRARY = files("alkaid") / "codegen" / "rtl" / "verilog" / "source"

# Every branch of each module: shifts of either sign, signs, dropped bits, operands that do not overlap.
INSTANCES = {
    "shift_adder": [
        "4,4,0,0,5,0,0,0", "4,5,1,0,7,0,2,1", "5,4,0,1,7,1,-2,1", "3,4,0,0,8,0,3,0", "3,4,0,0,8,0,4,1",
        "4,3,1,0,9,0,-3,1", "4,3,1,1,6,2,-3,0",
    ],
    "ternary_adder": [
        "4,0,0,0,4,0,0,1,4,0,0,2,8,0", "4,1,0,0,5,0,1,2,3,1,0,2,8,1", "4,0,1,0,4,1,0,1,4,0,0,0,7,0",
        "3,0,0,1,3,0,1,1,3,1,1,3,6,1",
    ],
    "mux": ["4,5,1,0,6,1", "4,4,0,0,4,0", "5,3,0,1,8,-2"],
    "negative": ["4,5,1", "4,5,0", "5,4,1"],
    "binop": ["4,4,0,0,4,0,0", "4,3,0,0,5,2,1", "3,4,0,0,4,-1,2"],
    "multiplier": ["3,3,1,1,6", "3,3,0,1,6", "3,4,0,0,7"],
}  # fmt: skip


def project(folder, instances=None, edit=None):
    """A folder of Verilog with instances, and the library beside it."""
    (folder / "primitives").mkdir(parents=True)
    lines = ["module top(input [7:0] a, output [7:0] y);", "    assign y = a;  // shift_adder in a comment counts not"]
    for module, parameters in (instances or INSTANCES).items():
        text = (LIBRARY / f"{module}.v").read_text()
        (folder / "primitives" / f"{module}.v").write_text(text)
        lines += [f"    wire x; {module} #({words}) op_{n} (a, a, y);" for n, words in enumerate(parameters)]
    (folder / "top.v").write_text("\n".join([*lines, "endmodule", ""]))
    sources = [*(f"primitives/{module}.v" for module in instances or INSTANCES), "top.v"]
    (folder / "ports.json").write_text(json.dumps({"sources": sources}))
    if edit is not None:
        name, old, new = edit
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new))
    return folder


@pytest.fixture(scope="module")
def proven(tmp_path_factory):
    """The library's instances, proven once, and the cache that holds them."""
    cache = tmp_path_factory.mktemp("cache")
    return prove_primitives(project(tmp_path_factory.mktemp("rtl") / "rtl"), cache), cache


def test_every_module_computes_its_meaning(proven):
    proof, _ = proven
    assert proof.passed, str(proof)
    assert proof.distinct == proof.instances == sum(len(rows) for rows in INSTANCES.values())
    assert proof.from_cache == proof.damaged == 0
    assert proof.assigns == 1
    assert proof.to_json()["proven"] is True


def test_what_was_proven_is_found_again(proven, tmp_path):
    again = prove_primitives(project(tmp_path / "rtl"), proven[1])
    assert again.passed
    assert again.from_cache == again.distinct


def test_torn_and_altered_entries_are_not_believed(proven, tmp_path):
    cache = shutil.copytree(proven[1], tmp_path / "cache")
    few = {"negative": INSTANCES["negative"], "mux": INSTANCES["mux"][:1]}
    entries = {json.loads(path.read_text())["instance"]: path for path in cache.rglob("*.json")}
    torn, altered, moved = (entries[f"negative #({words})"] for words in INSTANCES["negative"])
    torn.write_text(torn.read_text()[:40])
    altered.write_text(altered.read_text().replace("true", "false"))
    shutil.copyfile(entries["mux #(4,4,0,0,4,0)"], moved)
    proof = prove_primitives(project(tmp_path / "rtl", few), cache)
    assert proof.passed
    assert proof.damaged == 3
    assert proof.from_cache == 1
    assert prove_primitives(project(tmp_path / "other", few), cache).from_cache == 4


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("shift_adder", "- in1_ext[BW_ADD-1:ABS_SHIFT] - borrow", "- in1_ext[BW_ADD-1:ABS_SHIFT]"),
        ("ternary_adder", "max2(FULL_MAX_TERM_BW + 4, BW_OUT + DROP_LSBS + 1)", "FULL_MAX_TERM_BW"),
        ("mux", "{IN1_PAD_LEFT{in1[BW_INPUT1-1]}}", "{IN1_PAD_LEFT{1'b0}}"),
        ("binop", "in0_ext | in1_ext", "in0_ext ^ in1_ext"),
    ],
)
def test_a_broken_library_fails_in_spite_of_the_cache(proven, tmp_path, module, old, new):
    broken = project(tmp_path / "rtl", {module: INSTANCES[module]}, (f"primitives/{module}.v", old, new))
    proof = prove_primitives(broken, proven[1])
    assert not proof.passed
    assert proof.proven < proof.distinct
    assert re.search(rf"{module} #\(.*\): does not compute its meaning; for \w+ = ", proof.failed[0])


def test_what_cannot_be_read_or_is_unknown_fails(proven, tmp_path):
    named = ("top.v", "negative #(4,5,1)", "negative #(.BW_IN(4))")
    proof = prove_primitives(project(tmp_path / "named", {"negative": ["4,5,1", "4,5,0"]}, named), proven[1])
    assert not proof.passed
    assert "cannot be read" in proof.failed[0]
    wrong = prove_primitives(project(tmp_path / "wrong", {"negative": ["4,5"]}), proven[1])
    assert "parameters are not those" in wrong.failed[0]
    other = project(tmp_path / "other", {"negative": ["4,5,1"]})
    (other / "primitives" / "negative.v").rename(other / "primitives" / "strange.v")
    for name in ("top.v", "ports.json"):
        (other / name).write_text((other / name).read_text().replace("negative", "strange"))
    assert "meaning is not known" in prove_primitives(other, proven[1]).failed[0]
    (other / "top.v").unlink()
    with pytest.raises(UserError, match=r"must hold top\.v"):
        prove_primitives(other, proven[1])


def test_the_verilog_of_a_network(proven, tmp_path):
    """Of a generated design every library instance is found; the assigns are counted as simulated."""
    from firmware.adder_graph import trace_network

    network = random_network(12, "mlp", max_units=3, max_bits=4, min_bits=3)
    settings = FirmwareSettings(clock_period_ns=2.7)
    program = trace_network(network, fast=True, stage_ns=stage_budget_ns(settings))
    write_rtl(program, tmp_path / "rtl", settings)
    proof = prove_primitives(tmp_path / "rtl", proven[1])
    assert proof.passed, str(proof)
    assert proof.instances >= proof.distinct > 0
    assert proof.assigns > 0


def test_every_module_of_the_library_has_a_meaning():
    assert {path.name.removesuffix(".v") for path in LIBRARY.iterdir() if path.name.endswith(".v")} == set(MEANINGS)
    assert "in0" in miter(Instance("mux", (4, 4, 0, 0, 4, 0)), "m")
