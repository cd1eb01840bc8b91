"""Tokens and grammar of expr-lang: literals, precedence, chains, sequences, predicates, and what is refused where."""

import math

import pytest

from aggregator.lang.expr import ast
from aggregator.lang.expr.parser import Parser


def tree(text):
    """A tree as nested text, so that a test shows how an expression is read."""

    def show(node):
        match node:
            case ast.Literal():
                return repr(node.value)
            case ast.Ident():
                return node.name
            case ast.Pointer():
                return f"#{node.name}"
            case ast.Unary():
                return f"({node.op} {show(node.node)})"
            case ast.Binary():
                return f"({show(node.left)} {node.op} {show(node.right)})"
            case ast.Conditional():
                return f"({show(node.test)} ? {show(node.yes)} : {show(node.no)})"
            case ast.Chain():
                return f"<{show(node.node)}>"
            case ast.Member():
                return f"{show(node.node)}{'?' if node.optional else ''}.{show(node.prop)}"
            case ast.Builtin():
                return f"{node.name}({', '.join(show(a) for a in node.args)})"
            case ast.Call():
                return f"{show(node.callee)}!({', '.join(show(a) for a in node.args)})"
            case ast.Predicate():
                return f"{{{show(node.node)}}}"
            case ast.Sequence():
                return "; ".join(show(n) for n in node.nodes)
            case ast.Let():
                return f"let {node.name} = {show(node.value)}; {show(node.body)}"
        return type(node).__name__

    return show(Parser(text).whole())


class TestNumbers:
    """Integers are decimal, 0x, 0o or 0b with `_` anywhere after the first digit; a point or an exponent makes a float."""

    @pytest.mark.parametrize(
        ("text", "number"),
        [
            ("0", 0), ("007", 7), ("1_000", 1000), ("1_", 1), ("1__0", 10), ("0x1F", 31), ("0XfF", 255), ("0o17", 15),
            ("0b1_01", 5), ("9223372036854775807", 2**63 - 1), ("1.", 1.0), (".5", 0.5), ("1e3", 1000.0), ("1.5E-1", 0.15),
            ("1_0.2_5", 10.25),
        ],
    )  # fmt: skip
    def test_values(self, value, text, number):
        found = value(text)
        assert found == number
        assert type(found) is type(number)

    @pytest.mark.parametrize(
        "text",
        ["0x", "0b2", "0o8", "1e", "1a", "1.5x", "0x1.8", "9223372036854775808", "1e400", "1$", "9" * 5000, "0x1p3"],
    )
    def test_refused(self, fails, text):
        assert fails(text).kind == "syntax"

    def test_a_range_is_no_fraction(self, value):
        assert value("1..3") == [1, 2, 3]


class TestStrings:
    """Quoted strings have Go's escapes, raw strings in backquotes have none, b"..." makes bytes."""

    @pytest.mark.parametrize(
        ("text", "string"),
        [
            (r'"a\n\t\\"', "a\n\t\\"), (r"'it\'s'", "it's"), ('"it\'s"', "it's"), (r'"\x41\u00e9\U0001F600"', "Aé😀"),
            (r'"\u{1F600}\101\377"', "😀Aÿ"), ("`a\\n`", "a\\n"), ("`a``b`", "a`b"), ("``", ""), ('"a\rb"', "a\nb"),
            (r'"\ud800"', "\ufffd"), ('b"ab\\xff\\101\\n\\""', b'ab\xffA\n"'), ("B'é'", "é".encode()), ("b'x'", b"x"),
            ('"// no comment"', "// no comment"),
        ],
    )  # fmt: skip
    def test_values(self, value, text, string):
        assert value(text) == string

    @pytest.mark.parametrize(
        ("text", "at"),
        [
            ('"abc', 0), ("'a\n'", 0), ("`abc", 0), ('b"abc', 1), (r'"a\z"', 2), (r'"\8"', 1), (r'"\u{110000}"', 1),
            (r'"\u{}"', 1), (r'"a\'"', 2), (r'b"\u00e9"', 2), (r'"\400"', 1), (r'"\x4"', 1), ("1 + `", 4),
        ],
    )  # fmt: skip
    def test_refused_where(self, fails, text, at):
        error = fails(text)
        assert error.kind == "syntax"
        assert error.start == at


class TestBlanksAndNames:
    def test_comments_are_blank(self, value):
        assert value("1 // one\n + /* two */ 2") == 3

    @pytest.mark.parametrize("name", ["a1", "_x", "$y", "größe", "名", "a٣"])
    def test_names(self, value, name):
        assert value(name, **{name: 5}) == 5

    @pytest.mark.parametrize(
        ("text", "at"),
        [
            ("a²", 1),
            ("1 @ 2", 2),
            ("a & b", 2),
            ("/* x", 0),
            ("a   ~", 4),
            ("a /* b", 2),
            ("  ~", 2),
            ("   ~", 3),
            ("a\x1cb", 1),
            ("map([1], #²)", 10),
        ],
    )
    def test_refused_where(self, fails, text, at):
        assert fails(text, a=1, b=1).start == at

    def test_a_hyphen_is_minus(self, fails):
        """`my-task` is a subtraction of two names."""
        assert "task" in fails("tasks.my-task.x", tasks={}).message


class TestPrecedence:
    @pytest.mark.parametrize(
        ("text", "read"),
        [
            ("a + b * c", "(a + (b * c))"),
            ("a - b - c", "((a - b) - c)"),
            ("-a ** b", "(- (a ** b))"),
            ("a ** b ** c", "(a ** (b ** c))"),
            ("not a == b", "((not a) == b)"),
            ("a not in b and c", "((not (a in b)) and c)"),
            ("a .. b + c", "(a .. (b + c))"),
            ("a + b ?? c", "(a + (b ?? c))"),
            ("a ?? b ?? c", "((a ?? b) ?? c)"),
            ("a || b && c", "(a || (b && c))"),
            ("a < b < c", "((a < b) && (b < c))"),
            ("a ? b : c ? d : e", "(a ? b : (c ? d : e))"),
            ("a ?: b", "(a ? a : b)"),
            ("a | upper() == b", "(upper(a) == b)"),
            ("a | f(b)", "f!(a, b)"),
            ("a?.b.c", "<a?.'b'.'c'>"),
            ("a?.b[c]", "<a?.'b'>.c"),
            ("a?.[b].c", "<a?.b.'c'>"),
            ("a.in.not", "a.'in'.'not'"),
            ("a?.b()", "<a?.'b'!()>"),
            ("::map(a, # + .b)", "map(a, {(# + #.'b')})"),
            ("map(a, {#; #index})", "map(a, {#; #index})"),
            ("if a { b } else if c { d } else { e }", "(a ? b : (c ? d : e))"),
            ("let x = a; x; b", "let x = a; x; b"),
            ("(a; b)", "a; b"),
            ("a;", "a"),
        ],
    )
    def test_reading(self, text, read):
        assert tree(text) == read

    def test_coalescing_does_not_mix(self, fails):
        """`??` on the left of another operator needs parentheses, on its right it does not."""
        error = fails("a ?? b + c", a=1, b=1, c=1)
        assert error.start == 7
        assert "(a ?? b) + c" in error.hint

    def test_numbers_and_words_take_no_postfix(self, fails):
        assert fails("true.x").kind == "syntax"


class TestRefused:
    """A mistake is told at its place, with what was expected."""

    @pytest.mark.parametrize(
        ("text", "expected", "at"),
        [
            ("", "a value", 0),
            ("1 +", "a value", 3),
            ("(1", "')'", 2),
            ("[1 2]", "',' or ']'", 3),
            ("[1,,2]", "a value", 3),
            ("{a 1}", "':'", 3),
            ("{a: 1 b: 2}", "',' or '}'", 6),
            ("{[1]: 2}", "a map key", 1),
            ("f(1", "',' or ')'", 3),
            ("1 2", "an operator or the end", 2),
            ("a = b", "an operator or the end", 2),
            ("a.1", "an operator or the end", 1),
            ("a.", "a name after the dot", 2),
            ("a.(b)", "a name after the dot", 2),
            ("a | b", "'('", 5),
            ("a | sprig.trim()", "'('", 9),
            ("map(a)", "an argument", 5),
            ("map(a # > 1)", "','", 6),
            ("let = 1; 2", "a name", 4),
            ("let a 1; 2", "'='", 6),
            ("let a = 1", "';'", 9),
            ("if a { 1 }", "'else'", 10),
            ("if a 1", "'{'", 5),
            ("a ? b", "':'", 5),
            ("a not b", "in, matches", 6),
            (")", "a value", 0),
            ("a[1", "']'", 3),
            ("1 + let a = 2; a", "a value", 4),
        ],
    )
    def test_expected(self, fails, text, expected, at):
        error = fails(text, a=[1], b=2, f=1)
        assert error.kind == "syntax"
        assert f"expected {expected}" in error.message
        assert error.start == at

    def test_single_equals_is_explained(self, fails):
        assert "==" in fails("a = 1", a=1).hint

    def test_misspelt_operator_has_a_suggestion(self, fails):
        assert "contains" in fails('a contain "b"', a="x").hint

    def test_pointers_belong_to_predicates(self, fails):
        assert "predicate" in fails("# + 1").message
        assert "predicate" in fails(".name").message
        assert "braces" in fails("map([1], #; 2)").message


class TestCollections:
    def test_lists_and_maps(self, value):
        assert value("[1, 'a', [nil,],]") == [1, "a", [None]]
        assert value("{a: 1, 'b c': 2, 3: 4, ('d' + 'e'): 5,}") == {"a": 1, "b c": 2, "3": 4, "de": 5}
        assert value("{}") == {}

    def test_of_equal_keys_the_first_stays(self, value):
        assert value("{a: 1, a: 2}") == {"a": 1}

    def test_a_computed_key_is_a_string(self, fails):
        assert fails("{(m.x): 1}", m={"x": 1}).kind == "type"

    def test_keywords_are_no_keys(self, fails):
        assert fails("{in: 1}").kind == "syntax"

    def test_a_predicate_in_braces_is_a_block(self, value, fails):
        """A map as the result needs double braces."""
        assert value("map([1], {{k: #}})") == [{"k": 1}]
        assert fails("map([1], {k: #})").kind == "syntax"

    def test_infinity_has_no_literal_but_division_makes_it(self, value):
        assert value("1 / 0") == math.inf
