"""Layer names that survive in C++ and in Verilog."""

from __future__ import annotations

import re
from collections.abc import Iterable

from firmware.errors import UserError

__all__ = ["check_names"]

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_MAX_LENGTH = 128

_CPP = """
alignas alignof and and_eq asm auto bitand bitor bool break case catch char class compl const constexpr const_cast
continue decltype default delete do double dynamic_cast else enum explicit export extern false float for friend goto
if inline int long mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected public
register reinterpret_cast return short signed sizeof static static_assert static_cast struct switch template this
thread_local throw true try typedef typeid typename union unsigned using virtual void volatile wchar_t while xor xor_eq
main std
"""
_VERILOG = """
always always_comb always_ff always_latch and assert assign assume automatic before begin bind bins bit break buf
bufif0 bufif1 byte case casex casez cell chandle class clocking cmos config const constraint context continue cover
cross deassign default defparam design disable dist do edge else end endcase endclass endconfig endfunction
endgenerate endinterface endmodule endpackage endprimitive endprogram endproperty endsequence endspecify endtable
endtask enum event expect export extends extern final first_match for force foreach forever fork function generate
genvar highz0 highz1 if iff ifnone import incdir include initial inout input inside instance int integer interface
intersect join large liblist library local localparam logic longint macromodule matches medium modport module nand
negedge new nmos nor noshowcancelled not notif0 notif1 null or output package packed parameter pmos posedge primitive
priority program property protected pull0 pull1 pulldown pullup pulsestyle_ondetect pulsestyle_onevent pure rand randc
randcase randsequence rcmos real realtime ref reg release repeat return rnmos rpmos rtran rtranif0 rtranif1 scalared
sequence shortint shortreal showcancelled signed small solve specify specparam static string strong0 strong1 struct
super supply0 supply1 table tagged task this throughout time timeprecision timeunit tran tranif0 tranif1 tri tri0 tri1
triand trior trireg type typedef union unique unsigned use uwire var vectored virtual void wait wait_order wand weak0
weak1 while wildcard wire with within wor xnor xor
"""
_RESERVED = (
    dict.fromkeys(_CPP.split(), "a C++ keyword")
    | dict.fromkeys(_VERILOG.split(), "a Verilog keyword")
    | dict.fromkeys(("clk", "rst", "in_valid", "out_valid"), "a port of the generated Verilog")
    | {"perm": "a name that hls4ml gives to its own data and then fails on"}
)


def check_names(names: Iterable[str]) -> None:
    """Refuse names that C++ or Verilog cannot carry.

    Raises
    ------
    UserError
        A name is no identifier, is a keyword of either language, is a port of the generated Verilog, or equals
        another but for upper and lower case (tools that fold case would merge the two).
    """
    seen: dict[str, str] = {}
    for name in names:
        if not _IDENTIFIER.fullmatch(name) or len(name) > _MAX_LENGTH:
            proposal = re.sub(r"\W|^(?=\d)", "_", name, flags=re.ASCII).strip("_")[:_MAX_LENGTH] or "layer"
            raise UserError(
                f"layer name must be letters, digits and _ with a letter first, at most {_MAX_LENGTH} of them, "
                f"not '{name}'; rename it, for example to '{proposal}'"
            )
        if name in _RESERVED:
            raise UserError(f"layer name must not be '{name}', {_RESERVED[name]}; rename it, for example '{name}_1'")
        other = seen.setdefault(name.lower(), name)
        if other != name:
            raise UserError(f"layer names must differ by more than case, not '{other}' and '{name}'; rename one")
