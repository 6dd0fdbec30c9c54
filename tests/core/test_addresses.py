import pytest

from upkeep.core.addresses import without_credentials


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("http://ann:secret@host:5000/a", "http://host:5000/a"),
        ("http://token@host", "http://host"),
        ("http://ann:p@ss@host/a", "http://host/a"),
        ("postgresql+psycopg://ann:p%40@host/db?sslmode=on", "postgresql+psycopg://host/db?sslmode=on"),
        ("s3://key:secret@bucket/folder", "s3://bucket/folder"),
        ("cannot reach 'http://a:b@one/' or http://c:d@two.", "cannot reach 'http://one/' or http://two."),
    ],
)
def test_user_and_password_are_left_out(address, shown):
    assert without_credentials(address) == shown
    assert without_credentials(shown) == shown


@pytest.mark.parametrize(
    "address",
    ["", "sqlite:////data/a@b.db", "http://host/a@b", "http://host?mail=a@b", "file:///a@b/c", "ann@host:repo"],
)
def test_what_holds_no_credentials_is_left_as_it_is(address):
    assert without_credentials(address) == address
