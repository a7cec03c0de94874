"""Events: statistics, determinism, splits, and that words and floats say the same."""

from __future__ import annotations

import itertools
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from sim.events import UserError
from sim.events.tracks import (
    FIELDS,
    PROCESSES,
    SPLITS,
    Overlay,
    PoolSettings,
    TrackEvents,
    TrackSettings,
    build_split_pool,
    concatenate_events,
    digitise,
    load_pool_files,
    overlay_events,
    pt_of_words,
    rinv_from_pt,
    unpack,
)
from sim.events.tracks.overlay import BLOCK_EVENTS, hard_collisions
from sim.events.tracks.pool import split_of
from sim.events.tracks.pool_files import DTYPES, PoolTracks
from sim.events.tracks.quality import quality_tables

DEFAULT = TrackSettings()


def same_bytes(one, other):
    return all(getattr(one, f.name).tobytes() == getattr(other, f.name).tobytes() for f in fields(TrackEvents))


@pytest.fixture(scope="module")
def files():
    return load_pool_files("shipped", PoolSettings(), Path("unused"))


@pytest.fixture(scope="module")
def overlay(files):
    def make(settings=DEFAULT, split="train", ttbar_fraction=0.5, seed=1):
        return Overlay(build_split_pool(files, split, settings), split, settings, ttbar_fraction, seed)

    return make


@pytest.fixture(scope="module")
def events(overlay):
    return overlay_events(overlay(), 0, 4000)


def test_types_and_shapes(events):
    n = int(events.start[-1])
    assert len(events) == 4000
    assert events.start.dtype == np.int64
    assert events.start[0] == 0
    assert np.all(np.diff(events.start) > 0)
    expected = {
        "words": (np.uint32, (n, 3)),
        "link": (np.uint8, (n,)),
        "is_primary": (np.bool_, (n,)),
        "process": (np.uint8, (4000,)),
        "z0_true": (np.float32, (4000,)),
        "pt": (np.float32, (n,)),
        "eta": (np.float32, (n,)),
        "z0": (np.float32, (n,)),
    }
    for name, (dtype, shape) in expected.items():
        array = getattr(events, name)
        assert (array.dtype, array.shape) == (np.dtype(dtype), shape), name


def test_statistics_are_those_known_for_this_set_up(events):
    """190 tracks of which 13% primary for ttbar, 172 and 3% for Z; the shipped pool has 1,000 of each in this split:
    within 5% and within a tenth of the fraction."""
    for process, (tracks, primary) in zip(PROCESSES, [(190, 0.13), (172, 0.03)], strict=True):
        some = events.take(events.process == PROCESSES.index(process))
        assert len(some) == 2000
        assert some.n_tracks.mean() == pytest.approx(tracks, rel=0.05)
        assert some.is_primary.mean() == pytest.approx(primary, rel=0.1)


def test_vertices_follow_the_luminous_region(events):
    assert events.z0_true.std() == pytest.approx(4.26, rel=0.05)
    assert abs(events.z0_true.mean()) < 0.3


def test_primary_tracks_point_to_the_vertex(events):
    away = (events.z0 - events.z0_true[events.event_of_track()])[events.is_primary]
    eta = events.eta[events.is_primary]
    central, forward = np.abs(eta) < 0.3, np.abs(eta) > 2.2
    # the median of a Gaussian's modulus is 0.674 of its width; tails and decays add a little
    assert np.median(np.abs(away[central])) == pytest.approx(0.674 * 0.06 * 1.06, rel=0.15)
    assert np.median(np.abs(away[forward])) == pytest.approx(0.674 * 0.06 * (1 + 2 * 2.3**2), rel=0.15)


def test_words_say_what_the_floats_say(events):
    word = unpack(events.words)
    assert np.all(word["valid"] == 1)
    np.testing.assert_array_equal(word["z0"], digitise("z0", events.z0))
    np.testing.assert_array_equal(word["tanl"], digitise("tanl", np.sinh(events.eta.astype(np.float64))))
    charge = np.where(word["rinv"] >= 0, 1, -1)
    np.testing.assert_array_equal(word["rinv"], digitise("rinv", rinv_from_pt(events.pt, charge)))
    assert np.all(pt_of_words(events.words) > 1.99)
    assert np.all(word["d0"] == 0)
    assert np.all(word["mva_other"] == 0)
    # half a sector is 911 steps, and both sides are used
    assert -911 <= word["phi"].min() < -900
    assert 900 < word["phi"].max() <= 911
    assert 0.45 < np.mean(charge > 0) < 0.55


def test_tracks_lie_by_event_then_link(events):
    np.testing.assert_array_equal(events.link & 1, events.eta >= 0)
    key = events.event_of_track() * 18 + events.link
    assert np.all(np.diff(key) >= 0)
    share = np.bincount(events.link, minlength=18) / len(events.link)
    assert share == pytest.approx(np.full(18, 1 / 18), rel=0.1)


def test_the_order_within_a_link_does_not_tell_primaries(events):
    key = events.event_of_track() * 18 + events.link
    is_first = np.append(True, np.diff(key) > 0)
    follows = np.append(np.diff(key) == 0, False)
    # links with two or more tracks: the first is primary as often as the second
    first = is_first & follows
    second = np.append(False, first[:-1])
    difference = events.is_primary[first].mean() - events.is_primary[second].mean()
    assert abs(difference) < 4 * np.sqrt(2 * 0.08 / first.sum())


def test_an_event_is_the_same_however_it_is_asked_for(overlay):
    one = overlay_events(overlay(), 0, 300)
    pieces = [overlay_events(overlay(), first, n) for first, n in [(0, 1), (1, 127), (128, 128), (256, 44)]]
    assert same_bytes(one, concatenate_events(pieces))
    assert same_bytes(one.take(np.arange(100, 200)), overlay_events(overlay(), 100, 100))


def test_seed_split_and_settings_change_the_events(overlay):
    one = overlay_events(overlay(), 0, 50)
    for other in (overlay(seed=2), overlay(split="test"), overlay(replace(DEFAULT, pileup=199.0))):
        assert not same_bytes(one, overlay_events(other, 0, 50))


def test_splits_share_no_collision(files):
    numbers = np.arange(1000)
    split = split_of(numbers)
    assert [int(np.sum(split == i)) for i in range(3)] == [500, 100, 400]
    pools = [build_split_pool(files, name, replace(DEFAULT, max_d0_cm=1.0)) for name in SPLITS]
    assert [p.hard_count for p in pools] == [{"ttbar": n, "zll": n} for n in (1000, 200, 800)]
    n_tracks = sum(len(f.columns["event"]) for process in files.values() for f in process)
    assert sum(p.fake_first for p in pools) == n_tracks
    # the shipped values are rounded, so a track may have a twin by chance; a shared event would make them all twins
    halves = [p.rest[: p.fake_first].view(np.uint64).reshape(-1, 2) for p in pools]
    rest = [(h[:, 0] * np.uint64(0x9E3779B97F4A7C15)) ^ h[:, 1] for h in halves]
    for i, j in [(0, 1), (0, 2), (1, 2)]:
        assert np.isin(rest[i], rest[j]).mean() < 0.01


def test_events_without_tracks_count():
    """Event 5 alone belongs to validation; it has no track and must be drawn all the same."""

    def pool_tracks(process, event):
        columns = {name: np.full(len(event), 0.5).astype(dtype) for name, dtype in DTYPES.items()}
        columns |= {"event": np.array(event, dtype=np.int32), "pt_gev": np.full(len(event), 5.0, np.float32)}
        columns |= {"d0_cm": np.zeros(len(event), np.float32), "charge": np.ones(len(event), np.int8)}
        return [PoolTracks(process, 0, 20, columns)]

    made = {"minbias": pool_tracks("minbias", [1, 5, 5]), "ttbar": pool_tracks("ttbar", [3, 15, 15, 15])}
    made["zll"] = pool_tracks("zll", [0])
    pool = build_split_pool(made, "validation", DEFAULT)
    assert pool.minbias_share == 0.5
    assert pool.n_minbias == 1
    assert pool.hard_count == {"ttbar": 2, "zll": 2}
    np.testing.assert_array_equal(pool.count, [2, 0, 3, 0, 0])
    settings = replace(DEFAULT, pileup=0.0, fakes=0.0, efficiency=1.0)
    events = overlay_events(Overlay(pool, "validation", settings, 0.5, 1), 0, 8)
    by_process = {name: list(events.n_tracks[events.process == i]) for i, name in enumerate(PROCESSES)}
    assert by_process == {"ttbar": [0, 3, 0, 3], "zll": [0, 0, 0, 0]}
    assert np.all(events.is_primary)


def test_hard_collisions_are_taken_in_turn(overlay):
    some = overlay(ttbar_fraction=0.25)
    process, position = hard_collisions(some, 0, 8000)
    assert np.sum(process == 0) == 2000
    assert np.all(np.bincount(position[process == 0] - some.pool.hard_first["ttbar"]) == 2)
    assert np.all(np.bincount(position[process == 1] - some.pool.hard_first["zll"]) == 6)
    again = hard_collisions(some, 777, 100)
    np.testing.assert_array_equal(again[1], position[777:877])


@pytest.mark.parametrize(("fraction", "only"), [(0.0, 1), (1.0, 0)])
def test_one_process_only(overlay, fraction, only):
    assert np.all(overlay_events(overlay(ttbar_fraction=fraction), 0, 20).process == only)


def test_pileup_fakes_and_efficiency(overlay):
    nothing = replace(DEFAULT, pileup=0.0, fakes=0.0)
    n = 4 * BLOCK_EVENTS
    full = overlay_events(overlay(replace(nothing, efficiency=1.0)), 0, n)
    assert np.all(full.is_primary)
    half = overlay_events(overlay(replace(nothing, efficiency=0.5)), 0, n)
    assert half.start[-1] / full.start[-1] == pytest.approx(0.5, abs=0.02)
    none = overlay_events(overlay(replace(nothing, efficiency=0.0)), 0, n)
    assert none.start[-1] == 0
    assert none.words.shape == (0, 3)
    fakes = overlay_events(overlay(replace(nothing, efficiency=0.0, fakes=4.0)), 0, n)
    assert fakes.n_tracks.mean() == pytest.approx(4.0, rel=0.1)
    assert not np.any(fakes.is_primary)
    assert np.abs(fakes.z0).max() <= 15
    assert fakes.pt.min() >= 2
    one, two = (overlay_events(overlay(replace(DEFAULT, pileup=p, fakes=0.0)), 0, n) for p in (100.0, 200.0))
    pileup = [np.sum(~e.is_primary) for e in (one, two)]
    assert pileup[1] / pileup[0] == pytest.approx(2.0, rel=0.03)


def test_z_is_saturated_where_the_word_ends(overlay):
    wide = overlay_events(overlay(replace(DEFAULT, luminous_sigma_z_cm=15.0)), 0, 20)
    z0 = unpack(wide.words)["z0"]
    assert z0.min() == FIELDS["z0"].low
    assert z0.max() == FIELDS["z0"].high
    assert np.all(z0[wide.z0 > 20.47] == FIELDS["z0"].high)


def test_quality_fields_follow_their_settings(overlay, events):
    from scipy.stats import lognorm

    word = unpack(events.words)
    edges = np.array([*FIELDS["chi2rphi"].edges, np.inf])
    share = np.bincount(word["chi2rphi"], minlength=16) / len(word["chi2rphi"])
    expected = np.diff(lognorm.cdf(edges, 0.8, scale=1.2))
    assert share == pytest.approx(expected, abs=0.02)  # 2% fakes are among them
    stubs = np.bitwise_count(word["hitpattern"])
    assert [np.mean(stubs == n) for n in (4, 5, 6)] == pytest.approx([0.1, 0.3, 0.6], abs=0.02)
    fakes = overlay_events(overlay(replace(DEFAULT, pileup=0.0, efficiency=0.0, fakes=50.0)), 0, 200)
    for name, better in (("chi2rphi", 1), ("chi2rz", 1), ("bendchi2", 1), ("mva_quality", -1)):
        assert better * (unpack(fakes.words)[name].mean() - word[name].mean()) > 0.5, name


def test_quality_tables_have_4096_entries():
    for kind in ("real", "fake"):
        tables = quality_tables(DEFAULT, kind)
        for field in fields(tables):
            assert getattr(tables, field.name).shape == (4096,)


def test_take_keeps_events_whole(events):
    some = events.take(np.array([7, 3, 7]))
    np.testing.assert_array_equal(some.z0_true, events.z0_true[[7, 3, 7]])
    for place, event in enumerate((7, 3, 7)):
        mine = slice(some.start[place], some.start[place + 1])
        theirs = slice(events.start[event], events.start[event + 1])
        np.testing.assert_array_equal(some.words[mine], events.words[theirs])
    assert len(events.take(np.zeros(len(events), dtype=bool))) == 0
    assert same_bytes(events.take(np.arange(len(events))), events)


def test_parts_of_any_size_are_joined(events):
    edges = [0, 1, 3, 3, 500, 4000]
    parts = [events.take(np.arange(low, high)) for low, high in itertools.pairwise(edges)]
    # the room is judged by the first part: far too small here
    crowd = np.argsort(events.n_tracks)
    assert same_bytes(concatenate_events(parts), events)
    few, many = events.take(crowd[:10]), events.take(crowd[-300:])
    joined = concatenate_events([few, many])
    assert same_bytes(joined.take(np.arange(10)), few)
    assert same_bytes(joined.take(np.arange(10, 310)), many)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pileup": -1.0}, r"pileup must be a number from 0 to 1000, not -1.0"),
        ({"efficiency": 1.01}, "efficiency must be a number from 0 to 1"),
        ({"max_d0_cm": 2.0}, "max_d0_cm must be a number from 0.0001 to 1"),
        ({"fakes": True}, "fakes must be a number"),
        ({"chi2rphi_real": (1.0,)}, "chi2rphi_real must be 2 numbers"),
        ({"stubs_fake": (0.0, 0.0, 0.0)}, "stubs_fake must hold a positive weight"),
        ({"fake_z0_cm": 30.0}, "fake_z0_cm must be a number from 0 to 20.46"),
    ],
)
def test_bad_settings(change, message):
    with pytest.raises(UserError, match=message):
        TrackSettings(**change)


def test_lists_from_a_study_file_become_tuples():
    assert TrackSettings(mva_real=[6, 1]) == DEFAULT
    assert hash(TrackSettings(mva_real=[6, 1])) == hash(DEFAULT)
