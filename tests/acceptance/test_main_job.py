"""The main job on the real data set: fetch 100 posts, check, aggregate, store in S3, publish to SNS."""

import json
import pathlib
import random
import re
import signal
import threading

import pytest

from aggregator.app import load_machine, load_status
from aggregator.engine.replay import replay
from aggregator.engine.status import workflow_object
from aggregator.journal.sqlite import SqliteJournal
from aggregator.kinds import KINDS
from aggregator.observe.tree import dump

REPO = pathlib.Path(__file__).parents[2]


def run_live(agg, cloud, url, *more, count=100, file=()):
    return agg(
        "run", *file, "--count", count, "--base-url", url, "--s3-bucket", cloud.bucket, "--sns-topic-arn", cloud.topic,
        "-o", "json", *more, env=cloud.environment,
    )  # fmt: skip


def test_all_posts_in_order_in_one_object_and_one_message(agg, cloud, posts_server, posts):
    server = posts_server()
    answer = run_live(agg, cloud, server.url)
    assert answer.code == 0, answer
    name = answer.json["metadata"]["name"]
    assert cloud.keys() == [f"{name}/api-responses.json"]
    assert cloud.object(f"{name}/api-responses.json") == posts
    (message,) = map(json.loads, cloud.messages())
    assert message["status"] == "Succeeded"
    assert message["stored"] == 100
    assert message["workflow"] == name
    assert message["uid"] == answer.json["metadata"]["uid"]
    assert message["artifact"] == f"s3://{cloud.bucket}/{name}/api-responses.json"
    assert server.served == dict.fromkeys(range(1, 101), 1)


def test_a_fifth_of_the_answers_failing_transiently_changes_nothing(agg, cloud, posts_server, posts, seeded_faults):
    """503, reset and stalled answers are tried again; each post is fetched successfully once."""
    text = (REPO / "configs" / "dynamic-deal-aggregator.yaml").read_text()
    text = text.replace('duration: "1s"', 'duration: "50ms"').replace("timeoutSeconds: 30", "timeoutSeconds: 1")
    agg.file("fast.yaml", text)
    server = posts_server(seeded_faults(seed=7, share=0.2, limit=3))
    answer = run_live(agg, cloud, server.url, file=["fast.yaml"])
    assert answer.code == 0, answer
    (key,) = cloud.keys()
    assert cloud.object(key) == posts
    assert server.served == dict.fromkeys(range(1, 101), 1)
    assert sum(server.requests.values()) > 110
    assert json.loads(cloud.messages()[0])["status"] == "Succeeded"


def test_one_post_that_is_gone_for_good_stores_nothing_and_is_named_in_the_message(agg, cloud, posts_server):
    server = posts_server(lambda number, turn: 404 if number == 42 else None)
    answer = run_live(agg, cloud, server.url)
    assert answer.code == 1, answer
    assert cloud.keys() == []
    (message,) = map(json.loads, cloud.messages())
    assert message["status"] == "Failed"
    assert any("fetch-all(41:42)" in failure for failure in message["failures"]), message
    assert server.requests[42] == 1, "404 is no transient failure"
    assert "404" in answer.err.splitlines()[-2]
    assert ".yaml:" in answer.err.splitlines()[-2]


def test_the_journal_folds_to_the_same_status_byte_for_byte(agg, cloud, posts_server):
    answer = run_live(agg, cloud, posts_server().url)
    assert answer.code == 0, answer
    uid = answer.json["metadata"]["uid"]
    journal = SqliteJournal(agg.home / "agg.db")
    try:
        again = workflow_object(replay(journal.read(uid), KINDS, random.Random))
    finally:
        journal.close()
    assert dump(again, "json") == answer.out
    shown = agg("get", "@latest", "-o", "json")
    assert shown.out == answer.out


def test_after_kill_9_every_journaled_post_is_shown(agg, cloud, posts_server):
    """What the journal has, a crash cannot take away."""
    reached = threading.Event()

    def slow(number, turn):
        if number > 60:
            reached.set()
            return "stall"
        return None

    server = posts_server(slow)
    process = agg.start(
        "run", "--count", 100, "--base-url", server.url, "--s3-bucket", cloud.bucket, "--sns-topic-arn", cloud.topic,
        "--http-concurrency", 4, env=cloud.environment,
    )  # fmt: skip
    assert reached.wait(60)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    journal = SqliteJournal(agg.home / "agg.db")
    try:
        payloads = [json.loads(data) for data in journal.read(journal.run("@latest").uid)]
    finally:
        journal.close()
    journaled = [e for e in payloads if e["type"] == "LeafFinished" and e["outcome"]["phase"] == "Succeeded"]
    assert len(journaled) >= 50
    shown = agg("get", "@latest", "-o", "json").json
    results = [
        n["outputs"]["result"]
        for n in shown["status"]["nodes"].values()
        if n["type"] == "HTTP" and n["phase"] == "Succeeded"
    ]
    assert sorted(results) == sorted(e["outcome"]["result"] for e in journaled)


def test_the_article_runs_as_it_is(agg, shared):
    file = shared("article/filled.yaml")
    answer = agg("run", file, "-p", "count=5", "--sandbox", "-o", "json")
    assert answer.code == 0, answer
    name = answer.json["metadata"]["name"]
    (folder,) = (agg.home / "runs").iterdir()
    stored = json.loads((folder / "sandbox" / "s3" / "argo-workflow-data" / name / "api-responses.json").read_text())
    assert [post["id"] for post in stored] == [1, 2, 3, 4, 5]
    (message,) = (folder / "sandbox" / "sns" / "deal-aggregator.jsonl").read_text().splitlines()
    assert name in json.loads(message)["message"]


def test_two_articles_at_the_same_time_end_right(agg, shared):
    file = shared("article/filled.yaml")
    both = [agg.start("run", file, "-p", "count=5", "--sandbox", "-o", "name") for _ in range(2)]
    for process in both:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        assert out.startswith("dynamic-deal-aggregator-")
    stored = list((agg.home / "runs").glob("*/sandbox/s3/argo-workflow-data/*/api-responses.json"))
    assert len(stored) == 2
    assert all(len(json.loads(path.read_text())) == 5 for path in stored)


def test_a_result_too_large_for_the_environment_is_refused_with_the_way_out(agg, shared):
    """The kernel takes no environment variable over 128 KiB: the message names it, its size, the limit and the artifact."""
    answer = agg("run", shared("article/filled.yaml"), "-p", "count=1000", "--sandbox")
    assert answer.code == 1, answer
    told = answer.err
    assert "RESULTS" in told
    assert re.search(r"RESULTS is \d{6} bytes .* at most 131071 bytes", told)
    assert "artifact" in told


def test_the_article_with_its_placeholders_is_refused_with_their_places(agg, shared):
    answer = agg("run", shared("article/dynamic-deal-aggregator.yaml"), "--sandbox")
    assert answer.code == 3, answer
    assert "looks like a placeholder" in answer.err
    assert "dynamic-deal-aggregator.yaml:" in answer.err


@pytest.mark.parametrize("load", [load_status, lambda j, u: workflow_object(load_machine(j, u))])
def test_loading_a_run_gives_its_workflow(agg, load):
    answer = agg("run", "--count", 1, "-o", "json")
    assert answer.code == 0, answer
    journal = SqliteJournal(agg.home / "agg.db")
    try:
        assert load(journal, answer.json["metadata"]["uid"])["status"]["phase"] == "Succeeded"
    finally:
        journal.close()
