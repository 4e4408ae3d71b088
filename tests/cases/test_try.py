# SPDX-License-Identifier: Apache-2.0
"""cmd/try.sh on a terminal: the trial that the README promises, with what it must say."""
import os
import pty
import re
import select
import shutil
import subprocess
import tempfile
import time
import unittest

LIMIT_S = 120


def on_terminal(command, env):
    """Runs command with a pseudo terminal as its only standard streams; its status and output."""
    leader, follower = pty.openpty()
    with subprocess.Popen(command, stdin=follower, stdout=follower, stderr=follower, env=env,
                          start_new_session=True) as child:
        os.close(follower)
        output = b""
        end = time.monotonic() + LIMIT_S
        while time.monotonic() < end:
            ready, _, _ = select.select([leader], [], [], 0.5)
            try:
                data = os.read(leader, 65536) if ready else None
            except OSError:  # EIO: the last process that held the terminal is gone
                data = b""
            if data == b"":
                break
            output += data or b""
        else:
            child.kill()
        status = child.wait()
    os.close(leader)
    return status, output.decode("utf-8", "replace").replace("\r\n", "\n")


class Try(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="muniment-test-try-")
        self.addCleanup(shutil.rmtree, self.folder)
        # MUNIMENT and MUN_SANDBOX are set by the runner: nothing is installed or built.
        self.env = {**os.environ, "TMPDIR": self.folder, "HOME": self.folder, "TERM": "xterm"}

    def test_trial_keeps_its_promises(self):
        status, output = on_terminal(["sh", "cmd/try.sh"], self.env)
        self.assertEqual(status, 0, output)
        self.assertNotIn("FAILED", output)
        for line in (r"killed after \d+ of 300 requests",
                     r"state +done\n",
                     r"items +300: 300 archived, .* 0 failed, 0 in doubt,.* 0 pending",
                     r"300 runs, 30\d archive requests reached the server",
                     r"[1-9]\d* attempts were settled by asking the server",
                     r"\d+ runs were sent more than once, 0 of them without a probe between",
                     r"0 runs with a request that the journal lacks, 0 runs not archived",
                     r"\nverified",
                     r"\n== all as promised\n"):
            self.assertRegex(output, line)
        self.assertNotIn("sandbox-token", output)
        self.all_in_one_folder(output)

    def all_in_one_folder(self, output):
        folder = re.search(r"Everything of this trial is in (\S+) ", output).group(1)
        self.assertEqual(os.listdir(self.folder), [os.path.basename(folder)])
        status, history = on_terminal(
            ["sh", "-c", ". " + folder + "/env; muniment history --limit 3 -o csv"], self.env)
        self.assertEqual(status, 0, history)
        self.assertIn(",archived,response,200,", history)

    def test_wrong_program_is_not_a_success(self):
        status, output = on_terminal(["sh", "cmd/try.sh"], {**self.env, "MUNIMENT": "/bin/true"})
        self.assertEqual(status, 1, output)
        self.assertIn("try.sh: FAILED", output)


if __name__ == "__main__":
    unittest.main()
