"""What an initializer is given: the new tokens and how the base spells them. No model, no file."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """New tokens to place among old rows.

    Attributes:
        tokens: the bytes of each new token, in id order.
        pieces: for each new token, the old ids that the base cuts it into, in order; never empty.
        old_rows: number of old rows that belong to tokens; rows that pad the table behind them are no
            part of any statistic.
        seed: for initializers that draw.
    """

    tokens: tuple[bytes, ...]
    pieces: tuple[tuple[int, ...], ...]
    old_rows: int
    seed: int
