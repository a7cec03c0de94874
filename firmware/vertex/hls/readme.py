"""The README of a finder's HLS project."""

from __future__ import annotations

__all__ = ["README"]

README = """\
# Vertex finder `@top@` in HLS C++

| File | What |
|---|---|
| `firmware/@top@.h`, `.cpp` | top function: four stages in a dataflow |
| `firmware/fill_histogram.cpp`, `convolve.cpp`, `find_peak.cpp`, `associate.cpp` | the stages |
| `firmware/finder_parameters.h` | every size and type |
| `firmware/finder_tables.h` | from a track word to the features |
| `firmware/finder_networks.h` | the networks as functions of the finder's words |
| `firmware/networks/` | the networks as hls4ml writes them, each in a namespace of its own |
| `firmware/nnet_utils/`, `firmware/ap_types/` | hls4ml's library and the types that g++ needs |
| `@top@_test.cpp`, `finder_driver.h`, `tb_data/` | test bench, events, expected words |
| `build_prj.tcl`, `build_opt.tcl`, `project.tcl` | Vitis HLS: steps, part, clock |

The test bench without vendor tools, from this folder (exit code 0: every integer is as expected):

    bench=$(mktemp) && g++ -std=c++14 -O1 -w -I. -Ifirmware -Ifirmware/ap_types @top@_test.cpp \\
        firmware/*.cpp firmware/networks/*/*.cpp -o $bench && $bench

With Vitis HLS: `vitis-run --mode hls --tcl build_prj.tcl`, before 2023.2 `vitis_hls -f build_prj.tcl`.

An event takes the clocks of its longest lane to enter, and the histogram as many again as it has rows to be read out;
the stages overlap with those of the next event. What latency and interval a tool reaches is for its report to say.
"""
