"""Recorded answers of real servers, replayed over a local server. Each file is one exchange and says what it shows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

from apps.integrations.http import Answer, HttpClient
from tests.integrations.wire_server import Asked, Peer, Script, head, reply

ROOT = Path(__file__).parents[1] / "recordings"
MADE_BY_THE_SERVER = {"content-encoding", "content-length", "transfer-encoding", "date"}


@dataclass(frozen=True)
class Recording:
    """`name` is the path below the folder of recordings, without its suffix ("argocd/3.6/version")."""

    name: str

    @property
    def content(self) -> Any:
        return json.loads((ROOT / f"{self.name}.json").read_text())

    @property
    def path(self) -> str:
        path: str = self.content["request"]["path"]
        return path.partition("?")[0]

    @property
    def segments(self) -> list[str]:
        return [unquote(segment) for segment in self.path.strip("/").split("/")]

    @property
    def query(self) -> dict[str, str]:
        return dict(self.query_pairs)

    @property
    def query_pairs(self) -> list[tuple[str, str]]:
        return parse_qsl(self.content["request"]["path"].partition("?")[2], keep_blank_values=True)

    def script(self) -> Script:
        """The recorded answer: a body, or the lines of a stream."""
        response = self.content["response"]
        if "lines" in response:
            return self._lines(response)
        headers = response.get("headers") or {}
        kept = {n.replace("-", "_"): v for n, v in headers.items() if n.lower() not in MADE_BY_THE_SERVER}
        kept.setdefault("Content_Type", "")
        body = response["text"] if "text" in response else json.dumps(response["json"])
        return reply(body, status=response["status"], zipped="Content-Encoding" in headers, **kept)

    def _lines(self, response: Any) -> Script:
        def script(peer: Peer, asked: Asked) -> None:
            peer.send(head(response["status"]))
            for line in response["lines"]:
                peer.send(line["line"] + "\n" if "line" in line else "")

        return script

    def repeated(self, http: HttpClient) -> Answer:
        """The recorded request, made again over this client."""
        request = self.content["request"]
        body = request.get("body")
        return http.call(
            request["method"],
            self.segments,
            query=self.query_pairs,
            json=body if isinstance(body, dict | list) else None,
            headers={"Accept": "*/*"},
        )


def names_in(folder: str) -> list[str]:
    """The names of all recordings in a folder, without the folder."""
    return sorted(path.stem for path in (ROOT / folder).glob("*.json"))
