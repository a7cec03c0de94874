"""What write_hls writes: repeatable, complete, typed as asked; and what it refuses. Nothing is compiled here."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from firmware.errors import UserError
from firmware.hls import convert as convert_module
from firmware.hls import read_interface, write_hls, write_test_vectors
from firmware.hls.check import LostExactnessError, check_graph
from firmware.hls.keras_swap import legacy_keras
from firmware.hls.names import SafeNames
from firmware.hls.precisions import layer_types
from firmware.network.fixed_point import FixedPoint
from firmware.network.intervals import exact_formats
from firmware.network.keras2 import import_keras
from firmware.network.layers import AveragePooling1D, Conv1D, Dense, Input, MaxPooling1D, Quantise, Relu
from firmware.network.network import Network
from firmware.network.qkeras_io import to_qkeras
from firmware.settings import FirmwareSettings


def small_network() -> Network:
    weights = FixedPoint.from_quantized_bits(6, 0)
    rng = np.random.default_rng(0)
    return Network(
        "small",
        (
            Input(name="x", shape=(4,), format=FixedPoint(5, 1, False)),
            Dense(
                name="d", source="x", units=3, kernel_format=weights, bias_format=weights,
                kernel=rng.integers(-32, 32, (4, 3)), bias=rng.integers(-32, 32, 3),
            ),
            Relu(name="r", source="d", format=FixedPoint.from_quantized_relu(4, 1)),
        ),
        ("r",),
    )  # fmt: skip


def steps_network(layer: object) -> Network:
    return Network("steps", (Input(name="x", shape=(6, 2), format=FixedPoint(4, 2, False)), layer), (layer.name,))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    network = small_network()
    folder = tmp_path_factory.mktemp("one") / "hls"
    write_hls(to_qkeras(network), network, folder, FirmwareSettings())
    return folder


@pytest.mark.parametrize("found", ["something", None])
def test_keras_is_swapped_and_put_back(found: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if found is None:
        monkeypatch.delitem(sys.modules, "keras", raising=False)
    else:
        monkeypatch.setitem(sys.modules, "keras", found)
    with legacy_keras():
        assert sys.modules["keras"] is import_keras()
    assert sys.modules.get("keras") == found
    with pytest.raises(RuntimeError, match="inside"), legacy_keras():
        raise RuntimeError("inside")
    assert sys.modules.get("keras") == found


def test_project_is_complete(project: Path) -> None:
    files = set(contents(project))
    expected = {
        "build_lib.sh", "build_opt.tcl", "build_prj.tcl", "project.tcl", "hls4ml_config.yml", "interface.json",
        "trigger_net_bridge.cpp", "trigger_net_test.cpp", "firmware/trigger_net.cpp", "firmware/trigger_net.h",
        "firmware/defines.h", "firmware/parameters.h", "firmware/ap_types/ap_fixed.h",
        "firmware/nnet_utils/nnet_dense.h", "firmware/weights/w3.h", "firmware/weights/b3.h",
    }  # fmt: skip
    assert expected <= files
    assert not [name for name in files if name.endswith((".tar.gz", ".keras", ".so", ".txt"))]


def test_rerun_elsewhere_gives_the_same_bytes(project: Path, tmp_path: Path) -> None:
    network = small_network()
    other = tmp_path / "deeper" / "elsewhere"
    write_hls(to_qkeras(network), network, other, FirmwareSettings())
    assert contents(other) == contents(project)
    assert [path.name for path in other.parent.iterdir()] == ["elsewhere"]


def test_no_path_host_or_date(project: Path) -> None:
    own = [name for name in contents(project) if "/ap_types/" not in name and "/nnet_utils/" not in name]
    for name in own:
        text = (project / name).read_text()
        for forbidden in (str(project.parent), os.path.expanduser("~") + "/", os.uname().nodename):
            assert forbidden not in text, name
        assert not re.search(r"20\d\d-\d\d-\d\d", text), name


def test_types_follow_exact_ranges(project: Path) -> None:
    network = small_network()
    types = layer_types(network, exact_formats(network))
    text = (project / "firmware" / "defines.h").read_text()
    assert "typedef ap_ufixed<5,1> input_t;" in text
    assert "typedef ap_fixed<6,1> d_weight_t;" in text
    assert f"typedef {types['d'].result} layer3_t;" in text
    assert f"typedef {types['r'].result} result_t;" in text
    assert types["r"].result == "ap_ufixed<4,1,AP_RND_CONV,AP_SAT,0>"
    # 4 inputs of at most 31 * 2**-4 and weights of at most 32 * 2**-5, summed by hand.
    dense = network.layer("d")
    assert isinstance(dense, Dense)
    assert dense.kernel is not None
    assert dense.bias is not None
    highest = (np.maximum(dense.kernel, 0).sum(axis=0) * 31 + (dense.bias << 4)).max()
    assert types["d"].result_format.fraction == 9
    lowest = (np.minimum(dense.kernel, 0).sum(axis=0) * 31 + (dense.bias << 4)).min()
    form = types["d"].result_format
    assert form.highest >= max(highest, -lowest - 1) > form.highest // 2


def test_settings_arrive(tmp_path: Path) -> None:
    network = small_network()
    settings = FirmwareSettings(part="xcvu9p-flga2577-2-e", clock_period_ns=4.0, strategy="Resource", reuse_factor=4)
    info = write_hls(to_qkeras(network), network, tmp_path / "hls", settings, name="other_top")
    script = (tmp_path / "hls" / "project.tcl").read_text()
    assert 'set part "xcvu9p-flga2577-2-e"' in script
    assert "set clock_period 4.0" in script
    assert info.reuse_factors == {"d": 4}
    assert "reuse_factor = 4" in (tmp_path / "hls" / "firmware" / "parameters.h").read_text()
    assert read_interface(tmp_path / "hls").top == "other_top"


def test_a_reuse_factor_that_hls4ml_would_change_is_refused(tmp_path: Path) -> None:
    network = small_network()
    model = to_qkeras(network)
    with pytest.raises(UserError, match=r"reuse_factor for 'd' .* not 3; valid: 1, 2, 4, 12"):
        write_hls(model, network, tmp_path / "hls", FirmwareSettings(strategy="Resource", reuse_factor=3))
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UserError, match="not 'nothing'"):
        write_hls(model, network, tmp_path / "hls", FirmwareSettings(reuse_factor={"nothing": 1}))


def test_a_reuse_factor_that_hls4ml_forgets_to_check_is_refused(tmp_path: Path) -> None:
    weights = FixedPoint.from_quantized_bits(3, 0)
    layer = Conv1D(
        name="point", source="x", filters=4, kernel_size=1, kernel_format=weights, kernel=np.ones((1, 3, 4), np.int64)
    )
    network = Network("n", (Input(name="x", shape=(5, 3), format=FixedPoint(4, 2, False)), layer), ("point",))
    with pytest.raises(UserError, match=r"'point' .* not 2; valid: 1, 3"):
        write_hls(to_qkeras(network), network, tmp_path / "h", FirmwareSettings(strategy="Resource", reuse_factor=2))


@pytest.mark.parametrize("name", ["9lives", "a-b", "", "_x"])
def test_name_of_the_top_function(name: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="identifier"):
        write_hls(None, small_network(), tmp_path / "hls", FirmwareSettings(), name=name)


def test_full_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(UserError, match="new or empty"):
        write_hls(None, small_network(), tmp_path, FirmwareSettings())
    assert (tmp_path / "mine").read_text() == "precious"


def test_distributed_arithmetic_needs_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convert_module.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="da4ml"):
        write_hls(None, small_network(), tmp_path / "h", FirmwareSettings(strategy="distributed_arithmetic"))


def test_streams_cannot_pad_a_pooling(tmp_path: Path) -> None:
    network = steps_network(MaxPooling1D(name="p", source="x", pool_size=4, strides=4, padding="same"))
    with pytest.raises(UserError, match="io_stream"):
        write_hls(to_qkeras(network), network, tmp_path / "hls", FirmwareSettings(io_type="io_stream"))


def test_mean_over_three_values_is_refused() -> None:
    network = steps_network(AveragePooling1D(name="p", source="x", pool_size=3, strides=3))
    ranges = exact_formats(steps_network(AveragePooling1D(name="p", source="x", pool_size=2, strides=2)))
    with pytest.raises(UserError, match="power"):
        layer_types(network, ranges)


def test_model_and_description_must_be_of_one_kind(tmp_path: Path) -> None:
    network = small_network()
    renamed = Network(
        "other", (network.layers[0], Quantise(name="q", source="x", format=FixedPoint(3, 1, True))), ("q",)
    )
    with pytest.raises(UserError, match="description"):
        write_hls(to_qkeras(network), renamed, tmp_path / "hls", FirmwareSettings())


def test_changed_type_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard against hls4ml's silent changes, shown a change."""
    network = small_network()

    def spoiled(graph: object, wanted: dict) -> None:
        graph.graph["r"].get_output_variable().type.precision.rounding_mode = "RND"
        check_graph(graph, wanted)

    monkeypatch.setattr(convert_module, "check_graph", spoiled)
    with pytest.raises(LostExactnessError, match="result type of 'r'"):
        write_hls(to_qkeras(network), network, tmp_path / "hls", FirmwareSettings())


def test_dropped_layer_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = small_network()

    def spoiled(graph: object, wanted: dict) -> None:
        del graph.graph["r"]
        check_graph(graph, wanted)

    monkeypatch.setattr(convert_module, "check_graph", spoiled)
    with pytest.raises(LostExactnessError, match="dropped the layer 'r'"):
        write_hls(to_qkeras(network), network, tmp_path / "hls", FirmwareSettings())


def test_safe_names() -> None:
    names = SafeNames()
    assert [names.take(name) for name in ("dense", "perm", "w2", "a-b", "Dense", "3d", "layer4_out")] == [
        "dense", "perm_node", "w2_node", "a_b", "Dense_2", "node_3d", "layer4_out_node",
    ]  # fmt: skip


def test_test_bench_data_is_exact_decimal(project: Path, tmp_path: Path) -> None:
    import shutil

    folder = tmp_path / "hls"
    shutil.copytree(project, folder)
    inputs = {"x": np.array([[0, 1, 31, 16], [2, 3, 4, 5]])}
    write_test_vectors(folder, inputs, {"r": np.array([[0, 1, 15], [8, 7, 6]])})
    assert (folder / "tb_data" / "tb_input_features.dat").read_text() == (
        "0 0.0625 1.9375 1\n0.125 0.1875 0.25 0.3125\n"
    )
    assert (folder / "tb_data" / "tb_output_predictions.dat").read_text() == "0 0.125 1.875\n1 0.875 0.75\n"
    with pytest.raises(UserError, match="'r'"):
        write_test_vectors(folder, inputs, {"r": np.array([[0, 1]])})


def test_interface_must_be_there(project: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"interface\.json"):
        read_interface(tmp_path)
    (tmp_path / "interface.json").write_text('{"schema": 99}')
    with pytest.raises(UserError, match="schema"):
        read_interface(tmp_path)
    port = read_interface(project).outputs[0]
    assert (port.name, port.format) == ("r", exact_formats(small_network())["r"].format)
