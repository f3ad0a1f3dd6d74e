"""The one form of an e-mail address, in Python."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stack.paths import CHECKOUT
from tests.support.addresses import ADDRESSES, addresses, python_form
from workers.auth.addresses import is_domain_letter


@pytest.mark.parametrize(("given_address", "normal"), ADDRESSES)
def test_examples(given_address: str, normal: str | None) -> None:
    assert python_form(given_address) == normal


@given(addresses())
def test_the_form_of_a_form_is_itself(given_address: str) -> None:
    normal = python_form(given_address)
    if normal is not None:
        assert normal.isascii()
        assert normal == normal.lower()
        assert python_form(normal) == python_form(f" {normal.upper()} ") == normal


@given(st.text(max_size=20).map(lambda local: f"{local}@werke.example"))
def test_parts_before_the_sign_are_ascii(given_address: str) -> None:
    assert (normal := python_form(given_address)) is None or normal.isascii()


def test_the_letters_in_sql_are_those_of_python() -> None:
    """The migration's list is made of this rule, over the gaps of letters that are made small before."""
    text = (CHECKOUT / "db" / "schema" / "0003_addresses.sql").read_text(encoding="utf-8")
    listed = [range(int(a), int(b)) for a, b in re.findall(r"\[(\d+),(\d+)\)", text)]
    assert listed == sorted(listed, key=lambda each: each.start)
    in_sql = {code for each in listed for code in each}
    in_python = {code for code in range(0x110000) if is_domain_letter(chr(code))}
    assert in_python <= in_sql
    for code in in_sql - in_python:
        character = unicodedata.normalize("NFKC", chr(code))
        assert unicodedata.normalize("NFKC", character.lower()) != chr(code), hex(code)
