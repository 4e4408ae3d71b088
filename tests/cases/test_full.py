# SPDX-License-Identifier: Apache-2.0
"""The journal's disk is full: nothing is sent; with room again the batch finishes."""
import os
import subprocess
import sys

from harness import SKIPPED, World, main

FLAGS = ('--rate', 'none', '--settle', '300ms', '--progress', 'none')
RUNS = 30


def mounted(world):
    os.mkdir(world.journal)
    return subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=4m,mode=0700', 'tmpfs',
                           world.journal], check=False, stderr=subprocess.DEVNULL).returncode == 0


def fill(path):
    with open(path, 'wb', buffering=0) as file:
        try:
            while True:
                file.write(b'\0' * 4096)
        except OSError:
            pass


def full_disk():
    with World('--runs', str(RUNS)) as world:
        assert mounted(world)
        filler = os.path.join(world.journal, 'filler')
        try:
            plan = world.plan()
            fill(filler)
            world.expect(12, 'plan', '--org', '0' * 32, '--base-url', world.sandbox.url,
                         '--from', world.sandbox.ids_file, '--reason', 'there is no room')
            os.unlink(filler)
            fill(filler)
            world.expect(12, 'run', plan, *FLAGS)
            assert not world.sandbox.mutations(), 'a request was sent'
            os.unlink(filler)
            world.expect(0, 'run', plan, *FLAGS)
            batch = world.status(plan)['batch']
            assert world.status(batch)['counts']['archived'] == RUNS
            world.expect(0, 'verify')
            world.compare()
        finally:
            subprocess.run(['umount', world.journal], check=True)


def may_mount():
    return os.geteuid() == 0 and subprocess.run(
        ['unshare', '-m', 'true'], check=False, stderr=subprocess.DEVNULL).returncode == 0


if __name__ == '__main__':
    if not may_mount():
        print('skipped: needs the right to mount a tmpfs')
        sys.exit(SKIPPED)
    main([('full disk', full_disk)])
