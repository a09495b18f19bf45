"""A task's module laid out over the run's processes: frozen, recomputed, compiled, sharded.

The loop places a task once, right after it is made; the stepper and validation use the result.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor
from torch.nn.parallel import DistributedDataParallel
from torch.utils.checkpoint import checkpoint

from shared.errors import AcetateError
from training.run.config import RunSettings
from training.run.processes import Processes
from training.run.task import Batch, Task, TrainingModule


@dataclass(frozen=True, eq=False)
class Placed:
    """The module as this process holds it.

    `call`: what to call for the losses. `trained`: parameters that learn, by name; sharded ones
    are `DTensor`s. `frozen_sha256`: hash over all others, taken before sharding.
    """

    module: TrainingModule
    call: Callable[[Batch], Tensor]
    trained: dict[str, nn.Parameter]
    frozen_sha256: str
    processes: Processes
    precision: str

    @property
    def sharded(self) -> bool:
        """Whether each process holds a part of the weights only."""
        return isinstance(self.module, FSDPModule)

    def losses(self, batch: Batch) -> Tensor:
        """Loss of every sample, float32 [samples], in the run's precision."""
        kind = self.processes.device.type
        with torch.autocast(kind, torch.bfloat16, enabled=self.precision == "bf16"):
            return self.call(batch).float()

    def accumulating(self, *, last: bool) -> AbstractContextManager[None]:
        """Around a part of a step: gradients travel after the last part only where that is free."""
        if isinstance(self.call, DistributedDataParallel) and not last:
            return _without_sync(self.call)
        return nullcontext()

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Inside, the module's parameters are plain tensors in every process; do not train there.

        All processes enter together and do the same there.
        """
        if not isinstance(self.module, FSDPModule):
            yield
            return
        parts = [m for m in self.module.modules() if isinstance(m, FSDPModule)]
        for part in parts:
            part.set_reshard_after_forward(False, recurse=False)
            part.unshard()
        try:
            yield
        finally:
            for part in parts:
                part.reshard()
                part.set_reshard_after_forward(part is not self.module, recurse=False)


@contextmanager
def _without_sync(module: DistributedDataParallel) -> Iterator[None]:
    with module.no_sync():
        yield


def place(task: Task, settings: RunSettings, processes: Processes) -> Placed:
    """Freeze what does not learn, then wrap the module as the settings say.

    Raises `bug` where the task declares a parameter that is not there, or none at all.
    """
    module = task.module
    names = _freeze(module, task.trainable())
    frozen = frozen_hash(module)
    units = list(task.units())
    for unit in units:
        if settings.checkpoint_blocks:
            unit.forward = functools.partial(checkpoint, unit.forward, use_reentrant=False)
        if settings.compile:
            unit.compile()
    call: Callable[[Batch], Tensor] = module
    if settings.layout == "fsdp2":
        _shard(module, units, settings, processes)
    elif processes.world > 1:
        # Which parameters a step uses depends on its samples: a batch may have no trajectory.
        # Buffers are constants here; sending them would make every forward a meeting of all.
        call = DistributedDataParallel(module, find_unused_parameters=True, broadcast_buffers=False)
    found = dict(module.named_parameters())
    trained = {name: found[name] for name in names}
    return Placed(module, call, trained, frozen, processes, settings.precision)


def local(tensor: Tensor) -> Tensor:
    """What this process holds of a tensor; the tensor itself unless it is sharded."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def frozen_hash(module: nn.Module) -> str:
    """SHA-256 over the parameters that do not learn, in the order of their names."""
    digest = hashlib.sha256()
    for name, parameter in sorted(module.named_parameters()):
        if not parameter.requires_grad:
            digest.update(f"{name} {parameter.dtype} {tuple(parameter.shape)}".encode())
            data = parameter.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
            digest.update(data.numpy().data)
    return digest.hexdigest()


def _freeze(module: nn.Module, trainable: Sequence[str]) -> list[str]:
    wanted = set(trainable)
    names: list[str] = []
    for name, parameter in module.named_parameters():
        parameter.requires_grad_(name in wanted)
        names += [name] if name in wanted else []
    missing = wanted - set(names)
    if missing or not names:
        detail = f"no such parameters: {sorted(missing)[:3]}" if missing else "nothing to train"
        raise AcetateError("bug", detail=detail)
    return names


def _shard(
    module: TrainingModule, units: list[nn.Module], settings: RunSettings, processes: Processes
) -> None:
    """FSDP2: a group for every unit and one for the rest.

    Sums of gradients stay in full precision. Every unit must run in every step of every process;
    what lies outside units need not: `_touched` lends it a gradient of zero.
    """
    low = settings.precision == "bf16"
    policy = MixedPrecisionPolicy(
        param_dtype=torch.bfloat16 if low else None,
        reduce_dtype=torch.float32,
        cast_forward_inputs=False,
    )
    mesh = init_device_mesh(processes.device.type, (dist.get_world_size(),))
    inside = {id(parameter) for unit in units for parameter in unit.parameters()}
    loose = [
        name
        for name, parameter in module.named_parameters()
        if parameter.requires_grad and id(parameter) not in inside
    ]
    module.register_forward_hook(functools.partial(_touched, names=tuple(loose)))
    for unit in units:
        fully_shard(unit, mesh=mesh, mp_policy=policy)
    fully_shard(module, mesh=mesh, mp_policy=policy, reshard_after_forward=False)


def _touched(module: nn.Module, args: object, output: Tensor, *, names: tuple[str, ...]) -> Tensor:
    """Losses that depend on every loose parameter, by a zero: else its gradient may be missing."""
    del args
    if not torch.is_grad_enabled():
        return output
    found = dict(module.named_parameters())
    return output + sum(found[name].reshape(-1)[:1].sum() * 0.0 for name in names)
