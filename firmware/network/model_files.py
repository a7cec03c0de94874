"""What a model file would build, read without building it: model files are data."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import h5py

from firmware.errors import UserError

__all__ = ["QUANTISERS", "check_model_file"]

QUANTISERS = (
    "quantized_bits", "quantized_relu", "quantized_tanh", "quantized_sigmoid", "quantized_po2", "quantized_relu_po2",
    "quantized_ulaw", "quantized_hswish", "bernoulli", "binary", "ternary", "stochastic_binary", "stochastic_ternary",
)  # fmt: skip
_ACTIVATIONS = (
    "linear", "relu", "relu6", "softmax", "sigmoid", "tanh", "hard_sigmoid", "elu", "selu", "gelu", "swish",
    "softplus", "softsign", "exponential", "leaky_relu", "hard_tanh", "smooth_sigmoid", "smooth_tanh",
    "binary_sigmoid", "binary_tanh",
)  # fmt: skip
_MODELS = ("Functional", "Sequential", "Model")
_LAYERS = (
    "Activation", "Add", "AveragePooling1D", "AveragePooling2D", "BatchNormalization", "Concatenate", "Conv1D",
    "Conv2D", "Dense", "DepthwiseConv2D", "Dot", "Dropout", "Flatten", "GaussianDropout", "GaussianNoise",
    "GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalMaxPooling1D", "GlobalMaxPooling2D", "InputLayer",
    "LayerNormalization", "LeakyReLU", "MaxPooling1D", "MaxPooling2D", "Multiply", "Permute", "PruneLowMagnitude",
    "QActivation", "QBatchNormalization", "QConv1D", "QConv2D", "QDense", "QDepthwiseConv2D", "ReLU", "RepeatVector",
    "Reshape", "Softmax", "SpatialDropout1D", "SpatialDropout2D", "Subtract", "UpSampling1D", "UpSampling2D",
    "ZeroPadding1D", "ZeroPadding2D",
)  # fmt: skip
_PARTS = (
    "Clip", "Constant", "ConstantSparsity", "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "Identity",
    "L1", "L1L2", "L2", "LecunNormal", "LecunUniform", "MaxNorm", "MinMaxNorm", "NonNeg", "Ones", "Orthogonal",
    "Policy", "PolynomialDecay", "QInitializer", "RandomNormal", "RandomUniform", "TruncatedNormal", "UnitNorm",
    "VarianceScaling", "Zeros",
)  # fmt: skip
_CLASSES = frozenset((*_MODELS, *_LAYERS, *_PARTS, *QUANTISERS))
_MODULES = re.compile(r"(keras|tf_keras|qkeras|tensorflow_model_optimization)(\.\w+)*", re.ASCII)
_LITERAL = r"""(?:[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|True|False|None|'[a-z0-9_]*'|"[a-z0-9_]*")"""
_CALL = re.compile(rf"(\w+)\(\s*(?:(?:\w+\s*=\s*)?{_LITERAL}\s*(?:,\s*(?!\))|(?=\))))*\)", re.ASCII)
_MEMBERS = ("config.json", "metadata.json", "model.weights.h5")
_MAX_BYTES = 2**31
_HDF5, _ZIP = b"\x89HDF\r\n\x1a\n", b"PK\x03\x04"


def check_model_file(path: Path) -> None:
    """Refuse a file that is no Keras model, or that would run code of its own.

    Raises
    ------
    UserError
        The file is missing, torn, of another kind (pickle, SavedModel folder, weights alone), holds a Lambda layer,
        serialised code, a class outside a fixed list, a quantiser string that is no plain call, or points to other
        files.
    """
    if path.is_dir():
        raise UserError(
            f"model '{path}' must be one .h5 or .keras file, not a folder (SavedModel holds code); save it again with "
            "model.save('model.h5')"
        )
    if not path.is_file():
        raise UserError(f"model file '{path}' must exist; check the path")
    if path.suffix not in (".h5", ".hdf5", ".keras"):
        raise UserError(f"model file '{path}' must end in .h5 or .keras, not '{path.suffix}'{_pickle_hint(path)}")
    expected = _ZIP if path.suffix == ".keras" else _HDF5
    with path.open("rb") as file:
        if file.read(len(expected)) != expected:
            kind = "zip" if expected == _ZIP else "HDF5"
            raise UserError(f"model file '{path}' must be a {kind} file, and is not{_pickle_hint(path)}")
    try:
        config = _keras_config(path) if path.suffix == ".keras" else _hdf5_config(path)
    except (
        OSError,
        RuntimeError,
        KeyError,
        EOFError,
        json.JSONDecodeError,
        UnicodeDecodeError,
        zipfile.BadZipFile,
    ) as error:
        raise UserError(
            f"model file '{path}' must be whole, and is torn or foreign ({error}); save it again"
        ) from error
    for node in _dicts(config):
        _check_node(path, node)


def _pickle_hint(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(2)
    if path.suffix in (".pkl", ".pickle", ".joblib", ".dill") or (
        start[:1] == b"\x80" and start[1:] in b"\x02\x03\x04\x05"
    ):
        return (
            " (a pickle runs code when it is read, and is never opened here); save it again with model.save('model.h5')"
        )
    return "; save it again with model.save('model.h5')"


def _keras_config(path: Path) -> Any:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.filename not in _MEMBERS and not member.is_dir():
                raise UserError(
                    f"model file '{path}' must hold only {', '.join(_MEMBERS)}, not '{member.filename}'; save it again"
                )
        if sum(member.file_size for member in archive.infolist()) > _MAX_BYTES:
            raise UserError(f"model file '{path}' must unpack to less than {_MAX_BYTES >> 30} GiB; it holds more")
        broken = archive.testzip()
        if broken is not None:
            raise zipfile.BadZipFile(f"member {broken}")
        config = json.loads(archive.read("config.json"))
        _check_hdf5(path, io.BytesIO(archive.read("model.weights.h5")))
    return config


def _hdf5_config(path: Path) -> Any:
    with path.open("rb") as file:
        _check_hdf5(path, file)
    with h5py.File(path, "r") as file:
        if "model_config" not in file.attrs:
            raise UserError(
                f"model file '{path}' must hold the architecture, not weights alone; save it with model.save, not "
                "save_weights"
            )
        text = file.attrs["model_config"]
    return json.loads(text.decode() if isinstance(text, bytes) else text)


def _check_hdf5(path: Path, file: BinaryIO) -> None:
    """Everything an HDF5 file holds lies in it."""
    with h5py.File(file, "r") as opened:
        groups = [opened]
        while groups:
            group = groups.pop()
            for name in group:
                if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                    raise UserError(
                        f"model file '{path}' must hold its data itself, not a link at '{name}'; save it again"
                    )
                member = group[name]
                if isinstance(member, h5py.Group):
                    groups.append(member)
                elif member.external or member.is_virtual:
                    raise UserError(
                        f"model file '{path}' must hold '{name}' itself, not in another file; save it again"
                    )


def _dicts(value: Any) -> Iterator[dict[str, Any]]:
    stack = [value]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            yield value
            stack += value.values()
        elif isinstance(value, list):
            stack += value


def _check_node(path: Path, node: dict[str, Any]) -> None:
    kind = node.get("class_name")
    if kind in ("Lambda", "TFOpLambda", "SlicingOpLambda", "__lambda__") or node.get("function_type") == "lambda":
        raise UserError(
            f"model file '{path}' must not hold {kind or 'a lambda'} (it runs code of the file); replace it by layers, "
            "such as Reshape, Permute, Add or Concatenate"
        )
    if kind is not None and kind not in _CLASSES:
        raise UserError(f"model file '{path}' must hold only known classes, not {kind!r}; replace that layer or part")
    module, registered = node.get("module"), node.get("registered_name")
    if kind is not None and module is not None and not _MODULES.fullmatch(str(module)):
        raise UserError(f"model file '{path}' must take '{kind}' from Keras or QKeras, not from module {module!r}")
    if kind is not None and registered is not None and str(registered).rpartition(">")[2] != kind:
        raise UserError(f"model file '{path}' must register '{kind}' under its own name, not {registered!r}")
    for key, value in node.items():
        if isinstance(value, str) and (key == "activation" or key.endswith("quantizer")):
            _check_quantiser(path, value)


def _check_quantiser(path: Path, text: str) -> None:
    call = _CALL.fullmatch(text)
    if call and call.group(1) in QUANTISERS:
        return
    if text not in _ACTIVATIONS and text not in QUANTISERS:
        raise UserError(
            f"quantiser in model file '{path}' must be a QKeras quantiser with plain numbers, not {text[:80]!r}; "
            "write it like 'quantized_bits(6,2,alpha=1)'"
        )
