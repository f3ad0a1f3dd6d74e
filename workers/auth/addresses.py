"""The one form of an e-mail address, in which it is stored and compared.

The same rules as ``auth.normal_address`` in SQL, which keeps them at every other door and of what is stored;
``tests/vectors/addresses.json`` and a sweep over all characters run against both.
"""

from __future__ import annotations

import re
import unicodedata

import idna
from email_validator import EmailNotValidError, validate_email
from idna import idnadata
from idna.intranges import intranges_contain

MAX_LENGTH = 320
WHITESPACE = " \t\n\v\f\r"

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_PREFIX = "xn--"
_DOTTED_I = "\u0130"
_UNICODE = unicodedata.ucd_3_2_0


def normal_address(text: str) -> str:
    """``text`` in its one form. Raises :class:`ValueError` when nobody could sign in with it; says why."""
    if len(text) > MAX_LENGTH:
        raise ValueError("the address is too long")
    local, _, domain = text.strip(WHITESPACE).rpartition("@")
    try:
        found = validate_email(
            f"{local}@{_ascii_domain(domain)}", check_deliverability=False, allow_smtputf8=False
        )
    except EmailNotValidError as error:
        raise ValueError(str(error)) from None
    return f"{found.local_part}@{found.ascii_domain}".lower()


def is_domain_letter(character: str) -> bool:
    """Whether a character outside ASCII may stand in a domain here.

    A letter without case or in lower case that IDNA 2008 allows, of a script written from left to right, and
    as old as Unicode 3.2, so that every program agrees. It makes no difference whether it came in Punycode.
    """
    return (
        "\x7f" < character <= "\uffff"
        and {_UNICODE.category(character), unicodedata.category(character)} <= {"Ll", "Lo", "Lm"}
        and _UNICODE.bidirectional(character) == "L"
        and intranges_contain(ord(character), idnadata.codepoint_classes["PVALID"])
        and _small_letters(character) == character
    )


def _small_letters(text: str) -> str:
    """In small letters, one by one as every language has them, and in one composition."""
    text = unicodedata.normalize("NFKC", text)
    if _DOTTED_I in text:
        raise ValueError("the address has a letter that is made small differently in different languages")
    return unicodedata.normalize("NFKC", "".join(character.lower() for character in text))


def _ascii_domain(domain: str) -> str:
    return ".".join(_ascii_label(label) for label in _small_letters(domain).split("."))


def _ascii_label(label: str) -> str:
    letters = label
    if label.startswith(_PREFIX):
        try:
            letters = label.removeprefix(_PREFIX).encode("ascii").decode("punycode")
        except (UnicodeError, ValueError, OverflowError):
            raise ValueError("the part after the @-sign is not valid") from None
    shape = "".join("a" if is_domain_letter(character) else character for character in letters)
    if not _LABEL.fullmatch(shape) or shape[2:4] == "--":
        raise ValueError("the part after the @-sign has letters or signs that cannot stand there")
    if letters.isascii() and not label.startswith(_PREFIX):
        return label
    encoded = _PREFIX + letters.encode("punycode").decode("ascii")
    if label.startswith(_PREFIX) and (
        encoded != label or letters.isascii() or _small_letters(letters) != letters
    ):
        raise ValueError("the part after the @-sign is not valid")
    try:
        return idna.alabel(letters).decode("ascii")
    except idna.IDNAError:
        raise ValueError("the part after the @-sign is not valid") from None
