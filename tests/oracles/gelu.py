"""GELU as llama.cpp computes it."""


def gelu_of_16_bits(x):
    """GELU as llama.cpp looks it up on a CPU: in a table from f16 to f16."""
    import torch

    y = torch.nn.functional.gelu(x.half().float(), approximate="tanh").half().float()
    return torch.where(x <= -10, torch.zeros_like(x), torch.where(x >= 10, x, y))
