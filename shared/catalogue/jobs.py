"""What goes wrong while a job runs. Read by `errors` alone."""

from __future__ import annotations

from ..error_spec import ErrorSpec, ExitCode

_IN = ExitCode.INPUT_INVALID

ROWS: tuple[ErrorSpec, ...] = (
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
)
