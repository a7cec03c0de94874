"""What a user gets wrong: exit code 2, one message that names what to do, no traceback, nothing written."""

from __future__ import annotations

import pytest


def one_message(done) -> str:
    """The message of a refused command, having checked its form."""
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("trigger: ")
    return lines[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("search.popullation=8", ["popullation", "population"]),
        ("serach.population=8", ["serach", "search"]),
        ("search.population=many", ["search.population", "an integer", "many"]),
        ("search.population=10", ["population", "multiple of 4", "10", "8, 12"]),
        ("space.input_bits=[0, 4]", ["input_bits", "1 to 16", "0"]),
        ("firmware.part=xc7z", ["part", "xc7z", "xcvu13p"]),
        ("firmware.backend=Vivado3", ["backend", "Vivado3", "Vitis"]),
        ("firmware.reuse_factor=3", ["reuse_factor", "3", "1"]),
        ("space.features=[meanzz]", ["meanzz", "meanz"]),
        ("search.population", ["--set", "section.key=value"]),
    ],
)
def test_a_wrong_value_is_named_with_its_rule(command, small, change, words):
    message = one_message(command("data", small, "--set", change))
    for word in words:
        assert word in message


def test_a_missing_file(trigger):
    assert "nowhere.yaml" in one_message(trigger("run", "nowhere.yaml"))


def test_broken_yaml_names_the_line(command, tmp_path):
    (tmp_path / "broken.yaml").write_text("study:\n  name: [a\nsearch: {}\n")
    message = one_message(command("run", "broken.yaml"))
    assert "broken.yaml" in message
    assert "line 3" in message


def test_yaml_that_would_make_objects_is_refused(command, tmp_path):
    (tmp_path / "evil.yaml").write_text("study: !!python/object/apply:os.mkdir [made]\n")
    assert "evil.yaml" in one_message(command("run", "evil.yaml"))
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["swep", "x.yaml"], ["swep", "nearest: sweep"]),
        ([], ["a verb is needed"]),
        (["verify"], ["CONFIG | DIR"]),
        (["verify", "nowhere"], ["nowhere", "neither"]),
        (["generate"], ["--model"]),
        (["generate", "--model", "m.h5"], ["--out"]),
        (["generate", "--model", "m.h5", "--out", "o", "--max-lut", "9"], ["--max-lut", "study"]),
        (["generate", "--model", "m.h5", "--out", "o"], ["m.h5"]),
        (["sweep", "x.yaml", "--epochs", "3"], ["--epochs"]),
        (["train", "x.yaml", "--epochs", "0"], ["--epochs", "at least 1", "0"]),
        (["verify", "x", "--sim", "modelsim"], ["modelsim", "verilator", "icarus"]),
        (["generate", "x.yaml", "--max-lut", "-3"], ["--max-lut", "above 0"]),
    ],
)
def test_a_wrong_command_line(command, arguments, words):
    message = one_message(command(*arguments))
    for word in words:
        assert word in message


@pytest.mark.parametrize("verb", ["generate", "report", "verify", "train"])
def test_a_stage_before_its_time_names_the_one_that_is_missing(command, small, verb):
    message = one_message(command(verb, small))
    assert "sweep" in message or "generate" in message


def test_an_empty_folder_is_no_project(command, tmp_path):
    (tmp_path / "empty").mkdir()
    message = one_message(command("verify", "empty"))
    assert "empty" in message
    assert "manifest.json" in message


def test_nothing_is_written_for_a_wrong_configuration(trigger, small, tmp_path):
    one_message(trigger("run", small, "--set", "training.epochs=none"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["small.yaml"]
