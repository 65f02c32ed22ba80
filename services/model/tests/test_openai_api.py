"""The official client against the running service."""

import base64
import math

import httpx
import numpy as np
import openai
import pytest
from openai import OpenAI

from mem0_model import CHAT_MODEL, DIMENSIONS, EMBEDDING_MODEL


def test_the_official_client_gets_embeddings_in_its_own_encoding(openai_client: OpenAI) -> None:
    reply = openai_client.embeddings.create(model=EMBEDDING_MODEL, input="bees on the roof")
    vector = reply.data[0].embedding
    assert len(vector) == DIMENSIONS
    assert math.isclose(float(np.linalg.norm(vector)), 1, abs_tol=1e-5)
    assert reply.model == EMBEDDING_MODEL
    assert reply.usage.prompt_tokens == reply.usage.total_tokens > 3


def test_base64_and_float_are_the_same_numbers(base_url: str) -> None:
    def ask(encoding: str) -> httpx.Response:
        body = {"model": EMBEDDING_MODEL, "input": ["tea"], "encoding_format": encoding}
        return httpx.post(f"{base_url}/embeddings", json=body)

    plain = np.array(ask("float").json()["data"][0]["embedding"], dtype=np.float32)
    packed = base64.b64decode(ask("base64").json()["data"][0]["embedding"])
    assert np.array_equal(plain, np.frombuffer(packed, dtype="<f4"))


def test_a_batch_gives_the_vectors_of_its_texts_in_order(openai_client: OpenAI) -> None:
    texts = ["bees", "a much longer text about the roof of a house", "bees"] + ["x"] * 50
    batch = openai_client.embeddings.create(model=EMBEDDING_MODEL, input=texts)
    assert [item.index for item in batch.data] == list(range(len(texts)))
    single = openai_client.embeddings.create(model=EMBEDDING_MODEL, input=texts[1])
    assert np.allclose(batch.data[1].embedding, single.data[0].embedding, atol=1e-5)
    assert batch.data[0].embedding == batch.data[2].embedding


def test_the_right_number_of_dimensions_may_be_asked_for(openai_client: OpenAI) -> None:
    reply = openai_client.embeddings.create(
        model=EMBEDDING_MODEL, input="bees", dimensions=DIMENSIONS
    )
    assert len(reply.data[0].embedding) == DIMENSIONS
    with pytest.raises(openai.BadRequestError) as error:
        openai_client.embeddings.create(model=EMBEDDING_MODEL, input="bees", dimensions=1536)
    assert error.value.param == "dimensions"


@pytest.mark.parametrize(
    "wrong", ["", [], ["bees", ""], [[1, 2, 3]], [1, 2, 3], ["word " * 9000], ["x"] * 2049]
)
def test_input_that_cannot_be_embedded_is_a_400(openai_client: OpenAI, wrong: list[str]) -> None:
    with pytest.raises(openai.BadRequestError) as error:
        openai_client.embeddings.create(model=EMBEDDING_MODEL, input=wrong)
    assert error.value.param == "input"


def test_a_text_beyond_the_models_window_is_embedded_whole(openai_client: OpenAI) -> None:
    filler = "The weather report was long and said nothing of interest. " * 60
    ends = [filler + "Keeps bees on the roof.", filler + "Repairs old clocks."]
    data = openai_client.embeddings.create(model=EMBEDDING_MODEL, input=ends).data
    assert data[0].embedding != data[1].embedding


def test_models_are_listed(openai_client: OpenAI) -> None:
    assert {model.id for model in openai_client.models.list()} == {EMBEDDING_MODEL, CHAT_MODEL}
    assert openai_client.models.retrieve(CHAT_MODEL).id == CHAT_MODEL
    with pytest.raises(openai.NotFoundError):
        openai_client.models.retrieve("gpt-4")


def test_an_unknown_model_is_a_404(openai_client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as error:
        openai_client.embeddings.create(model="text-embedding-3-small", input="bees")
    assert error.value.code == "model_not_found"
    with pytest.raises(openai.NotFoundError):
        openai_client.chat.completions.create(
            model="gpt-4", messages=[{"role": "user", "content": "hi"}]
        )


def test_conversation_is_refused_with_the_reason(openai_client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="memory extraction") as error:
        openai_client.chat.completions.create(
            model=CHAT_MODEL, messages=[{"role": "user", "content": "Tell me a joke"}]
        )
    assert error.value.code == "unsupported_request"


def test_streaming_is_refused(openai_client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as error:
        openai_client.chat.completions.create(
            model=CHAT_MODEL, messages=[{"role": "user", "content": "Input:\nhi"}], stream=True
        )
    assert error.value.param == "stream"
