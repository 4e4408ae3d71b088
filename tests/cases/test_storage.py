# SPDX-License-Identifier: Apache-2.0
"""Where the journal lies, and what happens when that is taken away or damaged under a run."""
import contextlib
import json
import os
import resource
import shutil
import signal
import struct
import subprocess
import sys
import time

from disk import Disk, Ext4, may_mount
from fuse import Fuse
from harness import MUNIMENT, ORG, World, main

CLOCK = os.environ.get('MUN_CLOCK', '')
FLAGS = ('--rate', 'none', '--settle', '300ms', '--progress', 'none')
READERS = (('history',), ('log',), ('verify',), ('status',))


def wait_for(world, count):
    end = time.monotonic() + 20
    while len(world.sandbox.mutations()) < count:
        assert time.monotonic() < end, 'nothing is sent'
        time.sleep(0.01)


def ids_of(world):
    return world.sandbox.ids


def batch_of(world):
    return world.lines('history')[0]['batch']


def place(world, disk):
    world.env['MUNIMENT_JOURNAL'] = world.journal = disk.path + '/journal'


def plan_args(world):
    return ('plan', '--org', '0' * 32, '--base-url', world.sandbox.url, '--from',
            world.sandbox.ids_file, '--reason', 'a case of the tests')


def readable(world):
    batch = batch_of(world)
    for args in (*READERS, ('items', batch), ('show', batch), ('show', ids_of(world)[0])):
        world.expect(0, *args)


def read_only():
    with Disk(mode='0700') as disk, World('--runs', '3') as world:
        place(world, disk)
        plan = world.plan()
        world.expect(0, 'run', plan, *FLAGS)
        second = world.expect(0, *plan_args(world), '-q').strip()
        for lock_file in (True, False):
            if not lock_file:
                os.unlink(world.journal + '/lock.mdb')
            disk.mount_read_only()
            readable(world)
            world.expect(12, *plan_args(world), '--ticket', 'X-1')
            world.expect(12, 'run', second, *FLAGS)
            world.expect(12, 'cancel', second, '--reason', 'it cannot be written')
            disk.mount_read_only(False)
        assert len(world.sandbox.mutations()) == 3


def read_only_in_mid_run():
    with World('--runs', '30', '--latency', '150') as world, \
            contextlib.ExitStack() as stack:
        try:
            disk = stack.enter_context(Ext4(world.folder))
        except (OSError, subprocess.CalledProcessError) as error:
            print('# no loop device or ext4: %s' % error)
            return
        place(world, disk)
        plan = world.plan()
        runner = world.start('run', plan, *FLAGS)
        wait_for(world, 3)
        disk.fail()
        _, err = runner.communicate(timeout=30)
        assert runner.returncode == 12, 'exit %d: %s' % (runner.returncode, err)
        lost = [line for line in err.splitlines() if '{' in line]
        assert len(lost) == 1, err
        entry = json.loads(lost[0])['unrecorded_outcome']
        assert entry['kind'] == 'response' and entry['verdict'] == 'archived', entry
        sent = len(world.sandbox.mutations())
        assert sent == 3, 'something was sent afterwards'
        readable(world)
        counts = world.status(batch_of(world))['counts']
        assert counts['archived'] == 2 and counts['in_doubt'] == 1, counts
        world.expect(12, 'resume', *FLAGS)
        assert len(world.sandbox.mutations()) == sent


def file_size_limit():
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))

    with World('--runs', '3') as world:
        status, _, err = world.call(*plan_args(world), preexec_fn=limit)
        assert status == 12 and 'limit' in err, 'exit %d: %s' % (status, err)
        plan = world.plan()
        status, _, err = world.call('run', plan, *FLAGS, preexec_fn=limit)
        assert status == 12, 'exit %d: %s' % (status, err)
        assert not world.sandbox.mutations()
        world.expect(0, 'run', plan, *FLAGS)


def info(world):
    return json.loads(world.expect(0, 'journal', 'info', '-o', 'json'))


def growth(world, held):
    """Bytes that forty items add to the journal while a reader waits for its own reader."""
    reader = None
    if held:
        reader = world.start('log', '-o', 'jsonl')
        reader.stdout.read(1)
        time.sleep(0.3)
    before = info(world)['used_bytes']
    world.expect(0, 'run', world.plan(reason='held %s' % held), *FLAGS)
    added = info(world)['used_bytes'] - before
    if held:
        assert reader.poll() is None, 'the reader was not held'
        out, _ = reader.communicate(timeout=30)
        assert reader.returncode == 0
        for line in out.splitlines()[1:]:
            json.loads(line)
    return added


def held_reader():
    with World('--runs', '40', '--rearchive', '200') as world:
        world.expect(0, 'run', world.plan(), *FLAGS)
        free = growth(world, False)
        held = growth(world, True)
        assert held < free + (1 << 18), '%d bytes, without a reader %d' % (held, free)


READER = '''
import ctypes, sys
lmdb = ctypes.CDLL("liblmdb.so.0")
env, txn = ctypes.c_void_p(), ctypes.c_void_p()
assert lmdb.mdb_env_create(ctypes.byref(env)) == 0
assert lmdb.mdb_env_open(env, sys.argv[1].encode(), 0x220000, 0) == 0
for _ in range(int(sys.argv[2])):
    assert lmdb.mdb_txn_begin(env, None, 0x20000, ctypes.byref(txn)) == 0
print("reading", flush=True)
sys.stdin.read()
'''


def read_as(world, transactions):
    reader = subprocess.Popen([sys.executable, '-c', READER, world.journal, str(transactions)],
                              text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert reader.stdout.readline() == 'reading\n'
    return reader


def too_many_readers():
    with World('--runs', '2') as world:
        world.expect(0, 'run', world.plan(), *FLAGS)
        reader = read_as(world, 512)
        for args in (('history',), plan_args(world)):
            status, _, err = world.call(*args)
            assert status == 12 and str(reader.pid) in err, 'exit %d: %s' % (status, err)
        reader.kill()
        reader.communicate()
        world.expect(0, 'history')  # the slots of the dead are free
        world.expect(0, 'verify')


def last_page(world):
    """Of the newer of the two heads of an LMDB file, read without LMDB."""
    with open(world.journal + '/data.mdb', 'rb') as file:
        heads = [struct.unpack_from('<QQ', file.read(4096), 136) for _ in range(2)]
    return max(heads, key=lambda head: head[1])[0]


def dead_reader():
    """A reader dies in mid-read: within the hour the runner takes its snapshot away."""
    with World('--runs', '50', '--latency', '60') as world:
        clock = os.path.join(world.folder, 'clock')
        world.env.update(LD_PRELOAD=CLOCK, MUN_FAKE_CLOCK=clock,
                         ASAN_OPTIONS=os.environ.get('ASAN_OPTIONS', '') +
                         ':verify_asan_link_order=0')
        runner = world.start('run', world.plan(), *FLAGS)
        wait_for(world, 5)
        reader = read_as(world, 1)
        reader.kill()
        reader.communicate()
        pages = [last_page(world)]
        wait_for(world, 20)
        pages.append(last_page(world))
        with open(clock, 'w', encoding='ascii') as file:
            file.write('3601 3601000 -\n')
        wait_for(world, 25)
        pages.append(last_page(world))
        wait_for(world, 40)
        pages.append(last_page(world))
        _, err = runner.communicate(timeout=30)
        assert runner.returncode == 0, err
        assert pages[1] - pages[0] > 60, 'the dead reader holds nothing: %s' % pages
        assert pages[3] - pages[2] < 30, 'the dead reader still holds: %s' % pages


def grown_elsewhere():
    """Another process stores a list that the map is too small for; the run adopts the new map."""
    with World('--runs', '400', '--latency', '150') as world:
        big = os.path.join(world.folder, 'big')
        with open(big, 'w', encoding='ascii') as file:
            file.writelines('%032x\n' % (number * 7919 + 1) for number in range(650000))
        plan = world.plan()
        before = info(world)['map_bytes']
        runner = world.start('run', plan, *FLAGS)
        wait_for(world, 1)
        world.expect(0, 'plan', '--org', ORG, '--base-url', world.sandbox.url, '--from', big,
                     '--reason', 'a list beyond the map')
        assert runner.poll() is None, 'the run was over before'
        assert info(world)['map_bytes'] > before
        wait_for(world, len(world.sandbox.mutations()) + 3)
        runner.send_signal(signal.SIGINT)
        _, err = runner.communicate(timeout=60)
        assert runner.returncode == -signal.SIGINT, 'exit %d: %s' % (runner.returncode, err)
        counts = world.status(batch_of(world))['counts']
        assert counts['archived'] == len(world.sandbox.mutations()), counts
        world.compare()


def warned(kind, **options):
    with World('--runs', '2') as world, Disk(kind, **options) as disk:
        place(world, disk)
        status, _, err = world.call(*plan_args(world))
        name = 'overlayfs' if kind == 'overlay' else kind
        assert status == 0 and name in err and 'vanish' in err, 'exit %d: %s' % (status, err)


def on_overlay():
    with Disk(mode='0755') as base:
        for name in ('lower', 'upper', 'work'):
            os.mkdir(base.path + '/' + name)
        warned('overlay', lowerdir=base.path + '/lower', upperdir=base.path + '/upper',
               workdir=base.path + '/work')


def on_fuse():
    with World('--runs', '2') as world, Fuse() as disk:
        world.env['MUNIMENT_JOURNAL'] = world.journal = disk.path
        for args in (plan_args(world), ('history',)):
            status, _, err = world.call(*args)
            assert status == 12, '%s: exit %d: %s' % (args[0], status, err)
        assert 'fuse' in world.call(*plan_args(world))[2]


def modes():
    with World('--runs', '2') as world:
        os.umask(0)
        world.expect(0, 'run', world.plan(), *FLAGS)
        assert os.stat(world.journal).st_mode & 0o7777 == 0o700
        for name in os.listdir(world.journal):
            mode = os.stat(os.path.join(world.journal, name)).st_mode & 0o7777
            assert mode == 0o600, '%s has mode %o' % (name, mode)


def owner_of_the_parent():
    """As after sudo in the home of a user: what root makes there, that user cannot write."""
    with World('--runs', '2') as world:
        home = os.path.join(world.folder, 'home')
        os.mkdir(home)
        os.chown(home, 12345, -1)
        world.env['MUNIMENT_JOURNAL'] = world.journal = home + '/data/journal'
        status, _, err = world.call(*plan_args(world))
        assert status == 12 and home in err, 'exit %d: %s' % (status, err)
        assert not os.listdir(home)


def copied_while_running():
    with World('--runs', '40', '--latency', '20') as world:
        runner = world.start('run', world.plan(), *FLAGS)
        wait_for(world, 1)
        copies = 0
        while runner.poll() is None:
            copy = os.path.join(world.folder, 'copy')
            shutil.copytree(world.journal, copy)
            status, _, err = world.call('verify', copy)
            assert status in (0, 15), 'exit %d: %s' % (status, err)
            shutil.rmtree(copy)
            backup = os.path.join(world.folder, 'backup%d' % copies)
            world.expect(0, 'journal', 'backup', backup)
            world.expect(0, 'verify', backup)
            copies += 1
        runner.communicate(timeout=30)
        assert runner.returncode == 0 and copies > 1
        with Disk(size='64k', mode='0700') as disk:
            world.expect(1, 'journal', 'backup', disk.path + '/backup')
            assert not os.path.exists(disk.path + '/backup'), 'half a copy is left'


def taken_away(take):
    with World('--runs', '30', '--latency', '300') as world:
        plan = world.plan()
        old = os.path.join(world.folder, 'old')
        shutil.copy(world.journal + '/data.mdb', old)
        runner = world.start('run', plan, *FLAGS)
        wait_for(world, 3)
        take(world, old)
        _, err = runner.communicate(timeout=30)
        assert runner.returncode == 12, 'exit %d: %s' % (runner.returncode, err)
        assert len(world.sandbox.mutations()) == 3, 'something was sent afterwards'
        assert '.mdb' in err or world.journal in err, err


def data_removed(world, _):
    os.unlink(world.journal + '/data.mdb')


def data_renamed(world, _):
    os.rename(world.journal + '/data.mdb', world.journal + '/away')


def data_replaced(world, old):
    os.rename(old, world.journal + '/data.mdb')


def data_copied_over(world, old):
    with open(old, 'rb') as source, open(world.journal + '/data.mdb', 'r+b') as target:
        target.write(source.read())


def lock_removed(world, _):
    os.unlink(world.journal + '/lock.mdb')


def linked(world, _):
    os.link(world.journal + '/data.mdb', world.journal + '/second')


def no_place():
    got = subprocess.run([MUNIMENT, 'history'], env={}, stdin=subprocess.DEVNULL, check=False,
                         stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert got.returncode == 12, got
    assert 'HOME' in got.stderr and '--journal' in got.stderr, got.stderr


def descriptors():
    """LMDB opens the data file twice, for pages and for its head; nobody else opens it."""
    with World('--runs', '10', '--latency', '100') as world:
        runner = world.start('run', world.plan(), *FLAGS)
        wait_for(world, 2)
        folder = '/proc/%d/fd/' % runner.pid
        names = [os.path.basename(os.readlink(folder + fd)) for fd in os.listdir(folder)]
        runner.communicate(timeout=30)
        assert names.count('data.mdb') == 2 and names.count('lock.mdb') == 1, names


CASES = [('file size limit', file_size_limit), ('held reader', held_reader),
         ('map grown elsewhere', grown_elsewhere), ('modes', modes), ('no place', no_place),
         ('too many readers', too_many_readers)]
CASES += [(function.__name__.replace('_', ' '), lambda take=function: taken_away(take))
          for function in (data_removed, data_renamed, data_replaced, data_copied_over,
                           lock_removed, linked)]
MOUNTED = [('read-only', read_only), ('on tmpfs', lambda: warned('tmpfs', mode='0700')),
           ('copied while running', copied_while_running)]
ROOT = [('read-only in mid-run', read_only_in_mid_run), ('on overlayfs', on_overlay),
        ('on FUSE', on_fuse), ('owner of the parent', owner_of_the_parent),
        ('descriptors', descriptors)]

if __name__ == '__main__':
    if CLOCK:
        CASES.append(('dead reader', dead_reader))
    if os.geteuid() == 0:
        CASES += ROOT
    if may_mount():
        CASES += MOUNTED
    else:
        print('# skipped, needs the right to mount: %s' % ', '.join(name for name, _ in MOUNTED))
    main(CASES, workers=6)
