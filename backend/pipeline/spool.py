"""Drawings between making and delivering: raw up to a budget, losslessly packed beyond it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable

import numpy as np

from shared.pictures import Picture, decode_png, encode_png

DEFAULT_BUDGET_BYTES = 384 * 1024 * 1024


class PictureSpool:
    """Pictures by name. The oldest are packed as PNG once raw pixels exceed `budget_bytes`.

    Keeps a long 1080p shot of many layers within memory. Safe to read from several threads. What
    it does not hold is asked of the spool `under` it, which is never written to.
    """

    def __init__(
        self, budget_bytes: int = DEFAULT_BUDGET_BYTES, under: PictureSpool | None = None
    ) -> None:
        self._budget_bytes = budget_bytes
        self._under = under
        self._raw: OrderedDict[Hashable, Picture] = OrderedDict()
        self._packed: dict[Hashable, tuple[bytes, int, int]] = {}
        self._raw_bytes = 0
        self._lock = threading.Lock()

    def put(self, name: Hashable, picture: Picture) -> None:
        """Keep a picture, in place of an earlier one of that name; its pixels must not change."""
        picture = picture.cropped()
        # A crop may be a view that keeps a far larger array alive.
        if picture.pixels.base is not None:
            picture = Picture(np.array(picture.pixels), picture.x, picture.y)
        with self._lock:
            self._forget(name)
            self._raw[name] = picture
            self._raw_bytes += picture.pixels.nbytes
            while self._raw_bytes > self._budget_bytes:
                oldest, packed = self._raw.popitem(last=False)
                self._raw_bytes -= packed.pixels.nbytes
                self._packed[oldest] = (encode_png(packed.pixels), packed.x, packed.y)

    def _forget(self, name: Hashable) -> None:
        self._packed.pop(name, None)
        earlier = self._raw.pop(name, None)
        if earlier is not None:
            self._raw_bytes -= earlier.pixels.nbytes

    def get(self, name: Hashable) -> Picture:
        """The picture of that name. Raises `KeyError`."""
        with self._lock:
            if name in self._raw:
                return self._raw[name]
            packed = self._packed.get(name)
        if packed is not None:
            data, x, y = packed
            return Picture(decode_png(data), x, y)
        if self._under is None:
            raise KeyError(name)
        return self._under.get(name)

    def __contains__(self, name: Hashable) -> bool:
        with self._lock:
            is_here = name in self._raw or name in self._packed
        return is_here or (self._under is not None and name in self._under)

    @property
    def raw_bytes(self) -> int:
        """Bytes of unpacked pixels held right now."""
        return self._raw_bytes
