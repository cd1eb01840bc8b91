"""Every sprig function shows an example in its docstring, and what the example says is true."""

import random
import re

import pytest

from aggregator.lang.context import Context
from aggregator.lang.expr import parse
from aggregator.lang.sprig import FAMILIES, FUNCTIONS

EXAMPLE = re.compile(r"`(?P<call>[^`]*sprig\.[^`]+)`(?: is (?P<value>`[^`]*`|.+?)\.(?:\n|$))?")
NEEDS_A_NETWORK_OR_RAISES = {"getHostByName", "fail"}
SLOW = {"genCA", "genSelfSignedCert", "genSignedCert"}  # they make RSA keys; test_sprig_crypto looks at them


def context():
    return Context(now=0, random=random.Random(1), keep=lambda _, make: make())


def test_all_functions_of_argo_are_there():
    """sprig has 211 functions; Argo takes away `env` and `expandenv`."""
    assert len(FUNCTIONS) == 209
    assert not {"env", "expandenv"} & FUNCTIONS.keys()
    assert sum(len(family.functions) for family in FAMILIES) == 209


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_example(name):
    match = EXAMPLE.search(FUNCTIONS[name].doc)
    assert match, f"sprig.{name} has no example"
    if name in NEEDS_A_NETWORK_OR_RAISES | SLOW:
        return
    variables = {"m": {}, "key": "k", "cert": "c", "ca": None}
    if "key" in match["call"] and "Cert" in match["call"]:
        key = parse('sprig.genPrivateKey("ecdsa")').run({}, context(), functions="argo")
        ca = parse('sprig.genCAWithKey("ca", 1, key)').run({"key": key}, context(), functions="argo")
        variables |= {"key": key, "ca": ca}
    if name == "buildCustomCert":
        variables |= custom_certificate()
    got = parse(match["call"]).run(variables, context(), functions="argo")
    if match["value"]:
        shown = match["value"]
        want = shown.strip("`") if shown.startswith("`") else parse(shown).run({}, context())
        assert got == want
        assert isinstance(got, type(want))


def custom_certificate():
    made = """
    let key = sprig.genPrivateKey("ecdsa");
    let ca = sprig.genCAWithKey("ca", 1, key);
    {"cert": sprig.b64enc(ca.Cert), "key": sprig.b64enc(ca.Key)}
    """
    return parse(made).run({}, context(), functions="argo")
