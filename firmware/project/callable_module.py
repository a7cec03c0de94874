"""Modules that can be called as the function of their own name."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

__all__ = ["make_callable"]


class _CallableModule(ModuleType):
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.__dict__[self.__name__.rpartition(".")[2]](*args, **kwargs)


def make_callable(module: str) -> None:
    """Let ``package.name(...)`` mean ``package.name.name(...)``.

    Importing a submodule binds its name in the package, over any function of that name: a module that is itself
    callable means the same in whichever order things were imported.
    """
    sys.modules[module].__class__ = _CallableModule
