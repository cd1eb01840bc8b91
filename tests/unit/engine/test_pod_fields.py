"""Fields of the workflow that every pod takes over, each by its own rule."""


class TestPodFieldsOfTheWorkflow:
    """securityContext of the workflow is that of every pod that has none of its own; hostAliases are added to a pod's own."""

    TEXT = """
entrypoint: main
securityContext: {runAsUser: 1}
hostAliases: [{ip: 10.0.0.1, hostnames: [a]}]
templates:
- name: main
  steps:
  - - {name: plain, template: plain}
    - {name: own, template: own}
    - {name: web, template: web}
- name: plain
  container: {image: x}
- name: own
  securityContext: {runAsUser: 2}
  hostAliases: [{ip: 10.0.0.2, hostnames: [b]}]
  container: {image: x}
- name: web
  http: {url: "http://x"}
"""

    def test_each_pod_has_its_own_or_the_workflows(self, play):
        run = play.begin(self.TEXT, held=["plain", "own", "web"])
        run.settle()
        given = {attempt.display_name: attempt.template for attempt in run.held.values()}
        assert given["plain"]["securityContext"] == {"runAsUser": 1}
        assert given["own"]["securityContext"] == {"runAsUser": 2}
        assert [row["ip"] for row in given["own"]["hostAliases"]] == ["10.0.0.1", "10.0.0.2"]
        assert "securityContext" not in given["web"]


def test_pod_spec_patches_of_the_workflow_and_of_the_template_reach_the_leaf_in_this_order(play):
    """The template's patch is laid over the workflow's; tags are filled in both."""
    text = """
entrypoint: main
podSpecPatch: '{"hostname": "{{workflow.name}}"}'
templates:
- name: main
  steps: [[{name: plain, template: plain}, {name: own, template: own}]]
- name: plain
  container: {image: x}
- name: own
  podSpecPatch: '{"hostname": "{{pod.name}}"}'
  container: {image: x}
"""
    run = play.begin(text, held=["plain", "own"])
    run.settle()
    given = {attempt.display_name: attempt for attempt in run.held.values()}
    assert given["plain"].template["podSpecPatch"] == ['{"hostname": "wf"}', ""]
    own = given["own"]
    assert own.template["podSpecPatch"] == ['{"hostname": "wf"}', f'{{"hostname": "{own.pod_name}"}}']
