"""The feature table and its words."""

import numpy as np
import pytest

from sim.events import (
    CMSSW_LARGE,
    CMSSW_SMALL,
    CONTEXT_FEATURES,
    SHOWER_FEATURES,
    ShowerSettings,
    UserError,
    digitise,
    generate_clusters,
    undigitise,
)
from sim.events.features import feature


def test_table_is_complete_and_consistent():
    assert len(SHOWER_FEATURES) == 30
    for name, row in SHOWER_FEATURES.items():
        assert row.name == name
        assert row.low < row.high
        assert 1 <= row.default_bits <= 16
        assert row.meaning
        assert row.unit
        assert row.source
    assert len(CMSSW_SMALL) == 4
    assert len(CMSSW_LARGE) == 9
    assert set(CMSSW_SMALL) <= set(SHOWER_FEATURES)
    assert set(CMSSW_LARGE) <= set(SHOWER_FEATURES)
    assert not set(CONTEXT_FEATURES) & set(SHOWER_FEATURES)


def test_digitise_floors_and_saturates_by_hand():
    row = SHOWER_FEATURES["szz"]  # 0 to 32 cm: at 5 bits one centimetre a step
    values = [-1.0, 0.0, 0.999, 1.0, 15.5, 31.999, 32.0, 1e30, np.inf, -np.inf]
    words = digitise(values, row, 5)
    assert words.dtype == np.int64
    np.testing.assert_array_equal(words, [0, 0, 0, 1, 15, 31, 31, 31, 31, 0])


@pytest.mark.parametrize("bits", [1, 2, 7, 16])
@pytest.mark.parametrize("name", ["srrmean", "meanz", "firstlayer", "varrr"])
def test_every_word_survives_the_way_back(name, bits):
    row = SHOWER_FEATURES[name]
    words = np.arange(2**bits)
    values = undigitise(words, row, bits)
    np.testing.assert_array_equal(digitise(values, row, bits), words)
    step = (row.high - row.low) / 2**bits
    np.testing.assert_allclose(values[0], row.low + step / 2)


def test_whole_numbers_keep_their_values_at_default_bits():
    for name, step in (("showerlength", 1), ("coreshowerlength", 1), ("ntc67", 1), ("ntc90", 1), ("maxlayer", 2)):
        row = SHOWER_FEATURES[name]
        values = np.arange(row.low, row.high, step)
        assert len(np.unique(digitise(values, row, row.default_bits))) == len(values) == 2**row.default_bits


def test_ranges_hold_what_is_generated():
    table = generate_clusters(ShowerSettings(), n_electron=300, n_photon=300, n_pileup=600, seed=11)
    for name, row in SHOWER_FEATURES.items():
        low, high = np.quantile(table.column(name), [0.01, 0.99])
        assert row.low <= low, name
        assert high <= row.high, name
        words = digitise(table.column(name), row, 8)
        # the middle 98% fill at least a twelfth of the words' range
        assert np.ptp(np.quantile(words, [0.01, 0.99])) > 256 / 12, name


@pytest.mark.parametrize("bits", [0, -1, 25, 2.0, True, "8"])
def test_bits_out_of_range_are_refused(bits):
    with pytest.raises(UserError, match="bits of a feature"):
        digitise([1.0], SHOWER_FEATURES["szz"], bits)
    with pytest.raises(UserError, match="bits of a feature"):
        undigitise([0], SHOWER_FEATURES["szz"], bits)


def test_nan_and_misfits_are_refused():
    with pytest.raises(UserError, match="value 1 is NaN"):
        digitise([1.0, np.nan], SHOWER_FEATURES["szz"], 8)
    with pytest.raises(UserError, match=r"must lie in \[0, 3\]"):
        undigitise([4], SHOWER_FEATURES["szz"], 2)
    with pytest.raises(UserError, match="'seteot' is not in the table"):
        feature("seteot")
    assert feature("pt") is CONTEXT_FEATURES["pt"]
