# SPDX-License-Identifier: Apache-2.0
"""Locks, consent, interruption, output that cannot be written, and the secret."""
import json
import os
import signal
import time

from harness import ORG, World, conserved, main

FLAGS = ('--rate', 'none', '--settle', '300ms', '--progress', 'none')
CANARY = 'canary-7c1f4e9b2a8d6035'


def wait_for(world, count):
    end = time.monotonic() + 20
    while len(world.sandbox.mutations()) < count:
        assert time.monotonic() < end, 'nothing is sent'
        time.sleep(0.02)


def second_runner():
    with World('--runs', '40', '--latency', '100') as world:
        plan = world.plan()
        first = world.start('run', plan, '-o', 'json', *FLAGS)
        wait_for(world, 1)
        began = time.monotonic()
        world.expect(11, 'run', plan, *FLAGS)
        world.expect(11, 'resume', *FLAGS)
        assert time.monotonic() - began < 2, 'a held batch is not refused quickly'
        out, err = first.communicate(timeout=60)
        assert first.returncode == 0, err
        assert json.loads(out)['counts']['archived'] == 40
        world.compare()


def unknown_names():
    with World('--runs', '1') as world:
        world.plan()
        world.expect(5, 'run', 'p-0123456789abcdef0123', *FLAGS)
        world.expect(5, 'resume', 'b-0123456789abcdef0123', *FLAGS)
        world.expect(5, 'status', 'b-0123456789abcdef0123')
        assert not world.sandbox.mutations()


def consent():
    with World('--runs', '26') as world:
        base = ('--org', ORG, '--base-url', world.sandbox.url, '--from', world.sandbox.ids_file)
        world.expect(2, 'archive', *base, '--reason', 'more than a yes covers', '--yes', *FLAGS)
        world.expect(2, 'archive', *base, '--reason', 'nobody has agreed', *FLAGS)
        world.expect(2, 'plan', *base)
        assert not world.sandbox.mutations()


def interrupted():
    with World('--runs', '40', '--latency', '50') as world:
        first = world.start('run', world.plan(), *FLAGS)
        wait_for(world, 3)
        first.send_signal(signal.SIGINT)
        _, err = first.communicate(timeout=30)
        assert first.returncode == -signal.SIGINT, 'exit %d: %s' % (first.returncode, err)
        batch = world.lines('history')[0]['batch']
        state = world.status(batch)
        assert state['state'] == 'interrupted', state['state']
        assert conserved(state['counts']) and state['counts']['in_doubt'] == 0
        assert state['counts']['pending'] > 0
        world.expect(0, 'resume', *FLAGS)
        assert world.status(batch)['counts']['archived'] == 40
        world.compare()


def output_full():
    with World('--runs', '5') as world, open('/dev/full', 'w', encoding='utf-8') as full:
        plan = world.plan()
        world.expect(1, 'run', plan, '-o', 'json', *FLAGS, stdout=full)
        assert world.status(world.lines('history')[0]['batch'])['counts']['archived'] == 5
        world.expect(0, 'verify')
        world.compare()


def secret():
    with World('--runs', '5', '--token', CANARY, '--fault', '500@n=2', token=CANARY) as world:
        world.expect(0, 'run', world.plan(), *FLAGS)
        searched = 0
        for root in (world.journal, world.env['XDG_DATA_HOME'], world.env['XDG_STATE_HOME']):
            for folder, _, names in os.walk(root):
                for name in names:
                    with open(os.path.join(folder, name), 'rb') as file:
                        assert CANARY.encode() not in file.read(), 'the token is in ' + name
                    searched += 1
        assert searched > 0


if __name__ == '__main__':
    main([('second runner', second_runner), ('unknown names', unknown_names),
          ('consent', consent), ('interrupted', interrupted), ('output full', output_full),
          ('secret', secret)])
