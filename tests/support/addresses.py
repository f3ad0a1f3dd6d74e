"""E-mail addresses: the examples that every door agrees on, and others by chance."""

from __future__ import annotations

import json

from hypothesis import strategies as st

from stack.paths import CHECKOUT
from workers.auth.addresses import normal_address

VECTORS = CHECKOUT / "tests" / "vectors" / "addresses.json"
ADDRESSES: list[tuple[str, str | None]] = [
    (given, normal) for given, normal in json.loads(VECTORS.read_text(encoding="utf-8"))["addresses"]
]

_LETTERS = st.one_of(
    st.sampled_from("abcxyzABC0189-_"),
    st.sampled_from("äöüßẞÄÖÜéçñİıſΣσςАяЯ東京한あアㄱԱա\u0307\u0308\u00ad\u200b\u200d\u3002\uff0e①½㎏"),
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00"),
)
_LABEL = st.one_of(
    st.text(_LETTERS, max_size=12),
    st.text(st.characters(categories=["Ll", "Lo", "Lu", "Lm"]), min_size=1, max_size=20),
    st.text("abcdefghijklmnopqrstuvwxyz0123456789-", max_size=20).map(lambda text: f"xn--{text}"),
    st.text(_LETTERS, min_size=1, max_size=8).map(lambda text: f"xn--{text.encode('punycode').decode()}"),
    st.sampled_from(["example", "local", "test", "werke", "xn--bcher-kva", "xn--p1ai", "a" * 63, "ü" * 40]),
)


def addresses() -> st.SearchStrategy[str]:
    """Addresses, most of them nearly right."""
    local = st.one_of(
        st.sampled_from(["ada", "ada.l", "ada..l", ".ada", '"ada"', "ada+x", "A" * 64, ""]),
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=10),
    )
    domain = st.lists(_LABEL, min_size=1, max_size=4).map(".".join)
    spaces = st.sampled_from(["", "", " ", "\t\n", "\u00a0", "\x1f"])
    return st.builds(lambda a, b, c, d: f"{a}{b}@{c}{d}", spaces, local, domain, spaces)


def python_form(given: str) -> str | None:
    """What Python says of it; None: refused."""
    try:
        return normal_address(given)
    except ValueError:
        return None
