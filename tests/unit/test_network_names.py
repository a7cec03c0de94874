"""Names that C++, Verilog or hls4ml cannot carry are refused with a remedy."""

from __future__ import annotations

import pytest

from firmware.errors import UserError
from firmware.network.names import check_names


@pytest.mark.parametrize(
    "name",
    [
        "perm",
        "class",
        "wire",
        "module",
        "clk",
        "out_valid",
        "a-b",
        "1st",
        "",
        "_x",
        "a b",
        "é",
        "block1/dense",
        "x" * 200,
    ],
)
def test_a_bad_name_is_refused(name: str) -> None:
    with pytest.raises(UserError, match=r"must.*rename it"):
        check_names(["good", name])


def test_names_that_differ_by_case_alone_are_refused() -> None:
    with pytest.raises(UserError, match="more than case"):
        check_names(["Dense", "dense"])


def test_good_names_pass() -> None:
    check_names(["q_dense_1", "Logits", "in_1", "quantised_input_2"])
