# SPDX-License-Identifier: Apache-2.0
"""The commands of a bundle's README.txt, run as they are printed, compared with what it prints."""
import os
import re
import shutil
import subprocess


def commands(text):
    """(command, lines that must come out) in order: `    $ COMMAND`, then indented lines."""
    found = []
    for line in text.splitlines():
        if line.startswith('    $ '):
            found.append((line[6:], []))
        elif line.startswith('    ') and found and not line.startswith('     '):
            found[-1][1].append(line[4:])
        elif line.strip():
            found.append((None, []))  # prose ends the output
    return [(command, out) for command, out in found if command]


def fits(lines, wanted):
    """A wanted line `...` stands for any lines."""
    pattern = ''.join('(?:.*\n)*' if line == '...' else re.escape(line) + '\n' for line in wanted)
    return re.fullmatch(pattern, lines) is not None


def run(folder, shell, ca=None, status=(0,), path=None):
    """All of them by one shell, in the bundle's own folder; status: what verify.py may exit with;
    path: where its programs are."""
    with open(os.path.join(folder, 'README.txt'), encoding='utf-8') as file:
        todo = commands(file.read())
    assert len(todo) >= 8, 'the README has %d commands' % len(todo)
    env = {'PATH': path or os.environ['PATH'], 'LC_ALL': 'C'}
    for command, wanted in todo:
        if ' -CAfile CA' in command:
            shutil.copyfile(ca, os.path.join(folder, 'CA'))
        done = subprocess.run([shell, '-c', command], cwd=folder, env=env, check=False, timeout=60,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
        if os.path.exists(os.path.join(folder, 'CA')):
            os.remove(os.path.join(folder, 'CA'))
        out = done.stdout.decode()
        assert done.returncode in (status if 'verify.py' in command else (0,)), (
            '%s: %s: exit %d: %s%s' % (shell, command, done.returncode, out, done.stderr.decode()))
        assert fits(out, wanted), '%s: %s: %r, not %r' % (shell, command, out, wanted)
    return [command for command, _ in todo]
