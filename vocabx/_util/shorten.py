"""Text that a message has room for."""


def shortened(text: str, longest: int) -> str:
    """A text of at most `longest` characters: a longer one loses its end, which a sign shows."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
