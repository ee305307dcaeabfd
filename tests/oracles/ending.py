"""A run that ends after a step, as an error or a crash would end it."""

from vocabx.progress import Quiet


class Ending(Quiet):
    """Progress that raises RuntimeError when it hears of a step."""

    def __init__(self, step):
        self.step = step

    def status(self, text):
        if text.startswith(f"step {self.step}:"):
            raise RuntimeError("the machine is gone")
