"""QKeras models from files, nothing of the file being run."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from firmware.errors import UserError
from firmware.network.keras2 import import_keras, import_qkeras
from firmware.network.model_files import QUANTISERS, check_model_file

__all__ = ["load_model"]


def load_model(path: str | Path) -> Any:
    """A QKeras model from a ``.h5`` or ``.keras`` file.

    Returns
    -------
    tf_keras.Model
        Not compiled.

    Raises
    ------
    UserError
        The file is missing, torn or foreign, or would run code of its own (see ``model_files``).
    """
    path = Path(path)
    check_model_file(path)
    keras = import_keras()
    objects = _custom_objects()
    try:
        # QKeras parses its quantiser strings with deprecated names of pyparsing.
        with warnings.catch_warnings(), keras.utils.custom_object_scope(objects):
            warnings.simplefilter("ignore")
            return keras.models.load_model(path, custom_objects=objects, compile=False, safe_mode=True)
    except UserError:
        raise
    except Exception as error:  # Keras raises what it likes
        raise UserError(
            f"model file '{path}' must be loadable by tf_keras 2.21 with QKeras 0.9, and is not "
            f"({type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else 'no message'}); "
            "save it again with these versions"
        ) from error


class _QActivation:
    """Makes QActivation from what a file says; QKeras itself forgets to rebuild a quantiser that was an object."""

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        qkeras: Any = import_qkeras()
        return qkeras.QActivation(**{**config, "activation": _rebuilt(config["activation"])})


def _rebuilt(activation: Any) -> Any:
    if not isinstance(activation, dict):
        return activation
    return getattr(import_qkeras(), activation["class_name"]).from_config(activation["config"])


def _custom_objects() -> dict[str, Any]:
    qkeras: Any = import_qkeras()
    names = ("QDense", "QConv1D", "QConv2D", "QDepthwiseConv2D", "QBatchNormalization", "Clip", "QInitializer")
    objects = {name: getattr(qkeras, name) for name in (*names, *QUANTISERS)}
    objects["QActivation"] = _QActivation
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from tensorflow_model_optimization.python.core.sparsity.keras import pruning_schedule, pruning_wrapper
    objects["PruneLowMagnitude"] = pruning_wrapper.PruneLowMagnitude
    objects["PolynomialDecay"] = pruning_schedule.PolynomialDecay
    objects["ConstantSparsity"] = pruning_schedule.ConstantSparsity
    return objects
