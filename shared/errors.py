"""The error catalogue as data, and the one exception class; every room may raise from here."""

from __future__ import annotations

from typing import Any

from .catalogue import bugs, jobs, models, requests, results, serving, training
from .error_spec import ErrorSpec, ExitCode

__all__ = ["CATALOGUE", "AcetateError", "ErrorSpec", "ExitCode"]

_GROUPS = (requests, serving, jobs, results, models, training, bugs)
CATALOGUE: dict[str, ErrorSpec] = {row.name: row for group in _GROUPS for row in group.ROWS}


class _Lenient(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "?"


class AcetateError(Exception):
    """An error of the catalogue, with its places filled in.

    `name` is a key of `CATALOGUE`; `detail` is free text for logs and the second line in a
    terminal; `values` fill the templates. Raises `KeyError` for an unknown name.
    """

    def __init__(self, name: str, *, detail: str = "", **values: object) -> None:
        self.spec = CATALOGUE[name]
        self.name = name
        self.detail = detail
        self.values = values
        super().__init__(name)

    def __str__(self) -> str:
        # Made when it is asked for: `from_dict` puts the other side's texts in after the fact.
        return f"{self.code} {self.text}" + (f" ({self.detail})" if self.detail else "")

    @property
    def code(self) -> str:
        """Short code such as `E106`."""
        return self.spec.code

    @property
    def text(self) -> str:
        """What happened, one line."""
        return self.spec.text.format_map(_Lenient(self.values))

    @property
    def hint(self) -> str:
        """What to do about it, one line."""
        return self.spec.hint.format_map(_Lenient(self.values))

    @property
    def fix(self) -> str:
        """Name of the action that mends it, or an empty string."""
        return self.spec.fix

    @property
    def exit_code(self) -> ExitCode:
        """Exit code of the command line for this error."""
        return self.spec.exit_code

    def to_dict(self) -> dict[str, str]:
        """Plain form for JSON documents and wire messages."""
        return {
            "code": self.code,
            "name": self.name,
            "text": self.text,
            "hint": self.hint,
            "fix": self.fix,
            "detail": self.detail,
        }

    @classmethod
    def from_dict(cls, data: dict[str, str]) -> AcetateError:
        """Rebuild from `to_dict`; texts already filled in by the other side are kept."""
        name = data.get("name", "")
        error = cls(name if name in CATALOGUE else "bug", detail=data.get("detail", ""))
        base = error.spec
        error.spec = ErrorSpec(
            code=data.get("code", base.code),
            name=base.name,
            text=_literal(data.get("text", base.text)),
            hint=_literal(data.get("hint", base.hint)),
            exit_code=base.exit_code,
            fix=base.fix,
            fix_label=base.fix_label,
        )
        return error


def _literal(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")
