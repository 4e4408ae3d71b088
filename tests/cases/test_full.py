# SPDX-License-Identifier: Apache-2.0
"""The journal's disk is full: nothing is sent without its entry, and with room it goes on."""
import os
import re
import sys
import time

from disk import Disk, may_mount
from harness import SKIPPED, World, main

FLAGS = ('--rate', 'none', '--settle', '300ms', '--progress', 'none')
LOST = 'unrecorded_outcome'


class FullWorld(World):
    """Its journal lies on a small tmpfs of its own."""

    def __init__(self, *sandbox_args):
        super().__init__(*sandbox_args)
        self.disk = Disk(size='4m', mode='0700')
        self.env['MUNIMENT_JOURNAL'] = self.journal = self.disk.path + '/journal'

    def __exit__(self, *args):
        self.disk.__exit__(*args)
        super().__exit__(*args)

    def fails(self, *args, lost=False):
        status, _, err = self.call(*args)
        assert status == 12, '%s: exit %d, not 12: %s' % (args[0], status, err[-600:])
        assert lost or LOST not in err, err
        return err

    def finishes(self, batch, runs):
        self.disk.clear()
        self.expect(0, 'resume', batch, *FLAGS)
        counts = self.status(batch)['counts']
        assert counts['archived'] + counts['already_archived'] == runs, counts
        assert counts['already_archived'] == 0, 'an own archive is not known as such'
        self.expect(0, 'verify')
        self.compare()
        paths = [request['path'] for request in self.sandbox.mutations()]
        assert sorted(set(paths)) == sorted(paths), 'a run was archived twice'


def every_commit():
    """Ever more room: each commit of the batch is once the first that has none."""
    seen = set()
    for pages in range(0, 200):
        with FullWorld('--runs', '5') as world:
            plan = world.plan()
            world.disk.fill(pages)
            status, _, err = world.call('run', plan, *FLAGS)
            if status == 0:
                break
            assert status == 12 and LOST not in err, '%d pages: exit %d: %s' % (
                pages, status, err[-600:])
            world.disk.clear()
            entries = world.lines('log')
            mine = [entry for entry in entries if entry['kind'] == 'request'
                    and entry['purpose'] == 'archive']
            sent = len(world.sandbox.mutations())
            assert sent == len(mine), '%d sent, %d entries' % (sent, len(mine))
            seen.add(sent)
            world.expect(0, 'run', plan, *FLAGS)
            world.finishes(world.lines('history')[0]['batch'], 5)
    else:
        raise AssertionError('200 pages are not enough for five runs')
    assert {0, 1, 2} <= seen, 'the disk was never full in the middle: %s' % seen


def during_the_answers():
    """No page is left while an answer is on its way: it goes into the room that was reserved."""
    with FullWorld('--runs', '30', '--latency', '100') as world:
        plan = world.plan()
        runner = world.start('run', plan, *FLAGS)
        while len(world.sandbox.mutations()) < 3:
            time.sleep(0.01)
        world.disk.fill()
        _, err = runner.communicate(timeout=60)
        assert runner.returncode in (0, 12) and LOST not in err, err
        batch = world.lines('history')[0]['batch']
        if runner.returncode == 12:
            assert world.status(batch)['counts']['in_doubt'] == 0
            world.finishes(batch, 30)


def nothing_half_stored():
    with FullWorld('--runs', '30') as world:
        first = world.plan()
        world.disk.fill()
        before = world.expect(0, 'log', '-o', 'jsonl')
        err = world.fails('plan', '--org', '0' * 32, '--base-url', world.sandbox.url,
                          '--from', world.sandbox.ids_file, '--reason', 'there is no room')
        assert re.search(r'needs \d+ more bytes, \d+ are free', err), err
        assert world.expect(0, 'log', '-o', 'jsonl') == before
        world.fails('run', first, *FLAGS)
        assert not world.sandbox.mutations(), 'a request was sent'
        world.disk.clear()
        assert world.plan(org='0' * 32) != first
        world.expect(0, 'verify')


def new_journal():
    """With any room too small a journal is not made, and no write through a map kills."""
    for pages in list(range(0, 24)) + list(range(24, 400, 25)):
        with FullWorld('--runs', '1') as world:
            world.disk.fill(pages)
            args = ('plan', '--org', '0' * 32, '--base-url', 'https://h.invalid',
                    '--from', world.sandbox.ids_file, '--reason', 'there is no room')
            status, _, err = world.call(*args)
            assert status in (0, 12), '%d pages: exit %d: %s' % (pages, status, err[-600:])
            world.disk.clear()
            world.expect(0, *args)
            world.expect(0, 'verify')
            if status == 0:
                assert pages > 20
                return
    raise AssertionError('400 pages are not enough for a journal')


if __name__ == '__main__':
    if not may_mount():
        print('skipped: needs the right to mount a tmpfs')
        sys.exit(SKIPPED)
    main([('full disk at every commit', every_commit),
          ('full disk during the answers', during_the_answers),
          ('nothing half stored', nothing_half_stored), ('new journal', new_journal)])
