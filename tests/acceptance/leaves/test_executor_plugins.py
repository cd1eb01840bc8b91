"""`plugin` templates run by executor plugins that the settings name, over Argo's protocol."""

import json

import pytest
import yaml

SUCCESS = {
    "node": {
        "phase": "Succeeded",
        "message": "Hello template!",
        "outputs": {"parameters": [{"name": "foo", "value": "bar"}], "result": "42"},
    }
}


def workflow(plugin, **more):
    return yaml.safe_dump(
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Workflow",
            "metadata": {"name": "it"},
            "spec": {"entrypoint": "main", "templates": [{"name": "main", "plugin": plugin, **more}]},
        }
    )


def settings(**plugins):
    return {"AGG_PLUGINS": json.dumps(plugins)}


def root(answer):
    return next(iter(answer.json["status"]["nodes"].values()))


def test_a_plugin_is_asked_with_the_template_and_its_node_is_the_result(agg, plugin_server):
    address, seen = plugin_server(lambda request: SUCCESS)
    agg.file("agg.toml", f'[plugins.hello]\naddress = "{address}/"\ntoken = "opensesame"\n')
    answer = agg("run", agg.file("w.yaml", workflow({"hello": {"a": [1, 2]}})), "-n", "blue", "-o", "json")
    assert answer.code == 0, answer
    ((path, headers, request),) = seen
    assert path == "/api/v1/template.execute"
    assert headers["Authorization"] == "Bearer opensesame"
    assert headers["Content-Type"] == "application/json"
    metadata = request["workflow"]["metadata"]
    assert (metadata["name"], metadata["namespace"]) == ("it", "blue")
    assert metadata["uid"] == answer.json["metadata"]["uid"]
    assert request["template"]["plugin"] == {"hello": {"a": [1, 2]}}
    node = root(answer)
    assert (node["type"], node["phase"], node["message"]) == ("Plugin", "Succeeded", "Hello template!")
    assert node["outputs"] == {"parameters": [{"name": "foo", "value": "bar"}], "result": "42"}
    assert "opensesame" not in agg("config").out


def test_outputs_of_a_plugin_are_used_by_later_steps(agg, plugin_server):
    address, seen = plugin_server(lambda request: SUCCESS)
    text = """
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: it}
spec:
  entrypoint: main
  templates:
  - name: main
    steps:
    - - {name: first, template: ask, arguments: {parameters: [{name: q, value: "1"}]}}
    - - {name: second, template: ask, arguments: {parameters: [{name: q, value: "{{steps.first.outputs.result}}"}]}}
  - name: ask
    inputs: {parameters: [{name: q}]}
    plugin: {hello: {question: "{{inputs.parameters.q}}"}}
"""
    assert agg("run", agg.file("w.yaml", text), env=settings(hello={"address": address})).code == 0
    assert [request["template"]["plugin"]["hello"]["question"] for _, _, request in seen] == ["1", "42"]


def test_a_plugin_may_ask_to_be_asked_again_and_tell_its_progress(agg, plugin_server):
    replies = [
        {"node": {"phase": "Running", "progress": "1/3"}, "requeue": "20ms"},
        {"node": {"phase": "Running", "progress": "2/3"}, "requeue": "20ms"},
        {"node": {"phase": "Failed", "message": "no luck", "progress": "2/3"}},
    ]
    left = list(replies)
    address, seen = plugin_server(lambda request: left.pop(0))
    answer = agg("run", agg.file("w.yaml", workflow({"hello": {}})), "-o", "json", env=settings(hello=address))
    assert answer.code == 1
    assert len(seen) == 3
    assert (root(answer)["phase"], root(answer)["message"], root(answer)["progress"]) == ("Failed", "no luck", "2/3")


def test_the_first_plugin_that_answers_with_a_node_has_the_template(agg, plugin_server):
    """One that does not know it answers with an empty object, one that does not know the method with 404."""
    deaf, heard = plugin_server(lambda request: (404, ""))
    other, asked = plugin_server(lambda request: {})
    right, _ = plugin_server(lambda request: SUCCESS if "hello" in request["template"]["plugin"] else {})
    env = settings(a=deaf, b=other, c=right)
    assert agg("run", agg.file("w.yaml", workflow({"hello": {}})), env=env).code == 0
    assert len(heard) == len(asked) == 1
    answer = agg("run", agg.file("v.yaml", workflow({"unknown": {}})), "--name", "b", "-o", "json", env=env)
    assert answer.code == 1
    assert root(answer)["message"] == "no plugin executed the template; asked were: a, b, c"


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ((500, "out of order"), "answered 500: out of order"),
        ((400, "what?"), "answered 400: what?"),
        ((200, "<html>"), "which is no JSON"),
        ({"node": {"phase": "Running"}}, "left the node Running and does not want to be asked again"),
        ({"node": {"phase": "Running"}, "requeue": "soon"}, "requeue"),
    ],
)
def test_an_answer_that_is_none_is_an_error_with_its_text(agg, plugin_server, reply, words):
    address, _ = plugin_server(lambda request: reply)
    answer = agg("run", agg.file("w.yaml", workflow({"hello": {}})), "-o", "json", env=settings(hello=address))
    assert answer.code == 1
    assert root(answer)["phase"] == "Error"
    assert words in root(answer)["message"]


def test_a_plugin_that_is_away_for_a_moment_is_asked_again(agg, plugin_server):
    replies = [(503, "starting"), SUCCESS]
    address, seen = plugin_server(lambda request: replies.pop(0))
    assert agg("run", agg.file("w.yaml", workflow({"hello": {}})), env=settings(hello=address)).code == 0
    assert len(seen) == 2


def test_a_deadline_ends_the_wait_for_a_plugin(agg, plugin_server):
    address, _ = plugin_server(lambda request: {"node": {"phase": "Running"}, "requeue": "100ms"})
    text = workflow({"hello": {}}, timeout="1s")
    answer = agg("run", agg.file("w.yaml", text), "-o", "json", env=settings(hello=address))
    assert answer.code == 1
    assert root(answer)["phase"] == "Failed"


def test_a_plugin_that_nothing_knows_is_refused_before_anything_runs(agg):
    answer = agg("run", agg.file("w.yaml", workflow({"hello": {}})))
    assert answer.code == 4
    assert "plugin 'hello' is not known here" in answer.err
    assert "[plugins.hello]" in answer.err
    assert "No workflows" in agg("list").out


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"address": "127.0.0.1:1"}, "is no URL"),
        ({"addres": "http://127.0.0.1:1"}, "has no key 'addres'"),
        ({"address": "http://127.0.0.1:1", "tokenFile": "/nowhere/token"}, "can't be read"),
        (5, "must be a table of texts"),
    ],
)
def test_settings_of_plugins_that_make_no_sense_are_told(agg, row, words):
    answer = agg("run", agg.file("w.yaml", workflow({"hello": {}})), env=settings(hello=row))
    assert answer.code != 0
    assert words in answer.err
