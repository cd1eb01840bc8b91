"""Where artifacts go that name no place: the repository of the settings or of a ConfigMap, and what a template adds."""

import pytest

from aggregator.engine.locations import location_of, merged_location, place_key
from aggregator.engine.repository import as_location, completed

KEY = "{{workflow.name}}/{{pod.name}}"
LEAF = """
entrypoint: main
SPEC
templates:
- name: main
  container: {image: x}
"""


def config_map(data, name="artifact-repositories", default=""):
    annotations = {"workflows.argoproj.io/default-artifact-repository": default} if default else {}
    return {"metadata": {"name": name, "annotations": annotations}, "data": data}


class TestKeys:
    """A repository's key format becomes the key; without one it is the workflow's name and the pod's."""

    @pytest.mark.parametrize(
        ("repository", "location"),
        [
            ({}, {}),
            ({"archiveLogs": True}, {"archiveLogs": True}),
            ({"s3": {"bucket": "b"}}, {"s3": {"bucket": "b", "key": KEY}}),
            ({"s3": {"bucket": "b", "keyFormat": "x/{{pod.name}}"}}, {"s3": {"bucket": "b", "key": "x/{{pod.name}}"}}),
            ({"s3": {"bucket": "b", "keyPrefix": "old/"}}, {"s3": {"bucket": "b", "key": f"old/{KEY}"}}),
            ({"s3": {"bucket": "b", "key": "own"}}, {"s3": {"bucket": "b", "key": "own"}}),
            ({"azure": {"container": "c", "blobNameFormat": "f"}}, {"azure": {"container": "c", "blob": "f"}}),
            ({"hdfs": {"addresses": ["a"], "pathFormat": "/f"}}, {"hdfs": {"addresses": ["a"], "path": "/f"}}),
            (
                {"artifactory": {"repoURL": "https://a/repo/", "keyFormat": "f"}},
                {"artifactory": {"url": "https://a/repo/f"}},
            ),
            ({"local": {"path": "/srv/"}}, {"local": {"path": f"/srv/{KEY}"}}),
            ({"local": {}}, {"local": {"key": KEY}}),
        ],
    )
    def test_of_each_kind_of_store(self, repository, location):
        assert as_location(repository) == location

    def test_the_field_that_names_an_object(self):
        assert place_key("s3", {}) == "key"
        assert place_key("azure", {}) == "blob"
        assert place_key("local", {"path": "/a"}) == "path"
        assert place_key("local", {"key": "a"}) == "key"


class TestLocations:
    def test_a_key_alone_is_completed_by_the_repository_of_the_same_kind(self):
        default = {"s3": {"bucket": "b", "key": "d"}}
        assert merged_location({"s3": {"key": "k"}}, default) == ("s3", {"bucket": "b", "key": "k"})
        assert merged_location({"s3": {"bucket": "own", "key": "k"}}, default) == ("s3", {"bucket": "own", "key": "k"})
        assert merged_location({"gcs": {"key": "k"}}, default) == ("local", {"key": "k"})
        assert merged_location({"http": {"url": ""}}, default) is None
        assert merged_location({"name": "a"}, default) is None
        assert location_of({"name": "a"}) is None

    def test_an_archive_location_takes_from_the_repository_what_it_does_not_say(self):
        repository = {"archiveLogs": True, "s3": {"bucket": "b", "key": "d"}}
        assert completed({}, repository) == {"s3": {"bucket": "b", "key": "d"}}
        assert completed({"archiveLogs": False}, repository) == {
            "archiveLogs": False,
            "s3": {"bucket": "b", "key": "d"},
        }
        assert completed({"s3": {"key": "k"}}, repository) == {"s3": {"bucket": "b", "key": "k"}}
        assert completed({"gcs": {"bucket": "g"}}, repository) == {"gcs": {"bucket": "g"}}
        assert completed({}, {}) == {}


class TestChoice:
    """A reference wins, then a ConfigMap that names its default, then the settings."""

    def location(self, play, spec="", config_maps=(), **options):
        run = play(LEAF.replace("SPEC", spec), config_maps=list(config_maps), options=options)
        assert run.phase == "Succeeded", run.message
        return run.attempts[0].artifact_location

    def test_by_the_settings(self, play):
        assert self.location(play) == {}
        found = self.location(play, artifact_repository={"s3": {"bucket": "b"}})
        assert found == {"s3": {"bucket": "b", "key": "wf/wf"}}

    def test_by_a_config_map_that_names_its_default(self, play):
        maps = [config_map({"a": "s3: {bucket: first}", "b": "s3: {bucket: second}"}, default="b")]
        found = self.location(play, config_maps=maps, artifact_repository={"s3": {"bucket": "settings"}})
        assert found["s3"]["bucket"] == "second"

    def test_one_without_a_default_is_not_asked(self, play):
        assert self.location(play, config_maps=[config_map({"a": "s3: {bucket: first}"})]) == {}

    def test_by_reference(self, play):
        maps = [config_map({"k": "s3: {bucket: own, keyFormat: '{{workflow.name}}/{{node.name}}'}"}, name="mine")]
        found = self.location(play, "artifactRepositoryRef: {configMap: mine, key: k}", maps)
        assert found == {"s3": {"bucket": "own", "key": "wf/wf"}}
        usual = [config_map({"k": "s3: {bucket: usual}"}, default="k")]
        assert self.location(play, "artifactRepositoryRef: {configMap: artifact-repositories}", usual)["s3"]

    @pytest.mark.parametrize(
        ("reference", "maps", "words"),
        [
            ("{configMap: mine}", [], "ConfigMap 'mine' not found"),
            ("{configMap: mine}", [config_map({}, name="mine")], "has no key, and ConfigMap 'mine' no annotation"),
            ("{key: one}", [config_map({"two": ""})], "has no key 'one'"),
            ("{key: ones}", [config_map({"one": ""})], "did you mean 'one'"),
            ("{key: one}", [config_map({"one": "a: ["})], "is no YAML"),
            ("{key: one}", [config_map({"one": "text"})], "must be a map"),
            ("{key: one}", [config_map({"one": ""})], "must be a map"),
        ],
    )
    def test_what_can_not_be_had_fails_the_run_before_it_starts(self, play, reference, maps, words):
        run = play(LEAF.replace("SPEC", f"artifactRepositoryRef: {reference}"), config_maps=maps)
        assert run.phase == "Failed"
        assert run.message.startswith("invalid spec: artifactRepositoryRef")
        assert words in run.message


@pytest.mark.parametrize(
    ("template", "workflow", "repository", "kept"),
    [
        ("", "", None, False),
        ("", "", True, True),
        ("", "archiveLogs: false", True, False),
        ("  archiveLocation: {archiveLogs: true}", "archiveLogs: false", False, True),
        ("  archiveLocation: {archiveLogs: false}", "archiveLogs: true", True, False),
    ],
)
def test_the_nearest_word_on_logs_counts(play, template, workflow, repository, kept):
    place = {"s3": {"bucket": "b"}} | ({} if repository is None else {"archiveLogs": repository})
    run = play(LEAF.replace("SPEC", workflow) + template, options={"artifact_repository": place})
    assert run.attempts[0].archive_logs is kept
