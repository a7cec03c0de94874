"""Verilog names from layer names."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["distinct_names", "verilog_name"]

_RESERVED = frozenset({"clk", "rst", "in_valid", "out_valid", "valid"})
_KEYWORDS = set(
    """
    always and assign automatic begin bit buf bufif0 bufif1 byte case casex casez cell chandle checker class clocking
    cmos config const constraint context cover deassign default defparam design disable dist do edge else end endcase
    endconfig endfunction endgenerate endmodule endprimitive endspecify endtable endtask enum event expect export
    extends extern final first_match for force foreach forever fork function generate genvar global highz0 highz1 if
    iff ifnone import incdir include initial inout input inside instance int integer interface join large let liblist
    library local localparam logic longint macromodule matches medium modport module nand negedge new nmos none nor
    not notif0 notif1 null or output package packed parameter pmos posedge primitive priority program property
    protected pull0 pull1 pulldown pullup pure rand real realtime ref reg release repeat return rnmos rtran scalared
    sequence shortint shortreal signed small solve specify specparam static string strong strong0 strong1 struct
    super supply0 supply1 table tagged task this throughout time timeprecision timeunit tran type typedef union
    unique unsigned use uwire var vectored virtual void wait wand weak weak0 weak1 while wildcard wire with within
    wor xnor xor entity architecture signal
    """.split()  # noqa: SIM905 - a list of 200 words reads worse
)


def verilog_name(name: str) -> str:
    """A legal identifier close to ``name``: other characters become ``_``; keywords and our signals get a suffix."""
    clean = re.sub(r"[^A-Za-z0-9_]", "_", name)
    if not clean or not clean[0].isalpha():
        clean = f"n_{clean}"
    taken = clean in _RESERVED or clean.lower() in _KEYWORDS or re.fullmatch(r"stage\d+(_[dq])?", clean)
    return f"{clean}_" if taken else clean


def distinct_names(names: Iterable[str], suffix: str = "", taken: Iterable[str] = ()) -> list[str]:
    """Legal identifiers, all different and none of ``taken``, in the order of ``names``.

    Parameters
    ----------
    suffix : str
        What a name gets that is taken already, followed by a number if that is taken too.
    """
    used = {name.lower() for name in taken}
    result = []
    for name in names:
        base = candidate = verilog_name(name)
        number = 1
        while candidate.lower() in used:
            number += 1
            candidate = f"{base}{suffix}" if suffix and number == 2 else f"{base}{suffix}_{number}"
        used.add(candidate.lower())
        result.append(candidate)
    return result
