"""One statement about several networks that stand in one design."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from firmware.proof.prove import Proof

__all__ = ["joined"]


def joined(proofs: Mapping[str, Proof]) -> Proof:
    """What proofs of several networks say together; layers are named ``<network>/<layer>``.

    Parameters
    ----------
    proofs : mapping of network name to Proof
        At least one.

    Returns
    -------
    Proof
        Proven if all are; counts are sums. A quantiser that two networks share is counted in each.
    """
    found = list(proofs.values())
    first = next((f"{name}/{proof.first_layer}" for name, proof in proofs.items() if proof.first_layer), None)
    return Proof(
        proven=all(proof.proven for proof in found),
        nodes=sum(proof.nodes for proof in found),
        outputs=sum(proof.outputs for proof in found),
        functions_exhausted=sum(proof.functions_exhausted for proof in found),
        functions_in_pieces=sum(proof.functions_in_pieces for proof in found),
        points=sum(proof.points for proof in found),
        widest_bits=max(proof.widest_bits for proof in found),
        unproven=tuple(
            replace(finding, layer=f"{name}/{finding.layer}")
            for name, proof in proofs.items()
            for finding in proof.unproven
        ),
        first_layer=first,
    )
