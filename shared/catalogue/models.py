"""What is wrong with models, weights and adapters. Read by `errors` alone."""

from __future__ import annotations

from ..error_spec import ErrorSpec, ExitCode

_IN = ExitCode.INPUT_INVALID

ROWS: tuple[ErrorSpec, ...] = (
    ErrorSpec(
        "E501",
        "disk",
        "A file could not be written or read",
        "Free some space, or choose a folder you may write to; nothing half-written was kept",
        ExitCode.DISK,
        "save_as",
        "Save As...",
    ),
    ErrorSpec(
        "E502",
        "import",
        "Frames arrived but could not be placed: {where}",
        "The frames are kept in the take's folder",
        ExitCode.UNEXPECTED,
    ),
    ErrorSpec(
        "E503",
        "output_exists",
        "The output folder already holds a result",
        "Choose another folder; --force replaces a result, and nothing else",
        ExitCode.USAGE,
    ),
    ErrorSpec(
        "E504",
        "not_a_model",
        "Nothing to import here: {what}",
        "Name the folder that holds unet, layer_controlnet, vae ..., or OpenCLIP's folder",
        _IN,
    ),
    ErrorSpec(
        "E505",
        "pickled_weights",
        "{file} may hold programs; only safetensors are imported",
        "Make safetensors of it first with: acetate models convert FILE -o OUT",
        _IN,
    ),
    ErrorSpec(
        "E506",
        "model_exists",
        'A model called "{model}" is installed already',
        "Choose another name with --name, or replace it with --force",
        ExitCode.USAGE,
    ),
    ErrorSpec(
        "E507",
        "no_strokes",
        "{take} is made of pixels, not of strokes",
        "Apply it instead; its notes say why no strokes could be made",
        _IN,
    ),
    ErrorSpec(
        "E508",
        "take_missing",
        "The files of {take} are not in its folder",
        "Put the folder back where it was, or take it off the list with Discard",
        _IN,
    ),
)
