# SPDX-License-Identifier: Apache-2.0
"""What runs do for their record beside the work: checkpoints, anchors, and never a delay."""
import json
import os
import shutil
import time

import service
from authority import TimeStampAuthority
from harness import ORG, World, main
from test_clocks import Clock
from witness import HIGH, Witness

FLAGS = ('--rate', 'none', '--settle', '300ms', '--progress', 'none')
BOOKKEEPING = ('checkpoint.anchored', 'export.made')
CLOCK = os.environ.get('MUN_CLOCK', '')


def with_key(world):
    path = os.path.join(world.folder, 'key')
    with open(path, 'w', encoding='ascii') as file:
        file.write(os.urandom(32).hex())
    os.chmod(path, 0o600)
    world.env['MUNIMENT_KEY_FILE'] = path
    world.expect(0, 'plan', '--org', '0' * 32, '--reason', 'the first entry', '0' * 32)
    world.expect(0, 'checkpoint')
    return vkey(world)


def vkey(world):
    return world.expect(0, 'checkpoint', '--public-key').splitlines()[0]


def checkpoints(world):
    return world.lines('checkpoint', '--list')


def signed(world):
    return max(row['size'] for row in checkpoints(world))


def uncovered(world):
    """Entries above the newest checkpoint that are not bookkeeping."""
    size = signed(world)
    return [entry for entry in world.lines('log') if entry['seq'] >= size
            and entry['kind'] not in BOOKKEEPING]


def anchored(world):
    return [entry for entry in world.lines('log') if entry['kind'] == 'checkpoint.anchored']


def findings(world, *args, status=0):
    return [row['what'] for row in json.loads(world.expect(status, 'verify', '-o', 'json', *args))
            ['findings']]


def without_a_key():
    with World('--runs', '3') as world:
        plan = world.plan()
        status, _, err = world.call('run', plan, *FLAGS)
        assert status == 0 and 'checkpoint' not in err and 'unsigned' not in err, err
        assert checkpoints(world) == [] and any('unsigned' in what for what in findings(world))


def signed_at_each_step():
    with World('--runs', '6') as world:
        with_key(world)
        plan = world.plan()
        assert uncovered(world) == []
        status, _, err = world.call('run', plan, *FLAGS, '--stop-after', '2')
        assert status == 10 and 'unsigned' not in err, err
        assert uncovered(world) == []
        world.expect(0, 'cancel', json.loads(world.expect(0, 'status', plan, '-o', 'json'))['batch'],
                     '--reason', 'it is enough for now')
        assert uncovered(world) == []
        world.expect(0, 'archive', '--yes', '--org', ORG, '--base-url', world.sandbox.url,
                     '--reason', 'one more of them', world.sandbox.ids[5], *FLAGS)
        assert uncovered(world) == []
        assert not any('unsigned' in what for what in findings(world))


def passphrase_is_not_asked_for_to_sign():
    with World('--runs', '2') as world:
        path = os.path.join(world.folder, 'passphrase')
        with open(path, 'w', encoding='ascii') as file:
            file.write('correct horse battery staple\n')
        world.env['MUNIMENT_PASSPHRASE_FILE'] = path
        world.expect(0, 'plan', '--org', '0' * 32, '--reason', 'the first entry', '0' * 32)
        world.expect(0, 'checkpoint')
        del world.env['MUNIMENT_PASSPHRASE_FILE']
        plan = world.plan()
        before = signed(world)
        status, _, err = world.call('run', plan, *FLAGS)
        assert status == 0 and signed(world) == before, err
        count = str(len(uncovered(world)))
        assert count in err and 'checkpoint' in err, (count, err)


def lost_vault():
    with World('--runs', '3') as world:
        with_key(world)
        plan = world.plan()
        shutil.rmtree(os.path.join(world.folder, 'data', 'muniment', 'vault'))
        status, _, err = world.call('run', plan, *FLAGS)
        assert status == 0, err
        count = str(len(uncovered(world)))
        assert count in err and 'checkpoint' in err, (count, err)
        assert not os.path.exists(os.path.join(world.folder, 'data', 'muniment', 'vault'))
        for args in (('history',), ('verify',), ('log',), ('export', '--out',
                                                          os.path.join(world.folder, 'bundle'))):
            world.expect(0, *args)


def start_and_end_are_anchored():
    with World('--runs', '4') as world, TimeStampAuthority() as tsa, Witness() as witness:
        witness.trust(with_key(world))
        plan = world.plan()
        status, _, err = world.call('run', plan, *FLAGS, '--timestamp', tsa.url, '--witness',
                                    witness.url, '--witness-key', witness.vkey)
        assert status == 0, err
        rows = anchored(world)
        sizes = sorted({row['size'] for row in rows})
        assert len(rows) == 4 and len(sizes) == 2, rows
        assert {row['anchor'] for row in rows} == {'witness', 'timestamp'}
        started = [entry for entry in world.lines('log') if entry['kind'] == 'batch.started'][0]
        ended = [entry for entry in world.lines('log') if entry['kind'] == 'batch.ended'][0]
        assert sizes[0] > started['seq'] and sizes[1] > ended['seq'], (sizes, started, ended)
        found = findings(world, '--tsa-ca', tsa.ca, '--witness-key', witness.vkey,
                         '--require-timestamp', '--require-witness', '1', '--anchor-within', '1m')
        assert not any('nchored' in what for what in found), found


def anchors_never_delay():
    with World('--runs', '20') as world, TimeStampAuthority() as tsa, Witness() as witness:
        witness.trust(with_key(world))
        witness.fault = service.HANG
        tsa.fault = 500
        plan = world.plan()
        began = time.monotonic()
        process = world.start('run', plan, *FLAGS, '--timestamp', tsa.url, '--witness',
                              witness.url, '--witness-key', witness.vkey)
        while len(world.sandbox.mutations()) < 20:
            assert time.monotonic() < began + 60, 'nothing is sent'
            time.sleep(0.02)
        sent = time.monotonic() - began
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        # the hanging witness keeps it at its end alone, and for 10 s at most
        assert sent < 8 and time.monotonic() - began < sent + 20, (sent, time.monotonic() - began)
        assert anchored(world) == [] and witness.url in err and '500' in err, err
        assert uncovered(world) == []


def nothing_is_asked_of_bad_options():
    with World('--runs', '2') as world, Witness() as witness:
        plan = world.plan()
        for options in (('--witness', witness.url), ('--witness-key', witness.vkey),
                        ('--timestamp', 'ftp://a.b'), ('--witness', witness.url, '--witness-key',
                                                       'x+y+z')):
            world.expect(2, 'run', plan, *FLAGS, *options)
        assert world.sandbox.mutations() == [] and witness.requests == []


def alarm():
    """A witness that has seen more of this journal than there is: rolled back or forked."""
    with World('--runs', '3') as world, Witness() as witness:
        witness.trust(with_key(world))
        plan = world.plan()
        witness.fault = HIGH
        options = ('--witness', witness.url, '--witness-key', witness.vkey)
        status, _, err = world.call('run', plan, *FLAGS, *options)
        assert status == 12 and 'rolled back' in err, (status, err)
        seen = len(world.sandbox.requests())
        before = signed(world)
        for args in (('resume', *FLAGS), ('checkpoint',), ('plan', '--org', '0' * 32, '--reason',
                                                           'it cannot be', '1' * 32)):
            status, _, err = world.call(*args)
            assert status == 12, (args, status, err)
        assert len(world.sandbox.requests()) == seen and signed(world) == before
        world.expect(15, 'verify')
        world.expect(0, 'history')
        world.expect(0, 'journal', 'adopt', '--reason', 'a witness gave the alarm')
        witness.fault = None
        world.expect(0, 'verify')
        world.expect(0, 'plan', '--org', '0' * 32, '--reason', 'it goes on here', '1' * 32)


def each_minute():
    if not CLOCK:
        print('# MUN_CLOCK is not set: no time to be moved on')
        return
    with World('--runs', '40', '--latency', '100') as world:
        with_key(world)
        plan = world.plan()
        clock = Clock(os.path.join(world.folder, 'clock'))
        began = time.monotonic()
        before = len(checkpoints(world))
        world.env.update(clock.env)
        process = world.start('run', plan, *FLAGS)
        for minute in range(1, 3):
            time.sleep(1)
            clock.set(real_s=61 * minute, boot_ms=61000 * minute)
        while len(checkpoints(world)) < before + 3:
            assert time.monotonic() < began + 40, 'no checkpoint after a minute'
            time.sleep(0.1)
        process.kill()
        process.communicate()


CASES = [(function.__name__, function) for function in (
    without_a_key, signed_at_each_step, passphrase_is_not_asked_for_to_sign, lost_vault,
    start_and_end_are_anchored, anchors_never_delay, nothing_is_asked_of_bad_options, alarm,
    each_minute)]

if __name__ == '__main__':
    main(CASES)
