"""The finder's three networks out of hls4ml, made to live in one project."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firmware.hls.convert import HlsInfo, write_hls
from firmware.network.network import Network
from firmware.settings import FirmwareSettings

__all__ = ["ConvertedNetwork", "convert_networks"]

_GUARD = re.compile(r"^#(ifndef|define) (\w+_H_)$", re.MULTILINE)
_INTERFACE = re.compile(r"^ *#pragma HLS INTERFACE .*\n", re.MULTILINE)
_LOCAL_INCLUDE = re.compile(r'#include "(?=nnet_|hls_stream)')
_CODE = "code_gen.h"
_SHARED = ("ap_types", "nnet_utils")


@dataclass(frozen=True)
class ConvertedNetwork:
    """A network in the project.

    Parameters
    ----------
    name : str
        Its folder under ``firmware/networks``.
    namespace : str
        C++ namespace of all that is its own.
    info : HlsInfo
        As hls4ml's converter gave it.
    types : mapping of argument name to C++ type
    """

    name: str
    namespace: str
    info: HlsInfo
    types: Mapping[str, str]

    @property
    def function(self) -> str:
        """Qualified name of its function."""
        return f"{self.namespace}::{self.info.interface.top}"

    @property
    def header(self) -> str:
        """Path of its header from ``firmware``."""
        return f"networks/{self.name}/{self.info.interface.top}.h"

    @property
    def source(self) -> str:
        """Path of its source from ``firmware``."""
        return f"networks/{self.name}/{self.info.interface.top}.cpp"


def convert_networks(
    models: Mapping[str, tuple[Any, Network]], firmware: Path, settings: FirmwareSettings, top: str
) -> dict[str, ConvertedNetwork]:
    """Convert networks into ``firmware/networks`` with one copy of hls4ml's library beside them.

    Each network has a namespace and a folder of its own. Include guards, which no namespace covers, take its name; its
    generated code moves out of the shared library.

    Parameters
    ----------
    models : dict of name to (QKeras model, its Network)
    firmware : Path
        Folder of the sources.
    settings : FirmwareSettings
    top : str
        Name of the finder's top function.

    Returns
    -------
    dict of name to ConvertedNetwork
    """
    converted = {}
    with tempfile.TemporaryDirectory(dir=firmware.parent, prefix=".networks.") as scratch:
        for name, (model, network) in models.items():
            namespace, written = f"{top}_{name}", Path(scratch) / name
            info = write_hls(
                model, network, written, settings, name=f"{name}_network", namespace=namespace, trace=False
            )
            sources = written / "firmware"
            for shared in _SHARED:
                if not (firmware / shared).exists():
                    shutil.copytree(sources / shared, firmware / shared)
            (firmware / "nnet_utils" / "nnet_code_gen.h").unlink(missing_ok=True)
            _own_files(sources, firmware / "networks" / name, namespace, info.interface.top)
            types = _argument_types((sources / f"{info.interface.top}.h").read_text())
            converted[name] = ConvertedNetwork(name, namespace, info, types)
    return converted


def _own_files(sources: Path, target: Path, namespace: str, function: str) -> None:
    def guarded(text: str) -> str:
        return _GUARD.sub(rf"#\1 {namespace.upper()}_\2", text)

    (target / "weights").mkdir(parents=True)
    for path in (*sources.glob("*.h"), *sources.glob("weights/*.h")):
        text = guarded(path.read_text()).replace('"nnet_utils/nnet_code_gen.h"', f'"{_CODE}"')
        (target / path.relative_to(sources)).write_text(text)
    code = guarded((sources / "nnet_utils" / "nnet_code_gen.h").read_text())
    (target / _CODE).write_text(_LOCAL_INCLUDE.sub('#include "nnet_utils/', code).replace("nnet_utils/hls_", "hls_"))
    source = (sources / f"{function}.cpp").read_text()
    # Inside the finder a network is no top: its arrays are the caller's registers.
    source = _INTERFACE.sub("", source).replace("HLS ARRAY_RESHAPE", "HLS ARRAY_PARTITION")
    (target / f"{function}.cpp").write_text(source)


def _argument_types(header: str) -> dict[str, str]:
    return {argument: kind for kind, argument in re.findall(r"(\w+) (\w+)\[[\d*]+\]", header)}
