"""Features, lanes and the limit of tracks: the training's words are the firmware's."""

from __future__ import annotations

import numpy as np
import pytest
from vertexing_events import made_events, shipped_events
from vertexing_finders import random_finder

from firmware.vertex.finder import VertexFinder
from firmware.vertex.reference import evaluate_blocks
from sim.events.tracks.word import pt_of_words
from trigger.search.operators.choices import ChoiceGenome
from trigger.tasks.vertexing.model import make_plan
from trigger.tasks.vertexing.samples import feature_words, finder_events, kept_tracks, lanes_of, make_blocks
from trigger.tasks.vertexing.space import PUBLISHED, SpaceSection
from trigger.tasks.vertexing.tables import eta_feature, mva_feature, pt_feature


def test_words_follow_the_formulas() -> None:
    tracks = [{"pt": pt, "eta": eta, "mva": mva} for pt, eta, mva in [(2.01, 0.0, 0), (4.1, -1.21, 3), (16.3, 2.39, 5),
                                                                     (127.9, 0.61, 7), (500.0, -2.5, 6)]]  # fmt: skip
    words = made_events([tracks], [0.0], [0]).words
    # 6 octaves in 2**5: 5.33 words an octave; |eta| in steps of 0.15
    np.testing.assert_array_equal(feature_words(words, pt_feature(5)), [0, 5, 16, 31, 31])
    np.testing.assert_array_equal(feature_words(words, eta_feature(4)), [0, 8, 15, 4, 15])
    np.testing.assert_array_equal(feature_words(words, mva_feature()), [0, 3, 5, 7, 6])


@pytest.mark.parametrize("bits", [4, 5, 6, 7, 8])
def test_tables_are_as_fine_as_their_words(bits: int) -> None:
    events = shipped_events(256)
    exact = np.clip(np.floor(np.log2(pt_of_words(events.words) / 2) / 6 * 2**bits), 0, 2**bits - 1)
    off = np.abs(feature_words(events.words, pt_feature(bits)) - exact)
    assert off.max() <= 1
    assert off.mean() < 0.1


def test_lanes_share_neighbouring_links() -> None:
    link = np.arange(18, dtype=np.uint8)
    np.testing.assert_array_equal(lanes_of(link, 18), link)
    np.testing.assert_array_equal(lanes_of(link, 6), link // 3)
    np.testing.assert_array_equal(lanes_of(link, 1), 0)


def test_first_valid_tracks_of_a_lane_enter() -> None:
    tracks = [{"link": 0}, {"link": 0, "valid": 0}, {"link": 0}, {"link": 0}, {"link": 9}, {"link": 0}]
    events = made_events([tracks, tracks[:1]], [0.0, 0.0], [0, 0])
    np.testing.assert_array_equal(kept_tracks(events, 18, 2), [1, 0, 1, 0, 1, 0, 1])
    np.testing.assert_array_equal(kept_tracks(events, 1, 2), [1, 0, 1, 0, 0, 0, 1])


def _crowded(finder: VertexFinder) -> bool:
    return finder.tracks_per_lane < 32


@pytest.mark.parametrize(("lanes", "limit"), [(18, 8), (6, 20), (18, 32)])
def test_training_and_firmware_see_the_same_tracks(lanes: int, limit: int) -> None:
    finder = random_finder(lanes=lanes, tracks_per_lane=limit)
    events = shipped_events(256).take(np.arange(12))
    outputs, trace = evaluate_blocks(finder, finder_events(events, lanes))
    kept = kept_tracks(events, lanes, limit)
    np.testing.assert_array_equal(kept, outputs.kept)
    assert kept.all() != _crowded(finder)
    for feature in finder.features:
        expected = np.where(kept, feature_words(events.words, feature), 0)
        np.testing.assert_array_equal(trace.features[feature.name], expected)


def test_blocks_hold_every_track_once() -> None:
    events = shipped_events(512)
    plan = make_plan(ChoiceGenome(tuple(PUBLISHED.items())), SpaceSection())
    blocks = make_blocks(events, plan.features, lanes=18, tracks_per_lane=32, size=100, seed=3)
    assert blocks.cell.shape[0] == 5
    inside = blocks.event < 100
    np.testing.assert_array_equal(inside.sum(axis=1), blocks.count)
    assert inside[:, : blocks.count.min()].all()
    order = np.random.default_rng(3).permutation(512)[:500]
    chosen = events.take(order)
    words = chosen.words[kept_tracks(chosen, 18, 32)]
    for feature in plan.features:
        seen = blocks.inputs[feature.name][blocks.cell[inside]]
        np.testing.assert_array_equal(seen, feature_words(words, feature))
