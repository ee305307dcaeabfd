"""Language models whose tables are factorised: E = F P, coordinates times primitives.

A table of V tokens and width D is F (V, K), a row for each token, times P (K, D), shared by all. At the input
x = F[id] P; at the output logits = (h Pᵀ) Fᵀ + b. In the checkpoint `….weight` is F and `….primitives` is P.
Where input and output are tied, they share both.

Needs torch and transformers (4.57 or later) and nothing else. The class `FactorisedX` is made of the class X of
transformers when it is asked for, so this one file serves every architecture:

    from transformers import AutoModelForCausalLM
    model = AutoModelForCausalLM.from_pretrained(directory, trust_remote_code=True)

Source: OFA, arXiv 2311.08849. Written by vocabx.
"""

import torch
import transformers
from torch import nn
from torch.nn import functional

_NAME = "Factorised"


class FactorisedEmbedding(nn.Module):
    """An input table as coordinates `weight` (V, K) and `primitives` (K, D)."""

    def __init__(self, whole: nn.Embedding, rank: int, std: float) -> None:
        super().__init__()
        self.num_embeddings, self.embedding_dim = whole.weight.shape
        self.padding_idx = whole.padding_idx
        self.weight, self.primitives = _new_factors(whole.weight, rank, std)
        # Gemma 3 multiplies inside its embedding; the other models do it after theirs, or not at all.
        scale = getattr(whole, "scalar_embed_scale", None)
        self.scale = float(getattr(whole, "embed_scale", 1.0)) if scale is None else float(scale)

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        """Return the (…, D) rows of `input_ids`."""
        rows = functional.embedding(input_ids, self.weight, self.padding_idx) @ self.primitives
        return rows if self.scale == 1.0 else rows * torch.tensor(self.scale, dtype=rows.dtype)

    def extra_repr(self) -> str:
        """The sizes, as printing a model shows them."""
        return f"{self.num_embeddings}, {self.embedding_dim}, rank={self.weight.shape[1]}"


class FactorisedHead(nn.Module):
    """An output table as coordinates `weight` (V, K) and `primitives` (K, D), with the base's bias."""

    def __init__(self, whole: nn.Linear, rank: int, std: float) -> None:
        super().__init__()
        self.out_features, self.in_features = whole.weight.shape
        self.weight, self.primitives = _new_factors(whole.weight, rank, std)
        # The same object: BERT's head holds its bias in a second place too.
        self.bias = whole.bias

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Return the (…, V) logits of `hidden` (…, D)."""
        return functional.linear(functional.linear(hidden, self.primitives), self.weight, self.bias)

    def extra_repr(self) -> str:
        """The sizes, as printing a model shows them."""
        return f"{self.in_features}, {self.out_features}, rank={self.weight.shape[1]}"


def _new_factors(table: torch.Tensor, rank: int, std: float) -> "tuple[nn.Parameter, nn.Parameter]":
    """Random factors whose product varies as a new table does; what is loaded comes in their place."""
    coordinates, primitives = table.new_empty(table.shape[0], rank), table.new_empty(rank, table.shape[1])
    nn.init.normal_(coordinates, std=rank**-0.5)
    nn.init.normal_(primitives, std=std)
    return nn.Parameter(coordinates.detach()), nn.Parameter(primitives.detach())


class FactorisedTables:
    """What a class of transformers becomes a factorised one by; a configuration without a rank leaves it whole.

    That matters: once a factorised model was loaded with its code, the auto classes give `FactorisedX` for every
    checkpoint of the architecture X.
    """

    @property
    def rank(self) -> "int | None":
        """K, or None where the tables are whole."""
        return (getattr(self.config, "factorised", None) or {}).get("rank")

    def post_init(self) -> None:
        """Put the factorised tables in place of the whole ones, which nothing has filled yet."""
        embedding, head = self.get_input_embeddings(), self.get_output_embeddings()
        if self.rank is not None and not isinstance(embedding, FactorisedEmbedding):
            std = getattr(self.config, "initializer_range", 0.02)
            self.set_input_embeddings(FactorisedEmbedding(embedding, self.rank, std))
            self.set_output_embeddings(FactorisedHead(head, self.rank, std))
            self._tied_weights_keys = _with_primitives(self._tied_weights_keys)
        super().post_init()

    def tie_weights(self, *arguments, **keywords) -> None:
        """Tie the primitives as the coordinates are: transformers 4 knows only of a table's `weight`."""
        super().tie_weights(*arguments, **keywords)
        by_name = isinstance(self._tied_weights_keys, dict)
        if self.rank is not None and not by_name and self.config.tie_word_embeddings:
            self.get_output_embeddings().primitives = self.get_input_embeddings().primitives

    def resize_token_embeddings(self, new_num_tokens: "int | None" = None, *arguments, **keywords) -> nn.Module:
        """Refuse other sizes: nobody knows the coordinates of further tokens.

        Raises:
            ValueError: the size would change.
        """
        if self.rank is None:
            return super().resize_token_embeddings(new_num_tokens, *arguments, **keywords)
        embedding = self.get_input_embeddings()
        if new_num_tokens not in (None, embedding.num_embeddings):
            raise ValueError(
                f"the tables of this model are factorised and cannot be resized to {new_num_tokens} rows: extend "
                "the base with vocabx again, or write the checkpoint without --factorised"
            )
        return embedding


def _with_primitives(tied):
    """The names that transformers ties, those of the primitives beside those of the coordinates."""
    if not tied:
        return tied
    if isinstance(tied, dict):
        more = {_primitives(to): _primitives(of) for to, of in tied.items() if to.endswith(".weight")}
        return {**tied, **more}
    return [*tied, *(_primitives(name) for name in tied if name.endswith(".weight"))]


def _primitives(name: str) -> str:
    return name.removesuffix("weight") + "primitives"


def __getattr__(name: str) -> type:
    """Make the class `FactorisedX` of transformers' class X."""
    base = getattr(transformers, name.removeprefix(_NAME), None) if name.startswith(_NAME) else None
    if not (isinstance(base, type) and issubclass(base, transformers.PreTrainedModel)):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    auto = "AutoModelForMaskedLM" if name.endswith("ForMaskedLM") else "AutoModelForCausalLM"
    # With an auto class, save_pretrained writes this file beside the weights.
    made = type(name, (FactorisedTables, base), {"__module__": __name__, "_auto_class": auto})
    globals()[name] = made
    _rename_as(base, name)
    return made


def _rename_as(base: type, name: str) -> None:
    """Have tensors renamed on loading as those of `base` are: transformers 5 knows classes by their names."""
    try:
        from transformers import conversion_mapping
    except ImportError:
        return
    renaming = conversion_mapping.get_checkpoint_conversion_mapping(base.__name__)
    if renaming:
        conversion_mapping.register_checkpoint_conversion_mapping(name, renaming, overwrite=True)
