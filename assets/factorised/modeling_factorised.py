"""Language models with factorized embedding matrices: E = F P, coordinates times primitives.

An embedding matrix of V tokens and width D is F (V, K), one row per token, times P (K, D), shared by all tokens.
Input embeddings are x = F[id] P; logits are (h Pᵀ) Fᵀ + b. In the checkpoint `….weight` is F and `….primitives`
is P. If input embeddings and lm_head are tied, they share both.

Needs only torch and transformers (4.57 or later). The class `FactorisedX` is derived from the class X of
transformers on first use, so this one file serves every architecture:

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
    """Input embeddings as coordinates `weight` (V, K) and `primitives` (K, D)."""

    def __init__(self, whole: nn.Embedding, rank: int, std: float) -> None:
        super().__init__()
        self.num_embeddings, self.embedding_dim = whole.weight.shape
        self.padding_idx = whole.padding_idx
        self.weight, self.primitives = _new_factors(whole.weight, rank, std)
        # Gemma 3 scales inside its embedding module; other models scale after it, or not at all.
        scale = getattr(whole, "scalar_embed_scale", None)
        self.scale = float(getattr(whole, "embed_scale", 1.0)) if scale is None else float(scale)

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        """Return the (…, D) embeddings of `input_ids`."""
        rows = functional.embedding(input_ids, self.weight, self.padding_idx) @ self.primitives
        return rows if self.scale == 1.0 else rows * torch.tensor(self.scale, dtype=rows.dtype)

    def extra_repr(self) -> str:
        """The sizes, shown when a model is printed."""
        return f"{self.num_embeddings}, {self.embedding_dim}, rank={self.weight.shape[1]}"


class FactorisedHead(nn.Module):
    """The lm_head as coordinates `weight` (V, K) and `primitives` (K, D), with the bias of the base."""

    def __init__(self, whole: nn.Linear, rank: int, std: float) -> None:
        super().__init__()
        self.out_features, self.in_features = whole.weight.shape
        self.weight, self.primitives = _new_factors(whole.weight, rank, std)
        # The same object, since BERT's head refers to its bias in a second place.
        self.bias = whole.bias

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Return the (…, V) logits of `hidden` (…, D)."""
        return functional.linear(functional.linear(hidden, self.primitives), self.weight, self.bias)

    def extra_repr(self) -> str:
        """The sizes, shown when a model is printed."""
        return f"{self.in_features}, {self.out_features}, rank={self.weight.shape[1]}"


def _new_factors(table: torch.Tensor, rank: int, std: float) -> "tuple[nn.Parameter, nn.Parameter]":
    """Random factors whose product has the spread of a fresh embedding matrix; loading overwrites them."""
    coordinates, primitives = table.new_empty(table.shape[0], rank), table.new_empty(rank, table.shape[1])
    nn.init.normal_(coordinates, std=rank**-0.5)
    nn.init.normal_(primitives, std=std)
    return nn.Parameter(coordinates.detach()), nn.Parameter(primitives.detach())


class FactorisedTables:
    """Mixin that factorizes the embeddings of a transformers class, if the configuration has a rank.

    The condition matters: once a factorized model has been loaded with its code, the auto classes return
    `FactorisedX` for every checkpoint of the architecture X.
    """

    @property
    def rank(self) -> "int | None":
        """K, or None if the embedding matrices are not factorized."""
        return (getattr(self.config, "factorised", None) or {}).get("rank")

    def post_init(self) -> None:
        """Replace the dense embeddings, which hold no weights yet, with factorized ones."""
        embedding, head = self.get_input_embeddings(), self.get_output_embeddings()
        if self.rank is not None and not isinstance(embedding, FactorisedEmbedding):
            std = getattr(self.config, "initializer_range", 0.02)
            self.set_input_embeddings(FactorisedEmbedding(embedding, self.rank, std))
            self.set_output_embeddings(FactorisedHead(head, self.rank, std))
            self._tied_weights_keys = _with_primitives(self._tied_weights_keys)
        super().post_init()

    def tie_weights(self, *arguments, **keywords) -> None:
        """Tie the primitives along with the coordinates: transformers 4 only ties a module's `weight`."""
        super().tie_weights(*arguments, **keywords)
        by_name = isinstance(self._tied_weights_keys, dict)
        if self.rank is not None and not by_name and self.config.tie_word_embeddings:
            self.get_output_embeddings().primitives = self.get_input_embeddings().primitives

    def resize_token_embeddings(self, new_num_tokens: "int | None" = None, *arguments, **keywords) -> nn.Module:
        """Refuse other sizes: the coordinates of further tokens are unknown.

        Raises:
            ValueError: the size would change.
        """
        if self.rank is None:
            return super().resize_token_embeddings(new_num_tokens, *arguments, **keywords)
        embedding = self.get_input_embeddings()
        if new_num_tokens not in (None, embedding.num_embeddings):
            raise ValueError(
                f"the embeddings of this model are factorized and cannot be resized to {new_num_tokens} rows: "
                "extend the base with vocabx again, or write the checkpoint without --factorised"
            )
        return embedding


def _with_primitives(tied):
    """The names that transformers ties, with the primitives added to the coordinates."""
    if not tied:
        return tied
    if isinstance(tied, dict):
        more = {_primitives(to): _primitives(of) for to, of in tied.items() if to.endswith(".weight")}
        return {**tied, **more}
    return [*tied, *(_primitives(name) for name in tied if name.endswith(".weight"))]


def _primitives(name: str) -> str:
    return name.removesuffix("weight") + "primitives"


def __getattr__(name: str) -> type:
    """Derive the class `FactorisedX` from transformers' class X."""
    base = getattr(transformers, name.removeprefix(_NAME), None) if name.startswith(_NAME) else None
    if not (isinstance(base, type) and issubclass(base, transformers.PreTrainedModel)):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    auto = "AutoModelForMaskedLM" if name.endswith("ForMaskedLM") else "AutoModelForCausalLM"
    # With an auto class, save_pretrained writes this file next to the weights.
    made = type(name, (FactorisedTables, base), {"__module__": __name__, "_auto_class": auto})
    globals()[name] = made
    _rename_as(base, name)
    return made


def _rename_as(base: type, name: str) -> None:
    """Rename tensors on loading as for `base`: transformers 5 looks the conversion up by class name."""
    try:
        from transformers import conversion_mapping
    except ImportError:
        return
    renaming = conversion_mapping.get_checkpoint_conversion_mapping(base.__name__)
    if renaming:
        conversion_mapping.register_checkpoint_conversion_mapping(name, renaming, overwrite=True)
