"""Workflows written with Hera: what is Python in them, functions, expressions and inline scripts."""

import json


def test_functions_with_defaults_lists_and_maps(hera):
    done = hera("""
        from hera.workflows import Steps, Workflow, script

        @script()
        def types(text: str, number: int, flag: bool, items: list, mapping: dict, missing: str = "default"):
            print(json.dumps([text, number, flag, items, mapping, missing]))

        with Workflow(generate_name="types-", entrypoint="main") as w:
            with Steps(name="main"):
                types(arguments={"text": "it's", "number": 3, "flag": True, "items": [1, "b"], "mapping": {"k": [None]}})
        print(w.to_yaml())
    """)
    assert json.loads(done.log()[0]) == ["it's", 3, True, [1, "b"], {"k": [None]}, "default"]


def test_expressions_written_in_python(hera):
    """hera.expr makes `{{=...}}` tags."""
    done = hera("""
        from hera.expr import C, g
        from hera.workflows import Parameter, Steps, Workflow, script

        @script()
        def say(message):
            print(message)

        with Workflow(generate_name="expr-", entrypoint="main", arguments=Parameter(name="x", value="20")) as w:
            with Steps(name="main"):
                say(arguments={"message": f"{g.workflow.parameters.x.as_int() + C(1):=}"})
        print(w.to_yaml())
    """)
    assert done.log() == ["21"]


def test_inline_scripts_that_fail_tell_their_last_words(hera):
    done = hera("""
        from hera.workflows import Steps, Workflow, script

        @script()
        def broken():
            raise SystemExit("no such deal")

        with Workflow(generate_name="fail-", entrypoint="main") as w:
            with Steps(name="main"):
                broken()
        print(w.to_yaml())
    """, code=1)  # fmt: skip
    assert done.phases("broken") == ["Failed"]
    assert done.node("broken")["outputs"]["exitCode"] == "1"
    assert "no such deal" in done.answer.err
