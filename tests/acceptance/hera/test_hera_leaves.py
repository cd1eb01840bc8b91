"""Workflows written with Hera: leaves of every type, what goes into them and what comes out."""

import yaml


def test_parameters_between_tasks_by_file_and_by_result(hera):
    done = hera("""
        from hera.workflows import DAG, Parameter, Workflow, script

        @script(outputs=Parameter(name="a", value_from={"path": "/tmp/a"}))
        def out():
            with open("/tmp/a", "w") as f:
                f.write("from a file")
            print("from stdout")

        @script()
        def show(one, two):
            print(one, "and", two)

        with Workflow(generate_name="passing-", entrypoint="main") as w:
            with DAG(name="main"):
                o = out()
                s = show(arguments={"one": o.get_parameter("a").value, "two": o.result})
                o >> s
        print(w.to_yaml())
    """)
    assert done.parameters("out") == {"a": "from a file"}
    assert "from a file and from stdout" in done.log()


def test_arguments_of_the_workflow_are_flags(hera):
    done = hera("""
        from hera.workflows import Parameter, Steps, Workflow, script

        @script()
        def say(message, times: int = 1):
            print(message * times)

        with Workflow(generate_name="flags-", entrypoint="main",
                      arguments=[Parameter(name="message", value="x", enum=["x", "ab"], description="a word")]) as w:
            with Steps(name="main"):
                say(arguments={"message": w.get_parameter("message"), "times": 2})
        print(w.to_yaml())
    """, "--message", "ab")  # fmt: skip
    assert done.log() == ["abab"]


def test_artifacts_between_steps(hera):
    done = hera("""
        from hera.workflows import Artifact, NoneArchiveStrategy, Steps, Workflow, script

        @script(outputs=Artifact(name="out", path="/tmp/file", archive=NoneArchiveStrategy()))
        def write():
            with open("/tmp/file", "w") as f:
                f.write("Hello, world!")

        @script(inputs=Artifact(name="file", path="/tmp/file"))
        def read():
            with open("/tmp/file") as f:
                print(f.read())

        with Workflow(generate_name="artifact-", entrypoint="main") as w:
            with Steps(name="main"):
                made = write()
                read(arguments=[made.get_artifact("out").with_name("file")])
        print(w.to_yaml())
    """)
    assert "Hello, world!" in done.log()
    assert done.node("write")["outputs"]["artifacts"][0]["archive"] == {"none": {}}


def test_raw_artifacts_and_folders(hera):
    done = hera("""
        from hera.workflows import Artifact, Container, DAG, RawArtifact, Task, Workflow

        with Workflow(generate_name="raw-", entrypoint="main") as w:
            copy = Container(name="copy", image="alpine:3.23", command=["sh", "-c"],
                             args=["mkdir -p /tmp/d && cp /tmp/in /tmp/d/copied"],
                             inputs=[RawArtifact(name="in", path="/tmp/in", data="raw words")],
                             outputs=[Artifact(name="d", path="/tmp/d")])
            show = Container(name="show", image="alpine:3.23", command=["cat"], args=["/tmp/got/copied"],
                             inputs=[Artifact(name="d", path="/tmp/got")])
            with DAG(name="main"):
                c = Task(name="c", template=copy)
                s = Task(name="s", template=show, arguments=[c.get_artifact("d").with_name("d")])
                c >> s
        print(w.to_yaml())
    """)
    assert "raw words" in done.log()


def test_retries_with_a_backoff_and_an_expression(hera):
    done = hera("""
        from hera.workflows import RetryPolicy, RetryStrategy, Steps, Workflow, script
        from hera.workflows.models import Backoff

        @script(retry_strategy=RetryStrategy(limit="3", retry_policy=RetryPolicy.always,
                                             backoff=Backoff(duration="1", factor="1"),
                                             expression="asInt(lastRetry.exitCode) == 7"))
        def sometimes():
            import sys
            sys.exit(0 if "{{retries}}" == "1" else 7)

        with Workflow(generate_name="retry-", entrypoint="main") as w:
            with Steps(name="main"):
                sometimes()
        print(w.to_yaml())
    """)
    assert done.phases("sometimes", "sometimes(0)", "sometimes(1)") == ["Succeeded", "Failed", "Succeeded"]


def test_environment_from_values_secrets_and_config_maps(hera, agg):
    supporting = yaml.safe_dump_all(
        [
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": "creds"},
                "stringData": {"password": "hunter22"},
            },
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": "conf"},
                "data": {"COLOR": "blue", "SIZE": "7"},
            },
        ]
    )
    path = agg.file("supporting.yaml", supporting)
    program = """
        from hera.workflows import ConfigMapEnv, ConfigMapEnvFrom, Container, Env, SecretEnv, Workflow

        with Workflow(generate_name="env-", entrypoint="main") as w:
            Container(name="main", image="alpine:3.23", command=["sh", "-c"],
                      args=["echo $WORD $C $SIZE ${#PASSWORD} $PASSWORD"],
                      env=[Env(name="WORD", value="plain"), ConfigMapEnv(name="C", config_map_name="conf", config_map_key="COLOR"),
                           SecretEnv(name="PASSWORD", secret_name="creds", secret_key="password")],
                      env_from=[ConfigMapEnvFrom(name="conf", prefix="")])
        print(w.to_yaml())
    """
    assert hera(program, "--with", path).log() == ["plain blue 7 8 ***"]


def test_volumes_that_steps_share(hera):
    done = hera("""
        from hera.workflows import Container, Step, Steps, Volume, Workflow
        from hera.workflows.models import VolumeMount

        mount = [VolumeMount(name="shared", mount_path="/mnt/vol")]
        with Workflow(generate_name="volume-", entrypoint="main",
                      volumes=[Volume(name="shared", size="1Gi", mount_path="/mnt/vol")]) as w:
            put = Container(name="put", image="alpine:3.23", command=["sh", "-c"], args=["echo kept > /mnt/vol/f"],
                            volume_mounts=mount)
            get = Container(name="get", image="alpine:3.23", command=["cat"], args=["/mnt/vol/f"], volume_mounts=mount)
            with Steps(name="main"):
                Step(name="put", template=put)
                Step(name="get", template=get)
        print(w.to_yaml())
    """)
    assert done.log() == ["kept"]


def test_a_set_of_containers_with_dependencies(hera):
    done = hera("""
        from hera.workflows import ContainerNode, ContainerSet, EmptyDirVolume, Workflow
        from hera.workflows.models import VolumeMount

        with Workflow(generate_name="set-", entrypoint="main") as w:
            with ContainerSet(name="main", volumes=[EmptyDirVolume(name="work", mount_path="/work")],
                              volume_mounts=[VolumeMount(name="work", mount_path="/work")]):
                a = ContainerNode(name="a", image="alpine:3.23", command=["sh", "-c"], args=["echo 1 >> /work/f"])
                b = ContainerNode(name="b", image="alpine:3.23", command=["sh", "-c"], args=["echo 2 >> /work/f"])
                c = ContainerNode(name="main", image="alpine:3.23", command=["sh", "-c"], args=["cat /work/f"])
                a >> b >> c
        print(w.to_yaml())
    """)
    assert done.phases("a", "b", "main") == ["Succeeded"] * 3
    assert done.log()[-2:] == ["1", "2"]


def test_http_requests_and_their_conditions(hera, stub_server):
    url, seen = stub_server(lambda method, path: (200, {}, b"pong" if path == "/ping" else b"no"))
    done = hera(f"""
        from hera.workflows import DAG, HTTP, Task, Workflow

        with Workflow(generate_name="http-", entrypoint="main") as w:
            ask = HTTP(name="ask", url="{url}/ping", method="POST", body="ping",
                       headers=[{{"name": "X-Word", "value": "hello"}}], timeout_seconds=20,
                       success_condition='response.body == "pong"')
            with DAG(name="main"):
                Task(name="ask", template=ask)
        print(w.to_yaml())
    """)
    assert done.result("ask") == "pong"
    assert (seen[0][0], seen[0][2]["X-Word"], seen[0][3]) == ("POST", "hello", b"ping")


def test_a_workflow_template_is_run(hera):
    done = hera("""
        from hera.workflows import Parameter, Steps, WorkflowTemplate, script

        @script()
        def say(message):
            print(message)

        with WorkflowTemplate(name="greeter", entrypoint="main", arguments=Parameter(name="who", value="nobody")) as w:
            with Steps(name="main"):
                say(arguments={"message": "hello {{workflow.parameters.who}}"})
        print(w.to_yaml())
    """, "-p", "who=Hera")  # fmt: skip
    assert done.log() == ["hello Hera"]
    assert done.workflow["metadata"]["labels"]["workflows.argoproj.io/workflow-template"] == "greeter"


def test_a_cron_workflow_is_run_now(hera):
    done = hera("""
        from hera.workflows import CronWorkflow, Steps, script

        @script()
        def say():
            print("on time")

        with CronWorkflow(name="nightly", entrypoint="main", schedules=["0 3 * * *"], timezone="Europe/Berlin",
                          concurrency_policy="Forbid") as w:
            with Steps(name="main"):
                say()
        print(w.to_yaml())
    """)
    assert done.log() == ["on time"]
    assert done.workflow["metadata"]["labels"]["workflows.argoproj.io/cron-workflow"] == "nightly"


def test_references_to_templates_of_another_document(hera, agg):
    library = """
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: library}
spec:
  templates:
  - name: shout
    inputs: {parameters: [{name: word}]}
    container: {image: alpine:3.23, command: [echo], args: ["{{inputs.parameters.word}}!"]}
"""
    done = hera("""
        from hera.workflows import Steps, Step, Workflow, WorkflowTemplate
        from hera.workflows.models import TemplateRef, WorkflowTemplateRef

        with Workflow(generate_name="ref-", entrypoint="main") as w:
            with Steps(name="main"):
                Step(name="shout", template_ref=TemplateRef(name="library", template="shout"), arguments={"word": "hey"})
        print(w.to_yaml())
    """, "--with", agg.file("library.yaml", library))  # fmt: skip
    assert done.log() == ["hey!"]
    assert done.node("shout")["templateRef"] == {"name": "library", "template": "shout"}


def test_resources_sidecars_and_init_containers(hera):
    done = hera("""
        from hera.workflows import Container, EmptyDirVolume, Resources, UserContainer, Workflow
        from hera.workflows.models import VolumeMount

        mount = [VolumeMount(name="w", mount_path="/w")]
        with Workflow(generate_name="pod-", entrypoint="main") as w:
            Container(name="main", image="alpine:3.23", command=["sh", "-c"],
                      args=["until [ -e /w/side ]; do sleep 0.1; done; cat /w/init"],
                      resources=Resources(cpu_request=1, memory_limit="2Gi"),
                      volumes=[EmptyDirVolume(name="w", mount_path="/w")],
                      init_containers=[UserContainer(name="prepare", image="alpine:3.23", command=["sh", "-c"],
                                                     args=["echo prepared > /w/init"], volume_mounts=mount)],
                      sidecars=[UserContainer(name="side", image="alpine:3.23", command=["sh", "-c"],
                                              args=["touch /w/side; sleep 600"], volume_mounts=mount)])
        print(w.to_yaml())
    """)
    assert done.phase == "Succeeded"
    assert "prepared" in done.log()


def test_a_resource_that_is_a_workflow(hera, agg):
    done = hera("""
        from hera.workflows import Parameter, Resource, Workflow
        from hera.workflows.models import ValueFrom

        manifest = '''
        apiVersion: argoproj.io/v1alpha1
        kind: Workflow
        metadata: {name: kid}
        spec:
          entrypoint: main
          templates:
          - name: main
            container: {image: "alpine:3.23", command: [echo], args: [from the child]}
        '''
        with Workflow(generate_name="resource-", entrypoint="main") as w:
            Resource(name="main", action="create", manifest=manifest, success_condition="status.phase == Succeeded",
                     failure_condition="status.phase in (Failed, Error)",
                     outputs=Parameter(name="phase", value_from=ValueFrom(json_path="{.status.phase}")))
        print(w.to_yaml())
    """)
    assert done.nodes[0]["outputs"]["parameters"][0]["value"] == "Succeeded"
    assert "from the child" in agg("logs", "kid").out


def test_memoization_mutexes_and_metrics(hera):
    done = hera("""
        from hera.workflows import Gauge, Label, Steps, Workflow, script
        from hera.workflows.models import Cache, Memoize, Mutex, Synchronization

        @script(memoize=Memoize(key="{{inputs.parameters.n}}", max_age="1h",
                                cache=Cache(config_map={"name": "squares", "key": "k"})),
                synchronization=Synchronization(mutexes=[Mutex(name="one")]),
                metrics=[Gauge(name="seconds", help="how long", realtime=False, value="{{duration}}", labels=[Label(key="n", value="{{inputs.parameters.n}}")])])
        def square(n: int):
            print(n * n)

        with Workflow(generate_name="memo-", entrypoint="main") as w:
            with Steps(name="main"):
                square(name="first", arguments={"n": 5})
                square(name="second", arguments={"n": 5})
        print(w.to_yaml())
    """)
    assert done.phases("first", "second") == ["Succeeded"] * 2
    assert done.node("second")["memoizationStatus"]["hit"] is True
