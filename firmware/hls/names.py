"""Names that hls4ml and C++ can live with."""

from __future__ import annotations

import re

__all__ = ["SafeNames"]

# hls4ml stores a layer's output under the layer's own name beside its attributes: a layer called 'perm' loses its
# permutation. And an input's name becomes a C++ variable among hls4ml's own.
_RESERVED_WORDS = """
accum activ_param activation algorithm attributes axis bias bias_data class class_name code config data data_format
depth dim dims double false float for height if implementation in index inline input inputs int kernel_size layer
linear main max min model n_chan n_filt n_in n_out n_pack n_partitions name namespace new nnet norm op operator output
outputs pad_bottom pad_left pad_right pad_top padding parallelization_factor perm pool_height pool_op pool_size
pool_width precision private public quantizer reg relu res result reuse reuse_factor round scale shape short signed
size static std strategy stride_height stride_width strides struct switch table table_size target_shape template this
trace true type unsigned use_bias variables void weight weight_data weights while width
"""
_RESERVED = frozenset(_RESERVED_WORDS.split())
_COLLIDES = re.compile(r"(w|b|layer|config|weight|bias|accum)\d+|layer\d.*|hls.*|ap_.*|nnet.*|.*_t|.*_out|_.*|.*__.*")
_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class SafeNames:
    """Gives each layer a name that is a C++ identifier, collides with nothing of hls4ml's, and is used once.

    hls4ml compares names in lower case; so two names that differ in case only are told apart here.
    """

    def __init__(self) -> None:
        self._used: set[str] = set()

    def take(self, name: str) -> str:
        """A safe name for ``name``: itself where possible."""
        safe = re.sub(r"[^A-Za-z0-9_]", "_", name)
        safe = re.sub(r"_+", "_", safe).strip("_")
        if not _IDENTIFIER.fullmatch(safe):
            safe = f"node_{safe}".rstrip("_")
        if safe.lower() in _RESERVED or _COLLIDES.fullmatch(safe.lower()):
            safe = f"{safe}_node"
        candidate, count = safe, 2
        while candidate.lower() in self._used:
            candidate, count = f"{safe}_{count}", count + 1
        self._used.add(candidate.lower())
        return candidate
