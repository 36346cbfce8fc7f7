"""Where searches run: the devices of PyTorch by name, and whether one is worth its launches and transfers.

`cpu` means the families themselves. `cuda` and `cuda:N` are GPUs, `torch-cpu` is PyTorch on the CPU, which runs the same text as a GPU
and is there for tests. PyTorch is imported when a device is first asked for, never before.

The cost model counts what a search has to wait for: launches, bytes over the bus, bytes and products on the card, against the distances of a
scan by one thread of the CPU. Its constants for cards come from data sheets and are not measured; the CPU's are (`vecengine.element_types`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from vecengine.errors import UnknownDevice

if TYPE_CHECKING:
    import torch

AUTO, CPU, CUDA, TORCH_CPU = "auto", "cpu", "cuda", "torch-cpu"

_LAUNCH_SECONDS = 10e-6
_LAUNCHES = 20
"""A kernel of CUDA is started in 5 to 10 us through PyTorch; a search starts about so many a tile, and waits for the last."""
_BUS_BYTES_PER_SECOND = 20e9
"""PCIe 4.0 x16 carries 31.5e9 by its specification; pageable memory takes a part of it."""
_CARD_BYTES_PER_SECOND = 1.0e12
_CARD_FLOPS = 15e12
"""Two thirds of an A100's data sheet (1.555e12 bytes and 19.5e12 operations of float32 a second)."""
_CPU_SECONDS_PER_NUMBER = 0.1e-9
"""Measured: 38 ns a row of 384 float32 from cache."""
_RERANK_SECONDS = 15e-6
"""Of a query's candidates, by their vectors on the CPU."""

_NUMBER_BYTES = 4
_RESERVED_SHARE = 0.2
"""Of a card's free memory, left to others."""
_CPU_MEMORY_BYTES = 1 << 30


class DeviceUnavailable(Exception):
    """Why searches stay on the CPU. It is logged and never reaches a client."""


@dataclass(frozen=True, eq=False)
class Device:
    """A device of PyTorch.

    Attributes:
        name: `cuda:N` or `torch-cpu`.
        module: PyTorch itself.
        handle: PyTorch's name of the device.
    """

    name: str
    module: ModuleType
    handle: torch.device

    @property
    def is_cuda(self) -> bool:
        return self.name != TORCH_CPU

    def tensor(self, array: npt.NDArray[np.generic]) -> torch.Tensor:
        """A copy of the numbers, which may be read-only, on the device."""
        held = np.array(array, order="C")
        is_bfloat16 = held.dtype.name == "bfloat16"
        # PyTorch knows NumPy's types alone; the bits are the same.
        numbers: torch.Tensor = self.module.from_numpy(held.view(np.int16) if is_bfloat16 else held)
        return (numbers.view(self.module.bfloat16) if is_bfloat16 else numbers).to(self.handle)

    def free_bytes(self) -> int:
        """What a copy may take of the device's memory."""
        if not self.is_cuda:
            return _CPU_MEMORY_BYTES
        free, _ = self.module.cuda.mem_get_info(self.handle)
        return int(free * (1 - _RESERVED_SHARE))

    @property
    def out_of_memory(self) -> type[Exception]:
        """What PyTorch raises where memory is short."""
        error: type[Exception] = self.module.cuda.OutOfMemoryError
        return error

    def release(self) -> None:
        """Give back what PyTorch keeps for later."""
        if self.is_cuda:
            self.module.cuda.empty_cache()


def check_device(name: str) -> str:
    """The name.

    Raises:
        UnknownDevice: 22023.
    """
    kind, _, number = name.partition(":")
    is_numbered = kind == CUDA and number.isdecimal()
    if name not in (AUTO, CPU, CUDA, TORCH_CPU) and not is_numbered:
        raise UnknownDevice(
            f'device "{name}" does not exist', hint="Use auto, cpu, cuda, cuda:N or torch-cpu."
        )
    return name


def find_device(name: str) -> Device:
    """The device of a checked name; the first card for `auto`.

    Raises:
        DeviceUnavailable: `cpu`, no PyTorch, or no such card.
    """
    if name == CPU:
        raise DeviceUnavailable("the CPU was asked for")
    try:
        import torch
    except ImportError:
        raise DeviceUnavailable("PyTorch is not installed") from None
    if name == TORCH_CPU:
        return Device(TORCH_CPU, torch, torch.device("cpu"))
    if not torch.cuda.is_available():
        raise DeviceUnavailable("there is no CUDA device")
    number = int(name.partition(":")[2] or 0)
    if number >= torch.cuda.device_count():
        raise DeviceUnavailable(f"there is no CUDA device {number}")
    return Device(f"cuda:{number}", torch, torch.device("cuda", number))


def choose_device(
    queries: int,
    rows: int,
    dimensions: int,
    is_resident: bool,
    *,
    stretches: int = 1,
    is_reranked: bool = True,
) -> str:
    """Where a search is expected to be faster: "cpu" or "cuda".

    Args:
        queries: asked in one call.
        rows: that each of them is compared with.
        dimensions: of a row.
        is_resident: the rows are on the card already; else they have to come over the bus.
        stretches: lists that the batch visits, each of which is a product of its own; 1 of a scan.
        is_reranked: candidates are compared by the CPU afterwards.
    """
    numbers = rows * dimensions
    on_cpu = queries * (numbers * _CPU_SECONDS_PER_NUMBER)
    moved = queries * dimensions + (0 if is_resident else numbers)
    on_card = (
        stretches * _LAUNCHES * _LAUNCH_SECONDS
        + moved * _NUMBER_BYTES / _BUS_BYTES_PER_SECOND
        + max(numbers * _NUMBER_BYTES / _CARD_BYTES_PER_SECOND, 2.0 * queries * numbers / _CARD_FLOPS)
        + (queries * _RERANK_SECONDS if is_reranked else 0.0)
    )
    return CUDA if math.isfinite(on_card) and on_card < on_cpu else CPU
