"""The parts of OpenAI's request bodies that this service reads. Unknown fields are ignored."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StrictBool, StrictInt, StrictStr


class EmbeddingRequest(BaseModel):
    """Body of POST /v1/embeddings."""

    model: StrictStr
    input: StrictStr | list[StrictStr] | list[StrictInt] | list[list[StrictInt]]
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: StrictInt | None = None


class TextPart(BaseModel):
    """One piece of a message that was sent in pieces."""

    type: Literal["text"]
    text: StrictStr


class ChatMessage(BaseModel):
    """One message; `content` is None in an assistant's message that only calls tools."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: StrictStr | list[TextPart] | None = None

    @property
    def text(self) -> str:
        """The message as one string."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content or [])


class FunctionTool(BaseModel):
    """The part of a tool's definition that matters here: its name."""

    name: StrictStr


class Tool(BaseModel):
    """A tool that the caller offers."""

    type: Literal["function"]
    function: FunctionTool


class ResponseFormat(BaseModel):
    """What kind of text is asked for."""

    type: Literal["text", "json_object", "json_schema"]


class ChatRequest(BaseModel):
    """Body of POST /v1/chat/completions."""

    model: StrictStr
    messages: Annotated[list[ChatMessage], Field(min_length=1)]
    tools: list[Tool] | None = None
    tool_choice: Any = None
    response_format: ResponseFormat | None = None
    stream: StrictBool | None = None
    n: StrictInt | None = None
