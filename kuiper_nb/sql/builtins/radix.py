"""Numbers as digits in a base from 2 to 36: what conv, hex2dec and dec2hex are made of."""

from __future__ import annotations

from ...errors import RowFault

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_WRAP = 2**64
SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
"""White space as Unicode and Go have it; Python would add the separators U+001C to U+001F."""


def converted(number: str, old: int, new: int) -> str | None:
    """The digits of *number* (its longest prefix that is one) in base abs(*new*); null for an impossible base.

    A negative *old* keeps the number within 64 signed bits, a negative *new* writes a sign; otherwise -1 is 2**64-1.
    Raises RowFault when the number has more than 64 bits.
    """
    if not (2 <= abs(old) <= 36 and 2 <= abs(new) <= 36):
        return None
    negative, digits = _prefix(number.strip(SPACE), abs(old))
    if not digits:
        return "0"
    value = int(digits, abs(old))
    if value >= _WRAP:
        raise RowFault(f'strconv.ParseUint: parsing "{digits}": value out of range')
    if old < 0:
        value = min(value, 2**63 if negative else 2**63 - 1)
    if negative:
        value = -value % _WRAP
    if new < 0 and value >= 2**63:
        return "-" + written(_WRAP - value, -new)
    return written(value, abs(new))


def written(value: int, base: int) -> str:
    """A number that is not negative, in capital digits."""
    if value == 0:
        return "0"
    digits = []
    while value:
        value, digit = divmod(value, base)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))


def _prefix(number: str, base: int) -> tuple[bool, str]:
    """The sign and the leading digits of a text."""
    negative = number.startswith("-")
    body = number[1:] if number[:1] in ("+", "-") else number
    length = 0
    while length < len(body) and body[length].isascii() and 0 <= _DIGITS.find(body[length].upper()) < base:
        length += 1
    return negative, body[:length]
