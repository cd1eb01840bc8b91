"""What gcs, azure, oss and hdfs say before they reach any store: libraries, fields and credentials that are missing or wrong."""

import sys

import pytest

from aggregator.artifacts import make_driver
from aggregator.artifacts.answers import refused, seconds
from aggregator.errors import NotFound, StoreError, TransientError, Unsupported
from aggregator.secrets.store import SecretStore

KEY = {"name": "s", "key": "k"}


def driver_of(kind):
    return make_driver(kind, secrets=SecretStore(environ={}, extra={("s", "k"): "no key"}), clients=None, root=None)


@pytest.mark.parametrize(
    ("kind", "library"),
    [
        ("gcs", "google.cloud.storage"),
        ("azure", "azure.storage.blob"),
        ("oss", "alibabacloud_oss_v2"),
        ("hdfs", "hdfs_native"),
    ],
)
def test_a_missing_library_is_named_with_the_line_that_installs_it(monkeypatch, kind, library):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(Unsupported, match="not installed") as caught:
        driver_of(kind)
    assert caught.value.hint == f"pip install 'agg-workflows[{kind}]'"


@pytest.mark.parametrize(
    ("kind", "location", "words"),
    [
        ("gcs", {"key": "k"}, "no bucket"),
        ("gcs", {"bucket": "b", "key": "k", "serviceAccountKeySecret": KEY}, "holds no service account's key"),
        ("gcs", {"bucket": "b", "key": "k", "serviceAccountKeySecret": {"name": "s"}}, "must name a secret"),
        ("azure", {"container": "c", "blob": "k"}, "no endpoint"),
        ("azure", {"endpoint": "https://a.blob.core.windows.net", "blob": "k"}, "no container"),
        ("oss", {"endpoint": "oss-cn-hangzhou.aliyuncs.com", "bucket": "b", "key": "k"}, "names no keys"),
        ("hdfs", {"path": "/k"}, "no addresses"),
        ("hdfs", {"addresses": ["n:8020"], "path": "/k", "krbConfigConfigMap": KEY}, "krbConfigConfigMap"),
    ],
)
def test_locations_that_lack_something(clean_aws, tmp_path, kind, location, words):
    driver = driver_of(kind)
    with pytest.raises(StoreError, match=words):
        driver.load(location, tmp_path / "target")
    driver.close()


def test_an_hdfs_file_that_is_there_needs_force(clean_aws, tmp_path, monkeypatch):
    import types

    client = types.SimpleNamespace(get_file_info=lambda path: types.SimpleNamespace(isdir=False, length=1))
    library = types.SimpleNamespace(Client=lambda *words, **named: client, WriteOptions=dict)
    monkeypatch.setitem(sys.modules, "hdfs_native", library)
    (tmp_path / "source").write_bytes(b"1")
    driver = driver_of("hdfs")
    with pytest.raises(StoreError, match="there already"):
        driver.save(tmp_path / "source", {"addresses": ["n:8020"], "path": "/k"})
    driver.close()


def test_several_name_nodes_are_one_service_and_kerberos_gets_its_files(clean_aws, monkeypatch):
    import types

    seen = []
    library = types.SimpleNamespace(Client=lambda url, config, **named: seen.append((url, config, named)))
    monkeypatch.setitem(sys.modules, "hdfs_native", library)
    driver = driver_of("hdfs")
    location = {"addresses": ["a:1", "b:2"], "path": "/k", "krbKeytabSecret": KEY, "krbUsername": "u", "krbRealm": "R"}
    driver.place(location)
    url, config, named = seen[0]
    assert url == "hdfs://agg"
    assert config["dfs.namenode.rpc-address.agg.nn1"] == "b:2"
    assert config["hadoop.security.authentication"] == "kerberos"
    assert named["kerberos_principal"] == "u@R"
    with open(named["kerberos_keytab"]) as file:
        assert file.read() == "no key"
    driver.close()


@pytest.mark.parametrize(
    ("status", "code", "said", "kind", "words"),
    [
        (503, "SlowDown", "", TransientError, "SlowDown"),
        (404, "NoSuchKey", "", NotFound, "no such object"),
        (404, "NoSuchBucket", "", StoreError, "the bucket 'b' does not exist"),
        (404, "", "The specified bucket does not exist.", StoreError, "the bucket 'b' does not exist"),
        (404, "ContainerNotFound", "", StoreError, "does not exist"),
        (412, "", "", TransientError, "changed meanwhile"),
        (401, "", "", StoreError, "credentials are not accepted"),
        (403, "AuthenticationFailed", "", StoreError, "credentials are not accepted"),
        (403, "", "no permission", StoreError, "not allowed"),
        (403, "RequestTimeTooSkewed", "", StoreError, "clock"),
        (400, "", "odd", StoreError, "odd"),
        (418, "", "", StoreError, "HTTP 418"),
    ],
)
def test_what_answers_mean(status, code, said, kind, words):
    error = refused("x: can't load y", status, code, said, container="the bucket 'b'")
    assert type(error) is kind
    assert words in str(error)
    assert seconds("2") == 2
    assert seconds(None) is None
