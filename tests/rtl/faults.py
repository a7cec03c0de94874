"""Edits of a generated project, each a kind of mistake that a verification must find."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

__all__ = ["EMULATOR", "HLS", "MODEL", "RTL", "TIMING", "VECTORS"]


def replace(path: Path, old: str, new: str, count: int = 1) -> None:
    """Replace text that must be there."""
    text = path.read_text()
    assert old in text, f"{old!r} is not in {path.name}"
    path.write_text(text.replace(old, new, count))


def substitute(path: Path, pattern: str, new: str | Callable[[re.Match[str]], str]) -> None:
    """Replace the first match of a pattern that must match."""
    text, count = re.subn(pattern, new, path.read_text(), count=1, flags=re.DOTALL)
    assert count == 1, f"{pattern!r} does not match in {path.name}"
    path.write_text(text)


def top(project: Path) -> Path:
    return project / "rtl" / "tiny.v"


def defines(project: Path) -> Path:
    return project / "hls" / "firmware" / "defines.h"


def hls_type(project: Path, layer: str) -> str:
    """Name of the C++ type of a layer's result."""
    source = (project / "hls" / "firmware" / "trigger_net.cpp").read_text()
    match = re.search(rf'save_layer_output<(\w+)>\(\w+, "{layer}"', source)
    assert match
    return match[1]


# HLS

def hls_weight_off_by_one_lsb(project: Path) -> None:
    header = min((project / "hls" / "firmware" / "weights").glob("w*.h"), key=lambda path: int(path.stem[1:]))
    substitute(header, r"= \{(-?[\d.]+)", lambda match: f"= {{{float(match[1]) + 1 / 8}")


def hls_rounds_otherwise(project: Path) -> None:
    substitute(defines(project), rf"AP_RND_CONV(,AP_SAT,0> {hls_type(project, 'active')};)", r"AP_RND\1")


def hls_truncates(project: Path) -> None:
    substitute(defines(project), rf"AP_RND_CONV(,AP_SAT,0> {hls_type(project, 'coarse')};)", r"AP_TRN\1")


def hls_wraps_instead_of_saturating(project: Path) -> None:
    substitute(defines(project), rf"AP_SAT(,0> {hls_type(project, 'active')};)", r"AP_WRAP\1")


def hls_lost_a_quantiser(project: Path) -> None:
    """The layer's result keeps all bits, as if nothing had quantised it."""
    substitute(defines(project), rf"typedef ap_ufixed<[^>]*> {hls_type(project, 'active')};",
               f"typedef ap_ufixed<20,6,AP_RND_CONV,AP_SAT,0> {hls_type(project, 'active')};")  # fmt: skip


def hls_swapped_outputs(project: Path) -> None:
    source = project / "hls" / "firmware" / "trigger_net.cpp"
    text = source.read_text()
    place = text.rindex("}")
    name = re.search(r"save_layer_output<\w+>\((\w+), \"sums\"", text)
    assert name
    swap = f"    auto held = {name[1]}[0]; {name[1]}[0] = {name[1]}[1]; {name[1]}[1] = held;\n"
    source.write_text(text[:place] + swap + text[place:])


def hls_does_not_compile(project: Path) -> None:
    replace(project / "hls" / "firmware" / "trigger_net.cpp", "nnet::relu<", "nnet::rleu<")


# RTL: words

def rtl_swapped_input_elements(project: Path) -> None:
    text = top(project).read_text()
    text = text.replace("x[3:0]", "x[?]").replace("x[7:4]", "x[3:0]").replace("x[?]", "x[7:4]")
    assert text != top(project).read_text()
    top(project).write_text(text)


def rtl_swapped_ports(project: Path) -> None:
    """Two inputs of the same width, each under the other's name."""
    table = project / "rtl" / "ports.json"
    data = json.loads(table.read_text())
    first, second = data["inputs"]
    first["port"], second["port"] = second["port"], first["port"]
    table.write_text(json.dumps(data))


def rtl_stuck_bit(project: Path) -> None:
    replace(top(project), "assign coarse = {", "assign coarse = 12'd4 | {")


def rtl_add_for_subtract(project: Path) -> None:
    """The last parameter of the first adder decides between a sum and a difference."""
    source = adder_source(project)
    substitute(source, r"(shift_adder #\((?:[-\d]+,){7})(\d)\)", lambda m: f"{m[1]}{1 - int(m[2])})")


def rtl_wrong_shift(project: Path) -> None:
    source = adder_source(project)
    substitute(source, r"(shift_adder #\((?:[-\d]+,){6})([-\d]+),", lambda m: f"{m[1]}{int(m[2]) + 1},")


def adder_source(project: Path) -> Path:
    return next(path for path in sorted((project / "rtl").glob("tiny_stage*.v")) if "shift_adder #" in path.read_text())


def rtl_narrow_port(project: Path) -> None:
    substitute(top(project), r"output wire \[(\d+):0\] sums", lambda m: f"output wire [{int(m[1]) - 1}:0] sums")


def rtl_does_not_compile(project: Path) -> None:
    replace(top(project), "endmodule", "endmodul")


# RTL: time

def rtl_missing_register(project: Path) -> None:
    replace(top(project), "always @(posedge clk) stage2_q <= stage1_d;", "always @(*) stage2_q = stage1_d;")


def rtl_extra_register_on_data(project: Path) -> None:
    width = re.search(r"reg\s+(\[\d+:0\]) stage2_q;", top(project).read_text())
    assert width
    replace(top(project), "always @(posedge clk) stage2_q <= stage1_d;",
            f"reg {width[1]} more; always @(posedge clk) begin more <= stage1_d; stage2_q <= more; end")  # fmt: skip


def rtl_extra_register_on_valid(project: Path) -> None:
    substitute(top(project), r"assign out_valid = (valid\[\d+\]);",
               r"reg late; always @(posedge clk) late <= \1 & ~rst; assign out_valid = late;")  # fmt: skip


def rtl_extra_register_on_both(project: Path) -> None:
    """Right words at the wrong time: only the measured latency can tell."""
    rtl_extra_register_on_data(project)
    rtl_extra_register_on_valid(project)


def rtl_inverted_valid(project: Path) -> None:
    substitute(top(project), r"assign out_valid = (valid\[\d+\]);", r"assign out_valid = ~\1;")


def rtl_reset_does_nothing(project: Path) -> None:
    replace(top(project), "if (rst) valid", "if (1'b0) valid")


def rtl_reset_misses_the_last_stage(project: Path) -> None:
    substitute(top(project), r"if \(rst\) valid <= \d+'d0;", "if (rst) valid <= valid << 1;")


def rtl_skips_every_other_event(project: Path) -> None:
    substitute(top(project), r"in_valid\};", "in_valid & ~valid[0]};")


def manifest_states_another_latency(project: Path) -> None:
    path = project / "manifest.json"
    data = json.loads(path.read_text())
    data["latency_cycles"] += 1
    path.write_text(json.dumps(data))


# Model, emulator, vectors

def emulator_constant_changed(project: Path) -> None:
    """A bias in the emulator's program: the last constant that an operation adds."""
    path = project / "emulator" / "program.json.gz"
    data = json.loads(gzip.decompress(path.read_bytes()))
    shifts = data["comb"]["out_shifts"]
    shifts[0] += 1
    path.write_bytes(gzip.compress(json.dumps(data).encode(), mtime=0))


def emulator_operation_changed(project: Path) -> None:
    """An addition in the emulator's program becomes a subtraction, or the reverse."""
    path = project / "emulator" / "program.json.gz"
    data = json.loads(gzip.decompress(path.read_bytes()))
    op = next(op for op in data["comb"]["ops"] if op[1] in (0, 1))
    op[1] = 1 - op[1]
    path.write_bytes(gzip.compress(json.dumps(data).encode(), mtime=0))


def model_weight_changed(project: Path) -> None:
    with h5py.File(project / "model" / "model.h5", "r+") as file:
        kernel = file["model_weights/scores/scores/kernel:0"]
        kernel[0, 0] += 1 / 8


def description_changed(project: Path) -> None:
    path = project / "model" / "network.json"
    text = path.read_text()
    place = text.index('"name": "scores"')
    start = text.rindex("\n", 0, place) + 1
    line = text[start : text.index("\n", place)]
    layer = json.loads(line.rstrip(","))
    layer["bias"]["words"][0] += 1
    path.write_text(text.replace(line.rstrip(","), json.dumps(layer, sort_keys=True)))


def vectors_stale(project: Path) -> None:
    path = project / "vectors" / "out_sums.npy"
    words = np.load(path)
    words[7, 1] += 1
    np.save(path, words)


def vectors_text_stale(project: Path) -> None:
    path = project / "vectors" / "vectors.txt"
    lines = path.read_text().splitlines(keepends=True)
    lines[3], lines[4] = lines[4], lines[3]
    path.write_text("".join(lines))


HLS = (
    hls_weight_off_by_one_lsb, hls_rounds_otherwise, hls_truncates, hls_wraps_instead_of_saturating,
    hls_lost_a_quantiser, hls_swapped_outputs, hls_does_not_compile,
)  # fmt: skip
RTL = (
    rtl_swapped_input_elements, rtl_swapped_ports, rtl_stuck_bit, rtl_add_for_subtract, rtl_wrong_shift,
    rtl_narrow_port, rtl_does_not_compile,
)  # fmt: skip
TIMING = (
    rtl_missing_register, rtl_extra_register_on_data, rtl_extra_register_on_valid, rtl_extra_register_on_both,
    rtl_inverted_valid, rtl_reset_does_nothing, rtl_reset_misses_the_last_stage, rtl_skips_every_other_event,
    manifest_states_another_latency,
)  # fmt: skip
EMULATOR = (emulator_constant_changed, emulator_operation_changed)
MODEL = (model_weight_changed, description_changed)
VECTORS = (vectors_stale, vectors_text_stale)
