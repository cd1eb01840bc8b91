"""Text forms of values as Go writes them: %v, printf, floats, quoted strings and JSON."""

from aggregator.lang.goformat.floats import format_float
from aggregator.lang.goformat.jsontext import json_float, json_string, json_text
from aggregator.lang.goformat.printf import sprintf
from aggregator.lang.goformat.quoting import go_quote, quote_rune
from aggregator.lang.goformat.values import go_value

__all__ = [
    "format_float",
    "go_quote",
    "go_value",
    "json_float",
    "json_string",
    "json_text",
    "quote_rune",
    "sprintf",
]
