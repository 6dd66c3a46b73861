"""Secrets are references; their values are in nothing that is shown or kept."""

from __future__ import annotations

import base64
import json
import secrets as chance
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import nbformat
import pytest
from nbclient import NotebookClient

from kuiper_nb import Session
from kuiper_nb.errors import ServiceError
from kuiper_nb.notebook.serviceviews import dry_view, service_view
from kuiper_nb.services import secrets

from .conftest import house, plain
from .servers import Answered, Asked, Http, as_json

Start = Callable[[Callable[[Asked], Answered]], Http]


def test_references_are_replaced_by_values(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOUSE_TOKEN", "token-of-the-house")
    (tmp_path / "key").write_text("key-in-a-file\n")

    text = f"${{env:HOUSE_TOKEN}}/${{file:{tmp_path / 'key'}}}/${{cmd:echo from-a-program}}"

    assert secrets.resolved(text) == "token-of-the-house/key-in-a-file/from-a-program"


@pytest.mark.parametrize("text", ["${env:NOT_THERE_AT_ALL}", "${file:/not/there}", "${cmd:/not/there}", "${cmd:false}"])
def test_a_reference_without_a_value_is_named(text: str) -> None:
    with pytest.raises(ServiceError) as error:
        secrets.resolved(text)
    assert text in error.value.message


def test_a_command_is_no_shell(tmp_path: Path) -> None:
    secrets.resolved(f"${{cmd:echo x > {tmp_path / 'made'}}}")

    assert not (tmp_path / "made").exists()


def test_values_are_masked_in_every_form(monkeypatch: pytest.MonkeyPatch) -> None:
    value = 'a "secret"/with?odd=characters äö'
    monkeypatch.setenv("ODD", value)
    secrets.resolved("${env:ODD}")
    raw = value.encode()

    for shown in (
        value,
        quote(value),
        quote(value, safe=""),
        json.dumps(value),
        json.dumps(value, ensure_ascii=False),
        repr(value),
        raw.hex(),
        *(base64.b64encode(b"x" * n + raw + b"y" * n).decode() for n in range(4)),
    ):
        masked = secrets.masked(f"<{shown}>")
        assert "env:ODD" in masked, shown
        assert "secret" not in masked


def canaries(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Twelve secrets in the environment."""
    found = {f"CANARY_{n}": chance.token_hex(16) for n in range(12)}
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    return found


def hits(text: str, values: dict[str, str]) -> list[str]:
    """The names of those that are in *text*, as they are or in base64."""
    return [
        name
        for name, value in values.items()
        if value in text or base64.b64encode(value.encode()).decode().rstrip("=")[:-2] in text
    ]


def test_a_server_that_tells_them_back_gives_nothing_away(
    session: Session, http: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    values = canaries(monkeypatch)

    def mirror(asked: Asked) -> Answered:
        told = json.dumps({"headers": dict(asked.headers), "path": asked.path})
        return Answered(500 if asked.path.endswith("fail") else 200, json.dumps({"text": told}).encode())

    server = http(mirror)
    headers = ", ".join(f"X-{n}: '${{env:CANARY_{n}}}'" for n in range(6))
    auth = "auth: {basic: {user: '${env:CANARY_6}', password: '${env:CANARY_7}'}}"
    tape = tmp_path / "calls.jsonl"
    service = plain(session, server.url, f"{{headers: {{{headers}}}, {auth}, retry: {{attempts: 1}}}}")
    service.record(tape)
    session.sql('CREATE STREAM demo (a STRING) WITH (TYPE="memory", DATASOURCE="demo", FORMAT="json")')
    rule = session.rule('SELECT ask("get", a)->nothing AS n FROM demo')
    session.push("demo", [{"a": f"/{n}/fail"} for n in range(20)])

    dry = service.dry("ask", "get", "/")
    service.live()
    shown = [
        repr(dry_view(dry, "live")),
        dry.error,
        dry.request,
        dry.reply,
        repr(service_view(service, session)),
        repr(service.status),
        repr(service.described.spec),
        tape.read_text(encoding="utf-8"),
        "\n".join(secrets.masked(error.message) for error in rule.errors),
    ]

    assert server.asked[0].headers["x-0"] == values["CANARY_0"]
    assert len(rule.errors) == 20
    assert [hits(text, values) for text in shown] == [[]] * len(shown)
    assert hits("\n".join(error.message for error in rule.errors), values) == []


CELLS = [
    "%load_ext kuiper_nb\nimport kuiper_nb as kuiper\nsession = kuiper.session()",
    """%%kuiper service house
interfaces:
  ask:
    address: ADDRESS
    protocol: rest
    schemaless: true
    options: {HEADERS, auth: {basic: {user: '${env:CANARY_6}', password: '${env:CANARY_7}'}}, retry: {attempts: 1}}
""",
    "%kuiper service record house calls.jsonl",
    '%%kuiper\nCREATE STREAM demo (a STRING) WITH (TYPE="memory", DATASOURCE="demo", FORMAT="json")',
    '%%kuiper told\nSELECT ask("get", a) AS answered FROM demo',
    "kuiper.push('demo', [{'a': f'/{n}/fail'} for n in range(20)])\nsession.settle(20)\nsession.rules['told'].errors",
    'session.services["house"].call("ask", "get", "/fail")',
    "%kuiper service call ask get /fail",
    "%kuiper service call ask get /",
    "%kuiper service show house",
    "session.services['house'].status, session.services['house'].described",
    "%kuiper status",
    "kuiper.status()",
    "%kuiper logs told",
    "%kuiper service live house",
    "vars(session.services['house'])",
]
"""What somebody may do with a service whose server tells back all it was told."""


def test_a_notebook_that_was_run_and_saved_holds_none_of_them(
    http: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    values = canaries(monkeypatch)
    monkeypatch.setenv("KUIPER_NB_MODE", "live")
    server = http(
        lambda asked: Answered(
            500 if asked.path.endswith("fail") else 200, json.dumps({"told": dict(asked.headers)}).encode()
        )
    )
    headers = ", ".join(f"X-{n}: '${{env:CANARY_{n}}}'" for n in range(6))
    cells = [cell.replace("ADDRESS", server.url).replace("HEADERS", f"headers: {{{headers}}}") for cell in CELLS]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])

    here = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=60, allow_errors=True, store_widget_state=True, resources=here).execute()
    saved = nbformat.writes(notebook)

    assert server.asked[0].headers["x-0"] == values["CANARY_0"]
    assert len(server.asked) >= 23
    assert saved.count("http return code: 500") >= 20
    assert "application/vnd.jupyter.widget-state+json" in saved
    kept = "".join(file.read_text("utf-8") for file in tmp_path.rglob("*") if file.is_file())
    assert "fail" in kept
    assert (hits(saved, values), hits(kept, values)) == ([], [])


def test_the_user_of_an_address_is_a_secret(session: Session, http: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOUSE_PASSWORD", "pass/word@with:signs")
    server = http(lambda asked: as_json({"text": "in"}))
    address = server.url.replace("://", "://ann:${env:HOUSE_PASSWORD}@")

    service = house(session, "rest", f"'{address}'")

    assert service.call("Hello", "a", 1, [])["text"] == "in"
    expected = base64.b64encode(b"ann:pass/word@with:signs").decode()
    assert server.asked[0].headers["authorization"] == f"Basic {expected}"
    assert "word" not in repr(service.status)
    assert expected not in service.dry("Hello", "a", 1, []).request
