"""A genome: what the search chooses of one network, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from trigger.errors import UserError

__all__ = ["Genome", "HiddenGene", "OutputGene"]


@dataclass(frozen=True)
class HiddenGene:
    """One hidden layer: width, bits of weights and activations, fraction of weights pruned."""

    units: int
    weight_bits: int
    activation_bits: int
    sparsity: float


@dataclass(frozen=True)
class OutputGene:
    """The output layer: bits of its weights, fraction of weights pruned."""

    weight_bits: int
    sparsity: float


@dataclass(frozen=True)
class Genome:
    """The choice of one network.

    Only what is expressed is held, so that two genomes are equal exactly when their networks are.

    Parameters
    ----------
    inputs : tuple of (str, int)
        Variables that enter and their bits, in the order of the study's list of features.
    hidden : tuple of HiddenGene
        Hidden layers, from the input on.
    output : OutputGene
    """

    inputs: tuple[tuple[str, int], ...]
    hidden: tuple[HiddenGene, ...]
    output: OutputGene

    @property
    def input_bits(self) -> int:
        """Bits of all inputs of one event together."""
        return sum(bits for _, bits in self.inputs)

    def to_json(self) -> dict[str, Any]:
        """Plain values for a file: ``inputs`` {name: bits}, ``hidden`` [layers], ``output``."""
        return {
            "inputs": dict(self.inputs),
            "hidden": [asdict(layer) for layer in self.hidden],
            "output": asdict(self.output),
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Genome:
        """The genome that `to_json` wrote.

        Raises
        ------
        UserError
            The content has another form.
        """
        try:
            return cls(
                inputs=tuple((str(name), int(bits)) for name, bits in content["inputs"].items()),
                hidden=tuple(HiddenGene(**layer) for layer in content["hidden"]),
                output=OutputGene(**content["output"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UserError(f"a genome must hold inputs, hidden and output as written by a sweep: {error!r}") from error
