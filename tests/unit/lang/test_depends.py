"""depends logic: results of tasks, what a bare name means, continueOn, and errors with a place."""

import pytest

from aggregator.errors import LanguageError, LimitExceeded
from aggregator.lang.depends import from_dependencies, parse


def holds(text, continue_on=None, **phases):
    """The condition over tasks of these phases (`a_b` in a keyword is the task a-b)."""
    tasks = {name.replace("_", "-"): phase for name, phase in phases.items()}
    parsed = parse(text).expand(continue_on or {})
    return parsed.evaluate(lambda task, result: tasks[task] == result)


def refused(text):
    with pytest.raises(LanguageError) as caught:
        parse(text)
    return caught.value


class TestMeaning:
    @pytest.mark.parametrize("phase", ["Succeeded", "Skipped", "Daemoned"])
    def test_a_bare_task_is_satisfied_by_success_skip_and_daemon(self, phase):
        assert holds("a", a=phase)

    @pytest.mark.parametrize("phase", ["Failed", "Errored", "Omitted"])
    def test_a_bare_task_is_not_satisfied_by_failure_or_omission(self, phase):
        assert not holds("a", a=phase)

    def test_continue_on_of_the_task_itself_forgives(self):
        assert holds("a", {"a": (True, False)}, a="Failed")
        assert not holds("a", {"a": (True, False)}, a="Errored")
        assert holds("a", {"a": (False, True)}, a="Errored")
        assert not holds("a.Succeeded", {"a": (True, True)}, a="Failed")

    def test_results_and_operators(self):
        assert holds("a.Failed || b.Succeeded", a="Succeeded", b="Succeeded")
        assert holds("a.Failed && (b || c) && !d", a="Failed", b="Failed", c="Skipped", d="Failed")
        assert holds("a && b || c", a="Failed", b="Succeeded", c="Succeeded")
        assert holds("!!a", a="Succeeded")
        assert not holds("!(a || b)", a="Failed", b="Succeeded")

    def test_and_binds_tighter_than_or(self):
        assert holds("a || b && c", a="Succeeded", b="Failed", c="Failed")

    def test_blanks_and_line_breaks_do_not_matter(self):
        assert holds("a.Succeeded\n&&!b", a="Succeeded", b="Failed")

    def test_conditions_may_be_compared_and_chosen(self):
        assert holds("a.Succeeded == b.Succeeded", a="Succeeded", b="Succeeded")
        assert holds("a != b", a="Succeeded", b="Failed")
        assert holds("a ? b : c", a="Failed", b="Failed", c="Succeeded")

    def test_hyphens_belong_to_names(self):
        assert holds("my-task.Succeeded", my_task="Succeeded")

    def test_results_of_loops(self):
        parsed = parse("a.AnySucceeded && !a.AllFailed")
        assert parsed.evaluate(lambda task, result: result == "AnySucceeded")

    def test_dependencies_are_joined_with_and(self):
        joined = from_dependencies(["a", "b"])
        assert joined.refs == (("a", ""), ("b", ""))
        assert joined.expand({"b": (True, False)}).evaluate(
            lambda task, result: {"a": "Skipped", "b": "Failed"}[task] == result
        )
        assert from_dependencies([]).evaluate(lambda task, result: False)


class TestReferences:
    def test_refs_are_listed_once_in_order(self):
        parsed = parse("b && a.Failed || b")
        assert parsed.refs == (("b", ""), ("a", "Failed"))
        assert parsed.tasks == ("b", "a")

    def test_text_shows_what_bare_names_mean(self):
        assert str(parse("a && !b.Failed").expand({"a": (True, True)})) == (
            "((a.Succeeded || a.Skipped || a.Daemoned || a.Errored || a.Failed) && !b.Failed)"
        )
        assert str(parse("!(a.Failed ? b.Failed : !c.Failed)")) == "!(a.Failed ? b.Failed : !c.Failed)"
        assert str(parse("a.Failed == b.Failed")) == "(a.Failed == b.Failed)"
        assert repr(parse("a")) == "Depends('a')"


class TestErrors:
    @pytest.mark.parametrize(
        ("text", "where"),
        [
            ("", ""),
            ("a b", "b"),
            ("a and b", "and"),
            ("a &&", ""),
            ("a & b", "&"),
            ("(a", ""),
            ("a)", ")"),
            ("a.succeeded", "."),
            ("a.Bogus", "Bogus"),
            ("a_b", "_"),
            ("1st", "1st"),
            ("true", "true"),
            ("not.Failed", "not.Failed"),
            ("a ? b", ""),
            ("{{x}}", "{"),
        ],
    )
    def test_place(self, text, where):
        error = refused(text)
        assert text[error.start : error.end] == where

    def test_hints(self):
        assert refused("a and b").hint == "write &&"
        assert "Succeeded" in refused("a.Suceeded").hint
        assert "rename" in refused("in").hint

    def test_a_dependency_must_be_a_name(self):
        with pytest.raises(LanguageError, match="not a task name"):
            from_dependencies(["a b"])

    def test_limits(self):
        with pytest.raises(LimitExceeded):
            parse("(" * 10_000 + "a" + ")" * 10_000)
        with pytest.raises(LimitExceeded):
            parse("a" * 10_000_000)
        with pytest.raises(LimitExceeded):
            parse(" == ".join(["a"] * 1000))

    def test_long_conditions_are_no_deep_trees(self):
        assert parse(" && ".join(["a"] * 20_000)).evaluate(lambda task, result: True)
        assert parse("!" * 20_000 + "a").evaluate(lambda task, result: True)
