"""Workflows written with Hera: steps, graphs, loops, conditions and what stands around them."""

import itertools


def test_steps_one_after_the_other_and_side_by_side(hera):
    done = hera("""
        from hera.workflows import Steps, Workflow, script

        @script()
        def say(message):
            print(message)

        with Workflow(generate_name="steps-", entrypoint="main") as w:
            with Steps(name="main") as s:
                say(name="a", arguments={"message": "first"})
                with s.parallel():
                    say(name="b", arguments={"message": "second"})
                    say(name="c", arguments={"message": "third"})
                say(name="d", arguments={"message": "last"})
        print(w.to_yaml())
    """)
    assert done.phase == "Succeeded"
    assert done.log() == ["first", "last", "second", "third"]
    assert done.phases("a", "b", "c", "d") == ["Succeeded"] * 4
    assert done.node("d")["startedAt"] >= done.node("c")["finishedAt"]


def test_a_diamond_of_tasks_with_the_arrows_of_python(hera):
    done = hera("""
        from hera.workflows import DAG, Workflow, script

        @script(add_cwd_to_sys_path=False, image="python:alpine3.23")
        def echo(message):
            print(message)

        with Workflow(generate_name="dag-diamond-", entrypoint="diamond") as w:
            with DAG(name="diamond"):
                A = echo(name="A", arguments={"message": "A"})
                B = echo(name="B", arguments={"message": "B"})
                C = echo(name="C", arguments={"message": "C"})
                D = echo(name="D", arguments={"message": "D"})
                A >> [B, C] >> D
        print(w.to_yaml())
    """)
    assert done.phases("A", "B", "C", "D") == ["Succeeded"] * 4
    assert done.log() == ["A", "B", "C", "D"]


def test_a_graph_inside_a_graph(hera):
    done = hera("""
        from hera.workflows import DAG, Parameter, Workflow, script

        @script()
        def add(a: int, b: int):
            print(a + b)

        with Workflow(generate_name="inner-", entrypoint="outer") as w:
            with DAG(name="inner", inputs=[Parameter(name="x")],
                     outputs=[Parameter(name="sum", value_from={"parameter": "{{tasks.add.outputs.result}}"})]) as inner:
                add(name="add", arguments={"a": "{{inputs.parameters.x}}", "b": 1})
            with DAG(name="outer"):
                one = inner(name="one", arguments={"x": "10"})
                two = inner(name="two", arguments={"x": "{{tasks.one.outputs.parameters.sum}}"})
                one >> two
        print(w.to_yaml())
    """)
    assert done.parameters("one") == {"sum": "11"}
    assert done.parameters("two") == {"sum": "12"}


def test_conditions_on_a_result_choose_a_branch(hera):
    done = hera("""
        from hera.workflows import Container, Step, Steps, Workflow, script

        @script()
        def flip():
            print("heads")

        with Workflow(generate_name="coin-", entrypoint="main") as w:
            heads = Container(name="heads", image="alpine:3.23", command=["sh", "-c"], args=["echo it was heads"])
            tails = Container(name="tails", image="alpine:3.23", command=["sh", "-c"], args=["echo it was tails"])
            with Steps(name="main") as s:
                f = flip(name="flip")
                with s.parallel():
                    Step(name="h", template=heads, when=f"{f.result} == heads")
                    Step(name="t", template=tails, when=f"{f.result} == tails")
        print(w.to_yaml())
    """)
    assert done.phases("h", "t") == ["Succeeded", "Skipped"]
    assert "it was heads" in done.log()


def test_conditions_on_how_a_task_ended(hera):
    """on_success, on_failure and on_error of a task make the `depends` of others."""
    done = hera("""
        from hera.workflows import DAG, Workflow, script

        @script()
        def fail():
            raise SystemExit(1)

        @script()
        def say(what):
            print(what)

        with Workflow(generate_name="status-", entrypoint="main") as w:
            with DAG(name="main"):
                f = fail(name="fail")
                good = say(name="good", arguments={"what": "good"})
                bad = say(name="bad", arguments={"what": "bad"})
                f.on_success(good)
                f.on_failure(bad)
        print(w.to_yaml())
    """, code=1)  # fmt: skip
    assert done.phases("fail", "good", "bad") == ["Failed", "Omitted", "Succeeded"]


def test_whether_any_or_all_of_a_loop_succeeded(hera):
    """when_any_succeeded and when_all_failed of a task that is a loop."""
    done = hera("""
        from hera.workflows import DAG, Workflow, script

        @script()
        def maybe(code: int):
            raise SystemExit(code)

        @script()
        def say(what):
            print(what)

        with Workflow(generate_name="loop-status-", entrypoint="main") as w:
            with DAG(name="main"):
                some = maybe(name="some", arguments={"code": "{{item}}"}, with_param=[0, 1])
                none = maybe(name="none", arguments={"code": "{{item}}"}, with_param=[1, 1])
                any_one = say(name="any", arguments={"what": "any"})
                all_bad = say(name="all", arguments={"what": "all"})
                some.when_any_succeeded(any_one)
                none.when_all_failed(all_bad)
        print(w.to_yaml())
    """, code=0)  # fmt: skip
    assert done.phases("any", "all") == ["Succeeded", "Succeeded"]


def test_a_loop_over_items_of_the_program(hera):
    done = hera("""
        from hera.workflows import DAG, Workflow, script

        @script()
        def square(n: int, name: str):
            print(f"{name}={n * n}")

        with Workflow(generate_name="items-", entrypoint="main") as w:
            with DAG(name="main"):
                square(arguments={"n": "{{item.n}}", "name": "{{item.name}}"},
                       with_items=[{"n": 2, "name": "two"}, {"n": 3, "name": "three"}])
        print(w.to_yaml())
    """)
    assert done.log() == ["three=9", "two=4"]
    assert done.node("square(0:n:2,name:two)")["phase"] == "Succeeded"


def test_a_loop_over_a_sequence(hera):
    done = hera("""
        from hera.workflows import Steps, Workflow, script
        from hera.workflows.models import Sequence

        @script()
        def say(n):
            print(n)

        with Workflow(generate_name="sequence-", entrypoint="main") as w:
            with Steps(name="main"):
                say(arguments={"n": "{{item}}"}, with_sequence=Sequence(start="3", end="1", format="no%02d"))
        print(w.to_yaml())
    """)
    assert done.log() == ["no01", "no02", "no03"]


def test_a_dynamic_fan_out_and_in(hera):
    """withParam over the JSON that one task printed; the results of all come together in the last."""
    done = hera("""
        from hera.workflows import DAG, Workflow, script

        @script()
        def generate():
            import json
            import sys
            json.dump([{"value": i} for i in range(4)], sys.stdout)

        @script()
        def double(value: int):
            print(value * 2)

        @script()
        def total(values: list):
            print(sum(int(v) for v in values))

        with Workflow(generate_name="fan-", entrypoint="main") as w:
            with DAG(name="main"):
                g = generate()
                d = double(with_param=g.result, arguments={"value": "{{item.value}}"})
                t = total(arguments={"values": d.result})
                g >> d >> t
        print(w.to_yaml())
    """)
    assert done.phases("total") == ["Succeeded"]
    assert "12" in done.log()
    assert done.result("generate") == '[{"value": 0}, {"value": 1}, {"value": 2}, {"value": 3}]'


def test_recursion_until_a_condition_holds(hera):
    done = hera("""
        from hera.workflows import Parameter, Step, Steps, Workflow, script

        @script()
        def less(n: int):
            print(n - 1)

        with Workflow(generate_name="recursion-", entrypoint="down", arguments=Parameter(name="n", value="3")) as w:
            with Steps(name="down", inputs=[Parameter(name="n", default="{{workflow.parameters.n}}")]) as down:
                step = less(name="less", arguments={"n": "{{inputs.parameters.n}}"})
                Step(name="again", template=down, arguments={"n": step.result}, when=f"{step.result} > 0")
        print(w.to_yaml())
    """)
    assert done.log() == ["0", "1", "2"]


def test_exit_handlers_of_the_workflow_and_of_a_task(hera):
    done = hera("""
        from hera.workflows import DAG, Workflow, script

        @script()
        def fail():
            raise SystemExit(3)

        @script()
        def say(what):
            print(what)

        with Workflow(generate_name="exit-", entrypoint="main") as w:
            with DAG(name="bye") as bye:
                say(name="word", arguments={"what": "workflow {{workflow.status}}"})
            with DAG(name="tidy") as tidy:
                say(name="broom", arguments={"what": "tidied"})
            with DAG(name="main"):
                fail(on_exit=tidy)
            w.on_exit = bye
        print(w.to_yaml())
    """, code=1)  # fmt: skip
    assert done.phase == "Failed"
    assert done.log() == ["tidied", "workflow Failed"]
    assert done.node("fail.onExit")["phase"] == "Succeeded"


def test_life_cycle_hooks_of_a_step(hera):
    done = hera("""
        from hera.workflows import Container, Step, Steps, Workflow
        from hera.workflows.models import LifecycleHook

        with Workflow(generate_name="hooks-", entrypoint="main",
                      hooks={"exit": LifecycleHook(template="told")}) as w:
            Container(name="told", image="alpine:3.23", command=["echo"], args=["all is over"])
            work = Container(name="work", image="alpine:3.23", command=["echo"], args=["at work"])
            with Steps(name="main"):
                Step(name="one", template=work,
                     hooks={"done": LifecycleHook(expression='steps["one"].status == "Succeeded"', template="told")})
        print(w.to_yaml())
    """)
    assert done.log() == ["all is over", "all is over", "at work"]


def test_a_suspension_that_ends_by_itself(hera):
    done = hera("""
        from hera.workflows import Container, Step, Steps, Suspend, Workflow

        with Workflow(generate_name="pause-", entrypoint="main") as w:
            say = Container(name="say", image="alpine:3.23", command=["echo"], args=["awake"])
            nap = Suspend(name="nap", duration="1")
            with Steps(name="main"):
                Step(name="wait", template=nap)
                Step(name="go", template=say)
        print(w.to_yaml())
    """)
    assert done.node("wait")["type"] == "Suspend"
    assert done.log() == ["awake"]


def test_parallelism_deadlines_and_labels_of_the_workflow(hera):
    done = hera("""
        from hera.workflows import DAG, Workflow, script
        from hera.workflows.models import TTLStrategy

        @script()
        def say(n):
            print(n)

        with Workflow(generate_name="limits-", entrypoint="main", parallelism=1, active_deadline_seconds=300,
                      labels={"team": "blue"}, annotations={"why": "test"}, priority=3,
                      ttl_strategy=TTLStrategy(seconds_after_completion=60)) as w:
            with DAG(name="main"):
                say(arguments={"n": "{{item}}"}, with_items=[1, 2, 3])
        print(w.to_yaml())
    """)
    assert done.workflow["metadata"]["labels"]["team"] == "blue"
    pods = sorted((n["startedAt"], n["finishedAt"]) for n in done.nodes if n["type"] == "Pod")
    assert all(one[1] <= two[0] for one, two in itertools.pairwise(pods))


def test_tasks_may_fail_and_the_graph_goes_on(hera):
    done = hera("""
        from hera.workflows import Steps, Workflow, script
        from hera.workflows.models import ContinueOn

        @script()
        def fail():
            raise SystemExit(1)

        @script()
        def say():
            print("went on")

        with Workflow(generate_name="go-on-", entrypoint="main") as w:
            with Steps(name="main"):
                fail(continue_on=ContinueOn(failed=True))
                say()
        print(w.to_yaml())
    """)
    assert done.phases("fail", "say") == ["Failed", "Succeeded"]
