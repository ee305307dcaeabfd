"""Where the shards of a text are worked on: in processes of this machine, or on Ray's workers on many.

Results come in the order of the shards, wherever each was made and however often a worker was lost on the
way, so that what is made of them is the same. Ray Data (`--engine ray`) gives a shard to another worker when
one dies. Left out: shards that only one machine can reach; paths must lie on a disk that all share.
"""

import os
import pickle
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Literal, TypeAlias, TypeVar

from vocabx._util.extras import Packages, need
from vocabx._util.shorten import shortened
from vocabx.corpus.processes import cores, on_processes
from vocabx.errors import CorpusError, VocabxError
from vocabx.progress import Advance

Engine: TypeAlias = Literal["local", "ray"]
PACKAGES: Packages = {"ray": "ray"}

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def in_order(
    engine: Engine,
    work: Callable[[_Item, Advance], _Result],
    items: Sequence[_Item],
    advance: Advance,
    size: Callable[[_Item], int],
) -> Iterator[_Result]:
    """What `work` makes of each item, in their order.

    Args:
        engine: where.
        work: a function that can be pickled, as its items and results can; it is called with an item, and
            with a function to call with the bytes that it has read.
        items: any number.
        advance: called with the bytes that are read.
        size: the bytes of an item.

    Raises:
        VocabxError: what `work` raises, for the first item that it does so for; or the cluster is lost.
        MissingPackageError: ray is not installed.
    """
    if engine == "local":
        yield from on_processes(work, items, min(len(items), cores()), advance)
        return
    for item, result in zip(items, _on_ray(partial(_untold, work=work), items), strict=True):
        yield result
        advance(size(item))


def _untold(item: _Item, work: Callable[[_Item, Advance], _Result]) -> _Result:
    return work(item, lambda read: None)


def _on_ray(work: Callable[[_Item], _Result], items: Sequence[_Item]) -> Iterator[_Result]:
    ray, data = need("ray", "ray"), need("ray.data", "ray")
    if not items:
        return
    if not ray.is_initialized():
        here = {} if "RAY_ADDRESS" in os.environ else {"include_dashboard": False}
        ray.init(log_to_driver=False, logging_level="error", **here)
    context = data.DataContext.get_current()
    before = context.execution_options.preserve_order, context.enable_progress_bars
    context.execution_options.preserve_order, context.enable_progress_bars = True, False

    def answered(row: dict[str, Any]) -> dict[str, bytes]:
        try:
            return {"result": pickle.dumps((work(pickle.loads(row["item"])), None))}
        except VocabxError as error:
            # As a value: Ray would wrap an exception, and try again.
            return {"result": pickle.dumps((None, error))}

    try:
        rows = data.from_items(
            [{"item": pickle.dumps(item)} for item in items], override_num_blocks=len(items)
        ).map(answered)
        for row in rows.iter_rows():
            # Written by our own function.
            result, error = pickle.loads(row["result"])
            if error is not None:
                raise error
            yield result
    except ray.exceptions.RayError as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise CorpusError(f"Ray could not read the text: {shortened(lines[-1], 200)}") from None
    finally:
        context.execution_options.preserve_order, context.enable_progress_bars = before
