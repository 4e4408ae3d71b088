# SPDX-License-Identifier: Apache-2.0
"""The program dies (kill -9), or a commit fails, at each point of making, replacing and using a
signing key: the next checkpoint is a good one, and no key is lost."""
import json
import os
import shutil
import signal
import subprocess
import tempfile

import notes
from harness import MUNIMENT, main

NEW = ('--new-key', '--reason', 'the laptop was stolen')
POINTS = [*('vault:%d' % n for n in (1, 2)), *('commit:%d' % n for n in range(1, 6)),
          *('committed:%d' % n for n in range(1, 6)), *('sync:%d' % n for n in (1, 2, 3)),
          *('commit:%d=EIO' % n for n in range(1, 6)), *('commit:%d=ENOSPC' % n for n in (1, 2, 3))]


class Place:
    """A HOME with a key file; there is no server."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix='muniment-case-')
        self.env = {'PATH': os.environ.get('PATH', ''), 'HOME': self.folder,
                    'MUNIMENT_KEY_FILE': os.path.join(self.folder, 'key')}
        for name in ('ASAN_OPTIONS', 'UBSAN_OPTIONS', 'LD_LIBRARY_PATH'):
            if name in os.environ:
                self.env[name] = os.environ[name]
        with open(self.env['MUNIMENT_KEY_FILE'], 'wb') as file:
            file.write(os.urandom(48))
        os.chmod(file.name, 0o600)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def call(self, *args):
        done = subprocess.run([MUNIMENT, *args], env=self.env, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60, check=False,
                              start_new_session=True)
        return done.returncode, done.stdout, done.stderr

    def expect(self, status, *args):
        got, out, err = self.call(*args)
        assert got == status, '%s: exit %d: %s' % (' '.join(args), got, err)
        return out


def checkpoint(world):
    note = notes.Note(world.expect(0, 'checkpoint'))
    key = notes.Key(world.expect(0, 'checkpoint', '--public-key').splitlines()[0])
    lines = world.expect(0, 'log', '-o', 'jsonl').encode().splitlines()
    assert note.signed_by(key) and note.root == notes.tree_root(lines[:note.size])
    return note, key, [json.loads(line) for line in lines]


def one(world, spec, *args):
    """True: the point was reached; the program died there, or said that it failed."""
    world.env['MUN_FAIL'] = spec
    status, out, err = world.call('checkpoint', *args)
    del world.env['MUN_FAIL']
    assert status != -signal.SIGKILL or '=' not in spec, spec
    if '=' in spec:
        assert status in (0, 1, 3, 12), '%s: exit %d: %s' % (spec, status, err)
    assert status != 0 or notes.Note(out).size > 0
    return status != 0


def first_key(spec):
    with Place() as world:
        reached = one(world, spec)
        note, key, entries = checkpoint(world)
        added = [entry for entry in entries if entry['kind'] == 'key.added']
        assert len(added) == 1 and added[0]['vkey'] == key.text, spec
        assert note.keys() == [(key.name, key.hash)], spec
        return reached


def another_key(spec):
    with Place() as world:
        _, old, _ = checkpoint(world)
        reached = one(world, spec, *NEW)
        _, key, entries = checkpoint(world)
        added = [entry for entry in entries if entry['kind'] == 'key.added']
        assert added[-1]['vkey'] == key.text and len(added) <= 2, spec
        if len(added) == 2:  # whoever signed first, he or the next: the change has both lines
            rows = json.loads(world.expect(0, 'checkpoint', '--list', '-o', 'json'))
            first = next(row for row in rows if row['size'] > added[1]['seq'])
            assert first['key'] == '%s %s' % (key.hash, old.hash), (spec, rows)
        return reached


def each(case):
    def run():
        reached = [spec for spec in POINTS if case(spec)]
        assert 'vault:1' in reached and 'commit:2' in reached and 'committed:2' in reached, reached
        assert any('=EIO' in spec for spec in reached), reached
    return run


main([('dying with the first key', each(first_key)), ('dying with another key', each(another_key))])
