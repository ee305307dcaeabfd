"""`vocabx train` under FSDP without a GPU; run by torchrun.

accelerate divides parameters among processes only where there are GPUs, and on a processor copies the model
to all of them without a word. Here it takes the processes for those of GPUs; torch's FSDP2 works with gloo.
"""

import runpy

from accelerate import state

_begin = state.PartialState.__init__


def _begin_as_if_on_gpus(self, *arguments, **settings):
    _begin(self, *arguments, **settings)
    if self.distributed_type is state.DistributedType.MULTI_CPU:
        self.distributed_type = state.DistributedType.MULTI_GPU


if __name__ == "__main__":
    state.PartialState.__init__ = _begin_as_if_on_gpus
    runpy.run_module("vocabx.training", run_name="__main__", alter_sys=True)
