"""Files of ease.ml/ci are read as they are, and nothing in them is executed."""

import sys

import pytest

from upkeep.adapters.easeml_file import EasemlFile, read_easeml
from upkeep.errors import InputError

PAPER = r"""
ml:
  - script     : ./test_model.py
  - condition  : n - o > 0.02 +/- 0.01 /\ d < 0.1 +/- 0.01
  - reliability: 0.9999
  - mode       : fp-free
  - adaptivity : full
  - steps      : 32
"""


@pytest.fixture
def read(tmp_path):
    def with_(text):
        path = tmp_path / ".easeml.yml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_easeml(path)

    return with_


def test_the_papers_example_is_read_as_it_is(read):
    found = read(PAPER)
    assert found == EasemlFile(
        condition="n - o > 0.02 +/- 0.01 /\\ d < 0.1 +/- 0.01",
        reliability=0.9999,
        steps=32,
        mode="fp-free",
        adaptivity="full",
        script="./test_model.py",
    )
    assert found.settings.keys() == {"condition", "reliability", "steps", "mode", "adaptivity"}


@pytest.mark.parametrize(
    ("written", "adaptivity", "mail"),
    [
        ("none -> xx@abc.com", "none", "xx@abc.com"),
        ("none->xx@abc.com", "none", "xx@abc.com"),
        ("none", "none", ""),
        ("firstChange", "firstChange", ""),
    ],
)
def test_adaptivity_may_name_whom_the_answers_go_to(read, written, adaptivity, mail):
    found = read(PAPER.replace("full", written))
    assert (found.adaptivity, found.mail) == (adaptivity, mail)


def test_sections_of_other_tools_and_the_order_do_not_matter_and_a_script_may_be_missing(read):
    lines = [line for line in PAPER.strip().splitlines()[1:] if "script" not in line]
    travis = "language: python\nbefore_install: !ruby/sym x\nml:\n" + "\n".join(reversed(lines))
    assert read(travis).steps == 32
    assert read(travis).script == ""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("  - steps      : 32\n", "", r"\.easeml\.yml: section ml must hold .* but lacks steps"),
        ("reliability: 0.9999", "reliabilty: 0.9999", "line 5: ml may hold script, .*, got 'reliabilty'"),
        ("steps      : 32", "steps      : many", "line 8: steps must be a whole number, got 'many'"),
        ("steps      : 32", "steps      : 3.5", "line 8: steps must be a whole number, got 3.5"),
        ("steps      : 32", "steps      : true", "line 8: steps must be a whole number, got True"),
        ("steps      : 32", "steps      : 0", "steps must be at least 1, got 0"),
        ("steps      : 32", "steps      : [32]", "line 8: values must be plain words and numbers"),
        ("steps      : 32", "steps      : 32\n    mode: fp-free", "line 8: each entry of ml must be one key"),
        ("steps      : 32", "mode       : fn-free", "line 8: mode must stand once"),
        ("0.9999", "99.99", r"line 5: reliability must lie in \(0, 1\), got 99.99"),
        ("0.9999", "high", "line 5: reliability must be a number, got 'high'"),
        ("0.9999", ".nan", r"line 5: reliability must lie in \(0, 1\)"),
        ("0.9999", "!!float high", "line 5: 'high' is no float"),
        ("fp-free", "strict", "line 6: mode must be fp-free or fn-free, got 'strict'"),
        ("full", "full -> a@b.c", "line 7: adaptivity must be full, firstChange, none or none -> mail"),
        ("full", "none -> somebody", "line 7: adaptivity must be"),
        (" +/- 0.01 /", " /", "line 4: the condition needs a tolerance"),
        ("n - o", "__import__('os')", "line 4: the condition"),
        ("ml:", "mml:", "there must be one section ml"),
        ("ml:", "ml: {}\nml:", "there must be one section ml"),
    ],
)
def test_what_is_missing_or_unknown_is_named_with_its_line(read, old, new, said):
    with pytest.raises(InputError, match=said):
        read(PAPER.replace(old, new))


@pytest.mark.parametrize(
    "text", ["", "- a", "ml: 3", "a: [", b"\xff\xfe\x00", "[" * 60_000, "ml: &a [*a]", "a\n" * 40_000]
)
def test_what_is_no_such_file_is_refused(read, text):
    with pytest.raises(InputError):
        read(text)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    for path in (tmp_path, tmp_path / "absent.yml"):
        with pytest.raises(InputError):
            read_easeml(path)


@pytest.mark.parametrize(
    "hostile",
    [
        "!!python/object/apply:os.mkdir [{}]",
        "!!python/object/apply:os.mkdir\n      - {}",
        "!!python/object/new:os.mkdir [{}]",
        "!!python/name:os.system",
        "!!python/module:antigravity",
        "!!python/tuple [1, 2]",
        "!!binary aGVsbG8=",
        "!own 3",
    ],
)
@pytest.mark.parametrize("where", ["script     : ./test_model.py", "steps      : 32"])
def test_tags_of_a_language_are_refused_and_never_executed(read, tmp_path, hostile, where):
    target = tmp_path / "made"
    key = where.split(":")[0]
    with pytest.raises(InputError, match=r"line \d: values must be plain words and numbers"):
        read(PAPER.replace(where, f"{key}: {hostile.replace('{}', str(target))}"))
    assert not target.exists()
    assert "antigravity" not in sys.modules


def test_references_that_grow_are_not_followed(read):
    laughs = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 30))
    assert read("l0: &l0 [lol]\n" + laughs + PAPER).steps == 32
