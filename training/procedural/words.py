"""Captions of procedural clips, made of facts: what there is, its colour, where it goes, how fast.

Called by the generators; pure text, the same for the same facts.
"""

from __future__ import annotations

import colorsys
import math
from collections.abc import Sequence

from training.procedural.figure import Colour

_HUES = (
    (0.04, "red"), (0.11, "orange"), (0.18, "yellow"), (0.42, "green"), (0.53, "teal"),
    (0.70, "blue"), (0.80, "purple"), (0.93, "pink"), (1.01, "red"),
)  # fmt: skip
_COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight")
_STILL = 0.02  # of the frame's height per second
_SLOW, _QUICK = 0.12, 0.5


def colour_name(colour: Colour) -> str:
    """A plain English name of an sRGB colour."""
    hue, saturation, value = colorsys.rgb_to_hsv(*(channel / 255 for channel in colour))
    if value < 0.22:
        return "black"
    if saturation < 0.12:
        return "white" if value > 0.85 else "grey"
    name = next(name for limit, name in _HUES if hue < limit)
    if name in ("orange", "red") and value < 0.6:
        return "brown"
    if name == "red" and saturation < 0.45:
        name = "pink"
    if saturation < 0.35 and value > 0.8:
        return f"pale {name}"
    return f"dark {name}" if value < 0.45 else name


def heading(shift: Sequence[float]) -> str:
    """Direction of a shift (x right, y down), such as "up and to the left"."""
    x, y = shift
    length = math.hypot(x, y)
    parts = []
    if abs(y) > 0.38 * length:
        parts.append("down" if y > 0 else "up")
    if abs(x) > 0.38 * length:
        parts.append("to the right" if x > 0 else "to the left")
    return " and ".join(parts)


def pace(speed: float) -> str:
    """A word for a speed in frame heights per second; empty for a middling one."""
    if speed < _SLOW:
        return "slowly"
    return "quickly" if speed > _QUICK else ""


def travelling(verb: str, shift: Sequence[float], seconds: float) -> str:
    """A verb with pace and direction; where nothing travels it happens in place."""
    speed = math.hypot(*shift) / max(seconds, 1e-6)
    if speed < _STILL:
        return f"{verb} in place"
    return " ".join(part for part in (verb, pace(speed), heading(shift)) if part)


def with_article(noun: str) -> str:
    """The noun with its indefinite article."""
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def counted(count: int, noun: str) -> str:
    """A small number with its noun."""
    number = _COUNTS[count] if count < len(_COUNTS) else str(count)
    return f"{number} {noun}{'' if count == 1 else 's'}"


def listed(parts: Sequence[str]) -> str:
    """Parts as a list in words: "a, b and c"."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def sentence(text: str) -> str:
    """The text with a capital letter and a full stop."""
    return f"{text[0].upper()}{text[1:]}."
