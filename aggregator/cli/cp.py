"""`agg cp`: copy the output artifacts of a run into a folder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aggregator.cli import options  # noqa: TC001 - typer reads the annotations at run time
from aggregator.cli.documents import read_sources
from aggregator.cli.kept import load_workflow, reading
from aggregator.errors import AggError, NotFound, StoreError, UsageError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aggregator.app.kept_artifacts import KeptDrivers

PATH = "{namespace}/{workflowName}/{nodeId}/outputs/{artifactName}"
PLACES = ("{namespace}", "{workflowName}", "{nodeId}", "{templateName}", "{artifactName}")


def cp_command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name or uid of a run, or @latest.")],
    folder: Annotated[str, typer.Argument(metavar="DIR", help="Folder to copy to; it is made.")],
    artifact_name: Annotated[
        str, typer.Option("--artifact-name", metavar="NAME", help="Only artifacts of this name.")
    ] = "",
    node_id: Annotated[str, typer.Option("--node-id", metavar="ID", help="Only those of this node.")] = "",
    template_name: Annotated[
        str, typer.Option("--template-name", metavar="NAME", help="Only those of nodes of this template.")
    ] = "",
    path: Annotated[
        str,
        typer.Option("--path", metavar="TEXT", help=f"Folder of each, made of {' '.join(PLACES)}.", show_default=True),
    ] = PATH,
    supporting: Annotated[
        list[str] | None,
        typer.Option("--with", metavar="PATH", help="Documents with Secrets that the stores need.", show_default=False),
    ] = None,
    namespace: options.Namespace = "",
    home: options.Home = "",
    config: options.Config = "",
) -> int:
    """Copy output artifacts as they are stored: archives stay archives, folders are folders."""
    with reading(home, config) as (settings, journal):
        row = journal.run(name, namespace or None)
        found = list(_artifacts(load_workflow(journal, row), artifact_name, node_id, template_name))
        if not found:
            raise NotFound(
                f"workflow {row.name!r} has no {'such ' if artifact_name or node_id or template_name else ''}output artifact",
                hint=f"agg get -o wide {row.name} shows what it has",
            )
        from aggregator.app.kept_artifacts import kept_drivers  # noqa: PLC0415 - it brings the whole engine along

        documents = _secrets(supporting or [])
        code = 0
        with kept_drivers(settings, journal, row, documents=documents) as drivers:
            for node, artifact in found:
                values = (row.namespace, row.name, node["id"], _template_of(node), artifact["name"])
                target = Path(folder) / _filled(path, values)
                try:
                    written = copy(drivers, artifact, target)
                except AggError as error:
                    told = f"{error.message}; {error.hint}" if error.hint else error.message
                    sys.stderr.write(f"agg: error: {node['displayName']}: artifact {artifact['name']!r}: {told}\n")
                    code = code or error.exit_code
                else:
                    sys.stdout.write(f"Created {written.name!r} in {str(target)!r}\n")
    return code


def _artifacts(
    workflow: Mapping[str, Any], artifact_name: str, node_id: str, template_name: str
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Node and artifact of all that match, each stored object once: what encloses a node may hand it on as its own."""
    nodes = (workflow.get("status") or {}).get("nodes") or {}
    if node_id and node_id not in nodes:
        raise UsageError(f"--node-id {node_id!r}: the run has no such node", hint=nearest(node_id, nodes))
    seen: list[Any] = []
    for node in sorted(nodes.values(), key=lambda node: bool(node.get("children"))):
        if (node_id and node["id"] != node_id) or (template_name and _template_of(node) != template_name):
            continue
        for artifact in (node.get("outputs") or {}).get("artifacts") or ():
            if artifact_name and artifact["name"] != artifact_name:
                continue
            if artifact.get("deleted") and not artifact_name:
                continue  # gone with artifactGC, which is no surprise unless it is asked for
            mark = {k: v for k, v in artifact.items() if isinstance(v, dict)}, artifact["name"]
            if mark not in seen or node_id or template_name:
                seen.append(mark)
                yield node, artifact


def _template_of(node: Mapping[str, Any]) -> str:
    return str(node.get("templateName") or (node.get("templateRef") or {}).get("template") or "")


def _filled(path: str, values: tuple[str, ...]) -> str:
    for place, value in zip(PLACES, values, strict=True):
        path = path.replace(place, value)
    parts = Path(path).parts
    if Path(path).is_absolute() or ".." in parts:
        raise UsageError(f"--path {path!r} would leave the folder", hint=f"for example --path {PATH}")
    return path


def copy(drivers: KeptDrivers, artifact: Mapping[str, Any], folder: Path) -> Path:
    """Load one artifact into the folder, under the last part of its key; where it went."""
    from aggregator.engine.locations import location_of, place_key  # noqa: PLC0415 - imported with the drivers

    if artifact.get("deleted"):
        raise NotFound("it was deleted by artifactGC")
    place = location_of(artifact)
    if place is None:
        raise NotFound("it was stored nowhere")
    key, location = place
    last = str(location.get(place_key(key, location)) or "").rstrip("/").rpartition("/")[2]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise StoreError(f"can't create {folder}: {(problem.strerror or str(problem)).lower()}") from None
    target = folder / (last if last not in ("", ".", "..") else artifact["name"])
    driver = drivers.driver_of(key)
    drivers.patiently(lambda: driver.load(location, target))
    return target


def _secrets(paths: list[str]) -> list[dict[str, Any]]:
    from aggregator.spec.decode import decode_text  # noqa: PLC0415 - only with --with

    found: list[dict[str, Any]] = []
    for name in paths:
        for source in read_sources([name]):
            bundle = decode_text(source, strict=False)
            found += [loaded.value for loaded in bundle.secrets]
            found += [loaded.value for loaded in bundle.config_maps]
    return found
