"""Proof for all inputs: the adder graph's program is the quantised network, and each Verilog primitive what it says."""

from firmware.proof.joined import joined
from firmware.proof.primitives import PrimitiveProof, prove_primitives
from firmware.proof.program_forms import Finding
from firmware.proof.prove import Proof, prove

__all__ = ["Finding", "PrimitiveProof", "Proof", "joined", "prove", "prove_primitives"]
