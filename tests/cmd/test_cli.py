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

    def test_later_options_do_not_exist(self):
        text = "".join(self.expect(0, "help", name).stdout for name in ("token", "doctor"))
        for option in ("--select", "--preflight", "--snapshot", "--timestamp", "--witness"):
            self.assertNotIn(option, text)


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
        self.assertTrue([row for row in rows if row["result"] == "bad" and row["fix"]])


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
