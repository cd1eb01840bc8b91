"""The secret store: where values come from, which place wins, and what is said when there is none."""

import base64
import os
import threading

import pytest

from aggregator.errors import NotFound, StoreError, UsageError
from aggregator.secrets.documents import secret_references
from aggregator.secrets.store import SecretStore, read_env_file, variable


def secret(name="s3", **data):
    return {"kind": "Secret", "metadata": {"name": name}, "stringData": data}


def put(folder, name, key, text):
    path = folder / name / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_variable_names_are_upper_case_with_every_other_character_as_underscore():
    assert variable("argo-s3.credentials", "accessKey") == "AGG_SECRET_ARGO_S3_CREDENTIALS_ACCESSKEY"


def test_the_nearest_place_wins(tmp_path):
    env_file = tmp_path / "env"
    env_file.write_text("AGG_SECRET_S3_KEY=env-file\n")
    put(tmp_path / "one", "s3", "key", "first-folder")
    put(tmp_path / "two", "s3", "key", "second-folder")
    places = [
        {"environ": {"AGG_SECRET_S3_KEY": "environment"}},
        {"env_file": env_file},
        {"folders": [tmp_path / "one", tmp_path / "two"]},
        {"documents": [secret(key="document")]},
        {"extra": {("s3", "key"): "sandbox"}},
    ]
    expected = ["environment", "env-file", "first-folder", "document", "sandbox"]
    for first, value in enumerate(expected):
        settings = {"environ": {}}
        for place in reversed(places[first:]):
            settings |= place
        assert SecretStore(**settings).secret("s3", "key") == value


def test_one_final_line_break_of_a_file_is_not_part_of_the_value(tmp_path):
    for key, text in {"a": "v\n", "b": "v\r\n", "c": "v\n\n", "d": "v "}.items():
        put(tmp_path, "s", key, text)
    store = SecretStore(folders=[tmp_path], environ={})
    assert [store.secret("s", key) for key in "abcd"] == ["v", "v", "v\n", "v "]


def test_bytes_that_are_no_text_survive(tmp_path):
    put(tmp_path, "s", "bin", b"\xff\x00\xfe")
    value = SecretStore(folders=[tmp_path], environ={}).secret("s", "bin")
    assert value.encode("utf-8", "surrogateescape") == b"\xff\x00\xfe"


def test_documents_data_is_base64_and_string_data_wins():
    document = {
        "kind": "Secret",
        "metadata": {"name": "s"},
        "data": {"a": base64.b64encode(b"from data\n").decode(), "b": "b2xk"},
        "stringData": {"b": "new", "empty": None},
    }
    store = SecretStore(documents=[document], environ={})
    assert dict(store.secret_keys("s")) == {"a": "from data\n", "b": "new", "empty": ""}


def test_a_later_document_of_the_same_name_replaces_the_earlier():
    store = SecretStore(documents=[secret(a="1", b="2"), secret(a="3")], environ={})
    assert dict(store.secret_keys("s3")) == {"a": "3"}


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"kind": "Secret", "metadata": {"name": "x"}, "data": {"k": "hunter2!"}}, "'x': data.k is not base64"),
        (
            {"kind": "Secret", "metadata": {"name": "x"}, "stringData": {"k": 5432}},
            "stringData.k must be a text, not int",
        ),
        ({"kind": "ConfigMap", "metadata": {"name": "x"}, "data": ["k"]}, "data must be a mapping"),
    ],
)
def test_bad_documents_are_refused_without_showing_the_value(document, words):
    with pytest.raises(UsageError) as caught:
        SecretStore(documents=[document], environ={})
    assert words in caught.value.message
    assert "hunter2" not in caught.value.message + caught.value.hint


def test_config_maps_come_from_documents():
    document = {"kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"k": "v"}, "binaryData": {"b": "AAE="}}
    store = SecretStore(documents=[document], environ={})
    assert dict(store.config_map("settings")) == {"k": "v", "b": "\x00\x01"}
    with pytest.raises(NotFound) as caught:
        store.config_map("setings")
    assert "did you mean 'settings'?" in caught.value.hint
    assert store.mask("v and \x00\x01") == "v and \x00\x01"


def test_not_found_names_every_place_and_the_fix(tmp_path):
    env_file = tmp_path / "env"
    env_file.write_text("")
    store = SecretStore(folders=[tmp_path / "d"], env_file=env_file, documents=[secret(secretKey="x")], environ={})
    with pytest.raises(NotFound) as caught:
        store.secret("s3", "secretkey")
    for part in (
        "AGG_SECRET_S3_SECRETKEY",
        str(env_file),
        str(tmp_path / "d" / "s3" / "secretkey"),
        "its keys: secretKey",
    ):
        assert part in caught.value.message
    assert "did you mean 'secretKey'?" in caught.value.hint
    assert "export AGG_SECRET_S3_SECRETKEY=" in caught.value.hint
    with pytest.raises(NotFound, match="documents of kind Secret \\(s3\\)"):
        store.secret("s4", "k")
    with pytest.raises(NotFound, match="there are none"):
        SecretStore(environ={}).secret("s4", "k")
    with pytest.raises(NotFound, match="secret 's4' is not there"):
        store.secret_keys("s4")


@pytest.mark.parametrize("part", ["..", ".", "a/b", "", "a\0"])
def test_names_never_leave_the_folder(tmp_path, part):
    put(tmp_path, "s", "k", "v")
    with pytest.raises(NotFound, match="can't be the name or key"):
        SecretStore(folders=[tmp_path / "s"], environ={}).secret(part, "k")
    with pytest.raises(NotFound, match="can't be the name or key"):
        SecretStore(folders=[tmp_path], environ={}).secret("s", part)


def test_two_secrets_on_one_variable_are_an_error_that_names_both():
    store = SecretStore(environ={"AGG_SECRET_A_B_C": "value"})
    assert store.secret("a-b", "c") == "value"
    with pytest.raises(UsageError) as caught:
        store.secret("a", "b-c")
    assert "AGG_SECRET_A_B_C" in caught.value.message
    assert "'a' key 'b-c' and 'a-b' key 'c'" in caught.value.message
    with pytest.raises(UsageError):
        SecretStore(environ={"AGG_SECRET_A_B_C": "value"}).expect([("a-b", "c"), ("a", "b_c")])


def test_a_clash_on_a_variable_that_is_not_set_harms_nobody():
    store = SecretStore(documents=[secret("a-b", c="1"), secret("a", **{"b-c": "2"})], environ={})
    assert (store.secret("a-b", "c"), store.secret("a", "b-c")) == ("1", "2")


def test_all_keys_of_a_secret_are_gathered_over_all_places(tmp_path):
    put(tmp_path, "db", "user", "u-file")
    put(tmp_path, "db", "..data", "hidden")
    environ = {"AGG_SECRET_DB_PASSWORD": "p-env", "AGG_SECRET_DB_EXTRA": "e-env", "AGG_SECRET_DB_MAIN_KEY": "other"}
    store = SecretStore(
        folders=[tmp_path], environ=environ, documents=[secret("db", password="p-doc", host="h-doc")], extra={}
    )
    store.expect([("db-main", "key")])
    assert dict(store.secret_keys("db")) == {"user": "u-file", "password": "p-env", "host": "h-doc", "EXTRA": "e-env"}


def test_a_key_asked_for_by_name_keeps_its_spelling_among_all_keys():
    store = SecretStore(environ={"AGG_SECRET_DB_USERNAME": "u"})
    assert store.secret("db", "userName") == "u"
    assert dict(store.secret_keys("db")) == {"userName": "u"}


def test_env_file_syntax(tmp_path):
    path = tmp_path / "env"
    path.write_text("# comment\n\nexport A=1\nB='two words'\nC=\"x=y\"\nD=\n")
    assert read_env_file(path) == {"A": "1", "B": "two words", "C": "x=y", "D": ""}
    path.write_text("A=1\npassword hunter2\n")
    with pytest.raises(UsageError) as caught:
        read_env_file(path)
    assert f"{path}:2" in caught.value.message
    assert "hunter2" not in caught.value.message
    with pytest.raises(UsageError, match="No such file"):
        read_env_file(tmp_path / "absent")


def test_the_environment_of_the_process_is_the_default(monkeypatch):
    monkeypatch.setenv("AGG_SECRET_S_K", "here")
    assert SecretStore().secret("s", "k") == "here"


def test_a_file_that_cannot_be_read_is_an_error_of_its_own(tmp_path):
    (tmp_path / "s" / "k").mkdir(parents=True)
    with pytest.raises(StoreError, match="can't read the secret file"):
        SecretStore(folders=[tmp_path], environ={}).secret("s", "k")


def test_what_is_handed_out_is_masked_and_what_is_not_is_shown():
    store = SecretStore(documents=[secret(a="first-value", b="other-value")], environ={})
    assert store.mask("first-value other-value") == "first-value other-value"
    store.secret("s3", "a")
    assert store.mask("first-value other-value") == "*** other-value"


def test_references_of_a_document_are_found_at_any_depth():
    document = {
        "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "n", "key": "k"}}}],
        "s3": {"accessKeySecret": {"name": "s", "key": "a"}, "caSecret": {"name": "c"}},
        "http": {"auth": {"basicAuth": {"passwordSecret": {"name": "p", "key": "x"}}}},
    }
    assert secret_references(document) == {("n", "k"), ("s", "a"), ("p", "x")}


def test_threads_may_ask_at_once():
    store = SecretStore(environ={}, documents=[secret(**{f"k{i}": f"value-{i}" for i in range(50)})])
    answers = []

    def ask():
        answers.extend(store.secret("s3", f"k{i}") for i in range(50))
        store.secret_keys("s3")

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == sorted(f"value-{i}" for i in range(50) for _ in range(4))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
def test_a_file_of_another_user_is_an_error_of_its_own(tmp_path):
    path = put(tmp_path, "s", "k", "v")
    path.chmod(0o600)
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == 0 and str(folder).startswith("/tmp/"):
            folder.chmod(0o755)
    child = os.fork()
    if child == 0:
        code = 5
        try:
            os.setuid(65534)
            SecretStore(folders=[tmp_path], environ={}).secret("s", "k")
        except StoreError as exc:
            code = 0 if "Permission denied" in exc.message else 3
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
