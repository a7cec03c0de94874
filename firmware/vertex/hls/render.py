"""The finder's own C++ with the name of its top function put in."""

from __future__ import annotations

from importlib.resources import files

__all__ = ["filled", "rendered"]


def filled(text: str, *, top: str, **fields: str) -> str:
    """The text with ``@top@``, ``@TOP@`` and further fields filled in."""
    for key, value in {"top": top, "TOP": top.upper(), **fields}.items():
        text = text.replace(f"@{key}@", value)
    return text


def rendered(file: str, *, top: str, **fields: str) -> str:
    """A file of ``sources``, filled in."""
    return filled((files("firmware.vertex.hls.sources") / file).read_text(), top=top, **fields)
