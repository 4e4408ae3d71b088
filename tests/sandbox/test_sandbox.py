# SPDX-License-Identifier: Apache-2.0
"""The stand-in keeps what its --help promises: state, pages, limits, and each fault."""
import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
import unittest
from email.utils import parsedate_to_datetime
from urllib.parse import quote, urlsplit

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
    "400": (400, False), "405": (405, False), "408": (408, False), "410": (410, False),
    "501": (501, False), "502": (502, False), "504": (504, False),
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

    def test_every_window_counts(self):
        with Sandbox("--limit", "9/m,3/h") as sandbox:
            replies = [sandbox.ask("GET", "/me") for _ in range(4)]
            self.assertEqual([r[0] for r in replies], [200] * 3 + [429])
            self.assertGreater(int(replies[3][1]["Retry-After"]), 3000)

    def test_retry_after_in_all_its_forms(self):
        forms = {"7": ["7"], "-5": ["-5"], "absurd": ["999999999"], "missing": None,
                 "garbage": ["soon"], "two": ["1", "3"]}
        for form, expected in forms.items():
            with self.subTest(form), Sandbox("--fault", f"429:{form}@all") as sandbox:
                status, headers, _ = sandbox.ask("DELETE", sandbox.run(0))
                self.assertEqual((status, headers.get_all("Retry-After")), (429, expected))
        for form, ahead in (("date", 2), ("past", -3600)):
            with self.subTest(form), Sandbox("--fault", f"429:{form}@all") as sandbox:
                headers = sandbox.ask("DELETE", sandbox.run(0))[1]
                date, due = [parsedate_to_datetime(headers[name])
                             for name in ("Date", "Retry-After")]
                self.assertAlmostEqual((due - date).total_seconds(), ahead, delta=1)

    def test_archived_runs_are_shown_as_told(self):
        for told, shown in (("only", (2, 0)), ("status", (3, 2)), ("both", (2, 2))):
            with self.subTest(told), Sandbox("--runs", "3", "--archived", "2", "--list-archived",
                                             told) as sandbox:
                lists = [sandbox.data(RUNS + query) for query in
                         ("?archived=only", "?status=archived")]
                # a parameter that is not known changes nothing: live runs are listed
                found = tuple(sum(run["archived_at"] is not None for run in rows)
                              for rows in lists)
                self.assertEqual(found, tuple(0 if told == "status" and n == 3 else n
                                              for n in shown))
        with Sandbox("--archived", "1", "--get-archived", "404", "--rearchive", "404") as sandbox:
            self.assertEqual(sandbox.ask("GET", sandbox.run(0))[0], 404)
            self.assertEqual(sandbox.ask("DELETE", sandbox.run(0))[0], 404)
            self.assertEqual(len(sandbox.data(RUNS + "?archived=only")), 1)
        with Sandbox("--archived", "1") as sandbox:
            self.assertEqual(sandbox.ask("GET", sandbox.run(0))[0], 200)
            self.assertEqual(sandbox.ask("DELETE", sandbox.run(0))[0], 200)

    def test_filters_choose_runs(self):
        with Sandbox("--runs", "60") as sandbox:
            runs = sandbox.data(RUNS + "?per_page=100")
            for name, field in (("checklist_id", "checklist_id"), ("status", "status"),
                                ("q", "name")):
                value = runs[7][field]
                found = sandbox.data(f"{RUNS}?per_page=100&{name}={quote(value)}")
                self.assertEqual([run["id"] for run in found],
                                 [run["id"] for run in runs if value in run[field]])
                self.assertLess(len(found), 60)

    def test_who_asks_is_told(self):
        with Sandbox("--role", "Light") as sandbox:
            me = sandbox.data("/me")
            self.assertIn(ORG, [org["id"] for org in sandbox.data("/me/organizations")])
            member = sandbox.data(f"/organizations/{ORG}/users/{me['id']}")
            self.assertEqual((member["id"], member["role"]), (me["id"], "Light"))
            self.assertEqual(sandbox.ask("DELETE", sandbox.run(0))[0], 403)

    def test_documents_are_as_large_as_real_ones(self):
        with Sandbox("--runs", "400") as sandbox:
            sizes = sorted(len(sandbox.ask("GET", sandbox.run(n))[2]) for n in range(400))
            self.assertTrue(1000 <= sizes[0] <= 2000, sizes[0])
            self.assertTrue(15000 <= sizes[-1] <= 45000, sizes[-1])
            self.assertTrue(1000 <= sizes[200] <= 8000, sizes[200])

    def test_chance_follows_the_seed(self):
        def statuses(seed):
            with Sandbox("--runs", "60", "--seed", seed, "--fault", "503@p=0.3") as sandbox:
                return [sandbox.ask("DELETE", sandbox.run(n))[0] for n in range(60)]
        first = statuses("5")
        self.assertEqual(first, statuses("5"))
        self.assertNotEqual(first, statuses("6"))
        self.assertTrue(6 <= first.count(503) <= 32, first.count(503))

    @unittest.skipUnless(shutil.which("openssl"), "the openssl command makes the certificate")
    def test_tls(self):
        with tempfile.TemporaryDirectory() as folder:
            cert, key = os.path.join(folder, "cert"), os.path.join(folder, "key")
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                            "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", cert,
                            "-subj", "/CN=t", "-addext", "subjectAltName=IP:127.0.0.1"],
                           check=True, stderr=subprocess.DEVNULL)
            with Sandbox("--tls", cert, key) as sandbox:
                self.assertEqual(sandbox.url.scheme, "https")
                connection = http.client.HTTPSConnection(
                    sandbox.url.netloc, context=ssl.create_default_context(cafile=cert))
                connection.request("GET", "/me", headers={"Authorization": "Bearer sandbox-token",
                                                          "X-Tallyfy-Client": "test"})
                self.assertEqual(connection.getresponse().status, 200)
                connection.close()

    def test_latency(self):
        with Sandbox("--latency", "300") as sandbox:
            began = time.monotonic()
            sandbox.ask("GET", "/me")
            self.assertGreaterEqual(time.monotonic() - began, 0.3)

    def test_what_was_received_is_logged_before_anything_is_done(self):
        with Sandbox("--fault", "hang@all") as sandbox:
            self.assertEqual(sandbox.ask("DELETE", sandbox.run(0))[0], LOST)
            [entry] = sandbox.log()
            self.assertEqual((entry["method"], entry["path"], entry["mutate"]),
                             ("DELETE", sandbox.run(0), True))
            self.assertRegex(entry["time"], r"^\d{4}-\d\d-\d\dT[\d:]{8}\.\d{6}Z$")

    def test_a_late_effect_comes_later(self):
        with Sandbox("--fault", "delay-effect:0.4@all") as sandbox:
            self.assertEqual(sandbox.ask("DELETE", sandbox.run(0))[0], 502)
            self.assertIsNone(sandbox.archived_at(0))
            time.sleep(0.5)
            self.assertIsNotNone(sandbox.archived_at(0))


if __name__ == "__main__":
    unittest.main()
