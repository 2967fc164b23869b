"""Sizes as Kubernetes writes them, in bytes. The API server may answer with another spelling than it was sent."""

from __future__ import annotations

MIB = 1 << 20

# Suffix: factor. `m` is what the API server makes of 1.1Gi: 1181116006400m.
_THOUSANDTHS = {
    "m": 1,
    "": 10**3,
    "k": 10**6,
    "M": 10**9,
    "G": 10**12,
    "T": 10**15,
    "P": 10**18,
    "E": 10**21,
    "Ki": 1000 << 10,
    "Mi": 1000 << 20,
    "Gi": 1000 << 30,
    "Ti": 1000 << 40,
    "Pi": 1000 << 50,
    "Ei": 1000 << 60,
}


def in_bytes(quantity: str) -> int:
    """`5Gi`, `1500M`, `1.5Ti`, `5368709120` or `5e9` in bytes, rounded up. Raises ValueError."""
    number = quantity.rstrip("mkKMGTPEi")
    suffix, exponent = quantity[len(number) :], 0
    for mark in ("e", "E"):
        number, found, power = number.partition(mark)
        exponent += int(power) if found else 0
    whole, _, fraction = number.partition(".")
    if suffix not in _THOUSANDTHS or not (whole + fraction).isdecimal() or abs(exponent) > 30:
        raise ValueError(f"no size: {quantity[:40]!r}")
    value, places = int(whole + fraction) * _THOUSANDTHS[suffix], len(fraction) - exponent + 3
    scale: int = 10 ** abs(places)
    return -(-value // scale) if places > 0 else value * scale
