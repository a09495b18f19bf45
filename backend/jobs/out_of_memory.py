"""Recognises that memory ran out, whoever noticed it; for workers and the command line.

Asks only libraries that are loaded already: torch is not imported to find out.
"""

from __future__ import annotations

import sys

_OPENCV_NO_MEMORY = -4
_TORCH_TEXTS = ("can't allocate memory", "not enough memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether `error` of Python, NumPy, PyTorch or OpenCV means that memory ran out."""
    if isinstance(error, MemoryError):
        return True
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(error, torch.OutOfMemoryError):
        return True
    # PyTorch's allocator for the processor has no error class of its own.
    if isinstance(error, RuntimeError):
        return any(text in str(error) for text in _TORCH_TEXTS)
    cv2 = sys.modules.get("cv2")
    is_opencv = cv2 is not None and isinstance(error, cv2.error)
    return is_opencv and getattr(error, "code", None) == _OPENCV_NO_MEMORY
