"""The web application of a playground: one page, and two questions that its script asks.

What is typed stays on the machine: the page fetches nothing from elsewhere, requests are accepted only under
a local name (or another site could have its own name lead here) and only from the page itself, and nothing
is logged or kept. No request may be large.
"""

import secrets
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import msgspec

from vocabx.commands.playground.neighbours import neighbourhoods
from vocabx.commands.playground.plan import Model, PlaygroundPlan
from vocabx.commands.playground.tokenized import as_json
from vocabx.report.templates import render_template
from vocabx.tokenizer.sentencepiece_model import is_unused

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

ADDRESS = "127.0.0.1"
LONGEST_TEXT = 10_000
# JSON writes a character in at most twelve bytes.
_LARGEST_BODY = 12 * LONGEST_TEXT + 1000
_NEIGHBOURS = 12
_KEPT_ANSWERS = 256
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_POLICY = (
    "default-src 'none'; script-src 'nonce-{0}'; style-src 'nonce-{0}'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
Question = TypeVar("Question")


class _Text(msgspec.Struct, frozen=True):
    """What /tokenize is asked: the text, of at most `LONGEST_TEXT` characters."""

    text: Annotated[str, msgspec.Meta(max_length=LONGEST_TEXT)]


class _Token(msgspec.Struct, frozen=True):
    """What /neighbours is asked: a token of one of the models."""

    model: Literal["base", "extended"]
    id: Annotated[int, msgspec.Meta(ge=0)]


def make_app(plan: PlaygroundPlan) -> "Starlette":
    """The application, which answers

    - GET /: the page;
    - POST /tokenize: `{"text": …}` tokenized by both;
    - POST /neighbours: `{"model": "base" or "extended", "id": …}`, the tokens nearest to that one.

    Questions and answers are JSON. Whatever is wrong with a question is answered with a status of 4xx and
    `{"error": …}`, one sentence.
    """
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.exceptions import HTTPException
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware
    from starlette.responses import HTMLResponse, JSONResponse
    from starlette.routing import Route

    nearest = _nearest(plan)

    async def page(request: "Request") -> "Response":
        nonce = secrets.token_urlsafe(16)
        values = {"plan": plan, "nonce": nonce, "longest": LONGEST_TEXT}
        content = render_template("playground.html", values, {"count": "{:,}".format})
        return HTMLResponse(content, headers=_HEADERS | {"Content-Security-Policy": _POLICY.format(nonce)})

    async def tokenize(request: "Request") -> "Response":
        question = await _read(request, _Text)
        return JSONResponse(await run_in_threadpool(_tokenize, plan, question.text), headers=_HEADERS)

    async def neighbours(request: "Request") -> "Response":
        question = await _read(request, _Token)
        model = plan.extended if question.model == "extended" else plan.base
        if model is None:
            raise HTTPException(404, "The base was not found.")
        if question.id not in model.segmenter.tokenizer.id_to_piece:
            raise HTTPException(404, f"{model.name} has no token {question.id}.")
        if model.checkpoint is None:
            raise HTTPException(404, f"No embeddings to compare: {model.without}.")
        if question.id >= model.checkpoint.input.rows:
            raise HTTPException(404, f"Token {question.id} has no row in the embedding matrices.")
        return JSONResponse(await run_in_threadpool(nearest, question.model, question.id), headers=_HEADERS)

    async def refused(request: "Request", error: Exception) -> "Response":
        assert isinstance(error, HTTPException)
        headers = _HEADERS | dict(error.headers or {})
        return JSONResponse({"error": error.detail}, error.status_code, headers=headers)

    return Starlette(
        routes=[
            Route("/", page),
            Route("/tokenize", tokenize, methods=["POST"]),
            Route("/neighbours", neighbours, methods=["POST"]),
        ],
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=[ADDRESS, "localhost"], www_redirect=False)
        ],
        exception_handlers={HTTPException: refused},
        max_body_size=_LARGEST_BODY,
    )


async def _read(request: "Request", kind: type[Question]) -> Question:
    """The question that a request holds.

    Raises:
        HTTPException: it comes from another site, is no JSON, or is another question.
    """
    from starlette.exceptions import HTTPException

    origin = request.headers.get("origin")
    if origin not in (None, f"http://{request.headers['host']}"):
        raise HTTPException(403, "Only the page itself may ask.")
    # Another site's page can send this type only with a permission that is never given.
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, "Send JSON, as application/json.")
    try:
        question = msgspec.json.decode(await request.body(), type=kind)
    except msgspec.ValidationError as error:
        long = "length" in str(error)
        reason = f"The text is too long: send at most {LONGEST_TEXT:,} characters." if long else f"{error}."
        raise HTTPException(413 if long else 400, reason) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise HTTPException(400, "The request is not JSON in UTF-8.") from None
    return question


def _tokenize(plan: PlaygroundPlan, text: str) -> dict[str, Any]:
    extended = as_json(plan.extended.segmenter.spans(text))
    base = as_json(plan.base.segmenter.spans(text)) if plan.base else None
    return {
        "characters": len(text),
        "bytes": len(text.encode()),
        "extended": extended,
        "base": base,
        "ratio": extended["tokens"] / base["tokens"] if base and base["tokens"] else None,
    }


def _nearest(plan: PlaygroundPlan) -> Any:
    """A function that answers /neighbours: one question at a time, and the last ones from memory."""
    # Each reads whole matrices: several at once would only take more memory.
    lock = Lock()

    @lru_cache(_KEPT_ANSWERS)
    def compute(name: str, index: int) -> dict[str, Any]:
        model = plan.extended if name == "extended" else plan.base
        assert model is not None and model.checkpoint is not None
        pieces = model.segmenter.tokenizer.id_to_piece
        among = [other for other, piece in pieces.items() if not is_unused(piece)]
        found = neighbourhoods(model.checkpoint, index, among, _NEIGHBOURS)
        return {
            "model": name,
            "token": _described(model, index),
            "matrices": [
                {
                    "name": matrix.matrix,
                    "neighbours": [
                        {**_described(model, one.id), "cosine": one.cosine} for one in matrix.neighbours
                    ],
                }
                for matrix in found
            ],
        }

    def nearest(name: str, index: int) -> dict[str, Any]:
        with lock:
            return compute(name, index)

    return nearest


def _described(model: Model, index: int) -> dict[str, Any]:
    return vars(model.segmenter.token(index))
