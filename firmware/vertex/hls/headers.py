"""The C++ headers that are written from a finder's description: parameters, tables, calls of the networks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from firmware.hls.names import SafeNames
from firmware.network.fixed_point import FixedPoint
from firmware.vertex.finder import ASSOCIATION, DISTANCE, PATTERN, VALID, WEIGHT, Feature, VertexFinder
from firmware.vertex.hls.networks import ConvertedNetwork

__all__ = ["feature_names", "networks_header", "parameters_header", "tables_header"]

_TABLE_TYPES = ((8, "unsigned char"), (16, "unsigned short"), (32, "unsigned int"), (64, "unsigned long long"))
_TABLE_COLUMNS = 16


def feature_names(finder: VertexFinder) -> dict[str, str]:
    """C++ identifier of each feature."""
    names = SafeNames()
    return {feature.name: names.take(feature.name) for feature in finder.features}


def parameters_header(finder: VertexFinder, top: str) -> str:
    """``finder_parameters.h``: every size and every type."""
    z0, valid = finder.z0, finder.fields[VALID]
    sum_bits = max(finder.histogram.width, finder.weight_format.width) + finder.lanes.bit_length()
    half_bin = (1 << finder.bin_shift) >> 1
    numbers = {
        "LANES": (finder.lanes, "track words that enter in one clock"),
        "TRACKS_PER_LANE": (finder.tracks_per_lane, "tracks of an event that a lane keeps"),
        "TWO_EVENTS": (2 * finder.tracks_per_lane, "tracks that wait in a lane"),
        "BINS": (finder.bins, "of the histogram in z0"),
        "BINS_PER_CLOCK": (finder.bins_per_clock, "in a row"),
        "ROWS": (finder.rows, ""),
        "KERNEL_SIZE": (finder.kernel_size, "bins that the pattern sees"),
        "WINDOW": (finder.bins_per_clock + finder.kernel_size - 1, "bins that enter the pattern network"),
        "WORD_BITS": (finder.word_bits, "of a track word"),
        "VALID_BIT": (valid.offset, ""),
        "Z0_LOW": (z0.offset, "lowest bit of z0"),
        "Z0_BITS": (z0.width, ""),
        "BIN_BITS": (finder.bins.bit_length() - 1, ""),
        "BIN_SHIFT": (finder.bin_shift, "low bits of z0 inside a bin"),
        "DISTANCE_SHIFT": (finder.distance_shift, "low bits of the distance that are dropped"),
        "SUM_BITS": (sum_bits, "of weights before they saturate"),
        "PATTERN_BITS": (finder.pattern_format.width, ""),
        "ASSOCIATION_BITS": (finder.association_format.width, ""),
    }
    weight, pattern, association = finder.weight_format, finder.pattern_format, finder.association_format
    types = {
        "track_word_t": f"ap_uint<{finder.word_bits}>",
        "track_count_t": f"ap_uint<{finder.tracks_per_lane.bit_length()}>",
        "z0_t": f"ap_int<{z0.width}>",
        "bin_t": f"ap_uint<{finder.bins.bit_length() - 1}>",
        "histogram_word_t": f"ap_uint<{finder.histogram.width}>",
        "distance_word_t": f"ap_uint<{finder.distance_format.width}>",
        "weight_t": _value_type(weight),
        "weight_word_t": _word_type(weight),
        "pattern_t": _value_type(pattern),
        "pattern_word_t": _word_type(pattern),
        "association_t": _value_type(association),
        "association_word_t": _word_type(association),
    }
    names = feature_names(finder)
    lines = [
        *(_constant(name, value, comment) for name, (value, comment) in numbers.items()),
        f"static const int HALF_BIN = {half_bin};",
        "",
        *(f"typedef {text} {name};" for name, text in types.items()),
        "",
        "// What the networks know of a track.",
        "struct features_t {",
        *(f"    ap_uint<{feature.format.width}> {names[feature.name]};" for feature in finder.features),
        "};",
    ]
    return _header(top, "FINDER_PARAMETERS", ("ap_fixed.h", "ap_int.h"), lines)


def tables_header(finder: VertexFinder, top: str) -> str:
    """``finder_tables.h``: from a track word to the features."""
    names = feature_names(finder)
    body: list[str] = []
    for feature in finder.features:
        if feature.table is not None:
            body += _table(feature, f"{names[feature.name].upper()}_TABLE")
    steps = []
    for feature in finder.features:
        field = finder.fields[feature.field]
        read = "magnitude" if field.signed else "field"
        address = f"{read}<{field.offset}, {field.width}>(word)"
        if feature.shift:
            address += f" >> {feature.shift}"
        name = names[feature.name]
        value = address if feature.table is None else f"{name.upper()}_TABLE[{address}]"
        steps.append(f"    features.{name} = {value};")
    lines = [
        "inline features_t features_of(const track_word_t &word) {",
        "#pragma HLS INLINE",
        *(f"    {line}" for line in body),
        "    features_t features;",
        *steps,
        "    return features;",
        "}",
    ]
    return _header(top, "FINDER_TABLES", ("finder_words.h",), lines)


def networks_header(finder: VertexFinder, networks: Mapping[str, ConvertedNetwork], top: str) -> str:
    """``finder_networks.h``: the networks as functions of the finder's words."""
    features = {name: f"features.{identifier}" for name, identifier in feature_names(finder).items()}
    pattern = networks[PATTERN]
    lines = [
        "inline weight_word_t weight_of(const features_t &features) {",
        *_scalar_call(networks[WEIGHT], features, "weight_t"),
        "",
        "inline association_word_t association_of(const features_t &features, const distance_word_t &distance) {",
        *_scalar_call(networks[ASSOCIATION], {**features, DISTANCE: "distance"}, "association_t"),
        "",
        "inline void pattern_of(const histogram_word_t window[WINDOW], pattern_t pattern[BINS_PER_CLOCK]) {",
        "#pragma HLS INLINE",
        *_array(pattern, pattern.info.interface.inputs[0].argument, "input", "WINDOW"),
        *_array(pattern, pattern.info.interface.arguments[0], "output", "BINS_PER_CLOCK"),
        "    for (unsigned place = 0; place < WINDOW; place++) {",
        "#pragma HLS UNROLL",
        "        set_word(input[place], window[place]);",
        "    }",
        f"    {pattern.function}(input, output);",
        "    for (unsigned place = 0; place < BINS_PER_CLOCK; place++) {",
        "#pragma HLS UNROLL",
        "        pattern[place] = output[place];",
        "    }",
        "}",
    ]
    includes = ("finder_words.h", *(network.header for network in networks.values()))
    return _header(top, "FINDER_NETWORKS", includes, lines)


def _scalar_call(network: ConvertedNetwork, words: Mapping[str, str], result_type: str) -> list[str]:
    interface = network.info.interface
    lines = ["#pragma HLS INLINE"]
    for number, port in enumerate(interface.inputs):
        lines += _array(network, port.argument, f"input{number}", "1")
        lines.append(f"    set_word(input{number}[0], {words[port.name]}); // {port.name}")
    inputs = ", ".join(f"input{number}" for number in range(len(interface.inputs)))
    return [
        *lines,
        *_array(network, interface.arguments[0], "output", "1"),
        f"    {network.function}({inputs}, output);",
        f"    return word_of({result_type}(output[0]));",
        "}",
    ]


def _array(network: ConvertedNetwork, argument: str, name: str, size: str) -> list[str]:
    return [
        f"    {network.namespace}::{network.types[argument]} {name}[{size}];",
        f"#pragma HLS ARRAY_PARTITION variable={name} complete",
    ]


def _table(feature: Feature, name: str) -> list[str]:
    assert feature.table is not None
    kind = next(text for bits, text in _TABLE_TYPES if feature.format.width <= bits)
    suffix = "ull" if feature.format.width > 32 else "u" if feature.format.width > 16 else ""
    words = [f"{word}{suffix}" for word in np.asarray(feature.table).tolist()]
    rows = [", ".join(words[at : at + _TABLE_COLUMNS]) for at in range(0, len(words), _TABLE_COLUMNS)]
    return [f"static const {kind} {name}[{len(words)}] = {{", *(f"    {row}," for row in rows), "};"]


def _constant(name: str, value: int, comment: str) -> str:
    return f"static const unsigned {name} = {value};" + (f" // {comment}" if comment else "")


def _value_type(form: FixedPoint) -> str:
    return f"{'ap_fixed' if form.signed else 'ap_ufixed'}<{form.width}, {form.integer + int(form.signed)}>"


def _word_type(form: FixedPoint) -> str:
    return f"{'ap_int' if form.signed else 'ap_uint'}<{form.width}>"


def _header(top: str, guard: str, includes: Iterable[str], lines: Iterable[str]) -> str:
    guard = f"{top.upper()}_{guard}_H_"
    body = [f"#ifndef {guard}", f"#define {guard}", "", *(f'#include "{name}"' for name in includes)]
    body += ["", f"namespace {top}_parts {{", "", *lines, "", f"}} // namespace {top}_parts", "", "#endif"]
    return "\n".join(body) + "\n"
