"""One POST of JSON to a provider, and what may be said of it when it goes wrong. Shared by the channels whose providers answer 200 with an
error code inside.

Never in an outcome or a log: the address (it may carry a token), the body, a header. Redirects are not followed.
"""

from __future__ import annotations

from typing import Any

import httpx

from alerts.channels.contract import Outcome

TIMEOUT_SECONDS = 10.0
MOST_BYTES = 65_536


class Rest:
    """A client of one provider. `setting`: the variable to look at when it cannot be reached."""

    def __init__(self, setting: str, timeout: float = TIMEOUT_SECONDS) -> None:
        self._setting = setting
        self._client = httpx.Client(timeout=httpx.Timeout(timeout), follow_redirects=False, trust_env=False)

    def post(self, url: str, headers: dict[str, str] | None = None, **body: Any) -> dict[str, Any] | Outcome:
        """The object the provider answered, or the failure. `body`: `json=` or `data=` as httpx takes them."""
        try:
            answer = self._client.post(url, headers=headers, **body)
        except httpx.ConnectError:
            return Outcome.failed("ConnectError", f"no connection; check {self._setting} and the line", retryable=True)
        except httpx.HTTPError as error:
            return Outcome.failed(type(error).__name__, "no complete answer within the time limit", retryable=True, certain=False)
        except httpx.InvalidURL:
            return Outcome.failed("InvalidURL", f"the address is not a URL; check {self._setting}", retryable=True)
        return _read(answer)

    def close(self) -> None:
        """Close the kept connections."""
        self._client.close()


def _read(answer: httpx.Response) -> dict[str, Any] | Outcome:
    if not answer.is_success:
        retryable = answer.status_code >= 500 or answer.status_code in (408, 425, 429)
        said = f"the provider answered {answer.status_code} {answer.reason_phrase}"
        return Outcome.failed(f"http_{answer.status_code}", said, retryable=retryable, certain=answer.status_code != 504)
    try:
        content = answer.json() if len(answer.content) <= MOST_BYTES else None
    except ValueError:
        content = None
    if isinstance(content, dict):
        return content
    # 200 and no answer: the message may well have been taken.
    return Outcome.failed("not_json", "the provider answered 200 without the object its interface promises", retryable=True, certain=False)
