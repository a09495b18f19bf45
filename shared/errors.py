"""The error catalogue as data, and the one exception class; every room may raise from here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any


class ExitCode(IntEnum):
    """Process exit codes of the `acetate` command; farms decide by them whether to retry."""

    DONE = 0
    UNEXPECTED = 1
    USAGE = 2
    INPUT_INVALID = 3
    UNREACHABLE = 4
    NOT_AUTHORISED = 5
    VERSION_MISMATCH = 6
    JOB_FAILED = 7
    JOB_CANCELLED = 8
    BATCH_PARTLY_FAILED = 9
    WAIT_TIMEOUT = 10
    MODEL_MISSING = 11
    OUT_OF_MEMORY = 12
    QUOTA = 13
    DISK = 14
    INTERRUPTED = 130


@dataclass(frozen=True)
class ErrorSpec:
    """One row of the catalogue.

    `text` (at most 80 characters once filled) and `hint` are `str.format` templates; `fix` names
    the action a user interface may offer, `fix_label` is the text of its button.
    """

    code: str
    name: str
    text: str
    hint: str
    exit_code: ExitCode
    fix: str = ""
    fix_label: str = ""


_IN = ExitCode.INPUT_INVALID
_ROWS: tuple[ErrorSpec, ...] = (
    ErrorSpec(
        "E101",
        "no_layers",
        "Nothing to animate",
        "Draw on a Grease Pencil layer or set a layer's role to Animate",
        _IN,
        "layers_sync",
        "Scan Layers",
    ),
    ErrorSpec(
        "E102",
        "no_gap",
        "The playhead is not between two keyframes",
        "Move it between two keys, or choose Animate from First",
        _IN,
        "jump_to_gap",
        "Jump to Next Gap",
    ),
    ErrorSpec(
        "E103",
        "gap_too_long",
        "This gap has {frames} frames; the limit is {limit}",
        "Hold on twos, or split the gap with another key",
        _IN,
        "hold_longer",
        "Hold Longer",
    ),
    ErrorSpec(
        "E104",
        "too_many_layers",
        "{count} layers are set to Animate; the limit is {limit}",
        "Set some layers to Hold, or group layers that move together",
        _IN,
        "hold_others",
        "Set Others to Hold",
    ),
    ErrorSpec(
        "E105",
        "empty_key",
        'Layer "{layer}" has no drawing at frame {frame}',
        "Draw on that key, delete it, or set the layer to Hold",
        _IN,
        "hold_layer",
        "Hold This Layer",
    ),
    ErrorSpec(
        "E106",
        "no_camera",
        "The scene has no camera",
        "Layers are sent as the camera sees them",
        _IN,
        "add_camera",
        "Add Camera from View",
    ),
    ErrorSpec(
        "E107",
        "size",
        "A picture of {width}x{height} cannot be used",
        "Sizes from 16x16 to 8192x8192 and at most 33 megapixels are accepted",
        _IN,
    ),
    ErrorSpec(
        "E108",
        "trajectory_outside",
        'The path of "{layer}" leaves the picture',
        "It never enters the camera's view; move the path, or do without it",
        _IN,
        "drop_path",
        "Drop Path",
    ),
    ErrorSpec(
        "E109",
        "unsaved",
        "Save the file so that takes have a folder",
        "Takes are stored beside the .blend file",
        _IN,
        "save_as",
        "Save As...",
    ),
    ErrorSpec(
        "E110",
        "invalid_request",
        "The request is not valid: {where}",
        "See the detail; the shot was not sent",
        _IN,
    ),
    ErrorSpec(
        "E111",
        "bad_numbers",
        'The numbers of "{layer}" are not finite',
        "A trajectory or stroke holds NaN or infinity; redraw or re-key it",
        _IN,
    ),
    ErrorSpec(
        "E112",
        "duplicate_layer",
        'Two layers are called "{layer}"',
        "Layer names must differ within one shot",
        _IN,
        "layers_sync",
        "Scan Layers",
    ),
    ErrorSpec(
        "E113",
        "bad_package",
        "The shot package is damaged: {where}",
        "Export it again; nothing was generated",
        _IN,
    ),
    ErrorSpec(
        "E114",
        "picture_too_large",
        "A picture has {megapixels} megapixels; the limit is 33",
        "Make it smaller before sending it",
        _IN,
    ),
    ErrorSpec(
        "E115",
        "bad_picture",
        "A picture cannot be read: {where}",
        "Only 8-bit PNG and JPEG pictures are accepted",
        _IN,
    ),
    ErrorSpec("E116", "not_found", "There is no {what}", "Check the path or the id", _IN),
    ErrorSpec(
        "E117",
        "blender_missing",
        "No Blender was found for this step",
        "Run build.py setup, or name Blender's program with --blender",
        _IN,
    ),
    ErrorSpec("E118", "usage", "{where}", "See acetate --help", ExitCode.USAGE),
    ErrorSpec(
        "E119",
        "render_busy",
        "Blender is rendering; layers cannot be exported now",
        "Wait until the render is done, then send the shot again",
        _IN,
        "job_retry",
        "Send Again",
    ),
    ErrorSpec(
        "E120",
        "render_failed",
        "Blender could not render a layer",
        "The detail holds Blender's own words; the scene stays as it was",
        _IN,
        "job_retry",
        "Send Again",
    ),
    ErrorSpec(
        "E201",
        "unreachable",
        "No answer from {server}",
        "Is the server on? Start it with: acetate serve",
        ExitCode.UNREACHABLE,
        "server_start",
        "Start Server",
    ),
    ErrorSpec(
        "E202",
        "port_busy",
        "Port {port} is used by another program",
        "Choose another with --listen, or stop that program",
        ExitCode.USAGE,
    ),
    ErrorSpec(
        "E203",
        "auth",
        "The server refused the secret",
        "Use the secret file that this server wrote at its start",
        ExitCode.NOT_AUTHORISED,
        "open_preferences",
        "Open Preferences",
    ),
    ErrorSpec(
        "E204",
        "version",
        "Client and server do not match",
        "This side speaks {ours}, the other {theirs}; update the older one",
        ExitCode.VERSION_MISMATCH,
    ),
    ErrorSpec(
        "E205",
        "offline_mode",
        "Blender is in offline mode",
        "Only this computer's own server may be used; see Preferences, System",
        ExitCode.UNREACHABLE,
        "open_preferences",
        "Open Preferences",
    ),
    ErrorSpec(
        "E207",
        "not_loopback",
        "Only loopback addresses are served",
        "Listening on other addresses needs accounts and keys",
        ExitCode.USAGE,
    ),
    ErrorSpec(
        "E208",
        "session",
        "The server does not know this connection",
        "Connect again",
        ExitCode.UNREACHABLE,
        "connect",
        "Connect",
    ),
    ErrorSpec(
        "E209",
        "data_busy",
        "Another server uses this data folder",
        "Stop it, or choose another folder with --data-dir",
        ExitCode.USAGE,
    ),
    ErrorSpec(
        "E210",
        "no_program",
        "The server's program cannot be run",
        "Set the path of the acetate program in the add-on's preferences",
        ExitCode.UNREACHABLE,
        "open_preferences",
        "Open Preferences",
    ),
    ErrorSpec(
        "E211",
        "server_ended",
        "The server ended while it was starting (exit code {code})",
        "The detail holds the end of its log",
        ExitCode.UNREACHABLE,
        "server_start",
        "Start Server",
    ),
    ErrorSpec(
        "E301",
        "oom",
        "Memory ran out",
        "Choose a smaller size or fewer frames",
        ExitCode.OUT_OF_MEMORY,
    ),
    ErrorSpec(
        "E302",
        "model_missing",
        'The model "{model}" is not installed',
        "Choose another engine, or import its weights with: acetate models import FOLDER",
        ExitCode.MODEL_MISSING,
        "use_layer_motion",
        "Use Layer Motion",
    ),
    ErrorSpec(
        "E303",
        "model_corrupt",
        'The model "{model}" is damaged',
        "Its files do not match what was expected; install them again",
        ExitCode.MODEL_MISSING,
        "use_layer_motion",
        "Use Layer Motion",
    ),
    ErrorSpec(
        "E304",
        "timeout",
        "The job made no step for {minutes} min and was stopped",
        "Choose a smaller size, fewer frames or fewer steps",
        ExitCode.JOB_FAILED,
    ),
    ErrorSpec(
        "E305",
        "worker_died",
        "The worker process stopped unexpectedly",
        "Its log was kept; the job was tried {attempts} times",
        ExitCode.JOB_FAILED,
        "job_retry",
        "Send Again",
    ),
    ErrorSpec(
        "E306",
        "nan",
        "The model produced an empty picture",
        "Another seed usually helps",
        ExitCode.JOB_FAILED,
        "new_seed",
        "Unlock Seed",
    ),
    ErrorSpec(
        "E307",
        "too_large_upload",
        "{size_mb} MB; the server allows {limit_mb} MB",
        "Shrink pictures or send fewer layers",
        _IN,
    ),
    ErrorSpec("E308", "cancelled", "Cancelled", "Nothing was changed", ExitCode.JOB_CANCELLED),
    ErrorSpec(
        "E309",
        "job_failed",
        "The job failed",
        "See the detail",
        ExitCode.JOB_FAILED,
        "job_retry",
        "Send Again",
    ),
    ErrorSpec(
        "E310",
        "wait_timeout",
        "Still running after {seconds} s",
        "The job goes on; fetch it later",
        ExitCode.WAIT_TIMEOUT,
    ),
    ErrorSpec(
        "E311",
        "not_ready",
        "The job is not done yet",
        "Wait for it with: acetate wait {job}",
        ExitCode.WAIT_TIMEOUT,
    ),
    ErrorSpec(
        "E312",
        "vram_too_small",
        "The model needs {needs} GB of graphics memory and may use {has} GB",
        "Free memory on the device, raise --vram, or choose another engine",
        ExitCode.OUT_OF_MEMORY,
        "use_layer_motion",
        "Use Layer Motion",
    ),
    ErrorSpec(
        "E313",
        "device_unusable",
        'The device "{device}" cannot be used',
        "Because {why}; devices are called cpu, mps, cuda or cuda:1",
        ExitCode.USAGE,
    ),
    ErrorSpec(
        "E402",
        "queue_full",
        "You have {count} jobs in line (limit {limit})",
        "Wait for one to finish, or cancel one",
        ExitCode.QUOTA,
    ),
    ErrorSpec(
        "E404",
        "job_unknown",
        "The server does not know job {job}",
        "It may have been cleaned up; send the shot again",
        ExitCode.INPUT_INVALID,
        "job_retry",
        "Send Again",
    ),
    ErrorSpec(
        "E405",
        "key_conflict",
        "This job key was used for another shot",
        "Send the shot with a new key",
        ExitCode.INPUT_INVALID,
    ),
    ErrorSpec(
        "E501",
        "disk",
        "Not enough room on the disk",
        "Free some space or choose another folder; nothing half-written was kept",
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
        "Choose another folder, or pass --force",
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
        "E601",
        "no_dataset",
        "There is no data set in {folder}",
        "Name a folder with index.parquet; acetate dataset reindex makes a lost one again",
        _IN,
    ),
    ErrorSpec(
        "E602",
        "dataset_schema",
        "{what} is of a kind that this version does not read",
        "Read it with the version of Acetate that wrote it",
        ExitCode.VERSION_MISMATCH,
    ),
    ErrorSpec(
        "E603",
        "clip_damaged",
        "Clip {clip}: {member} in {shard} is damaged",
        "Copy the shard again from where it came from, or make the clip again",
        _IN,
    ),
    ErrorSpec(
        "E604",
        "member_missing",
        "Clip {clip} in {shard} has no {member}",
        "Copy the shard again from where it came from, or make the clip again",
        _IN,
    ),
    ErrorSpec(
        "E605",
        "licence_missing",
        "Clip {clip} comes without {field}",
        "Say where the clip comes from, who holds the rights, and under which licence",
        _IN,
    ),
    ErrorSpec(
        "E606",
        "clip_exists",
        "Clip {clip} is in the data set already",
        "Every clip needs an id of its own",
        _IN,
    ),
    ErrorSpec(
        "E607",
        "clip_invalid",
        "Clip {clip} cannot be kept: {where}",
        "See the detail; nothing was written for this clip",
        _IN,
    ),
    ErrorSpec(
        "E608",
        "unsafe_pickle",
        "{file} holds more than plain data",
        "It may hold a program and was not read; ask its maker for plain dicts and numbers",
        _IN,
    ),
    ErrorSpec(
        "E609",
        "dataset_busy",
        "Another process is writing to {folder}",
        "Wait until it is done",
        ExitCode.USAGE,
    ),
    ErrorSpec(
        "E611",
        "bad_recipe",
        "The recipe {where} does not fit",
        "Mend the key named here, or see docs/training.md for all of them",
        _IN,
    ),
    ErrorSpec(
        "E612",
        "other_recipe",
        "The checkpoint in {folder} belongs to another run",
        "Choose another --out, or pass --allow-change to go on with the new settings",
        ExitCode.USAGE,
    ),
    ErrorSpec(
        "E613",
        "bad_checkpoint",
        "The checkpoint {checkpoint} is damaged",
        "Delete its folder to go on from the one before",
        _IN,
    ),
    ErrorSpec(
        "E614",
        "too_many_failures",
        "{failed} of {count} training samples could not be read",
        "The log names each with its reason; mend the data set and start again",
        _IN,
    ),
    ErrorSpec(
        "E615",
        "world_size",
        "{world} processes cannot train a batch of {batch} in {parts} parts each",
        "Choose run.batch as a multiple of processes times run.accumulation",
        ExitCode.USAGE,
    ),
    ErrorSpec(
        "E616",
        "loader_died",
        "A process that loads samples ended unexpectedly",
        "It may have run out of memory: lower run.workers; training goes on from its checkpoint",
        ExitCode.JOB_FAILED,
    ),
    ErrorSpec(
        "E617",
        "training_nan",
        "Step {step} gave a loss or gradient that is no number",
        "The state before it is saved; lower the rate, or look at the samples named here",
        ExitCode.JOB_FAILED,
    ),
    ErrorSpec(
        "E618",
        "run_busy",
        "Another training run writes into {folder}",
        "Wait for it or stop it, or choose another --out",
        ExitCode.USAGE,
    ),
    ErrorSpec(
        "E621",
        "clip_too_short",
        "A clip has {frames} frames, the networks need {needed}",
        "Leave such clips out of the data set",
        _IN,
    ),
    ErrorSpec(
        "E622",
        "clip_without_layers",
        "No layer of clip {clip} shows in the picked frames",
        "Check the clip's label maps, or leave it out of the data set",
        _IN,
    ),
    ErrorSpec(
        "E623",
        "bad_latents",
        "The encoded clips in {folder} are damaged",
        "Delete that folder; the next start of the run encodes the clips again",
        _IN,
    ),
    ErrorSpec(
        "E627",
        "adapter_missing",
        'No adapter called "{adapter}" is installed',
        "acetate models list shows what is; get it in with: acetate models import FOLDER",
        ExitCode.MODEL_MISSING,
    ),
    ErrorSpec(
        "E628",
        "adapter_unfit",
        "Adapter {adapter} does not fit the model",
        "It was trained on another model or variant; leave it out, or choose that model",
        _IN,
    ),
    ErrorSpec(
        "E629",
        "adapter_unused",
        "Adapters are for LayerAnimate; {engine} takes none",
        "Choose the engine layeranimate, or leave the adapters out",
        _IN,
    ),
    ErrorSpec(
        "E670",
        "damaged_unit",
        "The kept work of {stage} for clip {clip} is damaged",
        "Run again: it is made anew",
        ExitCode.DISK,
    ),
    ErrorSpec(
        "E671",
        "failure_budget",
        "{failed} of {clips} clips failed, more than the {budget} allowed",
        "See the ledger for the reasons; allow more with --failure-budget",
        ExitCode.BATCH_PARTLY_FAILED,
    ),
    ErrorSpec(
        "E672",
        "engine_missing",
        "The engine {engine} is not installed",
        'Install it with: pip install "acetate[{extra}]"',
        ExitCode.USAGE,
    ),
    ErrorSpec(
        "E900",
        "bug",
        "Something unexpected went wrong",
        "Please send the diagnostics",
        ExitCode.UNEXPECTED,
        "diagnostics",
        "Copy Diagnostics",
    ),
)

CATALOGUE: dict[str, ErrorSpec] = {row.name: row for row in _ROWS}


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
        super().__init__(f"{self.code} {self.text}" + (f" ({detail})" if detail else ""))

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
