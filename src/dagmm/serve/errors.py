"""What a request is refused with."""

import json


class RequestError(Exception):
    """A request that is not answered with scores; the message is for whoever sent it.

    Parameters
    ----------
    status : int
        Of HTTP.
    message : str
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def error_body(message: str) -> bytes:
    """Return an error as the Open Inference Protocol has it."""
    return json.dumps({"error": message}, ensure_ascii=False).encode("utf-8", "backslashreplace")
