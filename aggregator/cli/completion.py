"""`agg completion`: the scripts that let shells complete what the user types; `complete.py` gives them the answers."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from aggregator.cli.complete import SHELLS
from aggregator.errors import UsageError, nearest

BASH = """\
# Completion of agg for bash. Load it with:  source <(agg completion bash)
_agg_complete() {
    local answers
    answers=$("${COMP_WORDS[0]}" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null) || return
    COMPREPLY=()
    if [[ $answers == ":files" ]]; then
        compopt -o default 2>/dev/null
        return
    fi
    local IFS=$'\\n'
    COMPREPLY=($answers)
    if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -F _agg_complete agg
"""

ZSH = """\
#compdef agg
# Completion of agg for zsh. Load it with:  source <(agg completion zsh)
_agg() {
    local -a answers
    answers=("${(@f)$("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ "${answers[1]}" == ":files" ]]; then
        _files
    else
        compadd -a answers
    fi
}
compdef _agg agg
"""

FISH = """\
# Completion of agg for fish. Load it with:  agg completion fish | source
function __agg_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l answers ($words[1] __complete $words[2..-1] 2>/dev/null)
    if test "$answers[1]" = ":files"
        __fish_complete_path (commandline -ct)
    else
        printf '%s\\n' $answers
    end
end
complete -c agg -f -a '(__agg_complete)'
"""

SCRIPTS = dict(zip(SHELLS, (BASH, ZSH, FISH), strict=True))


def completion_command(shell: Annotated[str, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")]) -> None:
    """Print the completion script of a shell; its first lines say how to load it."""
    if shell not in SCRIPTS:
        raise UsageError(f"there is no completion for {shell!r}", hint=nearest(shell, SCRIPTS) or "bash, zsh or fish")
    sys.stdout.write(SCRIPTS[shell])
