"""Projects on disk: whole or not at all, and known by their hashes."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from firmware.errors import UserError
from firmware.network.fixed_point import FixedPoint
from firmware.project import (
    Manifest,
    Vectors,
    hash_files,
    new_project,
    read_project,
    read_vectors,
    text_matches,
    write_manifest,
    write_vectors,
)  # fmt: skip
from firmware.project.atomic import write_whole
from firmware.project.cache import CACHE, cached_build, content_key
from firmware.project.packing import pack, unpack
from firmware.verify.stimulus import InputPort


def make(folder, text="module m;"):
    with new_project(folder) as project:
        (project / "rtl").mkdir()
        (project / "rtl" / "m.v").write_text(text)
        (project / "model.h5").write_bytes(b"\x00\x01")
        manifest = Manifest(
            name="m", settings={}, packages={}, ports=({"name": "x"},), latency_cycles=3, ii=1, clock_period_ns=2.5,
            resources={"lut": 7, "source": "estimate"}, vectors={}, files=hash_files(project),
        )  # fmt: skip
        write_manifest(project, manifest)
    return manifest


def test_a_project_reads_as_it_was_written(tmp_path):
    written = make(tmp_path / "p")
    project = read_project(tmp_path / "p")
    assert project.manifest == written
    assert project.edited == ()
    assert set(written.files) == {"rtl/m.v", "model.h5"}


def test_results_of_a_verification_are_no_edit(tmp_path):
    make(tmp_path / "p")
    (tmp_path / "p" / "verify.json").write_text("{}")
    (tmp_path / "p" / "verify.xml").write_text("<x/>")
    assert read_project(tmp_path / "p").edited == ()


def test_edits_are_named_file_by_file_and_can_be_allowed(tmp_path):
    make(tmp_path / "p")
    (tmp_path / "p" / "rtl" / "m.v").write_text("module n;")
    (tmp_path / "p" / "rtl" / "more.v").write_text("")
    with pytest.raises(UserError, match=r"rtl/m\.v \(changed\), rtl/more\.v \(added\).*allow-edited"):
        read_project(tmp_path / "p")
    assert read_project(tmp_path / "p", allow_edited=True).edited == ("rtl/m.v (changed)", "rtl/more.v (added)")


def test_an_edited_manifest_is_an_edit(tmp_path):
    make(tmp_path / "p")
    path = tmp_path / "p" / "manifest.json"
    path.write_text(path.read_text().replace('"latency_cycles": 3', '"latency_cycles": 4'))
    with pytest.raises(UserError, match=r"manifest\.json \(changed\)"):
        read_project(tmp_path / "p")
    assert read_project(tmp_path / "p", allow_edited=True).manifest.latency_cycles == 4


def test_missing_files_are_named_and_never_allowed(tmp_path):
    make(tmp_path / "p")
    (tmp_path / "p" / "rtl" / "m.v").unlink()
    for allow_edited in (False, True):
        with pytest.raises(UserError, match=r"missing: rtl/m\.v"):
            read_project(tmp_path / "p", allow_edited=allow_edited)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"schema": 99}', '{"schema": 1}', '{"schema": 1, "surplus": 0}']
)
def test_a_broken_manifest_is_refused(tmp_path, text):
    make(tmp_path / "p")
    (tmp_path / "p" / "manifest.json").write_text(text)
    with pytest.raises(UserError, match=r"manifest\.json of"):
        read_project(tmp_path / "p")


def test_a_folder_without_manifest_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"must hold manifest\.json"):
        read_project(tmp_path)


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_failure_leaves_nothing_and_the_earlier_project_untouched(tmp_path, error):
    make(tmp_path / "p", "first")

    def break_off():
        with new_project(tmp_path / "p") as project:
            (project / "half").write_text("half")
            raise error

    with pytest.raises(error):
        break_off()
    assert (tmp_path / "p" / "rtl" / "m.v").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["p"]


def test_a_new_project_replaces_the_earlier_one(tmp_path):
    make(tmp_path / "p", "first")
    (tmp_path / "p" / "verify.json").write_text("{}")
    make(tmp_path / "p", "second")
    assert (tmp_path / "p" / "rtl" / "m.v").read_text() == "second"
    assert not (tmp_path / "p" / "verify.json").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["p"]


def test_replacement_works_where_the_kernel_cannot_exchange(tmp_path, monkeypatch):
    monkeypatch.setattr("firmware.project.atomic._RENAME_EXCHANGE", 1 << 30)
    make(tmp_path / "p", "first")
    make(tmp_path / "p", "second")
    assert (tmp_path / "p" / "rtl" / "m.v").read_text() == "second"
    assert [path.name for path in tmp_path.iterdir()] == ["p"]


def test_a_folder_that_is_no_project_is_never_replaced(tmp_path):
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "thesis.tex").write_text("years")
    with pytest.raises(UserError, match="must be new, empty, or a project"), new_project(tmp_path / "p"):
        pass
    assert (tmp_path / "p" / "thesis.tex").read_text() == "years"


def test_same_contents_same_bytes(tmp_path):
    make(tmp_path / "p")
    make(tmp_path / "q")
    assert (tmp_path / "p" / "manifest.json").read_bytes() == (tmp_path / "q" / "manifest.json").read_bytes()


def test_a_file_is_replaced_whole(tmp_path, monkeypatch):
    path = tmp_path / "verify.json"
    write_whole(path, "old")
    monkeypatch.setattr("firmware.project.atomic.os.replace", lambda *names: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        write_whole(path, "new")
    assert path.read_text() == "old"
    assert [found.name for found in tmp_path.iterdir()] == ["verify.json"]


def test_a_build_is_made_once_and_not_kept_if_it_fails(tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    calls = []

    def build(folder):
        calls.append(folder)
        (folder / "a").write_text("a")
        if len(calls) == 1:
            raise ValueError("no compiler")

    with pytest.raises(ValueError, match="no compiler"):
        cached_build("kind", "key", build)
    for _ in range(2):
        assert (cached_build("kind", "key", build) / "a").read_text() == "a"
    assert len(calls) == 2


def test_the_oldest_builds_are_forgotten(tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE, str(tmp_path))
    monkeypatch.setattr("firmware.project.cache._KEPT", 2)
    for key in "abc":
        cached_build("kind", key, lambda folder: (folder / "x").touch())
    assert len([path for path in (tmp_path / "kind").iterdir() if path.is_dir()]) == 2
    assert (tmp_path / "kind" / "c").is_dir()


def test_a_key_depends_on_where_parts_end():
    assert content_key(["ab", "c"]) != content_key(["a", "bc"])
    assert content_key(["ab", b"c"]) == content_key(["ab", "c"])


def test_packing_by_hand():
    words = np.array([[1, -1, 2], [-4, 3, 0]], np.int64)
    rows = pack(words, 3)
    assert [int.from_bytes(row.tobytes(), "little") for row in rows] == [0b010_111_001, 0b000_011_100]
    np.testing.assert_array_equal(unpack(rows, 3, True, (3,)), words)
    np.testing.assert_array_equal(unpack(rows, 3, False, (3, 1)), words.reshape(2, 3, 1) & 7)


@pytest.mark.parametrize(("width", "signed"), [(1, False), (7, True), (16, False), (33, True), (63, False), (64, True)])
def test_packing_there_and_back(width, signed):
    low, high = (-(1 << (width - 1)), (1 << (width - 1)) - 1) if signed else (0, (1 << width) - 1)
    words = np.random.default_rng(0).integers(low, high, (20, 3, 2), endpoint=True)
    words[0], words[1] = low, high
    np.testing.assert_array_equal(unpack(pack(words, width), width, signed, (3, 2)), words)


IN = InputPort("x", (2,), FixedPoint(4, 0, False))
OUT = InputPort("y", (1,), FixedPoint(9, 8, True))


def vectors():
    return Vectors({"x": np.array([[1, 15], [0, 2]])}, {"y": np.array([[-256], [255]])})


def test_vectors_read_as_written_and_the_text_is_packed_hexadecimal(tmp_path):
    write_vectors(tmp_path, vectors(), [IN], [OUT])
    found = read_vectors(tmp_path, [IN], [OUT])
    np.testing.assert_array_equal(found.inputs["x"], vectors().inputs["x"])
    np.testing.assert_array_equal(found.outputs["y"], vectors().outputs["y"])
    assert (tmp_path / "vectors.txt").read_text() == "# in_x[7:0] out_y[8:0]\nf1 100\n20 0ff\n"
    assert np.load(tmp_path / "in_x.npy").dtype == np.uint8
    assert np.load(tmp_path / "out_y.npy").dtype == np.int16
    assert text_matches(tmp_path, found, [IN], [OUT])
    assert not text_matches(tmp_path, replace(found, inputs={"x": found.inputs["x"] + 1}), [IN], [OUT])


@pytest.mark.parametrize("break_it", ["missing", "torn", "float", "shape", "pickle"])
def test_broken_vectors_are_refused(tmp_path, break_it):
    write_vectors(tmp_path, vectors(), [IN], [OUT])
    path = tmp_path / "in_x.npy"
    if break_it == "missing":
        path.unlink()
    elif break_it == "torn":
        path.write_bytes(path.read_bytes()[:-1])
    elif break_it == "float":
        np.save(path, np.zeros((2, 2)))
    elif break_it == "shape":
        np.save(path, np.zeros((2, 3), np.int64))
    else:
        np.save(path, np.array([[{}, {}]], object), allow_pickle=True)
    with pytest.raises(UserError, match=r"vector file 'in_x\.npy'"):
        read_vectors(tmp_path, [IN], [OUT])


def test_the_manifest_is_readable_json(tmp_path):
    make(tmp_path / "p")
    data = json.loads((tmp_path / "p" / "manifest.json").read_text())
    assert data["schema"] == 1
    assert data["resources"] == {"lut": 7, "source": "estimate"}
