"""The 96-bit track word: published offsets, hand-computed words, edges, round trips."""

from __future__ import annotations

import numpy as np
import pytest

from sim.events import UserError
from sim.events.tracks import (
    FIELDS,
    digitise,
    pack,
    pt_from_rinv,
    pt_of_words,
    rinv_from_pt,
    sector_of,
    undigitise,
    unpack,
    unpack_field,
)

ZERO = {name: np.zeros(1, dtype=int) for name in FIELDS}


def random_fields(n, seed=0):
    rng = np.random.default_rng(seed)
    return {name: rng.integers(f.low, f.high, n, endpoint=True) for name, f in FIELDS.items()}


def test_fields_fill_the_word_in_the_published_order():
    from_the_top = ["valid", "rinv", "phi", "chi2rphi", "tanl", "z0", "chi2rz", "d0", "bendchi2", "hitpattern"]
    from_the_top += ["mva_quality", "mva_other"]
    widths = [1, 15, 12, 4, 16, 12, 4, 13, 3, 7, 3, 6]
    bit = 96
    for name, width in zip(from_the_top, widths, strict=True):
        bit -= width
        assert (FIELDS[name].offset, FIELDS[name].width) == (bit, width), name
    assert bit == 0
    assert len(FIELDS) == len(from_the_top)


def test_no_field_crosses_a_boundary_of_32_bits():
    assert all(f.offset // 32 == (f.offset + f.width - 1) // 32 for f in FIELDS.values())


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"valid": 1}, 1 << 95),
        ({"rinv": -1}, 0x7FFF << 80),
        ({"rinv": -16384}, 0x4000 << 80),
        ({"phi": -2}, 0xFFE << 68),
        ({"chi2rphi": 9}, 9 << 64),
        ({"tanl": -32768}, 0x8000 << 48),
        ({"z0": 2047, "chi2rz": 15}, (0x7FF << 36) | (15 << 32)),
        ({"d0": -4096, "bendchi2": 5}, (0x1000 << 19) | (5 << 16)),
        ({"hitpattern": 0b1010101, "mva_quality": 7, "mva_other": 63}, (0b1010101 << 9) | (7 << 6) | 63),
    ],
)
def test_words_computed_by_hand(fields, word):
    packed = pack(ZERO | {name: np.array([value]) for name, value in fields.items()})
    assert packed.dtype == np.uint32
    assert packed.shape == (1, 3)
    assert [int(w) for w in packed[0]] == [(word >> shift) & 0xFFFFFFFF for shift in (0, 32, 64)]


def test_the_highest_and_lowest_word():
    high = pack({name: np.array([f.high]) for name, f in FIELDS.items()})
    low = pack({name: np.array([f.low]) for name, f in FIELDS.items()})
    assert {k: int(v[0]) for k, v in unpack(high).items()} == {k: f.high for k, f in FIELDS.items()}
    assert {k: int(v[0]) for k, v in unpack(low).items()} == {k: f.low for k, f in FIELDS.items()}


def test_round_trip():
    fields = random_fields(5000)
    words = pack(fields)
    for name, values in unpack(words).items():
        np.testing.assert_array_equal(values, fields[name], err_msg=name)
        assert values.dtype == np.int32
    rng = np.random.default_rng(1)
    anything = rng.integers(0, 2**32, (5000, 3), dtype=np.uint32)
    np.testing.assert_array_equal(pack(unpack(anything)), anything)


@pytest.mark.parametrize(
    ("name", "value", "step"),
    [
        ("z0", 0.0, 0),
        ("z0", -1e-9, -1),
        ("z0", 20.46912512 / 2048 * 1.5, 1),
        ("z0", 20.4691, 2047),
        ("z0", 20.46912512, 2047),
        ("z0", 1e9, 2047),
        ("z0", -20.46912512, -2048),
        ("z0", -25.0, -2048),
        ("z0", np.inf, 2047),
        ("tanl", 2.0**-12, 1),
        ("tanl", -(2.0**-13), -1),
        ("tanl", 8.0, 32767),
        ("rinv", 0.006, 16383),
        ("rinv", -0.006, -16384),
        ("phi", 0.7853981696, 2047),
        ("d0", 1 / 256, 1),
        ("chi2rphi", 0.0, 0),
        ("chi2rphi", 0.999, 0),
        ("chi2rphi", 1.0, 1),
        ("chi2rphi", 199.9, 14),
        ("chi2rphi", 1e6, 15),
        ("chi2rphi", -1.0, 0),
        ("chi2rz", 49.99, 14),
        ("chi2rz", 50.0, 15),
        ("bendchi2", 1.5, 3),
        ("bendchi2", 20.0, 7),
        ("mva_quality", 0.124, 0),
        ("mva_quality", 0.125, 1),
        ("mva_quality", 1.0, 7),
        ("hitpattern", 127, 127),
        ("hitpattern", 200, 127),
        ("valid", 1, 1),
    ],
)
def test_digitisation_at_the_edges(name, value, step):
    assert digitise(name, [value])[0] == step


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_every_integer_survives_undigitise_and_digitise(name):
    field = FIELDS[name]
    steps = np.arange(field.low, field.high + 1)
    np.testing.assert_array_equal(digitise(name, undigitise(name, steps)), steps)


def test_undigitise_gives_the_middle_of_a_step_and_the_edge_of_a_bin():
    assert undigitise("z0", [0, -1]) == pytest.approx([20.46912512 / 4096, -20.46912512 / 4096])
    assert undigitise("chi2rz", [0, 15]) == pytest.approx([0, 50])
    assert undigitise("hitpattern", [5]) == 5


def test_pt_and_rinv():
    # 0.0029979 * 3.8112 T / 2 GeV
    assert rinv_from_pt(2.0, -1) == pytest.approx(-0.00571284, rel=1e-5)
    assert pt_from_rinv([-0.00571284]) == pytest.approx([2.0], rel=1e-5)
    words = pack(ZERO | {"rinv": digitise("rinv", rinv_from_pt([10.0], [-1]))})
    assert pt_of_words(words)[0] == pytest.approx(10.0, rel=1e-3)
    straight = pack(ZERO)
    assert np.isfinite(pt_of_words(straight))


def test_sectors():
    width = 2 * np.pi / 9
    sector, local = sector_of([0.0, width, -width, 0.49 * width, 0.51 * width, np.pi])
    np.testing.assert_array_equal(sector, [0, 1, 8, 0, 1, 4])
    assert local == pytest.approx([0, 0, 0, 0.49 * width, -0.49 * width, 0.5 * width])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"z0": np.array([2048])}, r"z0 must lie in \[-2048, 2047\] \(12 bits\); element 0 is 2048; call digitise"),
        ({"valid": np.array([2])}, "valid must lie in"),
        ({"z0": np.array([0.5])}, "z0 must be integers .*call digitise"),
        ({"z0": np.array([0, 0])}, "of one length"),
        ({"nothing": np.array([0])}, "unknown: nothing"),
    ],
)
def test_pack_refuses(change, message):
    with pytest.raises(UserError, match=message):
        pack(ZERO | change)


def test_pack_refuses_a_missing_field():
    with pytest.raises(UserError, match="missing: d0"):
        pack({name: values for name, values in ZERO.items() if name != "d0"})


def test_other_refusals():
    with pytest.raises(UserError, match="element 1 is NaN"):
        digitise("z0", [0.0, np.nan])
    with pytest.raises(UserError, match="must be one of valid, rinv"):
        digitise("z", [0.0])
    with pytest.raises(UserError, match="chi2rz must lie in"):
        undigitise("chi2rz", [16])
    with pytest.raises(UserError, match="uint32 of shape"):
        unpack_field(np.zeros((4, 3), dtype=np.int32), "z0")
    with pytest.raises(UserError, match="uint32 of shape"):
        unpack(np.zeros((4, 2), dtype=np.uint32))
