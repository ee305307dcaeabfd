"""New rows as a function of their pieces, learned for all new tokens together.

    row_n = start_n + Σ_k piece_nk A_k + own_n B + shared + free_n

`PieceMaps` is the part that all new tokens share: the sum, own_n B and shared.

The places k of a token's pieces are counted from the end and, if asked for, from the start, too. A free row
alone learns only where its token occurs, and most new tokens are rare. The maps A_k learn from every new
token, and what they learn holds for tokens that never occur. For output rows, own_n is the token's input row.
Derived here.

Legend of names: N new tokens, D width, K places, P distinct pieces, R rank, B rows asked for.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

PLACES = 6
# A map of full rank has D² numbers for each place.
_WIDEST_FULL = 1024


class PieceMaps(nn.Module):
    """What the pieces of new tokens add to their rows, (N, D) float32 in all.

    Attributes:
        maps: A_k and, with an own feature, B after them, as (K, D, D), or as factors (K, D, R) and (K, R, D).
        shared: (D,), added to every row.
    """

    pieces: Tensor
    places: Tensor
    own: Tensor | None

    def __init__(
        self,
        pieces: Sequence[Sequence[int]],
        table: Tensor,
        *,
        rank: int | None,
        both_ends: bool,
        seed: int,
        own: Tensor | None = None,
    ) -> None:
        """Begin at zero: all maps are zero, or the product of a random factor and zero.

        Args:
            pieces: old ids of each new token, in order.
            table: (at least V, D), the old rows, in any dtype.
            rank: R, or None for maps of full rank; widths above 1,024 get a rank in any case.
            both_ends: whether places are counted from the start as well.
            seed: of the random factor.
            own: (N, D) float32, a further feature of each token; its mean is taken away.
        """
        super().__init__()
        # Pieces [[3, 4], [5]] with K = 2 from the end alone: the distinct pieces are [3, 4, 5], and a row of
        # zeros, number 3, stands for places that a token does not have. The places are [[1, 0], [2, 3]].
        distinct = sorted({piece for one in pieces for piece in one})
        number = {piece: index for index, piece in enumerate(distinct)}
        ends = [list(reversed(one)) for one in pieces]
        ordered = [ends, [list(one) for one in pieces]] if both_ends else [ends]
        places = torch.full((len(pieces), PLACES * len(ordered)), len(distinct))
        for index, sides in enumerate(zip(*ordered, strict=True)):
            for side, one in enumerate(sides):
                for place, piece in enumerate(one[:PLACES]):
                    places[index, side * PLACES + place] = number[piece]
        width, count = table.shape[1], places.shape[1] + (own is not None)
        known = table[torch.tensor(distinct, device=table.device)].float()
        self.register_buffer("pieces", functional.pad(known, (0, 0, 0, 1)), persistent=False)
        self.register_buffer("places", places.to(table.device), persistent=False)
        self.register_buffer("own", None if own is None else own - own.mean(dim=0), persistent=False)
        rank = rank if rank is not None or width <= _WIDEST_FULL else _WIDEST_FULL // 4
        shapes = [(count, width, width)] if rank is None else [(count, width, rank), (count, rank, width)]
        self.maps = nn.ParameterList(
            nn.Parameter(torch.zeros(shape, device=table.device)) for shape in shapes
        )
        if rank is not None:
            random = torch.Generator().manual_seed(seed)
            drawn = torch.randn(shapes[0], generator=random) / width**0.5
            self.maps[0].data.copy_(drawn)
        self.shared = nn.Parameter(torch.zeros(width, device=table.device))

    def forward(self, rows: Tensor | None = None) -> Tensor:
        """What is added to the rows of some new tokens, (B, D) float32; of all without `rows`, (B,) int64."""
        return self.made(rows) + self.shared

    def made(self, rows: Tensor | None = None) -> Tensor:
        """The same without what is shared."""
        places = self.places if rows is None else self.places[rows]
        inner = []
        # Far from both ends, few tokens have a piece.
        for k, place in enumerate(places.unbind(dim=1)):
            used, inverse = torch.unique(place, return_inverse=True)
            inner.append(functional.embedding(inverse, self.pieces[used] @ self.maps[0][k]))
        if self.own is not None:
            inner.append((self.own if rows is None else self.own[rows]) @ self.maps[0][-1])
        if len(self.maps) == 1:
            return torch.stack(inner).sum(dim=0)
        made: Tensor = torch.cat(inner, dim=1) @ self.maps[1].flatten(0, 1)
        return made

    def groups_of_maps(self, rate: float) -> list[dict[str, object]]:
        """Parameter groups for an optimizer, independent of the width.

        A step of Adam changes every number of a map by its rate, and so a row by the rate times the sum of a
        piece's D numbers: `rate` is that of a width of 576.
        """
        maps = [{"params": [one], "lr": rate * 576 / one.shape[1]} for one in self.maps]
        if len(maps) == 2:
            maps = [
                {"params": [self.maps[0]], "lr": rate * (576 / self.shared.shape[0]) ** 0.5},
                {"params": [self.maps[1]], "lr": rate},
            ]
        return [*maps, {"params": [self.shared], "lr": rate}]


class Composition(PieceMaps):
    """Rows of new tokens, (N, D) float32 in all.

    Attributes:
        free: (N, D), what each row has of its own.
    """

    start: Tensor

    def __init__(
        self,
        pieces: Sequence[Sequence[int]],
        table: Tensor,
        start: Tensor,
        *,
        rank: int | None,
        both_ends: bool,
        seed: int,
        own: Tensor | None = None,
    ) -> None:
        """Begin at `start`, (N, D) float32; the others as for `PieceMaps`."""
        super().__init__(pieces, table, rank=rank, both_ends=both_ends, seed=seed, own=own)
        self.register_buffer("start", start, persistent=False)
        self.free = nn.Parameter(torch.zeros_like(start))

    def forward(self, rows: Tensor | None = None) -> Tensor:
        """The rows of some new tokens, (B, D) float32; of all of them without `rows`, (B,) int64."""
        made = self.made(rows)
        if rows is None:
            return self.start + self.free + made + self.shared
        return self.start[rows] + functional.embedding(rows, self.free) + made + self.shared

    def change(self) -> Tensor:
        """What was learned, (N, D) float32: all rows without their start."""
        with torch.no_grad():
            rows: Tensor = self()
            return rows - self.start

    def groups(self, rate: float, free: float) -> list[dict[str, object]]:
        """Parameter groups for an optimizer: those of the maps at `rate`, and the free rows.

        Free rows are steps of `free` times the root mean square of the old ones.
        """
        size = float(self.pieces[:-1].pow(2).mean().sqrt())
        alone = [{"params": [self.free], "lr": free * size}] if free else []
        self.free.requires_grad_(bool(free))
        return [*self.groups_of_maps(rate), *alone]
