# SPDX-License-Identifier: Apache-2.0
"""The stand-in keeps what its --help promises: state, pages, limits, and each fault."""
import http.client
import json
import os
import socket
import subprocess
import tempfile
import time
import unittest
from urllib.parse import urlsplit

ORG = "5f0c2d9e7b1a4c36a8e4d1f09b72c35e"
RUNS = f"/organizations/{ORG}/runs"
LOST = "lost"


class Sandbox:
    """One sandbox process and a client that opens a connection for each request."""

    def __init__(self, *options):
        self.folder = tempfile.TemporaryDirectory()
        self.log_path = os.path.join(self.folder.name, "log")
        ids_path = os.path.join(self.folder.name, "ids")
        self.process = subprocess.Popen(
            [os.environ["MUN_SANDBOX"], "--ids-file", ids_path, "--request-log", self.log_path,
             *options], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.url = urlsplit(self.process.stdout.readline().strip())
        with open(ids_path, encoding="ascii") as ids:
            self.ids = ids.read().split()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        assert self.process.wait(5) == 0
        self.process.stdout.close()
        self.folder.cleanup()

    def ask(self, method, path, token="sandbox-token", client="test"):
        """Returns status, headers, body; status LOST without a whole answer in 1.5 s."""
        headers = {"Authorization": f"Bearer {token}", "X-Tallyfy-Client": client}
        if client is None:
            del headers["X-Tallyfy-Client"]
        connection = http.client.HTTPConnection(self.url.netloc, timeout=1.5)
        try:
            connection.request(method, self.url.path + path, headers=headers)
            reply = connection.getresponse()
            return reply.status, reply.headers, self.read(reply)
        except (http.client.HTTPException, socket.timeout, ConnectionError):
            return LOST, {}, b""
        finally:
            connection.close()

    @staticmethod
    def read(reply):
        """The whole body, within 1.5 s; of the 1 GB one only the beginning."""
        end = time.monotonic() + 1.5
        length = min(int(reply.headers.get("Content-Length", 0)), 1 << 20)
        body = b""
        while len(body) < length:
            part = reply.read1(65536)
            if not part or time.monotonic() > end:
                raise http.client.IncompleteRead(body)
            body += part
        return body

    def data(self, path):
        return json.loads(self.ask("GET", path)[2])["data"]

    def run(self, index):
        return f"{RUNS}/{self.ids[index]}"

    def archived_at(self, index):
        return self.data(self.run(index))["archived_at"]

    def log(self):
        with open(self.log_path, encoding="utf-8") as lines:
            return [json.loads(line) for line in lines]


# kind: what the client sees, and whether the run is archived afterwards
FAULTS = {
    "close-before": (LOST, False), "close-after": (LOST, True), "rst": (LOST, False),
    "rst-after": (LOST, True), "hang": (LOST, False), "hang-after": (LOST, True),
    "cut-body": (LOST, True), "cut-body:3": (LOST, True), "cut-headers:9": (LOST, True),
    "drip": (LOST, True), "huge": (200, True), "other-id": (200, True),
    "archived-null": (200, True), "archived-missing": (200, True), "dup-keys": (200, True),
    "deep-nesting": (200, True), "trailing": (200, True), "nan": (200, True),
    "bad-utf8": (200, True), "errors200": (200, False), "empty200": (200, True),
    "html200": (200, False), "html403": (403, False), "204": (204, True), "302": (302, False),
    "401-run": (401, False), "402": (402, False), "403": (403, False),
    "404-resource": (404, False), "404-endpoint": (404, False), "409": (409, False),
    "422": (422, False), "423": (423, False), "425": (425, False), "500": (500, False),
    "500-after": (500, True), "503": (503, False), "status:202": (202, True),
    "status:418": (418, False), "429:7": (429, False), "503@all,effect=yes": (503, True),
}


class SandboxTest(unittest.TestCase):
    def test_every_fault_hits_the_request_it_names_and_no_other(self):
        for kind, (status, effect) in FAULTS.items():
            fault = kind if "@" in kind else kind + "@n=2"
            with self.subTest(kind), Sandbox("--fault", fault) as sandbox:
                if "@" not in kind:
                    self.assertEqual(sandbox.ask("DELETE", sandbox.run(0))[0], 200)
                self.assertEqual(sandbox.ask("DELETE", sandbox.run(1))[0], status)
                self.assertEqual(sandbox.archived_at(1) is not None, effect)
                if "@" not in kind:
                    self.assertEqual(sandbox.ask("DELETE", sandbox.run(2))[0], 200)

    def test_archive_and_restore_change_what_is_read(self):
        with Sandbox() as sandbox:
            before = sandbox.data(sandbox.run(3))
            status, headers, body = sandbox.ask("DELETE", sandbox.run(3))
            self.assertEqual(status, 200)
            self.assertIn("Date", headers)
            self.assertIn("X-Request-Id", headers)
            archived_at = json.loads(body)["data"]["archived_at"]
            self.assertRegex(archived_at, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
            self.assertEqual(sandbox.archived_at(3), archived_at)
            self.assertEqual([r["id"] for r in sandbox.data(RUNS + "?archived=only")],
                             [sandbox.ids[3]])
            self.assertEqual(sandbox.ask("PUT", sandbox.run(3) + "/activate")[0], 200)
            after = sandbox.data(sandbox.run(3))
            self.assertNotEqual(before.pop("last_updated"), after.pop("last_updated"))
            self.assertEqual(before, after)
            feed = sandbox.data(f"/organizations/{ORG}/activity-feeds?entity_id={before['id']}")
            self.assertEqual([e["verb"] for e in feed], [["unarchived"], ["archived"]])

    def test_pages_hold_every_run_once(self):
        with Sandbox("--runs", "205") as sandbox:
            pages = [sandbox.data(f"{RUNS}?per_page=100&sort=created_at&page={n}")
                     for n in range(1, 5)]
            self.assertEqual([len(page) for page in pages], [100, 100, 5, 0])
            self.assertEqual({run["id"] for page in pages for run in page}, set(sandbox.ids))
            self.assertEqual(len(sandbox.data(RUNS)), 10)

    def test_a_seed_gives_the_same_runs(self):
        with Sandbox("--seed", "5") as one, Sandbox("--seed", "5") as two, Sandbox() as other:
            self.assertEqual(one.data(RUNS), two.data(RUNS))
            self.assertFalse(set(one.ids) & set(other.ids))

    def test_strangers_are_refused(self):
        with Sandbox("--prefix", "/api") as sandbox:
            self.assertEqual(sandbox.ask("GET", "/me", token="x")[0], 401)
            self.assertIn(b"ENDPOINT_NOT_FOUND", sandbox.ask("GET", "/me", client=None)[2])
            self.assertIn(b"ENDPOINT_NOT_FOUND", sandbox.ask("GET", "/nope")[2])
            self.assertIn(b"RESOURCE_NOT_FOUND", sandbox.ask("GET", "/organizations/o/runs")[2])
            self.assertEqual(sandbox.ask("GET", "/me")[0], 200)

    def test_purge_is_logged_and_refused(self):
        with Sandbox() as sandbox:
            self.assertEqual(sandbox.ask("DELETE", sandbox.run(0) + "/delete")[0], 500)
            self.assertEqual(sandbox.ask("DELETE", sandbox.run(0) + "%2Fdelete")[0], 500)
            self.assertEqual([r["method"] for r in sandbox.log()], ["DELETE", "DELETE"])
            self.assertNotIn("sandbox-token", json.dumps(sandbox.log()))

    def test_a_revoked_token_stays_dead_and_others_live(self):
        with Sandbox("--token", "a", "--token", "b", "--fault", "401@n=2+") as sandbox:
            self.assertEqual(sandbox.ask("DELETE", sandbox.run(0), "a")[0], 200)
            self.assertEqual(sandbox.ask("DELETE", sandbox.run(1), "a")[0], 401)
            self.assertEqual(sandbox.ask("GET", "/me", "a")[0], 401)
            self.assertEqual(sandbox.ask("GET", "/me", "b")[0], 200)

    def test_the_window_slides(self):
        with Sandbox("--limit", "4/m", "--speedup", "30") as sandbox:
            replies = [sandbox.ask("GET", "/me") for _ in range(5)]
            self.assertEqual([r[0] for r in replies], [200] * 4 + [429])
            self.assertEqual(replies[4][1]["Retry-After"], "2")
            time.sleep(2.01)
            self.assertEqual(sandbox.ask("GET", "/me")[0], 200)

    def test_a_late_effect_comes_later(self):
        with Sandbox("--fault", "delay-effect:0.4@all") as sandbox:
            self.assertEqual(sandbox.ask("DELETE", sandbox.run(0))[0], 502)
            self.assertIsNone(sandbox.archived_at(0))
            time.sleep(0.5)
            self.assertIsNotNone(sandbox.archived_at(0))


if __name__ == "__main__":
    unittest.main()
