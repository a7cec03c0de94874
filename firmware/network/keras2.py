"""The one door to TensorFlow and Keras 2, so that light commands never pay for their import."""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType

from firmware.errors import UserError

__all__ = ["import_keras", "import_qkeras", "import_tensorflow"]

_SWITCH = "TF_USE_LEGACY_KERAS"


def import_tensorflow() -> ModuleType:
    """TensorFlow, with ``tf.keras`` being Keras 2.

    Raises
    ------
    UserError
        TensorFlow is already imported, and was told to use Keras 3: QKeras would then fail obscurely.
    """
    if "tensorflow" in sys.modules and os.environ.get(_SWITCH) not in ("1", "True", "true"):
        raise UserError(
            f"environment variable {_SWITCH} must be 1 before TensorFlow is first imported (QKeras is Keras 2), "
            f"not {os.environ.get(_SWITCH)!r}; import firmware before tensorflow, or export {_SWITCH}=1"
        )
    os.environ[_SWITCH] = "1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if "tensorflow" in sys.modules:
        return sys.modules["tensorflow"]
    with _silence():
        module = import_module("tensorflow")
    module.get_logger().setLevel("ERROR")
    return module


def import_keras() -> ModuleType:
    """The package ``tf_keras`` (Keras 2).

    Raises
    ------
    UserError
        As `import_tensorflow`.
    """
    return _after_tensorflow("tf_keras")


def import_qkeras() -> ModuleType:
    """The package ``qkeras``, on Keras 2.

    Raises
    ------
    UserError
        As `import_tensorflow`.
    """
    return _after_tensorflow("qkeras")


def _after_tensorflow(name: str) -> ModuleType:
    import_tensorflow()
    if name in sys.modules:
        return sys.modules[name]
    # Their sources raise SyntaxWarning and DeprecationWarning at import, which say nothing to a user.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return import_module(name)


@contextmanager
def _silence() -> Iterator[None]:
    """Keep what TensorFlow's C++ prints before its log level is known; show it if the import fails."""
    sys.stderr.flush()
    with warnings.catch_warnings(), tempfile.TemporaryFile() as kept:
        warnings.simplefilter("ignore")
        stderr = os.dup(2)
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except BaseException:
            kept.seek(0)
            os.write(stderr, kept.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
