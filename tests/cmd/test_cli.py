# SPDX-License-Identifier: Apache-2.0
"""The command line as people meet it: usage errors, help, tokens, and no secret in any output."""
import json
import os
import pty
import select
import signal
import subprocess
import tempfile
import time
import unittest

PROGRAM = os.environ["MUNIMENT"]
ORG = "5f0c2d9e7b1a4c36a8e4d1f09b72c35e"
TOKEN = "eyJhbGciOiJub25lIn0.eyJleHAiOjQxMDI0NDQ4MDB9.c2lnbmF0dXJlLWNhbmFyeQ"
NOWHERE = "http://127.0.0.1:9"  # nobody listens there


class Home:
    """A fresh HOME, with a passphrase in a file."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = self.folder.name
        self.passphrase = self.write("passphrase", "correct horse battery staple\n")
        self.env = {"HOME": self.path, "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8",
                    "MUNIMENT_PASSPHRASE_FILE": self.passphrase}

    def write(self, name, text):
        path = os.path.join(self.path, name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w",
                  encoding="utf-8") as file:
            file.write(text)
        return path

    def run(self, *args, stdin="", env=None, **more):
        return subprocess.run([PROGRAM, *args], input=stdin, text=True, capture_output=True,
                              env={**self.env, **(env or {})}, timeout=60, check=False,
                              start_new_session=True, **more)


class Case(unittest.TestCase):
    def setUp(self):
        self.home = Home()
        self.addCleanup(self.home.folder.cleanup)

    def expect(self, status, *args, **more):
        done = self.home.run(*args, **more)
        self.assertEqual(done.returncode, status, f"{args}: {done.stdout}{done.stderr}")
        self.assertNotIn(TOKEN, done.stdout + done.stderr)
        return done

    def add(self, name="acme", *more):
        return self.expect(0, "token", "add", name, "--org", ORG, "--base-url", NOWHERE, *more,
                           stdin=TOKEN + "\n")


class Usage(Case):
    def test_unknown_command_suggests(self):
        self.assertIn("muniment history", self.expect(2, "histroy").stderr)

    def test_no_abbreviations(self):
        self.expect(2, "hist")
        self.expect(2, "version", "--outp", "json")

    def test_errors_name_the_option(self):
        self.assertIn("--nope", self.expect(2, "version", "--nope").stderr)
        self.assertIn("--output", self.expect(2, "version", "--output").stderr)
        self.assertIn("--yes", self.expect(2, "version", "--yes").stderr)
        self.assertIn("csv", self.expect(2, "version", "-o", "csv").stderr)
        self.assertIn("--tz", self.expect(2, "version", "--tz", "Nowhere/Land").stderr)

    def test_no_arguments(self):
        done = self.expect(2)
        self.assertEqual(done.stdout, "")
        self.assertIn("usage", done.stderr)

    def test_a_token_as_value_is_not_repeated(self):
        for args in (["--token=" + TOKEN], ["token", "list", "--token=" + TOKEN], [TOKEN],
                     ["token", "add", TOKEN], ["token", TOKEN], ["help", TOKEN],
                     ["doctor", TOKEN]):
            self.expect(2, *args)

    def test_environment(self):
        self.expect(2, "version", env={"MUNIMENT_OUTPUT": "csv"})
        done = self.expect(0, "version", env={"MUNIMENT_OUTPUT": "json"})
        self.assertIn("version", json.loads(done.stdout))


class Help(Case):
    def test_each_command_and_topic(self):
        text = self.expect(0, "--help").stdout
        self.assertEqual(text, self.expect(0, "help").stdout)
        self.assertEqual(text, self.expect(0, "-h").stdout)
        names = [line.split()[0] for line in text.splitlines() if line.startswith("  ")
                 and "exit-codes" not in line]
        for name in names:
            page = self.expect(0, name, "--help").stdout
            self.assertTrue(page.startswith("  muniment " + name), page)
            self.assertEqual(page.count("\n  muniment "), 1)
            self.assertRegex(page, "changes? nothing|Changes|never the server")
            self.assertEqual(page, self.expect(0, "help", name).stdout)
        for topic in text.splitlines()[-1].split():
            self.expect(0, "help", topic)
        self.expect(2, "help", "nothing")

    COMMANDS = ("plan archive restore run resume resolve cancel status items history show log "
                "verify export prove checkpoint cosign token journal doctor help version").split()
    TOPICS = "exit-codes environment files manifest rate-limits in-doubt signals formats".split()

    def test_groups_and_topics(self):
        text = self.expect(0, "help").stdout
        self.assertEqual(text.splitlines()[-1].split(), self.TOPICS)
        self.assertEqual([line for line in text.splitlines() if line and " " not in line],
                         ["do", "ask", "prove", "keep"])
        for name in self.COMMANDS:
            self.assertRegex(text, "(?m)^  " + name + " ")

    def test_what_each_command_changes(self):
        words = {"Changes the server.": "archive restore run resume",
                 "Asks the server, changes nothing": "resolve token doctor",
                 "Reads the journal only;": "status items history show log verify prove",
                 "never the server.": "plan cancel journal checkpoint export cosign"}
        for sentence, names in words.items():
            for name in names.split():
                self.assertIn(sentence, self.expect(0, "help", name).stdout, name)

    def test_every_option_is_described(self):
        for name in self.COMMANDS:
            page = self.expect(0, "help", name).stdout
            options = [line for line in page.splitlines() if line[6:8] == "--"]
            self.assertGreater(len(options), 9)
            for line in options:
                self.assertGreater(len(line[35:].strip()), 4, line)
                self.assertEqual(line[34], " ", line)
                self.assertLessEqual(len(line), 100, line)

    def test_outputs_in_the_help_are_the_ones_there_are(self):
        for name in self.COMMANDS:
            page = self.expect(0, "help", name).stdout
            shown = [line for line in page.splitlines() if "--output FORMAT" in line][0]
            for output in ("json", "jsonl", "csv", "ids"):
                done = self.home.run(name, "-o", output, stdin="")
                refused = done.returncode == 2 and "has no output" in done.stderr
                self.assertEqual(output in shown[35:].split(", "), not refused, (name, output))

    def test_no_option_for_an_output_that_is_not_there(self):
        for name, there, not_there in (("log", (), ("--json", "--csv-raw")),
                                       ("help", (), ("--json", "--csv-raw")),
                                       ("show", ("--json",), ("--csv-raw",)),
                                       ("items", ("--json", "--csv-raw"), ())):
            page = self.expect(0, "help", name).stdout
            for option in there:
                self.assertIn(option, page, name)
            for option in not_there:
                self.assertNotIn(option, page, name)
        self.assertIn("not with -o json", self.expect(0, "help", "show").stdout)

    def test_later_things_do_not_exist(self):
        text = "".join(self.expect(0, "help", name).stdout for name in self.COMMANDS + self.TOPICS)
        for word in ("--select", "--preflight", "--snapshot", "reconcile", "policy.json",
                     "config.json"):
            self.assertNotIn(word, text)
        for name in ("report", "reconcile", "config"):
            self.expect(2, name)

    def test_exit_statuses_are_all_there(self):
        text = self.expect(0, "help", "exit-codes").stdout
        for status in (0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 141):
            self.assertRegex(text, r"(?m)^ +%d  " % status)
        self.assertIn("12, 128+n, 14, 3, 4, 7, 6, 13, 10, 9, 0", text)
        self.assertEqual([line for line in text.splitlines() if line and line[0] != " "][:4],
                         ["done", "again later", "a person must look", "broken"])


class Refusals(Case):
    """Commands that execute: what is wrong is said before anything is made or asked."""

    def refused(self, status, *args, word=""):
        done = self.expect(status, *args)
        self.assertEqual(done.stdout, "")
        self.assertIn(word, done.stderr)
        self.assertFalse(os.path.exists(os.path.join(self.home.path, ".local")), args)

    def test_arguments(self):
        for args, word in (
                (["run"], "one plan"), (["run", "p-1", "p-2"], "one plan"),
                (["run", "p-1c9a5e"], "full id"), (["run", "b-1c9a5e0b7d3f2a486e51"], "resume"),
                (["run", "p-1c9a5e0b7d3f2a486e51", "--confirm", "p-1"], "--confirm"),
                (["resume", "b-1", "b-2"], "one batch"), (["resume", "b-123456", "--all"], "--all"),
                (["resume", "--accept-identity-change"], "--reason"),
                (["resume", "--reason", "for no change"], "--accept-identity-change"),
                (["resume", "--accept-identity-change", "--reason", "short"], "--reason"),
                (["resume", "--bodies", "none"], "--bodies"), (["resume", "--yes"], "--yes"),
                (["resolve"], "batch"), (["cancel"], "one batch or plan"),
                (["resolve", "--rate", "none", "b-123456"], "--rate"),
                (["status", "b-123456", "p-123456"], "at most"), (["items"], "one batch"),
                (["show"], "show takes one"), (["run", "-o", "csv", "p-1"], "no output csv"),
                (["archive", "--json", "-o", "csv"], "contradict"),
                (["status", "--color", "red"], "--color"),
                (["run", "p-1", "--progress", "loud"], "--progress")):
            self.refused(2, *args, word=word)

    def test_no_journal(self):
        self.refused(12, "run", "p-1c9a5e0b7d3f2a486e51")
        self.refused(12, "resume")
        self.refused(12, "status")
        done = self.expect(12, "status", env={"HOME": ""})
        self.assertIn("--journal", done.stderr)

    def test_pace(self):
        self.expect(0, "plan", "0" * 32, "--org", ORG, "--reason", "to have one")
        for option, values in (("--rate", ("", "0/s", "10", "10/x", "1/s,")),
                               ("--concurrency", ("0", "257", "-1", "1x", "")),
                               ("--attempts", ("0", "101", "x")),
                               ("--settle", ("5", "-1s", "x")), ("--timeout", ("0s", "60")),
                               ("--max-wait", ("6", "1y")), ("--stop-after", ("0", "x")),
                               ("--stop-on-failures", ("0",)),
                               ("--stop-at", ("soon", "25:00", "-8h")),
                               ("--bodies", ("all", "")), ("--cacert", ("/nowhere", ))):
            for value in values:
                done = self.expect(2, "archive", "0" * 32, "--org", ORG, "--reason",
                                   "to have one", "--yes", option + "=" + value)
                self.assertIn(option, done.stderr)


class Output(Case):
    def test_full_disk(self):
        with open("/dev/full", "w", encoding="ascii") as full:
            done = subprocess.run([PROGRAM, "version"], stdout=full, stderr=subprocess.PIPE,
                                  env=self.home.env, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"cannot be written", done.stderr)

    def test_reader_gone(self):
        read, write = os.pipe()
        os.close(read)
        done = subprocess.run([PROGRAM, "help"], stdout=write, stderr=subprocess.PIPE,
                              env=self.home.env, check=False)
        os.close(write)
        self.assertEqual((done.returncode, done.stderr), (141, b""))

    def test_closed_descriptors(self):
        command = f'exec "{PROGRAM}" token list <&- >&- 2>&-'
        done = subprocess.run(["sh", "-c", command], env=self.home.env, check=False)
        self.assertEqual(done.returncode, 0)


class Tokens(Case):
    def listed(self):
        return json.loads(self.expect(0, "token", "list", "--json").stdout)

    def test_add_list_remove(self):
        self.assertEqual(self.listed(), [])
        self.add()
        row = self.listed()[0]
        self.assertEqual((row["name"], row["org"], row["base_url"], row["kind"]),
                         ("acme", ORG, NOWHERE, "jwt"))
        self.assertTrue(row["expires"].startswith("2100-01-01"))
        self.expect(0, "token", "remove", "acme")
        self.assertEqual(self.listed(), [])
        self.expect(5, "token", "remove", "acme")
        log = self.expect(0, "log", "-o", "jsonl").stdout
        self.assertIn("token.added", log)
        self.assertIn("token.removed", log)

    def test_replace_is_asked_for(self):
        self.add()
        done = self.home.run("token", "add", "acme", "--org", ORG, "--base-url", NOWHERE,
                             stdin=TOKEN)
        self.assertNotEqual(done.returncode, 0)
        self.add("acme", "--replace")

    def test_offline_without_org(self):
        self.assertIn("--org", self.expect(2, "token", "add", "acme", "--base-url", NOWHERE,
                                           stdin=TOKEN).stderr)

    def test_what_is_no_header_value(self):
        for bad in (TOKEN + "\r\n", TOKEN + " x", TOKEN + "\n\n", "\0" + TOKEN, ""):
            self.expect(3, "token", "add", "acme", "--org", ORG, "--base-url", NOWHERE, stdin=bad)

    def test_locked_and_nobody_to_ask(self):
        self.add()
        started = time.monotonic()
        done = self.expect(3, "token", "test", "acme", env={"MUNIMENT_PASSPHRASE_FILE": ""})
        self.assertLess(time.monotonic() - started, 5)
        for word in ("--token-fd", "MUNIMENT_PASSPHRASE_FILE", "--key-file",
                     "CREDENTIALS_DIRECTORY"):
            self.assertIn(word, done.stderr)

    def test_wrong_key(self):
        self.add()
        wrong = self.home.write("wrong", "not it")
        self.expect(3, "token", "test", "acme", env={"MUNIMENT_PASSPHRASE_FILE": wrong})

    def test_rekey(self):
        self.add()
        key = self.home.write("key", "k" * 64)
        self.expect(0, "token", "rekey", "--new-key-file", key)
        self.expect(3, "token", "test", "acme")
        # It opens, so the next thing to fail is the network.
        self.expect(14, "token", "test", "acme", "--key-file", key)

    def test_another_target_is_refused(self):
        self.add()
        self.expect(3, "token", "test", "acme", "--org", "0" * 32)
        self.expect(3, "token", "test", "acme", "--base-url", "https://staging.example")

    def test_nothing_stored_in_clear(self):
        self.add()
        for folder, _, names in os.walk(self.home.path):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    self.assertNotIn(TOKEN.encode(), file.read(), name)

    def test_doctor(self):
        self.add()
        done = self.expect(14, "doctor", "--as", "acme", "--json")
        rows = json.loads(done.stdout)
        self.assertIn("journal", [row["check"] for row in rows])
        self.assertTrue([row for row in rows if row["result"] == "fail" and row["fix"]])


class Terminal(Case):
    """With a terminal: what is typed at a hidden question is not shown."""

    def start(self, *args):
        env = {**self.home.env, "MUNIMENT_PASSPHRASE_FILE": ""}
        child, terminal = pty.fork()
        if child == 0:
            os.execve(PROGRAM, [PROGRAM, *args], env)
        self.addCleanup(os.close, terminal)
        return child, terminal

    def until(self, terminal, text):
        seen, end = b"", time.monotonic() + 20
        while text not in seen and time.monotonic() < end:
            if not select.select([terminal], [], [], 0.2)[0]:
                continue
            try:
                part = os.read(terminal, 4096)
            except OSError:
                break
            if not part:
                break
            seen += part
        self.assertIn(text, seen)
        return seen

    def test_add_by_hand(self):
        child, terminal = self.start("token", "add", "acme", "--org", ORG, "--base-url", NOWHERE)
        seen = self.until(terminal, b"Token")
        os.write(terminal, TOKEN.encode() + b"\n")
        seen += self.until(terminal, b"passphrase")
        os.write(terminal, b"hush hush\n")
        seen += self.until(terminal, b"again")
        os.write(terminal, b"hush hush\n")
        seen += self.until(terminal, b"stored acme")
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 0)
        self.assertNotIn(TOKEN.encode(), seen)
        self.assertNotIn(b"hush", seen)

    def test_interrupt_at_a_question(self):
        child, terminal = self.start("token", "add", "acme", "--org", ORG, "--base-url", NOWHERE)
        self.until(terminal, b"Token")
        time.sleep(0.2)
        os.write(terminal, b"\x03")
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), -signal.SIGINT)


if __name__ == "__main__":
    unittest.main()
