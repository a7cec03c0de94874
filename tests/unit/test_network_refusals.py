"""Every model that firmware cannot compute exactly is refused, and the message says what to do."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from firmware.errors import UserError
from firmware.network.keras2 import import_keras, import_qkeras
from firmware.network.qkeras_io import from_qkeras

pytestmark = [
    pytest.mark.filterwarnings("ignore:The initializer .* is unseeded:UserWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # pyparsing, called by QKeras under its old names
]


class _Late:
    """A module that is imported at the first use, so that collecting tests stays fast."""

    def __init__(self, load: Callable[[], Any]) -> None:
        self._load = load

    def __getattr__(self, name: str) -> Any:
        return getattr(self._load(), name)


Q: Any = _Late(import_qkeras)
KERAS: Any = _Late(import_keras)
L: Any = _Late(lambda: import_keras().layers)


def _bits(**changes: Any) -> Any:
    return Q.quantized_bits(**{"bits": 4, "integer": 0, "alpha": 1, **changes})


def _qdense(**changes: Any) -> Any:
    return Q.QDense(**{"units": 2, "kernel_quantizer": _bits(), "bias_quantizer": _bits(), "name": "d", **changes})


def _conv1d(**changes: Any) -> Any:
    arguments = {"filters": 2, "kernel_size": 1, "kernel_quantizer": _bits(), "bias_quantizer": _bits(), "name": "d"}
    return Q.QConv1D(**{**arguments, **changes})


def _model(*layers: Any, shape: tuple[int | None, ...] = (4,), quantiser: Any = None) -> Any:
    entry = KERAS.Input(shape, name="x")
    value = Q.QActivation(quantiser or _bits(), name="qx")(entry)
    for layer in layers:
        value = layer(value)
    return KERAS.Model(entry, value)


def _act(quantiser: Any) -> Any:
    return Q.QActivation(quantiser, name="act")


def _relu(**changes: Any) -> Any:
    return _act(Q.quantized_relu(**{"bits": 4, "integer": 1, **changes}))


def _unquantised() -> Any:
    entry = KERAS.Input((4,), name="x")
    return KERAS.Model(entry, _qdense()(entry))


def _quantised_late() -> Any:
    entry = KERAS.Input((4,), name="x")
    return KERAS.Model(entry, Q.QActivation(_bits(), name="qx")(L.Dropout(0.1)(entry)))


def _quantised_twice() -> Any:
    entry = KERAS.Input((4,), name="x")
    first, second = (Q.QActivation(_bits(), name=name)(entry) for name in ("qa", "qb"))
    return KERAS.Model(entry, L.Add(name="sum")([first, second]))


def _input_as_output() -> Any:
    entry = KERAS.Input((4,), name="x")
    value = Q.QActivation(_bits(), name="qx")(entry)
    return KERAS.Model(entry, [_qdense()(value), entry])


def _shared() -> Any:
    entry = KERAS.Input((4,), name="x")
    layer = _qdense(units=4)
    return KERAS.Model(entry, layer(layer(Q.QActivation(_bits(), name="qx")(entry))))


def _nested() -> Any:
    inner = KERAS.Sequential([KERAS.Input((4,)), _qdense()], name="inner")
    return _model(inner)


def _with_nan() -> Any:
    model = _model(_qdense())
    model.get_layer("d").set_weights([np.full((4, 2), np.nan), np.zeros(2)])
    return model


def _subclassed() -> Any:
    class Own(KERAS.Model):  # type: ignore[misc]  # its base has no types
        def call(self, inputs: Any) -> Any:
            return inputs

    return Own(name="own")


REFUSED: list[tuple[Callable[[], Any], str]] = [
    (lambda: "a string", "must be a tf_keras"),
    (_subclassed, "not subclassed"),
    (lambda: KERAS.Sequential([_qdense()], name="late"), "known input shape"),
    (_unquantised, "'x' must be quantised.*right behind the input"),
    (_quantised_late, "'x' must be followed by its quantiser"),
    (_quantised_twice, "one quantiser, not 'qa' and 'qb'"),
    (_input_as_output, "must be computed"),
    (_shared, "'d' must be called once"),
    (_nested, "'inner' must not be a model within the model"),
    (_with_nan, "must be finite"),
    (lambda: _model(_qdense(), quantiser=_bits(bits=1)), "-1 and"),
    (lambda: _model(_conv1d(), shape=(None, 2)), "must be fixed"),
    (lambda: _model(L.Dense(2, name="d")), "use QDense with kernel_quantizer"),
    (lambda: _model(L.Conv1D(2, 1, name="d"), shape=(4, 2)), "use QConv1D"),
    (lambda: _model(L.BatchNormalization(name="b")), "fold it"),
    (lambda: _model(L.Softmax(name="s")), "logits"),
    (lambda: _model(L.Activation("softmax", name="s")), "logits"),
    (lambda: _model(L.Activation("sigmoid", name="s")), "logits"),
    (lambda: _model(L.Activation("relu", name="s")), "quantized_relu"),
    (lambda: _model(L.ReLU(name="s")), "quantized_relu"),
    (lambda: _model(L.RepeatVector(2, name="s")), "supported kinds.*not RepeatVector"),
    (lambda: _model(L.Lambda(lambda x: x, name="s")), "not Lambda"),
    (lambda: _model(_qdense(activation="softmax")), "'d_function'|logits"),
    (lambda: _model(_qdense(kernel_quantizer=None)), "kernel of 'd' must have a quantiser"),
    (lambda: _model(_qdense(bias_quantizer=None)), "bias of 'd' must have a quantiser"),
    (lambda: _model(_qdense(kernel_quantizer=_bits(alpha="auto"))), "alpha of kernel of 'd' must be 1, not 'auto'"),
    (lambda: _model(_qdense(kernel_quantizer=_bits(alpha="auto_po2"))), "alpha .* must be 1"),
    (lambda: _model(_qdense(kernel_quantizer=_bits(alpha=None))), "learnt scale"),
    (lambda: _model(_qdense(kernel_quantizer=_bits(alpha=0.5))), "alpha .* must be 1"),
    (lambda: _model(_qdense(kernel_quantizer=Q.binary())), r"quantized_bits\(1, 0, alpha=1\)"),
    (lambda: _model(_qdense(kernel_quantizer=Q.ternary())), "quantised by quantized_bits, not ternary"),
    (lambda: _model(_qdense(kernel_quantizer=Q.quantized_po2(4))), "not quantized_po2"),
    (lambda: _model(_act(_bits(bits=30))), "bits of layer 'act' must be"),
    (lambda: _model(_act(_bits(use_stochastic_rounding=True))), "use_stochastic_rounding"),
    (lambda: _model(_act(_bits(qnoise_factor=0.5))), "qnoise_factor"),
    (lambda: _model(_act(Q.quantized_tanh(4))), "logits"),
    (lambda: _model(_act("hard_tanh")), "must be quantized_bits or quantized_relu"),
    (lambda: _model(_relu(negative_slope=0.25)), "negative_slope"),
    (lambda: _model(_relu(use_sigmoid=1)), "use_sigmoid"),
    (lambda: _model(_relu(relu_upper_bound=1.5)), "relu_upper_bound"),
    (lambda: _model(_relu(is_quantized_clip=False)), "is_quantized_clip"),
    (lambda: _model(_relu(use_stochastic_rounding=True)), "use_stochastic_rounding"),
    (lambda: _model(_conv1d(dilation_rate=2), shape=(4, 2)), "dilation_rate"),
    (lambda: _model(_conv1d(padding="causal"), shape=(4, 2)), "valid or same, not causal"),
    (lambda: _model(L.GlobalAveragePooling1D(data_format="channels_first", name="g"), shape=(4, 2)), "channels_last"),
    (lambda: _model(L.GlobalAveragePooling1D(keepdims=True, name="g"), shape=(4, 2)), "keepdims"),
    (lambda: _model(_qdense(), shape=(4, 2)), "kernel_size=1"),
    (lambda: _model(_qdense(name="perm")), "'perm'"),
    (lambda: _model(_qdense(name="wire")), "Verilog keyword"),
    (lambda: _model(_qdense(name="a.b")), "letters, digits"),
]


@pytest.mark.parametrize(("build", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_refused_with_advice(build: Callable[[], Any], message: str) -> None:
    model = build()
    with pytest.raises(UserError, match=message) as caught:
        from_qkeras(model)
    text = str(caught.value)
    assert "must" in text
    assert "\n" not in text


def test_negative_integer_bits_are_refused_though_keras_never_ran_them() -> None:
    # QKeras fails when it computes; the reader must say why before that
    layer = _qdense()
    model = _model(layer)
    layer.kernel_quantizer_internal.integer = -1
    with pytest.raises(UserError, match="integer of kernel of 'd' must be"):
        from_qkeras(model)


def test_a_misread_kernel_is_seen() -> None:
    layer = _qdense()
    model = _model(layer)
    layer.set_weights([np.full((4, 2), 0.5), np.zeros(2)])

    class Doubled(Q.quantized_bits):  # type: ignore[misc]  # its base has no types
        def __call__(self, x: Any) -> Any:
            return 2 * super().__call__(x)

    Doubled.__name__ = "quantized_bits"
    layer.kernel_quantizer_internal = Doubled(4, 0, alpha=1)
    with pytest.raises(UserError, match="must quantise to what"):
        from_qkeras(model)


def test_tensorflow_on_keras_3_is_refused() -> None:
    program = (
        "import sys, types; sys.modules['tensorflow'] = types.ModuleType('tensorflow')\n"
        "from firmware.network.keras2 import import_keras\n"
        "try: import_keras()\n"
        "except ValueError as error: print(error)\n"
    )
    environment = {key: value for key, value in os.environ.items() if key != "TF_USE_LEGACY_KERAS"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=True)
    assert "TF_USE_LEGACY_KERAS must be 1" in done.stdout
