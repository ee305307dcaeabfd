"""How many sequences fit into memory at once: batch size and accumulation, which together make a step."""

from collections.abc import Mapping
from dataclasses import dataclass

from vocabx._util.memory import free_memory
from vocabx.commands.train.options import TrainOptions
from vocabx.errors import TrainingError
from vocabx.training.methods import Method
from vocabx.training.model_sizes import ModelSizes, memory_parts

# Memory of Python, torch and its libraries, besides the model.
_LIBRARIES = 1.0e9
_MOST = 64


@dataclass(frozen=True)
class Fit:
    """A batch size and the memory it takes in each process.

    Attributes:
        batch_size: sequences in memory at once.
        accumulation: batches per step in each process.
        processes: number of processes that share a step.
        checkpointing: whether gradient checkpointing is used.
        parts: estimated bytes by part.
        free: bytes that may be used.
    """

    batch_size: int
    accumulation: int
    processes: int
    checkpointing: bool
    parts: Mapping[str, float]
    free: int

    @property
    def bytes(self) -> float:
        """Total of all parts."""
        return sum(self.parts.values())


def fit_batch(
    options: TrainOptions,
    sizes: ModelSizes,
    method: Method,
    trained: Mapping[str, int],
    device: str,
    processes: int,
) -> Fit:
    """The largest batch that fits and divides a step, with gradient checkpointing only if nothing else fits.

    Raises:
        TrainingError: if not even one sequence fits, or a step cannot be divided that way.
    """
    sequences, length = options.step_sequences or 1, options.sequence_length or 1
    if sequences % processes:
        raise TrainingError(
            f"--step-sequences is {sequences} and there are {processes} processes: pass a multiple of "
            f"{processes}"
        )
    share = sequences // processes
    free = free_memory(device)
    if device == "cpu":
        free //= processes
    if options.max_memory is not None:
        free = min(free, int(options.max_memory * 1e9))
    sizes_of_batch = [n for n in range(min(share, _MOST), 0, -1) if share % n == 0]
    if options.batch_size is not None:
        if share % options.batch_size:
            raise TrainingError(
                f"--batch-size is {options.batch_size}, and each process takes {share} of the "
                f"--step-sequences: pass a divisor of {share}"
            )
        sizes_of_batch = [options.batch_size]
    for checkpointing in dict.fromkeys((options.gradient_checkpointing, True)):
        for batch in sizes_of_batch:
            parts = memory_parts(sizes, method, trained, batch * length, checkpointing)
            fit = Fit(
                batch, share // batch, processes, checkpointing, {**parts, "libraries": _LIBRARIES}, free
            )
            if fit.bytes <= free:
                return fit
    raise TrainingError(
        f"training needs about {fit.bytes / 1e9:.1f} GB and {free / 1e9:.1f} GB are available: lower "
        f"--sequence-length or --lora-rank, or pass --batch-size 1 or --method {_smaller(method)}"
    )


def _smaller(method: Method) -> str:
    return "lora" if method.name == "full" else "qlora" if method.name == "lora" else "rows"
