"""The C++ between Python and a project's top function: integers in, integers out, a loop over events."""

from __future__ import annotations

from collections.abc import Iterable

from firmware.hls.ports import Interface

__all__ = ["bridge_source"]

_TEMPLATE = """\
#include "firmware/@top@.cpp"
#include "firmware/nnet_utils/nnet_helpers.h"

#include <cstdint>
#include <map>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

namespace nnet {
bool trace_enabled = false;
std::map<std::string, void *> *trace_outputs = nullptr;
size_t trace_type_size = sizeof(double);
} // namespace nnet

namespace {

template <class T> void set_word(T &value, int64_t word) { value.V = word; }
template <class T> int64_t get_word(const T &value) {
    auto copy = value;
    return static_cast<int64_t>(copy.V.to_int64());
}

// Argument of the top function: an array, or a stream of packs.
template <class Argument> struct Port;

template <class T> struct Port<T *> {
    using value_type = T;
    std::vector<T> values;
    explicit Port(size_t size) : values(size) {}
    T *argument() { return values.data(); }
    void load(const int64_t *words) {
        for (size_t i = 0; i < values.size(); i++)
            set_word(values[i], words[i]);
    }
    void store(int64_t *words) {
        for (size_t i = 0; i < values.size(); i++)
            words[i] = get_word(values[i]);
    }
};

template <class Pack> struct Port<hls::stream<Pack> &> {
    using value_type = typename Pack::value_type;
    size_t size;
    hls::stream<Pack> stream;
    explicit Port(size_t n) : size(n) {}
    hls::stream<Pack> &argument() { return stream; }
    void load(const int64_t *words) {
        for (size_t i = 0; i < size; i += Pack::size) {
            Pack pack;
            for (unsigned j = 0; j < Pack::size; j++)
                set_word(pack[j], words[i + j]);
            stream.write(pack);
        }
    }
    void store(int64_t *words) {
        for (size_t i = 0; i < size; i += Pack::size) {
            Pack pack = stream.read();
            for (unsigned j = 0; j < Pack::size; j++)
                words[i + j] = get_word(pack[j]);
        }
    }
};

template <class Function, size_t N> struct Argument;
template <class... Types, size_t N> struct Argument<void (*)(Types...), N> {
    using type = typename std::tuple_element<N, std::tuple<Types...>>::type;
};
template <size_t N> using PortOf = Port<typename Argument<decltype(&@top@), N>::type>;

template <class T> void describe(int *out) {
    out[0] = T::width;
    out[1] = T::width - T::iwidth;
    T ones;
    set_word(ones, -1);
    out[2] = get_word(ones) < 0;
}

} // namespace

#define EXPORT extern "C" __attribute__((visibility("default")))

// For each argument: width, fraction bits, signed.
EXPORT void csim_describe(int *out) {
@describe@}

static void run(size_t first, size_t last, const int64_t *const *inputs, int64_t *const *outputs) {
@ports@    for (size_t event = first; event < last; event++) {
@load@        @top@(@call@);
@store@    }
}

EXPORT void csim_run(size_t events, size_t threads, const int64_t *const *inputs, int64_t *const *outputs) {
    std::vector<std::thread> others;
    for (size_t i = 1; i < threads; i++)
        others.emplace_back(run, events * i / threads, events * (i + 1) / threads, inputs, outputs);
    run(0, events / threads, inputs, outputs);
    for (auto &other : others)
        other.join();
}

EXPORT void csim_trace(size_t events, const int64_t *const *inputs, int64_t *const *outputs, size_t layers,
                       const char *const *names, const size_t *sizes, double *const *values) {
    std::map<std::string, void *> places;
    nnet::trace_outputs = &places;
    nnet::trace_enabled = true;
    for (size_t event = 0; event < events; event++) {
        for (size_t layer = 0; layer < layers; layer++)
            places[names[layer]] = values[layer] + event * sizes[layer];
        run(event, event + 1, inputs, outputs);
    }
    nnet::trace_enabled = false;
    nnet::trace_outputs = nullptr;
}
"""


def bridge_source(interface: Interface) -> str:
    """C++ source of the bridge to a project.

    Port types are taken from the top function itself, when the source is compiled.
    """
    sizes_in = [_size(port.shape) for port in interface.inputs]
    by_argument = {port.argument: _size(port.shape) for port in interface.outputs}
    sizes_out = [by_argument[argument] for argument in interface.arguments]
    n_in = len(sizes_in)
    ports = range(n_in + len(sizes_out))
    fields = {
        "top": interface.top,
        "describe": _lines(4, (f"describe<PortOf<{i}>::value_type>(out + {3 * i});" for i in ports)),
        "ports": _lines(4, (f"PortOf<{i}> port{i}({size});" for i, size in enumerate(sizes_in + sizes_out))),
        "load": _lines(8, (f"port{i}.load(inputs[{i}] + event * {size});" for i, size in enumerate(sizes_in))),
        "call": ", ".join(f"port{i}.argument()" for i in ports),
        "store": _lines(
            8, (f"port{n_in + i}.store(outputs[{i}] + event * {size});" for i, size in enumerate(sizes_out))
        ),
    }
    source = _TEMPLATE
    for key, text in fields.items():
        source = source.replace(f"@{key}@", text)
    return source


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for length in shape:
        size *= length
    return size


def _lines(indent: int, lines: Iterable[str]) -> str:
    return "".join(f"{' ' * indent}{line}\n" for line in lines)
