"""The form page: one request for each intention, a sentence for each mistake, and limits that hold."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from desk.channels import Channel
from storage.mail import outbound
from tests.web.conftest import TYPED, Web


def test_a_sent_form_is_on_disk_before_the_thank_you_page(web: Web) -> None:
    answer = web.send()
    assert (answer.status_code, answer.headers["location"]) == (303, "/request/thanks")
    (request,) = web.requests()
    assert (request.channel, request.source) == (Channel.WEB, "form")
    assert (request.sender.address, request.sender.name) == ("carol@customer.example.test", "Carol")
    assert request.text == request.reply == "It smokes.\nHelp!"
    assert ("verified", "no") in request.fields
    assert request.envelope.peer == "192.0.2.7"
    assert web.client.get("/request/thanks").status_code == 200


def test_a_double_click_makes_one_request(web: Web) -> None:
    token = web.form()
    with ThreadPoolExecutor(8) as pool:
        send = lambda _: web.client.post("/request", data={"token": token} | TYPED, follow_redirects=False)  # noqa: E731
        answers = list(pool.map(send, range(6)))
    assert {answer.status_code for answer in answers} == {303}
    assert len(web.rows()) == 1


def test_the_same_words_in_a_new_form_are_a_new_request(web: Web) -> None:
    web.send()
    web.send()
    assert len(web.rows()) == 2


def test_a_form_that_was_sent_is_not_sent_again_with_other_words(web: Web) -> None:
    token = web.form()
    web.client.post("/request", data={"token": token} | TYPED)
    answer = web.client.post("/request", data={"token": token} | TYPED | {"body": "Another matter."})
    assert answer.status_code == 422
    assert "was sent already" in answer.text
    assert "Another matter." in answer.text
    assert len(web.rows()) == 1


@pytest.mark.parametrize("token", ["", "x", "0" * 32 + "." + "a" * 26, "é" * 59])
def test_a_form_without_a_token_of_ours_is_shown_again_with_its_words(web: Web, token: str) -> None:
    answer = web.client.post("/request", data={"token": token} | TYPED)
    assert answer.status_code == 422
    assert "press Send once more" in answer.text
    assert "It smokes." in answer.text
    assert web.rows() == []


def test_a_filled_trap_stores_nothing_and_says_so(web: Web) -> None:
    answer = web.send(website="https://spam.example.test")
    assert answer.status_code == 422
    assert "It smokes." in answer.text
    assert web.rows() == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", ""),
        ("email", "nobody"),
        ("email", "a@b"),
        ("email", "a@example.test, b@example.test"),
        ("email", "a@example.test\r\nBcc: v@example.test"),
        ("email", "Support@desk.example.test"),
        ("email", "a" * 300 + "@example.test"),
        ("subject", ""),
        ("subject", "two\r\nlines"),
        ("subject", "x" * 301),
        ("body", "   "),
        ("name", "x\x1by"),
    ],
)
def test_a_wrong_field_is_named_and_everything_typed_is_kept(web: Web, field: str, value: str) -> None:
    answer = web.send(**{field: value})
    assert answer.status_code == 422
    assert f'id="{field}-wrong"' in answer.text
    assert f'href="#{field}"' in answer.text
    assert web.rows() == []


def test_what_no_database_keeps_is_taken_out_of_a_form(web: Web) -> None:
    assert web.send(body="nul \x00 byte", name="B\x00ob").status_code == 303
    (row,) = web.rows()
    assert "nul  byte" in row.request and "Bob" in row.request


def test_fields_that_only_the_desk_may_set_are_ignored(web: Web) -> None:
    assert web.send(status="resolved", is_agent="true", id="1", next="//evil.example.test/").status_code == 303
    (row,) = web.rows()
    assert (row.state, "resolved" in row.request, "evil" in row.request) == ("waiting", False, False)


def test_attachments_are_stored_by_their_hash_under_a_harmless_name(web: Web) -> None:
    files = [
        ("files", ("../../etc/pass\x01wd", b"secret", "text/plain; charset=x")),
        ("files", ("C:\\temp\\a.svg", b"<svg/>", "image/svg+xml")),
    ]
    assert web.send(files=files).status_code == 303
    one, two = web.requests()[0].attachments
    assert (one.media_type, one.size) == ("text/plain", 6)
    assert "/" not in one.name
    assert two.name == "a.svg"
    with web.store.database.reading() as session:
        assert web.store.blobs.get(session, one.sha256) == b"secret"
    assert one.sha256 == hashlib.sha256(b"secret").hexdigest()


def test_an_empty_file_field_is_no_attachment(web: Web) -> None:
    assert web.send(files=[("files", ("", b"", "application/octet-stream"))]).status_code == 303
    assert web.requests()[0].attachments == ()


def test_too_large_and_too_many_files_are_refused_with_the_limit(web: Web) -> None:
    large = web.send(files=[("files", ("a", b"x" * 400_000, "text/plain"))])
    assert large.status_code == 413
    many = web.send(files=[("files", (f"{n}", b"x", "text/plain")) for n in range(4)])
    assert many.status_code == 400
    assert "at most 3" in many.text
    assert web.rows() == []


def test_a_body_that_lies_about_its_length_is_stopped_at_the_limit(web: Web) -> None:
    chunks = (b"a=" + b"x" * 50_000 for _ in range(20))
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert web.client.post("/request", content=chunks, headers=headers).status_code == 413


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=b", b"--b\r\nnonsense"),
        ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n"),
        ("multipart/form-data; boundary=" + "b" * 5000, b"--"),
        ("application/x-www-form-urlencoded; charset=nonsense", b"a=%ff&%00=%00"),
        ("text/plain", b"email=a@example.test"),
        ("application/json", b"{}"),
        ("", b""),
    ],
)
def test_a_broken_body_gets_an_answer_that_is_the_senders_fault(web: Web, kind: str, content: bytes) -> None:
    answer = web.client.post("/request", content=content, headers={"Content-Type": kind})
    assert 400 <= answer.status_code < 500
    assert "<form" in answer.text


def test_one_address_is_asked_to_wait_and_may_go_on_later(web: Web) -> None:
    answers = [web.send() for _ in range(7)]
    assert [answer.status_code for answer in answers] == [303] * 6 + [429]
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert "It smokes." in answers[-1].text
    web.later(11)
    assert web.send().status_code == 303


def test_one_visitor_is_asked_to_wait_whatever_forwarded_for_says(web: Web) -> None:
    codes = []
    for n in range(13):
        data = {"token": web.form()} | TYPED | {"email": f"p{n}@example.test"}
        headers = {"X-Forwarded-For": f"198.51.100.{n}"}
        codes.append(web.client.post("/request", data=data, headers=headers, follow_redirects=False).status_code)
    assert codes == [303] * 12 + [429]


def test_what_was_typed_comes_back_escaped(web: Web) -> None:
    text = '"><script>alert(1)</script>{{ 77*1001 }}</textarea>'
    answer = web.send(subject=text, body=text, email="")
    assert "<script>" not in answer.text
    assert "77077" not in answer.text


def test_every_page_forbids_what_it_does_not_need(web: Web) -> None:
    for path in ("/request", "/request/thanks"):
        headers = web.client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
    assert web.client.get("/request/form.css").headers["content-type"].startswith("text/css")


def test_the_form_sends_no_mail_by_itself(web: Web) -> None:
    web.send()
    with web.store.database.reading() as session:
        assert outbound.totals(session) == {}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from([*TYPED, "token", "website"]), st.binary(max_size=60), max_size=6))
def test_no_form_breaks_the_door(web: Web, typed: dict[str, bytes]) -> None:
    body = b"&".join(name.encode() + b"=" + value for name, value in typed.items())
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert web.client.post("/request", content=body, headers=headers).status_code < 500
