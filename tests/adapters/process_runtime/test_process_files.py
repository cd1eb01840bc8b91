"""A leaf's files: private folders, declared paths anywhere, volumes, and a host that is the same after as before."""

import asyncio
import os
from pathlib import Path

import pytest

from aggregator.errors import UsageError


def outputs(*paths):
    return {"outputs": {"artifacts": [{"name": f"a{n}", "path": path} for n, path in enumerate(paths)]}}


def inputs(*paths):
    return {"inputs": {"artifacts": [{"name": f"a{n}", "path": path} for n, path in enumerate(paths)]}}


@pytest.mark.skipif(os.getuid() != 0, reason="without isolation only root can write there")
@pytest.mark.parametrize("path", ["/agg-out.txt", "/agg-new/deep/er/out.txt", "/mnt/agg-out/y.txt", "/etc/agg-out.txt", "/usr/share/agg/x", "/usr/bin/agg-out", "/bin/agg-out2", "/tmp/agg-x", "/var/tmp/agg-x", "/tmp/agg/../agg-y", "/srv/agg-x", "/root/agg-x"])  # fmt: skip
def test_outputs_may_be_declared_anywhere_and_the_host_keeps_nothing(leaf, path):
    ran = leaf(
        body=outputs(path),
        sh=f"mkdir -p $(dirname {path}); echo made > {path}; ls /usr/bin /etc >/dev/null && id >/dev/null",
    )
    assert ran.outcome.phase == "Succeeded", (ran.folder / "stderr").read_text()
    assert ran.outputs[path] == "made\n"
    assert not os.path.lexists(path)
    assert not os.path.lexists("/mnt/agg-out")
    assert not os.path.lexists("/usr/share/agg")


@pytest.mark.skipif(os.getuid() != 0, reason="without isolation only root can write there")
@pytest.mark.parametrize("path", ["/agg-in", "/agg-in-deep/a/b", "/etc/agg-in", "/usr/local/agg/in", "/tmp/agg-in"])
def test_inputs_may_be_declared_anywhere(leaf, path):
    ran = leaf(body=inputs(path), sh=f"cat {path}; echo changed >> {path}", stage={path: "staged"})
    assert ran.result == "staged"
    assert not os.path.lexists(path)


def test_an_existing_file_of_the_host_is_the_same_afterwards(leaf, tmp_path, isolation):
    folder = Path("/var/agg-test")
    folder.mkdir(mode=0o755)
    try:
        (folder / "keep").write_text("host")
        (folder / "other").write_text("neighbour")
        (folder / "sub").mkdir()
        (folder / "sub" / "file").write_text("below")
        path = str(folder / "keep")
        ran = leaf(body=outputs(path), sh=f"cat {path} /var/agg-test/other /var/agg-test/sub/file; echo new > {path}")
        assert (ran.result, ran.outputs[path]) == ("hostneighbourbelow", "new\n")
        assert (folder / "keep").read_text() == "host"
        ran = leaf(body=inputs(path), sh=f"cat {path}", stage={path: "staged"})
        assert ran.result == "staged"
        assert (folder / "keep").read_text() == "host"
        assert sorted(p.name for p in folder.iterdir()) == ["keep", "other", "sub"]
    finally:
        for file in ("keep", "other", "sub/file"):
            (folder / file).unlink(missing_ok=True)
        (folder / "sub").rmdir()
        folder.rmdir()


@pytest.mark.parametrize("isolation", ["bubblewrap"], indirect=True)
def test_a_folder_of_the_host_that_is_an_output_is_a_copy_without_links_out_of_it(leaf):
    folder = Path("/var/agg-test-dir")
    folder.mkdir(mode=0o755)
    try:
        (folder / "file").write_text("1")
        (folder / "in").symlink_to(folder / "file")
        (folder / "out").symlink_to("../../etc/hostname")
        (folder / "nowhere").symlink_to("gone")
        (folder / "large").symlink_to("/usr/bin/bash")
        ran = leaf(
            body=outputs(str(folder)),
            sh=f"cd {folder}; cat file in; test -x large; touch made; ln -s /tmp own",
        )
        assert ran.result == "11"
        assert ran.outputs[str(folder)] == ["file", "in -> file", "made", "out", "own -> /tmp"]
        assert sorted(os.listdir(folder)) == ["file", "in", "large", "nowhere", "out"]
    finally:
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()


def test_an_old_file_in_tmp_does_not_pass_for_the_leafs_output(leaf):
    old = Path("/tmp/agg-test-old")
    old.write_text("from an earlier run")
    try:
        ran = leaf(body=outputs(str(old)), sh="true")
        assert ran.outputs[str(old)] is None
        assert old.read_text() == "from an earlier run"
    finally:
        old.unlink()


def test_a_folder_is_an_output_with_all_that_is_in_it(leaf):
    ran = leaf(body=outputs("/tmp/agg-dir"), sh="mkdir -p /tmp/agg-dir/b; touch /tmp/agg-dir/b/c /tmp/agg-dir/d")
    assert ran.outputs["/tmp/agg-dir"] == ["b", "b/c", "d"]


def test_an_output_written_by_a_relative_name_counts_as_if_the_leaf_had_started_in_the_root(leaf):
    ran = leaf(
        body=outputs("/agg-result.txt", "/agg-d/x"), sh="echo here > agg-result.txt; mkdir agg-d; echo x > agg-d/x"
    )
    assert ran.outputs == {"/agg-result.txt": "here\n", "/agg-d/x": "x\n"}


def test_an_output_that_is_a_link_is_what_the_leaf_saw_behind_it(leaf):
    text = "mkdir /tmp/agg-l; echo real > /tmp/agg-l/real; ln -s /tmp/agg-l/real /tmp/agg-l/link; ln -s ../agg-l/link /tmp/agg-l/again"
    ran = leaf(body=outputs("/tmp/agg-l/link", "/tmp/agg-l/again", "/tmp/agg-l"), sh=text)
    assert ran.outputs["/tmp/agg-l/link"] == "real\n"
    assert ran.outputs["/tmp/agg-l/again"] == "real\n"
    assert ran.outputs["/tmp/agg-l"] == ["again -> ../agg-l/link", "link -> /tmp/agg-l/real", "real"]


def test_each_attempt_starts_in_an_empty_folder_of_its_own(leaf):
    assert leaf(sh="ls -A; touch a; ls").result == "a"


def test_a_working_dir_is_used_and_made_when_the_host_lacks_it(leaf):
    assert leaf(sh="pwd", body={"container": {"workingDir": "/usr/bin"}}).result == "/usr/bin"
    ran = leaf(sh="pwd; touch x", body={"container": {"workingDir": "/agg-wd/a"}})
    assert ran.result == "/agg-wd/a"
    assert not os.path.exists("/agg-wd")


@pytest.mark.parametrize("path", ["relative/x", "/", "/../.."])
def test_a_declared_path_must_be_absolute_and_below_the_root(make_runtime, new_attempt, isolation, tmp_path, path):
    attempt = new_attempt("container", {**inputs(path), "container": {"image": "x", "command": ["true"]}})
    with pytest.raises(Exception, match="absolute path"):
        asyncio.run(make_runtime(isolation).open(attempt, tmp_path))


def test_what_a_leaf_makes_unreadable_is_removed(leaf):
    ran = leaf(sh="mkdir -p a/b; touch a/b/c; chmod 000 a/b a")
    assert ran.outcome.phase == "Succeeded"
    assert list(ran.folder.iterdir()) == []


def test_empty_dirs_are_shared_by_the_mounts_of_a_container_and_hold_artifacts(leaf):
    body = {**outputs("/agg-vol/made"), **inputs("/agg-vol/in"), "volumes": [{"name": "v", "emptyDir": {}}]}
    body["container"] = {
        "volumeMounts": [
            {"name": "v", "mountPath": "/agg-vol"},
            {"name": "v", "mountPath": "/mnt/agg-same/deep", "subPath": "s"},
        ]
    }
    ran = leaf(
        body=body,
        sh="cat /agg-vol/in; cp /agg-vol/in /agg-vol/made; touch /mnt/agg-same/deep/t; ls /agg-vol/s",
        stage={"/agg-vol/in": "text\n"},
    )
    assert ran.result == "text\nt"
    assert ran.outputs["/agg-vol/made"] == "text\n"
    assert not os.path.lexists("/agg-vol")
    assert not os.path.lexists("/mnt/agg-same")


def test_a_mount_whose_path_leads_through_a_link_of_the_host_works(leaf):
    if not os.path.islink("/var/run"):
        pytest.skip("/var/run is no link here")
    body = {**outputs("/var/run/agg-vol/made"), "volumes": [{"name": "v", "emptyDir": {}}]}
    body["container"] = {"volumeMounts": [{"name": "v", "mountPath": "/var/run/agg-vol"}]}
    ran = leaf(body=body, sh="echo x > /run/agg-vol/made; cat /var/run/agg-vol/made")
    assert (ran.result, ran.outputs["/var/run/agg-vol/made"]) == ("x", "x\n")


def test_the_attempts_folder_and_home_may_be_reached_through_links(
    make_runtime, isolation, run_leaf, new_attempt, tmp_path
):
    for name in ("real", "home"):
        (tmp_path / name).mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "home-link").symlink_to(tmp_path / "home")
    runtime = make_runtime(isolation, environ={"PATH": os.environ["PATH"], "HOME": str(tmp_path / "home-link")})
    attempt = new_attempt(
        "script", {"script": {"image": "alpine", "command": ["sh"], "source": "pwd >x; cat x | wc -l; echo h > ~/f"}}
    )
    ran = asyncio.run(run_leaf(runtime, attempt, tmp_path / "link" / "a"))
    assert ran.result == "1"
    assert (tmp_path / "home" / "f").read_text() == "h\n"


def test_volumes_of_secrets_config_maps_and_the_downward_api_are_files(leaf, secrets_of):
    volumes = [
        {"name": "s", "secret": {"secretName": "sec", "items": [{"key": "k", "path": "sub/name"}]}},
        {"name": "c", "configMap": {"name": "cm"}},
        {
            "name": "p",
            "projected": {
                "sources": [
                    {"secret": {"name": "sec"}},
                    {"downwardAPI": {"items": [{"path": "n", "fieldRef": {"fieldPath": "metadata.name"}}]}},
                ]
            },
        },
    ]
    mounts = [{"name": v["name"], "mountPath": f"/agg-{v['name']}"} for v in volumes]
    options = {"secrets": secrets_of({"sec": {"k": "v"}}, {"cm": {"a": "1"}})}
    ran = leaf(
        body={"container": {"volumeMounts": mounts}},
        volumes=volumes,
        sh="cat /agg-s/sub/name /agg-c/a /agg-p/k /agg-p/n",
        options=options,
    )
    assert ran.result == "v1vwf-t-0"


def test_files_of_secrets_and_config_maps_have_the_modes_that_the_volume_says(leaf, secrets_of):
    """An item's mode, else the volume's, else 0644; keys for ssh need that. A group of the pod may read them anyway."""
    volumes = [
        {"name": "s", "secret": {"secretName": "sec", "defaultMode": 0o400}},
        {"name": "c", "configMap": {"name": "cm", "items": [{"key": "a", "path": "a", "mode": 0o755}]}},
        {"name": "p", "projected": {"defaultMode": 0o440, "sources": [{"secret": {"name": "sec"}}]}},
        {"name": "u", "configMap": {"name": "cm"}},
    ]
    mounts = [{"name": v["name"], "mountPath": f"/agg-{v['name']}"} for v in volumes]
    options = {"secrets": secrets_of({"sec": {"k": "v"}}, {"cm": {"a": "1"}})}
    body = {"container": {"volumeMounts": mounts}}
    look = "stat -L -c %a /agg-s/k /agg-c/a /agg-p/k /agg-u/a"
    assert leaf(body=body, volumes=volumes, sh=look, options=options).result.split() == ["400", "755", "440", "644"]
    grouped = {**body, "securityContext": {"fsGroup": 1}}
    ran = leaf(body=grouped, volumes=volumes, sh=look, options=options)
    assert ran.result.split() == ["444", "755", "444", "644"]


def test_all_labels_are_one_file_of_the_downward_api(leaf):
    """One line for each, sorted, the value in quotes."""
    items = [{"path": "l", "fieldRef": {"fieldPath": "metadata.labels"}}]
    ran = leaf(
        body={
            "metadata": {"labels": {"team": 'a "b"'}},
            "container": {"volumeMounts": [{"name": "d", "mountPath": "/agg-d"}]},
        },
        volumes=[{"name": "d", "downwardAPI": {"items": items}}],
        sh="cat /agg-d/l",
    )
    lines = ran.result.splitlines()
    assert lines[0] == r'team="a \"b\""'
    assert 'workflows.argoproj.io/workflow="wf"' in lines


def test_volumes_of_kubernetes_own_objects_are_read_only(bubblewrap, leaf, isolation, secrets_of):
    if isolation == "none":
        pytest.skip("a mount is a link then")
    options = {"secrets": secrets_of({}, {"cm": {"a": "1"}})}
    body = {"container": {"volumeMounts": [{"name": "c", "mountPath": "/agg-c"}]}}
    volumes = [{"name": "c", "configMap": {"name": "cm"}}]
    ran = leaf(body=body, volumes=volumes, sh="touch /agg-c/x || echo refused", options=options)
    assert ran.result == "refused"


def test_a_link_that_a_leaf_made_in_a_volume_is_no_sub_path_out_of_it(leaf, tmp_path):
    from aggregator.runtimes.process.refused import LeafRefused

    volumes = [{"name": "p", "persistentVolumeClaim": {"claimName": "claim"}}]

    def at(path, **rest):
        return {"container": {"volumeMounts": [{"name": "p", "mountPath": path, **rest}]}}

    options = {"claims": tmp_path / "claims"}
    leaf(body=at("/agg-p"), volumes=volumes, sh=f"ln -s {tmp_path} /agg-p/evil", options=options)
    with pytest.raises(LeafRefused, match="'evil' of volume 'p' leaves the volume"):
        leaf(body=at("/agg-s", subPath="evil"), volumes=volumes, sh="true", options=options)


@pytest.mark.parametrize(
    ("volume", "words"),
    [
        ({"name": "v", "hostPath": {"path": "/usr"}}, "allowed folders"),
        ({"name": "v", "secret": {"secretName": "gone"}}, "gone"),
        ({"name": "v", "nfs": {"server": "x"}}, "nfs"),
        ({"name": "w", "emptyDir": {}}, "'v'"),
        ({"name": "v", "persistentVolumeClaim": {"claimName": "../x"}}, "no folder"),
    ],
)
def test_a_volume_that_this_host_can_not_give_is_refused_by_name(leaf, volume, words):
    with pytest.raises(Exception, match=words):
        leaf(body={"container": {"volumeMounts": [{"name": "v", "mountPath": "/agg-v"}]}}, volumes=[volume], sh="true")


def test_host_paths_and_claims_are_shown_where_the_settings_allow_them(leaf, tmp_path):
    (tmp_path / "host").mkdir()
    (tmp_path / "host" / "f").write_text("h")
    volumes = [
        {"name": "h", "hostPath": {"path": str(tmp_path / "host")}},
        {"name": "c", "persistentVolumeClaim": {"claimName": "work"}},
    ]
    mounts = [{"name": "h", "mountPath": "/agg-h"}, {"name": "c", "mountPath": "/agg-c"}]
    options = {"host_folders": [str(tmp_path)], "claims": tmp_path / "claims"}
    for _ in range(2):
        ran = leaf(
            body={"container": {"volumeMounts": mounts}},
            volumes=volumes,
            sh="cat /agg-h/f; echo x >> /agg-c/log; wc -l < /agg-c/log",
            options=options,
        )
    assert ran.result == "h2"
    assert (tmp_path / "claims" / "argo" / "work" / "log").read_text() == "x\nx\n"


async def together(runtime, run_leaf, attempts, folder):
    jobs = [run_leaf(runtime, attempt, folder / str(n)) for n, attempt in enumerate(attempts)]
    return await asyncio.gather(*jobs)


def test_parallel_attempts_that_write_the_same_paths_do_not_see_each_other(
    make_runtime, isolation, run_leaf, new_attempt, tmp_path, notices
):
    script = "set -e; mkdir -p /agg-out; for f in /tmp/agg-x /agg-out/x; do test ! -e $f; echo {n} > $f; done; sleep 0.1; cat /tmp/agg-x /agg-out/x"
    attempts = [
        new_attempt(
            "container",
            {
                **outputs("/tmp/agg-x", "/agg-out/x"),
                "container": {"image": "alpine", "command": ["sh", "-c", script.format(n=n)]},
            },
            number=n,
        )
        for n in range(6)
    ]
    for n, ran in enumerate(asyncio.run(together(make_runtime(isolation), run_leaf, attempts, tmp_path))):
        assert (ran.outcome.phase, ran.result) == ("Succeeded", f"{n}\n{n}")
        assert ran.outputs == {"/tmp/agg-x": f"{n}\n", "/agg-out/x": f"{n}\n"}
    assert len(notices) == (1 if isolation == "none" else 0)
    assert not os.path.lexists("/agg-out")


def test_without_isolation_a_path_and_its_folder_never_have_two_holders(make_runtime, run_leaf, new_attempt, tmp_path):
    log = tmp_path / "log"
    script = f"echo in >> {log}; sleep 0.1; echo out >> {log}"
    attempts = [
        new_attempt(
            "container", {**outputs(path), "container": {"image": "alpine", "command": ["sh", "-c", script]}}, number=n
        )
        for n, path in enumerate(["/tmp/agg-d/a", "/tmp/agg-d", "/tmp/agg-d/a/b", "/tmp/agg-d"])
    ]
    asyncio.run(together(make_runtime("none"), run_leaf, attempts, tmp_path / "attempts"))
    assert log.read_text() == "in\nout\n" * 4


def test_without_isolation_two_runtimes_keep_out_of_each_others_way_too(make_runtime, run_leaf, new_attempt, tmp_path):
    log = tmp_path / "log"
    body = {
        **outputs("/tmp/agg-two"),
        "container": {"image": "a", "command": ["sh", "-c", f"echo in >> {log}; sleep 0.1; echo out >> {log}"]},
    }

    async def both():
        await asyncio.gather(
            *(
                run_leaf(make_runtime("none"), new_attempt("container", body, number=n), tmp_path / str(n))
                for n in range(3)
            )
        )

    asyncio.run(both())
    assert log.read_text() == "in\nout\n" * 3


def test_without_isolation_a_folder_of_the_host_is_never_put_aside_for_an_input(make_runtime, new_attempt, tmp_path):
    (tmp_path / "full" / "x").mkdir(parents=True)
    attempt = new_attempt(
        "container", {**inputs(str(tmp_path / "full")), "container": {"image": "a", "command": ["true"]}}
    )
    (tmp_path / "attempt").mkdir()
    with pytest.raises(Exception, match="bubblewrap"):
        asyncio.run(make_runtime("none").open(attempt, tmp_path / "attempt"))
    assert (tmp_path / "full" / "x").is_dir()
    assert list((tmp_path / "attempt").iterdir()) == []


def test_isolated_leaves_can_not_write_to_the_host_but_to_home(
    bubblewrap, make_runtime, run_leaf, new_attempt, tmp_path
):
    home = tmp_path / "home"
    home.mkdir()
    script = (
        f"touch /usr/agg-x /etc/agg-x; touch {home}/y {tmp_path}/z; touch /tmp/agg-t /var/tmp/agg-t && echo private"
    )
    attempt = new_attempt("container", {"container": {"image": "a", "command": ["sh", "-c", script]}})
    runtime = make_runtime("bubblewrap", environ={"PATH": os.environ["PATH"], "HOME": str(home)})
    ran = asyncio.run(run_leaf(runtime, attempt, tmp_path / "a"))
    assert ran.result == "private"
    assert (home / "y").exists()
    for path in ("/usr/agg-x", "/etc/agg-x", f"{tmp_path}/z", "/tmp/agg-t", "/var/tmp/agg-t"):
        assert not os.path.lexists(path)


def test_a_volume_over_the_folder_of_our_interpreter_does_not_hide_it(bubblewrap, leaf, isolation, tmp_path):
    import sys

    place = "/" + sys.prefix.split("/")[1]
    body = {
        **outputs(f"{place}/made"),
        "volumes": [{"name": "v", "emptyDir": {}}],
        "container": {"volumeMounts": [{"name": "v", "mountPath": place}]},
    }
    if isolation == "none":
        with pytest.raises(Exception, match="bubblewrap"):
            leaf(body=body, sh="true", image="python:3")
        return
    ran = leaf(body=body, sh=f"python -c 'print(1)'; echo x > {place}/made", image="python:3")
    assert (ran.result, ran.outputs[f"{place}/made"]) == ("1", "x\n")


def test_bubblewrap_that_is_required_but_absent_is_a_usage_error(make_runtime, tmp_path):
    with pytest.raises(UsageError, match="bubblewrap"):
        make_runtime("bubblewrap", environ={"PATH": str(tmp_path)})


def test_bubblewrap_that_is_refused_falls_back_with_its_reason(make_runtime, run_leaf, new_attempt, tmp_path, notices):
    fake = tmp_path / "bin" / "bwrap"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2; exit 1\n")
    fake.chmod(0o755)
    environ = {"PATH": f"{fake.parent}:{os.environ['PATH']}"}
    runtime = make_runtime("auto", environ=environ)
    assert not runtime.isolated
    attempt = new_attempt("container", {**outputs("/tmp/agg-x"), "container": {"image": "a", "command": ["true"]}})
    for n in range(2):
        asyncio.run(run_leaf(runtime, attempt, tmp_path / str(n)))
    assert len(notices) == 1
    assert "No permissions" in notices[0]
    with pytest.raises(UsageError, match="No permissions"):
        make_runtime("bubblewrap", environ=environ)
