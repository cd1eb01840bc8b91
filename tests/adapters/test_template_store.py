"""The store of templates: one private file each, by kind, namespace and name; never half a file, never another's place."""

from __future__ import annotations

import os
import stat
import threading

import pytest

from aggregator.errors import AggError, NotFound, StoreError, UsageError
from aggregator.journal.home import Home
from aggregator.journal.templates import CLUSTER, NAMESPACED, TemplateStore, template_key

TEXT = "# kept\r\nkind: WorkflowTemplate\n"


@pytest.fixture
def store(tmp_path):
    return TemplateStore(Home(tmp_path / "home"))


def key(name, namespace="default", kind=NAMESPACED):
    return template_key(kind, namespace, name)


def test_a_text_comes_back_as_it_was_given_from_a_private_file(store, tmp_path):
    assert store.empty()
    store.create(key("a"), TEXT)
    path = tmp_path / "home" / "templates" / "default" / "a.yaml"
    assert path.read_bytes() == TEXT.encode()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {stat.S_IMODE(p.stat().st_mode) for p in (path.parent, path.parent.parent)} == {0o700}
    source = store.read(key("a"))
    assert (source.name, source.text) == (str(path), TEXT)
    assert not store.empty()


def test_namespaces_and_kinds_are_apart(store, tmp_path):
    store.create(key("a", "one"), "1")
    store.create(key("a", "two"), "2")
    store.create(key("a", "one", CLUSTER), "3")
    assert [store.read(k).text for k in (key("a", "one"), key("a", "two"), key("a", "any", CLUSTER))] == ["1", "2", "3"]
    assert store.keys(NAMESPACED) == [key("a", "one"), key("a", "two")]
    assert store.keys(NAMESPACED, "two") == [key("a", "two")]
    assert store.keys(CLUSTER) == [key("a", "", CLUSTER)]
    assert (tmp_path / "home" / "cluster-templates" / "a.yaml").read_text() == "3"


def test_create_refuses_a_name_that_exists_and_update_one_that_does_not(store):
    with pytest.raises(NotFound, match="no WorkflowTemplate 'a' in namespace 'default' is stored"):
        store.update(key("a"), "1")
    store.create(key("a"), "1")
    with pytest.raises(AggError, match="exists already") as caught:
        store.create(key("a"), "2")
    assert "update" in caught.value.hint
    assert store.read(key("a")).text == "1"


def test_update_replaces_the_text_and_keeps_the_time_of_creation(store):
    store.create(key("a"), "1")
    os.utime(store.path(key("a")), (1000, 1000))
    store.update(key("a"), "2")
    assert (store.read(key("a")).text, store.created(key("a"))) == ("2", 1000)
    assert stat.S_IMODE(store.path(key("a")).stat().st_mode) == 0o600


def test_of_many_that_create_one_name_at_once_one_succeeds(store):
    outcomes = []

    def create(number):
        try:
            store.create(key("a"), str(number))
        except AggError:
            outcomes.append(None)
        else:
            outcomes.append(number)

    threads = [threading.Thread(target=create, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (won,) = [number for number in outcomes if number is not None]
    assert store.read(key("a")).text == str(won)
    assert [path.name for path in store.path(key("a")).parent.iterdir()] == ["a.yaml"]


def test_a_write_that_fails_leaves_what_was_there_and_no_rest(store, monkeypatch):
    store.create(key("a"), "1")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="no space left"):
        store.update(key("a"), "2")
    assert store.read(key("a")).text == "1"
    assert [path.name for path in store.path(key("a")).parent.iterdir()] == ["a.yaml"]


def test_without_hard_links_a_name_is_still_refused_the_second_time(store, monkeypatch):
    def unsupported(*_):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "link", unsupported)
    store.create(key("a"), "1")
    with pytest.raises(AggError, match="exists already"):
        store.create(key("a"), "2")
    assert store.read(key("a")).text == "1"


def test_delete_forgets_and_takes_an_empty_namespace_along(store):
    store.create(key("a"), "1")
    store.create(key("b"), "1")
    store.delete(key("a"))
    assert store.keys(NAMESPACED) == [key("b")]
    store.delete(key("b"))
    assert not store.path(key("b")).parent.exists()
    with pytest.raises(NotFound):
        store.delete(key("b"))


def test_what_is_missing_is_told_with_what_is_near(store):
    store.create(key("report"), "1")
    store.create(key("other", "two"), "1")
    with pytest.raises(NotFound) as caught:
        store.read(key("rapport"))
    assert caught.value.hint == "did you mean 'report'?"
    with pytest.raises(NotFound) as caught:
        store.read(key("other"))
    assert "namespace 'two'" in caught.value.hint


@pytest.mark.parametrize("name", ["", "..", "a/b", "../a", "/a", "A", "a_b", "-a", "a-", ".a", "a\n", "a\0", "x" * 254])
def test_a_name_that_could_leave_the_folder_or_is_none_of_kubernetes_is_refused(name):
    for kind in (NAMESPACED, CLUSTER):
        with pytest.raises(UsageError):
            template_key(kind, "default", name)


@pytest.mark.parametrize("namespace", ["", "..", "a/b", "a.b", "A", "x" * 64])
def test_so_is_such_a_namespace_but_cluster_templates_have_none(namespace):
    with pytest.raises(UsageError):
        template_key(NAMESPACED, namespace, "a")
    assert template_key(CLUSTER, namespace, "a").namespace == ""


def test_only_yaml_files_are_listed(store):
    store.create(key("a"), "1")
    folder = store.path(key("a")).parent
    (folder / ".b.yaml").write_text("")
    (folder / "notes.txt").write_text("")
    (folder / "c.yaml").mkdir()
    (folder.parent / "Not A Namespace").mkdir()
    assert store.keys(NAMESPACED) == [key("a")]
