import pytest

from upkeep.core.functions import load_function
from upkeep.errors import InputError


def test_the_named_function_is_returned():
    assert load_function("math:sqrt")(9) == 3.0
    assert load_function("os.path:join")("a", "b") == "a/b"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("math", "named like"),
        ("math:sqrt:x", "named like"),
        ("math:", "named like"),
        ("../math:sqrt", "named like"),
        ("math:sqrt.__call__", "named like"),
        ("no_such_module:f", "module 'no_such_module' .* not found"),
        ("math.sub:f", "module 'math.sub'"),
        ("math:nothing", "has none"),
        ("math:pi", "must be a function, got float"),
    ],
)
def test_an_error_says_what_was_wrong(name, words):
    with pytest.raises(InputError, match=words):
        load_function(name)


def test_a_module_that_does_not_import_is_named(tmp_path, monkeypatch):
    (tmp_path / "broken_features.py").write_text("from math import no_such_name\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InputError, match="no_such_name"):
        load_function("broken_features:f")
