"""The processes that share a run: the rank of this one, and communication between them.

They are started by `accelerate launch` or `torchrun`, which set the environment.
"""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vocabx._util.extras import need


def are_sharded() -> bool:
    """Whether FSDP divides the parameters among the processes; torch is not loaded to tell."""
    return os.environ.get("ACCELERATE_USE_FSDP") == "true"


def sharding_version() -> int:
    """The version of FSDP that `accelerate launch` was configured for; 0 without FSDP."""
    return int(os.environ.get("FSDP_VERSION", "1")) if are_sharded() else 0


class Processes:
    """The processes of this run.

    Attributes:
        rank: rank of this process, 0 for the one that writes.
        count: number of processes.
        device: torch device of this process.
    """

    def __init__(self) -> None:
        """Join the other processes, if there are any."""
        torch = need("torch", "train")
        self.rank, self.count = 0, 1
        local = int(os.environ.get("LOCAL_RANK", 0))
        self.device = f"cuda:{local}" if torch.cuda.is_available() else "cpu"
        if int(os.environ.get("WORLD_SIZE", 1)) > 1:
            state = need("accelerate", "train").PartialState(cpu=self.device == "cpu")
            self.rank, self.count = state.process_index, state.num_processes

    @property
    def main(self) -> bool:
        """Whether this process writes and reports."""
        return self.rank == 0

    def wait(self) -> None:
        """Wait for all processes."""
        if self.count > 1:
            need("accelerate", "train").PartialState().wait_for_everyone()

    def any(self, mine: bool) -> bool:
        """Whether the value is true in any process."""
        return bool(self.sum([float(mine)])[0])

    def first(self, mine: float) -> float:
        """The value of the first process, for decisions that all must make alike."""
        return float(self.sum([mine if self.main else 0.0])[0])

    def sum(self, mine: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
        """The sums over all processes, float64."""
        values = np.asarray(mine, dtype=np.float64)
        if self.count == 1:
            return values
        torch = need("torch", "train")
        tensor: Any = torch.tensor(values, device=self.device)
        torch.distributed.all_reduce(tensor)
        return np.asarray(tensor.cpu().numpy(), dtype=np.float64)
