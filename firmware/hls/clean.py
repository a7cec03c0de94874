"""What hls4ml writes, made repeatable and complete."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

__all__ = ["clean_project"]

_STAMP = "csim"
_PAD_VALUE = re.compile(r"\n(\s*)x\[x\.width - 1\] = 1;")


def clean_project(project: Path, config: dict[str, Any]) -> None:
    """Remove what differs between two runs (stamp, paths), and repair what hls4ml's library gets wrong.

    Parameters
    ----------
    project : Path
        The folder hls4ml wrote.
    config : dict
        hls4ml's configuration of it.
    """
    name = config["ProjectName"]
    script = project / "build_lib.sh"
    script.write_text(script.read_text().replace(config["Stamp"], _STAMP))
    _rewrite_config(project / "hls4ml_config.yml", config)
    for archive in project.parent.glob("*.tar.gz"):
        archive.unlink()
    (project / "tb_data").mkdir(exist_ok=True)
    # The test bench would append every layer of every event to log files.
    _replace(project / f"{name}_test.cpp", "bool trace_enabled = true;", "bool trace_enabled = false;")
    # Six digits would hide the last bits; 40 show a value in full, and drop no zero that matters.
    results = "std::ofstream fout(RESULTS_LOG);"
    _replace(project / f"{name}_test.cpp", results, f"{results}\n    fout.precision(40);")
    _repair_pad_value(project / "firmware" / "nnet_utils" / "nnet_pooling.h")


def _rewrite_config(path: Path, config: dict[str, Any]) -> None:
    kept = {key: value for key, value in config.items() if key not in ("KerasModel", "Stamp", "OutputDir")}
    text = yaml.safe_dump(_plain(kept) | {"Stamp": _STAMP, "OutputDir": "."}, sort_keys=True)
    path.write_text(text)


def _plain(value: Any) -> Any:
    """The same value in plain Python types."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, bool | str):
        return value
    return float(value) if isinstance(value, float) else int(value)


def _repair_pad_value(path: Path) -> None:
    """hls4ml pads a maximum with the top bit set: the lowest value if signed, half of the highest if not."""
    text = path.read_text()
    repaired, count = _PAD_VALUE.subn(r"\n\1x[x.width - 1] = 1;\n\1if (x > 0)\n\1    x = 0;", text)
    assert count == 1, "hls4ml's pooling has changed: look again at its padding"
    path.write_text(repaired)


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1, f"hls4ml's {path.name} has changed: '{old}' is not there once"
    path.write_text(text.replace(old, new))
