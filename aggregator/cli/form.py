"""The dialogue about one suspended node: what is said, what is asked next, what an answer means. Reads and writes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aggregator.app.suspension import Choice, Question

ONLY_ENTER = "press Enter alone to resume, or Ctrl-C to stop the run"


class Form:
    """Asks for each supplied output in turn, or only for Enter where the node asks for none."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.answers: dict[str, str] = {}
        self.done = False
        self._left = list(question.asked)

    def intro(self) -> list[str]:
        """What stands above the first prompt."""
        question = self.question
        of = f" (template {question.template})" if question.template not in ("", question.display) else ""
        lines = [f"{question.display}{of} waits for an answer"]
        if question.message:
            lines.append(f"  {question.message}")
        asked = {choice.name for choice in question.asked}
        lines += [f"  {_told(choice)}" for choice in question.inputs if choice.name not in asked]
        return lines

    @property
    def prompt(self) -> str:
        """What stands before the cursor."""
        if not self._left:
            return f"{self.question.display}: Enter resumes, Ctrl-C stops the run: "
        choice = self._left[0]
        enum = " (" + ", ".join(f"{n}: {entry}" for n, entry in enumerate(choice.enum, 1)) + ")" if choice.enum else ""
        default = f" [{choice.value}]" if choice.value is not None else ""
        return f"{choice.name}{enum}{default}: "

    def note(self) -> str:
        """What is known of the output that is asked for, on a line above its prompt."""
        return (
            f"  {self._left[0].name}: {self._left[0].description}" if self._left and self._left[0].description else ""
        )

    def take(self, line: str) -> str:
        """Take what was entered; why it is not taken, else an empty text."""
        if not self._left:
            if line.strip():
                return ONLY_ENTER
            self.done = True
            return ""
        choice = self._left[0]
        value = _value(choice, line)
        if value is None:
            return f"{choice.name!r} has no default: enter a value"
        if choice.enum and value not in choice.enum:
            return f"{value!r} is none of {', '.join(choice.enum)}"
        self.answers[choice.name] = value
        del self._left[0]
        self.done = not self._left
        return ""


def _value(choice: Choice, line: str) -> str | None:
    """The entered text, the entry of the enum with that number, or for an empty line the default."""
    if not line:
        return choice.value
    text = line.strip() if choice.enum else line
    if text in choice.enum or not (text.isascii() and text.isdigit()):
        return text
    number = int(text)
    return choice.enum[number - 1] if 1 <= number <= len(choice.enum) else text


def _told(choice: Choice) -> str:
    about = f"  ({choice.description})" if choice.description else ""
    return f"{choice.name}: {choice.value}{about}"
