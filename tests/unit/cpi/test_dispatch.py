"""The table of methods, and what is struck out of messages."""

from importlib import import_module

import pytest

from bosh_kubernetes_cpi import dispatch, log, redaction, versions


@pytest.mark.parametrize("method", dispatch.METHODS)
def test_each_method_of_the_table_is_a_function_that_takes_its_arguments(method) -> None:
    import inspect

    module, limit, arguments, result = dispatch.METHODS[method]
    serve = getattr(import_module(f"bosh_kubernetes_cpi.methods.{module}"), method)

    inspect.signature(serve).bind(None, *arguments)
    assert limit > 0
    assert isinstance(result, str)


# What callers accept of each method (contract 2.2), and what would break them.
RESULTS = [
    (dispatch.NOTHING, [None], [True, {}, ""]),
    (dispatch.SWITCH, [True, False], [None, 0, "true"]),
    (dispatch.NAME, ["disk-1"], [None, "", 7, ["disk-1"]]),
    (dispatch.TEXTS, [[], ["disk-1"]], [None, "disk-1", [None]]),
    (dispatch.OBJECT, [{}, {"a": 1}], [None, [], "a"]),
    (dispatch.HINT, [{"path": "/a"}], [None, {}, "", {"lun": 0}]),
    (dispatch.MACHINE, [["vm-1", {}]], [None, "vm-1", [], ["", {}], ["vm-1"], ["vm-1", None]]),
    (dispatch.NAME + dispatch.OR_NULL, [None, "disk-2"], ["", {}]),
]


@pytest.mark.parametrize(("kind", "good", "bad"), RESULTS, ids=[kind for kind, _, _ in RESULTS])
def test_results_are_what_the_table_says_or_a_fault_of_ours(monkeypatch, kind, good, bad) -> None:
    from bosh_kubernetes_cpi.methods import info

    monkeypatch.setitem(dispatch.METHODS, "ping", ("info", 1, (), kind))

    def answered(value):
        monkeypatch.setattr(info, "ping", lambda _call: value)
        return dispatch.answer(b'{"method": "ping"}', "", lambda _limit: None)

    for value in good:
        assert answered(value) == {"result": value, "error": None, "log": ""}
    for value in bad:
        answer = answered(value)
        assert answer["result"] is None
        assert answer["error"]["type"] == "Bosh::Clouds::CloudError"
        assert f"its result is not {kind}" in answer["error"]["message"]


@pytest.mark.parametrize("message", ["Invalid Method: x", "Method is not known, got x"])
def test_no_message_reads_as_not_implemented(message) -> None:
    answer = dispatch.error("Bosh::Clouds::CloudError", message, False)
    assert not answer["error"]["message"].startswith(("Invalid Method:", "Method is not known, got"))


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("volume is 95% full", "volume is 95 percent full"),
        ("at 95 %", "at 95 percent"),
        ("GET /a%2Fb", "GET /a percent 2Fb"),
    ],
)
def test_no_message_is_a_format_string(message, expected) -> None:
    """The command line client prints it as one: `%2F` would come out as `%!F(BADWIDTH)`."""
    assert dispatch.error("Bosh::Clouds::CloudError", message, False)["error"]["message"] == expected


@pytest.mark.parametrize(("asked", "version"), [(2, 2), (3, 3), (None, 1), (1, 1)])
def test_versions(asked, version) -> None:
    assert versions.requested(asked) == version


@pytest.mark.parametrize(
    ("version", "method", "told"),
    [
        (1, "create_vm", "vm-1"),
        (2, "create_vm", ["vm-1", {}]),
        (3, "create_vm", ["vm-1", {}]),
        (1, "attach_disk", None),
        (2, "attach_disk", ["vm-1", {}]),
        (1, "get_disks", ["vm-1", {}]),
    ],
)
def test_results_of_version_1(version, method, told) -> None:
    assert versions.told(version, method, ["vm-1", {}]) == told


REDACTED = [
    ("the token abcdef is wrong", {"abcdef"}, "the token <redacted> is wrong"),
    ("abcdefgh", {"abcdef", "abcdefgh"}, "<redacted>"),
    ("nothing", set(), "nothing"),
    ("user u, password abc, in abcd and abc", {"abc"}, "user u, password <redacted>, in abcd and <redacted>"),
    ('{"password": "a.b"}', {"a.b"}, '{"password": "<redacted>"}'),
    (r'said "a\"b\u00e9cdef"', {'a"b\u00e9cdef'}, 'said "<redacted>"'),
    (r'said "a\"b\u00e9cdef"'.replace("\u00e9", "\\u00e9"), {'a"b\u00e9cdef'}, 'said "<redacted>"'),
    ("GET /?token=abc%2Fdef%3D", {"abc/def="}, "GET /?token=<redacted>"),
    ("Basic dXNlcjphYmNkZWY= refused", {"abcdef"}, "Basic <redacted>= refused"),
    ("data: eHh4YWJjZGVmeXl5Cg", {"abcdef"}, "data: <redacted>"),
    ("data: eHh4YWJjZGVmeXl5C", {"abcdef"}, "data: <redacted>"),
    ("data: eHh4eHh4eHh4eXl5Cg", {"abcdef"}, "data: eHh4eHh4eHh4eXl5Cg"),
]


@pytest.mark.parametrize(("text", "secrets", "expected"), REDACTED)
def test_redact(text, secrets, expected) -> None:
    assert redaction.redact(text, secrets) == expected


def test_a_long_text_is_cut_between_words() -> None:
    """Half a secret would not be known as one; and the time that each word takes is bounded."""
    room = redaction.LONGEST - 10
    assert redaction.redact("x" * room + " planted-secret", {"planted-secret"}) == "x" * room
    assert redaction.redact("y" * 70_000_000, {"planted-secret"}) == "(a word of 70000000 characters)"


def test_texts_are_found_at_any_depth_and_line_by_line() -> None:
    key = "-----BEGIN-----\nsecretline\n"
    env = {"bosh": {"mbus": {"cert": {"private_key": key}}, "group": "harmless", "pin": "1234", "password": "abc"}}
    found = redaction.texts([env])

    assert "secretline" in found
    assert "harmless" not in found
    assert "1234" not in found, "a word of no secret key"
    assert "abc" in found
    assert redaction.texts({"password": 1234, "tokens": ["t", True], "secret": {"of": "x"}}) == {"1234", "t"}


URLS = [
    ("nats://10.0.0.6:4222", set()),
    ("nats://user:abc@10.0.0.6", {"user:abc", "nats://user:abc@10.0.0.6", "abc"}),
    ("http://user:pa%40ss@proxy", {"user:pa%40ss", "user:pa@ss", "pa%40ss", "pa@ss", "http://user:pa%40ss@proxy"}),
    ("https://tok@server", {"tok", "https://tok@server"}),
    ("user:password@registry:5000", {"user:password", "password", "user:password@registry:5000"}),
]


@pytest.mark.parametrize(("url", "expected"), URLS)
def test_secrets_of_a_url(url, expected) -> None:
    assert redaction.of_url(url) == expected


def test_lines_of_progress_pass_through_the_same(capfd) -> None:
    log.begin("has_vm", lambda text: redaction.redact(text, {"planted"}))
    log.progress("the planted one")
    log.begin("-")

    assert capfd.readouterr().err.endswith(" has_vm the <redacted> one\n")


def test_secrets_of_the_configuration() -> None:
    config = {
        "kubernetes": {"server": "https://server", "token": "token-1", "client_key": "key-text"},
        "registry": {"host": "registry", "password": "registry-password"},
        "agent": {
            "mbus": "nats://user-name:pass-word@10.0.0.1:4222",
            "blobstore": {"options": {"password": "blobs-password"}},
        },
    }
    found = redaction.of_config(config)

    assert {"token-1", "key-text", "registry-password", "pass-word", "blobs-password"} <= found
    assert not found & {"https://server", "registry", "10.0.0.1"}
