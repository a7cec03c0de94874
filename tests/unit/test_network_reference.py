"""The reference evaluator against values worked out by hand or by plain loops."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import pytest

from firmware.errors import UserError
from firmware.network.fixed_point import FixedPoint
from firmware.network.layers import (
    Add,
    AveragePooling1D,
    AveragePooling2D,
    Concatenate,
    Conv1D,
    Conv2D,
    Dense,
    Flatten,
    GlobalAveragePooling1D,
    Input,
    Layer,
    MaxPooling1D,
    MaxPooling2D,
    Permute,
    Quantise,
    Relu,
    Reshape,
    Subtract,
    UpSampling1D,
)
from firmware.network.network import Network
from firmware.network.reference import Tensor, evaluate

BYTE = FixedPoint(8, 7, True)  # integers -128 to 127
NIBBLE = FixedPoint(4, 0, True)  # fraction 3


def _run(shape: tuple[int, ...], layers: Sequence[Layer], words: object, fmt: FixedPoint = BYTE) -> Tensor:
    network = Network("n", (Input(name="x", shape=shape, format=fmt), *layers), (layers[-1].name,))
    return evaluate(network, {"x": np.asarray(words)})[layers[-1].name]


def test_dense_aligns_the_bias() -> None:
    layer = Dense(
        name="d", source="x", units=2, kernel_format=NIBBLE, kernel=np.array([[1, -8], [7, 2]]),
        bias_format=FixedPoint(6, 0, True), bias=np.array([3, -32]),
    )  # fmt: skip
    result = _run((2,), [layer], [[5, -3], [0, 0]])
    # fraction 5 of the bias is finer than 0 + 3 of the products, which move left by 2
    assert result.fraction == 5
    np.testing.assert_array_equal(result.words, [[(5 - 21) * 4 + 3, (-40 - 6) * 4 - 32], [3, -32]])


def test_dense_with_a_coarse_bias() -> None:
    layer = Dense(
        name="d", source="x", units=1, kernel_format=NIBBLE, kernel=np.array([[1]]), bias_format=FixedPoint(3, 2, True),
        bias=np.array([-2]),
    )  # fmt: skip
    result = _run((1,), [layer], [[5]])
    assert (result.fraction, result.words.item()) == (3, 5 - 2 * 8)


def test_relu_and_quantise_round_half_to_even_and_saturate() -> None:
    half = FixedPoint(8, 6, True)  # fraction 1
    words = [[-3, -1, 1, 3, 5, 127, -128]]
    relu = _run((7,), [Relu(name="r", source="x", format=FixedPoint(3, 3, False))], words, half)
    np.testing.assert_array_equal(relu.words, [[0, 0, 0, 2, 2, 7, 0]])
    quantised = _run((7,), [Quantise(name="q", source="x", format=FixedPoint(3, 2, True))], words, half)
    np.testing.assert_array_equal(quantised.words, [[-2, 0, 0, 2, 2, 3, -4]])
    binary = _run((7,), [Quantise(name="q", source="x", format=FixedPoint.binary_format())], words, half)
    np.testing.assert_array_equal(binary.words, [[-1, -1, 1, 1, 1, 1, -1]])


def _slow_windows(length: int, size: int, stride: int, padding: str) -> list[list[int]]:
    """Positions of each window; those outside are padding."""
    if padding == "valid":
        return [list(range(start, start + size)) for start in range(0, length - size + 1, stride)]
    count = -(-length // stride)
    before = max((count - 1) * stride + size - length, 0) // 2
    return [list(range(i * stride - before, i * stride - before + size)) for i in range(count)]


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(
    ("length", "size", "stride"), [(5, 3, 1), (5, 2, 2), (6, 4, 1), (7, 3, 2), (4, 4, 3), (3, 1, 2)]
)
def test_conv1d_and_max_pooling_equal_plain_loops(length: int, size: int, stride: int, padding: str) -> None:
    rng = np.random.default_rng(0)
    words = rng.integers(-128, 128, (3, length, 2))
    kernel = rng.integers(-8, 8, (size, 2, 4))
    places = _slow_windows(length, size, stride, padding)
    conv = Conv1D(
        name="c", source="x", filters=4, kernel_size=size, strides=stride, padding=padding, kernel_format=NIBBLE,
        kernel=kernel,
    )  # fmt: skip
    expected = np.zeros((3, len(places), 4), np.int64)
    largest = np.full((3, len(places), 2), -(10**9))
    for out, window in enumerate(places):
        for tap, place in enumerate(window):
            if 0 <= place < length:
                expected[:, out] += words[:, place] @ kernel[tap]
                largest[:, out] = np.maximum(largest[:, out], words[:, place])
    np.testing.assert_array_equal(_run((length, 2), [conv], words).words, expected)
    pool = MaxPooling1D(name="p", source="x", pool_size=size, strides=stride, padding=padding)
    np.testing.assert_array_equal(_run((length, 2), [pool], words).words, largest)


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_conv2d_and_max_pooling_equal_plain_loops(padding: str) -> None:
    rng = np.random.default_rng(1)
    words = rng.integers(-128, 128, (2, 5, 4, 3))
    kernel = rng.integers(-8, 8, (2, 3, 3, 2))
    rows, columns = _slow_windows(5, 2, 2, padding), _slow_windows(4, 3, 1, padding)
    expected = np.zeros((2, len(rows), len(columns), 2), np.int64)
    largest = np.full((2, len(rows), len(columns), 3), -(10**9))
    for (i, window), (j, other) in product(enumerate(rows), enumerate(columns)):
        for (k, row), (m, column) in product(enumerate(window), enumerate(other)):
            if 0 <= row < 5 and 0 <= column < 4:
                expected[:, i, j] += words[:, row, column] @ kernel[k, m]
                largest[:, i, j] = np.maximum(largest[:, i, j], words[:, row, column])
    conv = Conv2D(
        name="c", source="x", filters=2, kernel_size=(2, 3), strides=(2, 1), padding=padding, kernel_format=NIBBLE,
        kernel=kernel,
    )  # fmt: skip
    np.testing.assert_array_equal(_run((5, 4, 3), [conv], words).words, expected)
    pool = MaxPooling2D(name="p", source="x", pool_size=(2, 3), strides=(2, 1), padding=padding)
    np.testing.assert_array_equal(_run((5, 4, 3), [pool], words).words, largest)


def test_averages_gain_fraction_bits() -> None:
    words = [[[1, -2], [2, 4], [3, 5], [5, 7]]]
    mean = _run((4, 2), [GlobalAveragePooling1D(name="m", source="x")], words)
    assert mean.fraction == 2
    np.testing.assert_array_equal(mean.words, [[11, 14]])
    pool = _run((4, 2), [AveragePooling1D(name="m", source="x", pool_size=2, strides=2)], words)
    assert pool.fraction == 1
    np.testing.assert_array_equal(pool.words, [[[3, 2], [8, 12]]])
    square = AveragePooling2D(name="m", source="x", pool_size=(2, 2), strides=(1, 1))
    flat = _run((2, 3, 1), [square], [[[[1], [2], [3]], [[4], [5], [6]]]])
    assert flat.fraction == 2
    np.testing.assert_array_equal(flat.words.ravel(), [12, 16])


def test_shapes_and_merges() -> None:
    words = np.arange(6).reshape(1, 3, 2)
    permuted = _run((3, 2), [Permute(name="p", source="x", dims=(2, 1))], words)
    np.testing.assert_array_equal(permuted.words[0], [[0, 2, 4], [1, 3, 5]])
    reshaped = _run((3, 2), [Reshape(name="p", source="x", target_shape=(2, 3))], words)
    np.testing.assert_array_equal(reshaped.words[0], [[0, 1, 2], [3, 4, 5]])
    repeated = _run((3, 2), [UpSampling1D(name="u", source="x", size=2)], words)
    np.testing.assert_array_equal(repeated.words[0, :, 0], [0, 0, 2, 2, 4, 4])
    flat = _run((3, 2), [Flatten(name="f", source="x")], words)
    np.testing.assert_array_equal(flat.words, [np.arange(6)])
    coarse = Quantise(name="q", source="x", format=FixedPoint(3, 3, True))  # fraction -1
    both = _run((3, 2), [coarse, Concatenate(name="c", sources=("q", "x"), axis=0)], words)
    np.testing.assert_array_equal(both.words[0, :, 1], [0, 4, 4, 1, 3, 5])  # 1/2 goes to 0, 3/2 and 5/2 to 2
    summed = _run((3, 2), [coarse, Add(name="a", sources=("x", "q", "x"))], words)
    np.testing.assert_array_equal(summed.words[0, :, 1], [2, 10, 14])
    rest = _run((3, 2), [coarse, Subtract(name="s", sources=("x", "q"))], words)
    np.testing.assert_array_equal(rest.words[0, :, 1], [1, -1, 1])


def test_events_in_blocks_keep_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = Dense(name="d", source="x", units=1, kernel_format=NIBBLE, kernel=np.array([[3]]))
    words = np.arange(-100, 100)[:, np.newaxis]
    whole = _run((1,), [layer], words).words
    monkeypatch.setattr("firmware.network.reference._BLOCK_VALUES", 7)
    np.testing.assert_array_equal(_run((1,), [layer], words).words, whole)
    assert _run((1,), [layer], words[:0]).words.shape == (0, 1)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"y": np.zeros((1, 2), int)}, "must be for"),
        ({"x": np.zeros((1, 3), int)}, "must have shape"),
        ({"x": np.zeros((1, 2))}, "must be integers"),
        ({"x": np.full((1, 2), 128)}, "-128 to 127"),
    ],
)
def test_wrong_words_are_refused(words: dict[str, np.ndarray], message: str) -> None:
    network = Network("n", (Input(name="x", shape=(2,), format=BYTE), Flatten(name="f", source="x")), ("f",))
    with pytest.raises(UserError, match=message):
        evaluate(network, words)


def test_unequal_numbers_of_events_are_refused() -> None:
    layers = (
        Input(name="x", shape=(1,), format=BYTE), Input(name="y", shape=(1,), format=BYTE),
        Add(name="a", sources=("x", "y")),
    )  # fmt: skip
    with pytest.raises(UserError, match="one number of events"):
        evaluate(Network("n", layers, ("a",)), {"x": np.zeros((1, 1), int), "y": np.zeros((2, 1), int)})


def test_missing_weights_are_refused() -> None:
    with pytest.raises(UserError, match="must have its weights"):
        _run((1,), [Dense(name="d", source="x", units=1, kernel_format=NIBBLE)], [[1]])


def test_sums_that_leave_int64_are_refused_not_wrapped() -> None:
    wide = FixedPoint(40, 39, True)
    layer = Dense(name="d", source="x", units=1, kernel_format=wide, kernel=np.array([[2**38]]))
    with pytest.raises(UserError, match="62 bits"):
        _run((1,), [layer], [[2**38]], wide)
    far = [Quantise(name="q", source="x", format=FixedPoint(2, -60, True)), Add(name="a", sources=("x", "q"))]
    with pytest.raises(UserError, match="62 bits"):
        _run((1,), far, [[100]])


@pytest.mark.parametrize(
    "layer",
    [
        GlobalAveragePooling1D(name="m", source="x"),
        AveragePooling1D(name="m", source="x", pool_size=3, strides=3),
        AveragePooling1D(name="m", source="x", pool_size=2, strides=2, padding="same"),
    ],
    ids=["global over 3", "pool of 3", "padded"],
)
def test_inexact_averages_are_refused(layer: Layer) -> None:
    with pytest.raises(UserError, match=r"'m'.* must"):
        _run((3, 2), [layer], np.zeros((1, 3, 2), int))


LAYER: dict[str, Any] = {"name": "d", "source": "x", "units": 1, "kernel_format": NIBBLE}


def _input(**changes: object) -> Input:
    return Input(**{"name": "x", "shape": (4,), "format": BYTE, **changes})  # type: ignore[arg-type]  # wrong types on purpose


@pytest.mark.parametrize(
    ("layers", "outputs", "message"),
    [
        ((_input(), Flatten(name="x", source="x")), ("x",), "used once"),
        ((_input(), Flatten(name="f", source="z")), ("f",), "earlier layer"),
        ((_input(), Flatten(name="f", source="x")), ("z",), "one of its layers"),
        ((_input(),), ("x",), "not be an input"),
        ((_input(), Flatten(name="f", source="x")), ("f", "f"), "each be a layer"),
        ((_input(), Flatten(name="f", source="x")), (), "at least one"),
        ((_input(shape=(2, 2)), Dense(name="d", source="x", units=1, kernel_format=NIBBLE)), ("d",), "kernel_size=1"),
        (
            (_input(), Dense(name="d", source="x", units=1, kernel_format=NIBBLE, kernel=np.zeros((3, 1), int))),
            ("d",),
            r"shape \(4, 1\)",
        ),
        ((_input(), Reshape(name="r", source="x", target_shape=(3,))), ("r",), "4 values"),
        ((_input(), Dense(**LAYER, kernel=np.full((4, 1), 8))), ("d",), r"its format \(-8 to 7\), not 8"),
        ((_input(), Dense(**LAYER, kernel=np.zeros((4, 1)))), ("d",), "words"),
        ((_input(), Dense(**LAYER, bias=np.zeros(1, int))), ("d",), "must have a format"),
        ((_input(), Concatenate(name="c", sources=("x", "x"), axis=1)), ("c",), "-1 to 0"),
        ((_input(shape=(2, 2)), Permute(name="r", source="x", dims=(1, 1))), ("r",), "order the axes"),
        ((_input(shape=(2, 2)), MaxPooling1D(name="r", source="x", pool_size=3, strides=1)), ("r",), "must fit"),
        ((_input(), _input(name="y", shape=(3,)), Add(name="a", sources=("x", "y"))), ("a",), "one shape"),
        (
            (_input(), _input(name="y"), _input(name="z"), Subtract(name="a", sources=("x", "y", "z"))),
            ("a",),
            "2 inputs",
        ),
    ],
)
def test_impossible_networks_are_refused(layers: tuple[Layer, ...], outputs: tuple[str, ...], message: str) -> None:
    with pytest.raises(UserError, match=message):
        Network("n", layers, outputs)


def test_a_binary_input_and_a_signed_relu_are_refused() -> None:
    with pytest.raises(UserError, match="-1 and"):
        _input(format=FixedPoint.binary_format())
    with pytest.raises(UserError, match="unsigned"):
        Relu(name="r", source="x", format=BYTE)
