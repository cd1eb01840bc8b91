"""Exit handlers and life-cycle hooks: of the workflow, of steps and of tasks."""

import pytest

LEAVES = """
- name: ok
  container: {image: x}
- name: makes
  container: {image: x}
  outputs: {parameters: [{name: out, valueFrom: {path: /out}}]}
- name: say
  inputs: {parameters: [{name: p, default: nothing}]}
  container: {image: x, args: ["{{inputs.parameters.p}}"]}
"""


def of_step(hooks, template="ok", more="", second=True):
    rest = "\n  - - {name: b, template: ok}" if second else ""
    return f"entrypoint: main\ntemplates:{LEAVES}{more}\n- name: main\n  steps:\n  - - {{name: a, template: {template}, hooks: {hooks}}}{rest}\n"


class TestExitOfTheWorkflow:
    """It runs whatever the result was, and sees status, failures and duration."""

    TEXT = """
entrypoint: main
onExit: bye
templates:
- name: main
  container: {image: x}
- name: bye
  container: {image: x, args: ["{{workflow.status}}", "{{workflow.failures}}", "{{workflow.duration}}"]}
"""

    def test_after_success(self, play):
        run = play(self.TEXT)
        assert (run.phase, run.started) == ("Succeeded", ["wf", "wf.onExit"])
        assert run.nodes["wf.onExit"]["nodeFlag"] == {"hooked": True}
        assert run.attempt("wf.onExit").template["container"]["args"] == ["Succeeded", '"null"', "1.000000"]

    def test_after_failure_with_the_list_of_failures_quoted_twice(self, play):
        run = play(self.TEXT, {"main": "Failed"})
        assert run.phase == "Failed"
        status, failures, _ = run.attempt("wf.onExit").template["container"]["args"]
        assert status == "Failed"
        assert failures.startswith(
            '"[{\\"displayName\\":\\"wf\\",\\"message\\":\\"it broke\\",\\"templateName\\":\\"main\\",\\"phase\\":\\"Failed\\"'
        )

    def test_its_failure_counts_only_after_success(self, play):
        assert play(self.TEXT, {"bye": "Failed"}).phase == "Failed"
        assert play(self.TEXT, {"bye": "Error", "main": "Failed"}).phase == "Failed"
        assert play(self.TEXT, {"bye": "Error"}).phase == "Error"

    def test_it_gets_the_workflows_arguments_unless_it_has_its_own(self, play):
        text = """
entrypoint: main
arguments: {parameters: [{name: p, value: given}]}
hooks: {exit: {template: say %s}}
templates:
- name: main
  container: {image: x}
- name: say
  inputs: {parameters: [{name: p}]}
  container: {image: x}
"""
        assert play(text % "").inputs("wf.onExit") == {"p": "given"}
        own = ", arguments: {parameters: [{name: p, value: own}]}"
        assert play(text % own).inputs("wf.onExit") == {"p": "own"}

    def test_onexit_wins_over_hooks_exit(self, play):
        text = self.TEXT.replace("onExit: bye", "onExit: bye\nhooks: {exit: {template: main}}")
        assert play(text).nodes["wf.onExit"]["templateName"] == "bye"

    def test_it_does_not_run_when_the_entrypoint_could_not_be_called(self, play):
        run = play(self.TEXT.replace("entrypoint: main", "entrypoint: nope"))
        assert (run.phase, run.attempts) == ("Error", [])
        assert "error in entry template execution" in run.message
        assert "'nope'" in run.message

    def test_one_that_can_t_be_called_is_an_error_of_the_run(self, play):
        run = play(self.TEXT.replace("onExit: bye", "onExit: nope"))
        assert (run.phase, "error in exit template execution" in run.message) == ("Error", True)

    def test_it_is_not_bound_by_the_deadline(self, play):
        text = self.TEXT.replace("entrypoint", "activeDeadlineSeconds: 5\nentrypoint")
        run = play(text, takes=10.0)
        assert (run.phase, run.phase_of("wf.onExit")) == ("Failed", "Succeeded")
        assert run.attempt("wf.onExit").deadline is None


class TestExitOfStepsAndTasks:
    """It runs when its node has completed, and what comes after waits for it."""

    def test_it_runs_between(self, play):
        run = play(of_step("{exit: {template: say}}"))
        assert run.started == ["a", "a.onExit", "b"]
        nodes = run.nodes
        assert nodes["a.onExit"]["id"] in nodes["a"]["children"]
        assert nodes["a.onExit"]["boundaryID"] == "wf"

    def test_it_runs_after_failure_and_its_own_failure_changes_nothing(self, play):
        run = play(of_step("{exit: {template: say}}"), {"a": "Failed", "say": "Failed"})
        assert (run.started, run.phase) == (["a", "a.onExit"], "Failed")
        assert play(of_step("{exit: {template: say}}"), {"say": "Failed"}).phase == "Succeeded"

    def test_not_for_what_was_skipped(self, play):
        text = of_step("{exit: {template: say}}").replace("template: ok, hooks", "template: ok, when: 'false', hooks")
        assert "a.onExit" not in play(text).nodes

    def test_it_sees_the_outputs_of_its_step(self, play):
        hooks = "{exit: {template: say, arguments: {parameters: [{name: p, value: '{{steps.a.outputs.parameters.out}} {{steps.a.status}}'}]}}}"
        run = play(of_step(hooks, "makes"), {"makes": {"parameters": {"out": "42"}}})
        assert run.inputs("a.onExit") == {"p": "42 Succeeded"}

    def test_an_expression_may_hold_it_back(self, play):
        text = of_step("{exit: {template: say, expression: \"steps.a.status == 'Failed'\"}}")
        assert "a.onExit" not in play(text).nodes
        assert "a.onExit" in play(text, {"a": "Failed"}).nodes

    def test_each_element_of_a_loop_has_its_own_and_it_sees_the_item(self, play):
        hooks = "{exit: {template: say, arguments: {parameters: [{name: p, value: '{{item}}'}]}}}"
        run = play(of_step(hooks).replace("template: ok, hooks", "template: ok, withItems: [x, z], hooks"))
        assert run.inputs("a(0:x).onExit") == {"p": "x"}
        assert run.inputs("a(1:z).onExit") == {"p": "z"}

    def test_once_for_a_retried_step_after_its_last_attempt(self, play):
        more = "- name: again\n  retryStrategy: {limit: 1}\n  container: {image: x}"
        run = play(of_step("{exit: {template: say}}", "again", more), {"again": ["Failed", "Succeeded"]})
        assert run.started == ["a(0)", "a(1)", "a.onExit", "b"]

    def test_in_a_dag(self, play):
        run = play(
            f"entrypoint: main\ntemplates:{LEAVES}\n- name: main\n  dag:\n    tasks:\n    - {{name: A, template: ok, onExit: say}}\n    - {{name: B, template: ok, dependencies: [A]}}\n"
        )
        assert run.started == ["A", "A.onExit", "B"]

    def test_of_a_nested_template(self, play):
        more = "- name: inner\n  steps: [[{name: i, template: ok}]]"
        run = play(of_step("{exit: {template: inner}}", "inner", more))
        assert run.phase_of("a.onExit") == "Succeeded"
        assert "wf[0].a.onExit[0].i" in run.nodes

    def test_a_step_that_was_called_wrongly_has_none(self, play):
        more = "- name: wants\n  inputs: {parameters: [{name: p}]}\n  container: {image: x}"
        run = play(of_step("{exit: {template: say}}", "wants", more))
        assert (run.phase, "a.onExit" in run.nodes) == ("Failed", False)

    def test_a_task_that_was_called_wrongly_has_one(self, play):
        run = play(
            f"entrypoint: main\ntemplates:{LEAVES}\n- name: wants\n  inputs: {{parameters: [{{name: p}}]}}\n  container: {{image: x}}\n- name: main\n  dag:\n    tasks:\n    - {{name: A, template: wants, onExit: say}}\n"
        )
        assert (run.phase, run.phase_of("A"), run.phase_of("A.onExit")) == ("Error", "Error", "Succeeded")

    def test_an_exit_handler_that_can_t_be_called_is_told(self, play):
        run = play(of_step("{exit: {template: nope}}"))
        assert (run.phase_of("a.onExit"), run.phase) == ("Error", "Succeeded")


class TestHooks:
    """Other hooks start once, when their expression is first true, and are waited for."""

    def test_running(self, play):
        run = play(of_step("{go: {template: say, expression: \"steps.a.status == 'Running'\"}}"))
        assert run.started == ["a", "a.hooks.go", "b"]
        assert run.nodes["a.hooks.go"]["nodeFlag"] == {"hooked": True}

    def test_running_of_a_retried_step(self, play):
        more = "- name: again\n  retryStrategy: {limit: 1}\n  container: {image: x}"
        run = play(of_step("{go: {template: say, expression: \"steps.a.status == 'Running'\"}}", "again", more))
        assert sorted(run.started) == ["a(0)", "a.hooks.go", "b"]

    def test_failed(self, play):
        text = of_step("{bad: {template: say, expression: \"steps.a.status == 'Failed'\"}}")
        assert "a.hooks.bad" not in play(text).nodes
        assert play(text, {"a": "Failed"}).phase_of("a.hooks.bad") == "Succeeded"

    def test_what_comes_after_waits_for_a_hook_that_runs_longer(self, play):
        run = play.begin(of_step("{go: {template: say, expression: 'true'}}"), held=["a", "say", "b"])
        run.settle()
        run.begin(run.attempts[0].node)
        run.settle()
        run.end("a")
        assert run.running == ["a.hooks.go"]
        run.end("a.hooks.go")
        assert run.running == ["b"]

    @pytest.mark.parametrize("expression", ["1 + 1", "steps.a.nope.x", "'"])
    def test_an_expression_that_can_t_be_judged_is_an_error_of_the_hook(self, play, expression):
        run = play(of_step(f'{{bad: {{template: say, expression: "{expression}"}}}}', second=False))
        assert run.phase_of("a.hooks.bad") == "Error"
        assert "hook 'bad'" in run.message_of("a.hooks.bad")
        assert run.phase == "Succeeded"

    def test_of_the_workflow(self, play):
        text = """
entrypoint: main
hooks:
  started: {template: say, expression: workflow.status == "Running"}
  failed: {template: say, expression: workflow.status == "Failed", arguments: {parameters: [{name: p, value: "{{workflow.failures}}"}]}}
templates:
- name: main
  container: {image: x}
- name: say
  inputs: {parameters: [{name: p, default: ""}]}
  container: {image: x}
"""
        run = play(text)
        assert sorted(run.started) == ["wf", "wf.hooks.started"]
        run = play(text, {"main": "Failed"})
        assert "it broke" in run.inputs("wf.hooks.failed")["p"]

    def test_of_the_workflow_when_an_output_of_the_run_is_written(self, play):
        text = """
entrypoint: main
hooks:
  made: {template: say, expression: "workflow.outputs.parameters.made == '1'"}
templates:
- name: main
  steps:
  - - {name: a, template: makes}
  - - {name: b, template: say}
- name: makes
  container: {image: x}
  outputs: {parameters: [{name: out, globalName: made, valueFrom: {path: /out}}]}
- name: say
  container: {image: x}
"""
        run = play(
            text.replace("workflow.outputs.parameters.made == '1'", "workflow.outputs?.parameters?.made == '1'"),
            {"makes": {"parameters": {"out": "1"}}},
        )
        assert run.started == ["a", "wf.hooks.made", "b"]

    def test_a_hook_whose_template_is_retried(self, play):
        more = "- name: again\n  retryStrategy: {limit: 1}\n  container: {image: x}"
        text = of_step("{bad: {template: again, expression: \"steps.a.status == 'Failed'\"}}", "ok", more, second=False)
        run = play(text, {"a": "Failed", "again": "Failed"})
        assert [run.phase_of(n) for n in ("a.hooks.bad", "a.hooks.bad(0)", "a.hooks.bad(1)")] == ["Failed"] * 3
        assert run.phase == "Failed"


class TestTagsInExpressions:
    """A hook is a part of its template: tags are filled before the expression is read, as they are in `when`."""

    def test_inputs_and_items(self, play):
        text = f"""
entrypoint: main
arguments: {{parameters: [{{name: least, value: "2"}}]}}
templates:{LEAVES}
- name: main
  inputs: {{parameters: [{{name: least}}]}}
  steps:
  - - name: a
      template: ok
      withItems: [1, 2, 3]
      hooks: {{big: {{template: ok, expression: '{{{{item}}}} >= {{{{inputs.parameters.least}}}} && steps["a({{{{=asInt(item) - 1}}}}:{{{{item}}}})"].status == "Succeeded"'}}}}
"""
        run = play(text)
        assert sorted(name for name in run.started if "hooks" in name) == [
            "a(1:2).hooks.big",
            "a(2:3).hooks.big",
        ]

    def test_parameters_of_the_workflow(self, play):
        text = """
entrypoint: main
arguments: {parameters: [{name: phase, value: Succeeded}]}
hooks: {told: {template: main, expression: 'workflow.status == "{{workflow.parameters.phase}}"'}}
templates: [{name: main, container: {image: x}}]
"""
        assert "wf.hooks.told" in play(text).started
        assert "wf.hooks.told" not in play(text.replace("value: Succeeded", "value: Failed")).started

    def test_what_stays_unfilled_is_the_error_of_the_hook_and_is_shown(self, play):
        run = play(of_step('{h: {template: ok, expression: "1 == 1 && {{gone}}"}}', second=False))
        assert run.phase_of("a.hooks.h") == "Error"
        assert "{{gone}}" in run.message_of("a.hooks.h")
