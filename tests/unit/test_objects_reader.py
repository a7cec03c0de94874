"""Files in the layout of the anomaly challenge: taken as they are, refused with the reason if they break it."""

from __future__ import annotations

import tracemalloc

import h5py
import numpy as np
import pytest

from sim.events.errors import UserError
from sim.events.objects.examples import example_objects
from sim.events.objects.layout import CLASSES, COLUMN_NAMES, GROUPS, JET, NAMES, PARTICLES, with_codes
from sim.events.objects.reader import close_gaps, count_events, read_events, stream_events
from sim.events.objects.words import SCALES, digitise, read_words


def write(path, particles, *, names=COLUMN_NAMES, classes=tuple(g.label for g in GROUPS), dtype="f8", **more):
    """A file as the challenge's own script writes them."""
    with h5py.File(path, "w") as file:
        file.create_dataset(PARTICLES, data=np.asarray(particles).astype(dtype), compression="gzip")
        file.create_dataset(NAMES, data=np.array(names, dtype="S"), compression="gzip")
        file.create_dataset(CLASSES, data=np.array(classes, dtype="S"), compression="gzip")
        for name, data in more.items():
            file.create_dataset(name, data=data)
    return path


@pytest.fixture
def particles():
    return with_codes(example_objects(300, 1)).astype(np.float64)


def refused(path):
    with pytest.raises(UserError) as caught:
        read_events(path)
    return str(caught.value)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_a_file_of_the_challenge_is_read_as_it_is(tmp_path, particles, dtype):
    path = write(tmp_path / "a.h5", particles, dtype=dtype, EvtId=np.arange(300))
    objects, weight = read_events(path)
    np.testing.assert_array_equal(objects, example_objects(300, 1))
    assert objects.dtype == np.float32
    np.testing.assert_array_equal(weight, np.ones(300))
    assert count_events(path) == 300


def test_pieces_are_the_whole(tmp_path, particles):
    path = write(tmp_path / "a.h5", particles, Weights=np.arange(300.0))
    parts = list(stream_events(path, rows=32))
    assert len(parts) > 3
    objects, weight = read_events(path)
    np.testing.assert_array_equal(np.concatenate([p[0] for p in parts]), objects)
    np.testing.assert_array_equal(np.concatenate([p[1] for p in parts]), np.arange(300.0))
    first, _ = read_events(path, n_events=100)
    np.testing.assert_array_equal(first, objects[:100])
    np.testing.assert_array_equal(weight, np.arange(300.0))


def test_jets_that_the_challenge_took_out_leave_no_gap(tmp_path, particles):
    # its script sets pT and eta of jets beyond |eta| of 4 to zero, and leaves phi, class and place
    event = int(np.flatnonzero((particles[:, JET.slots, 0] > 0).sum(axis=1) >= 3)[0])
    particles[event, JET.first, :2] = 0
    objects, _ = read_events(write(tmp_path / "a.h5", particles))
    before = particles[event, JET.slots, :3].astype(np.float32)
    np.testing.assert_array_equal(objects[event, JET.first : JET.first + 9], before[1:])
    np.testing.assert_array_equal(objects[event, JET.first + 9], np.zeros(3))
    others = np.arange(300) != event
    np.testing.assert_array_equal(objects[others], example_objects(300, 1)[others])


def test_closing_gaps_against_a_plain_loop():
    rng = np.random.default_rng(3)
    objects = example_objects(500, 2)
    objects[rng.random(objects.shape[:2]) < 0.3] *= np.array([0, 1, 1], dtype=np.float32)
    expected = np.zeros_like(objects)
    for e, event in enumerate(objects):
        for group in GROUPS:
            kept = [o for o in event[group.slots] if o[0] > 0]
            for i, values in enumerate(kept):
                expected[e, group.first + i] = values
    np.testing.assert_array_equal(close_gaps(objects.copy()), expected)


def spoil_nan(p):
    p[7, 3, 1] = np.nan


def spoil_negative(p):
    p[7, 0, 0] = -1


def spoil_order(p):
    p[7, 9:11, 0] = (20, 30)
    p[7, 9:11, 3] = 4


def spoil_order_over_a_gap(p):
    p[7, 9:12, 0] = (20, 0, 30)
    p[7, 9:12, 3] = 4


def spoil_code(p):
    p[7, 0, 3] = 5


def spoil_half_code(p):
    p[7, 0, 3] = 1.5


def spoil_place(p):
    p[7, 1, 3] = 3


def spoil_missing_code(p):
    p[7, 1, 3] = 0


def spoil_degrees(p):
    p[7, 1, 2] = 90


def spoil_eta(p):
    p[7, 1, 1] = 99


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (spoil_nan, "event 7, object 3 .* finite .*nan"),
        (spoil_negative, "event 7, object 0 .* pT of 0 .*-1"),
        (spoil_order, "event 7, object 10 .* not be harder than one before .*Pt 30"),
        (spoil_order_over_a_gap, "event 7, object 11 .* not be harder than one before .*Pt 30"),
        (spoil_code, "event 7, object 0 .* class of 1, 2, 3, 4, .*Class 5"),
        (spoil_half_code, "event 7, object 0 .* class of 1, 2, 3, 4, .*Class 1.5"),
        (spoil_place, "event 7, object 1 .* class of its place .*Class 3"),
        (spoil_missing_code, "event 7, object 1 .* class of its place .*Class 0"),
        (spoil_degrees, "event 7, object 1 .* phi from -pi to pi.*Phi 90"),
        (spoil_eta, r"event 7, object 1 .* \|eta\| up to 10.*Eta 99"),
    ],
)
def test_a_bad_event_is_named(tmp_path, particles, spoil, says):
    spoil(particles)
    with pytest.raises(UserError, match=says):
        list(stream_events(write(tmp_path / "a.h5", particles), rows=50))


def test_the_number_of_the_event_counts_from_the_start_of_the_file(tmp_path, particles):
    particles[250, 0, 0] = np.inf
    with pytest.raises(UserError, match="event 250, object 0"):
        list(stream_events(write(tmp_path / "a.h5", particles), rows=40))


@pytest.mark.parametrize("shape", [(10, 19, 3), (10, 18, 4), (10, 57), (0, 19, 4)])
def test_a_wrong_shape_is_refused(tmp_path, shape):
    message = refused(write(tmp_path / "a.h5", np.zeros(shape)))
    assert str(shape) in message or "at least one event" in message


def test_other_contents_are_refused(tmp_path, particles):
    assert "Pt, Eta, Phi, Class, not" in refused(write(tmp_path / "a.h5", particles, names=("E", "x", "y", "z")))
    assert "Four_Ele_class_2" in refused(write(tmp_path / "b.h5", particles, classes=("MET_class_1",)))
    assert "floating-point" in refused(write(tmp_path / "c.h5", particles, dtype="i8"))
    assert "one number an event" in refused(write(tmp_path / "d.h5", particles, Weights=np.ones(4)))
    bad = np.ones(300)
    bad[12] = -1
    assert "weight of event 12" in refused(write(tmp_path / "e.h5", particles, Weights=bad))
    with h5py.File(tmp_path / "f.h5", "w") as file:
        file["other"] = np.zeros(3)
    assert f"must hold the data set {PARTICLES}, and holds other" in refused(tmp_path / "f.h5")
    assert "must exist" in refused(tmp_path / "none.h5")


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.95])
def test_a_file_cut_short_is_refused(tmp_path, particles, share):
    path = write(tmp_path / "a.h5", particles)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    assert "must be an intact HDF5 file" in refused(path)


def test_a_damaged_piece_is_refused(tmp_path, particles):
    path = write(tmp_path / "a.h5", particles)
    with h5py.File(path) as file:
        info = file[PARTICLES].id.get_chunk_info(0)
    content = bytearray(path.read_bytes())
    content[info.byte_offset : info.byte_offset + 200] = bytes(200)
    path.write_bytes(content)
    assert "must be an intact HDF5 file" in refused(path)


def test_memory_does_not_grow_with_the_file(tmp_path):
    def peak(n_events, rows):
        path = tmp_path / f"{n_events}.h5"
        if not path.exists():
            with h5py.File(write(path, with_codes(example_objects(1, 3))), "r+") as file:
                del file[PARTICLES]
                values = np.resize(with_codes(example_objects(2000, 3)), (n_events, 19, 4))
                file.create_dataset(PARTICLES, data=values, dtype="f8", chunks=(500, 19, 4))
        tracemalloc.start()
        n = sum(len(objects) for objects, _ in stream_events(path, rows=rows))
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert n == n_events
        return found

    small, large = peak(8_000, 2_000), peak(64_000, 2_000)
    assert large < 1.1 * small
    # the words of 10 million events take 114 bytes each, beside what is held of the file at once
    per_event = peak(64_000, 64_000) / 64_000
    assert 65_536 * per_event + 10_000_000 * 114 < 2e9


def test_words_of_a_file_are_those_of_its_events(tmp_path, particles):
    path = write(tmp_path / "a.h5", particles)
    words = read_words(path, SCALES["gt"])
    assert words.dtype == np.int16
    np.testing.assert_array_equal(words, digitise(read_events(path)[0], SCALES["gt"]))
