# SPDX-License-Identifier: Apache-2.0
"""Locks, consent, interruption, output that cannot be written, and the secret."""
import collections
import datetime
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


def race():
    """Two start at the same moment: one works, the other leaves with one line."""
    met = 0
    with World('--runs', '1', '--latency', '25') as world:
        for number in range(25):
            plan = world.plan(reason='race number %d' % number)
            both = [world.start('run', plan, *FLAGS) for _ in range(2)]
            said = [process.communicate(timeout=30)[1] for process in both]
            ends = sorted((process.returncode, err) for process, err in zip(both, said))
            if 'executed already' in ''.join(said):
                assert [status for status, _ in ends] == [0, 0], ends
                continue
            assert [status for status, _ in ends] == [0, 11], ends
            assert ends[1][1].count('\n') == 1 and 'pid ' in ends[1][1], ends[1][1]
            met += 1
        assert met > 12, 'they met %d times only' % met
        assert len(world.sandbox.mutations()) == 1
        world.expect(0, 'verify')


def same_runs(*faults):
    """Two batches with the same runs: at no time two open attempts for one of them."""
    with World('--runs', '6', '--latency', '150', *faults) as world:
        plans = [world.plan(reason='batch number %d' % number) for number in range(2)]
        both = [world.start('run', plan, '--timeout', '2s', *FLAGS) for plan in plans]
        for process in both:
            _, err = process.communicate(timeout=60)
            assert process.returncode == 0, 'exit %d: %s' % (process.returncode, err)
        count = collections.Counter(request['path'] for request in world.sandbox.mutations())
        assert set(count.values()) == {1} and len(count) == 6, count
        states = [world.status(plan_batch(world, plan)) for plan in plans]
        for name in ('archived', 'already_archived'):
            assert sum(state['counts'][name] for state in states) == 6, states
        world.compare()


def plan_batch(world, plan):
    return json.loads(world.expect(0, 'status', plan, '-o', 'json'))['batch']


def resolve_while_running():
    with World('--runs', '10', '--latency', '100') as world:
        runner = world.start('run', world.plan(), *FLAGS)
        wait_for(world, 1)
        batch = world.lines('history')[0]['batch']
        for args in (('resolve', batch), ('resolve', batch, '--assume', 'archived', '--reason',
                                          'somebody saw it there')):
            status, _, err = world.call(*args)
            assert status == 11 and 'cancel' in err, 'exit %d: %s' % (status, err)
        _, err = runner.communicate(timeout=30)
        assert runner.returncode == 0, err


def stopped_holder():
    with World('--runs', '15', '--latency', '100') as world:
        runner = world.start('run', world.plan(), *FLAGS)
        wait_for(world, 2)
        runner.send_signal(signal.SIGSTOP)
        batch = world.lines('history')[0]['batch']
        sent = len(world.sandbox.mutations())
        status, _, err = world.call('resume', batch, *FLAGS)
        assert status == 11 and str(runner.pid) in err, 'exit %d: %s' % (status, err)
        shown = world.expect(0, 'status', batch)
        assert str(runner.pid) in shown and 'stopped' in shown, shown
        assert len(world.sandbox.mutations()) == sent, 'somebody took the batch over'
        runner.send_signal(signal.SIGCONT)
        _, err = runner.communicate(timeout=30)
        assert runner.returncode == 0, err
        world.compare()


def cancelled(expected, *faults):
    """The runner sees the mark: it drains, what is pending is cancelled, doubt stays doubt."""
    with World('--runs', '20', '--latency', '100', *faults) as world:
        runner = world.start('run', world.plan(), '--timeout', '1s', '--attempts', '1', *FLAGS)
        wait_for(world, 4)
        batch = world.lines('history')[0]['batch']
        status, _, err = world.call('cancel', batch, '--reason', 'the list is the wrong one')
        assert status in (0, expected), 'exit %d: %s' % (status, err)
        _, err = runner.communicate(timeout=30)
        assert runner.returncode == expected, 'exit %d: %s' % (runner.returncode, err)
        state = world.status(batch)
        counts = state['counts']
        assert conserved(counts) and counts['pending'] == 0 and counts['cancelled'] > 10, counts
        assert counts['in_doubt'] == (1 if expected == 13 else 0), counts
        assert state['state'] == 'cancelled', state
        world.compare()


def cancelled_at_the_end():
    """Nothing was pending any more: everything is done, and the status says so."""
    with World('--runs', '2', '--latency', '1000') as world:
        runner = world.start('run', world.plan(), *FLAGS)
        wait_for(world, 2)
        batch = world.lines('history')[0]['batch']
        world.expect(0, 'cancel', batch, '--reason', 'the list is the wrong one')
        _, err = runner.communicate(timeout=30)
        assert runner.returncode == 0, 'exit %d: %s' % (runner.returncode, err)


def many_questions():
    with World('--runs', '30', '--latency', '30') as world:
        plan = world.plan()
        runner = world.start('run', plan, *FLAGS)
        wait_for(world, 1)
        batch = world.lines('history')[0]['batch']
        for _ in range(50):
            world.expect(0, 'status', batch)
        _, err = runner.communicate(timeout=30)
        assert runner.returncode == 0, err
        took = [row['duration_ms'] for row in world.lines('history')]
        assert sorted(took)[15] < 500, took
        world.compare()


def shared_windows():
    """Two batches of one organization stay within every window together."""
    with World('--runs', '16') as world:
        ids = world.sandbox.ids
        plans = [world.expect(0, 'plan', '-q', '--org', ORG, '--base-url', world.sandbox.url,
                              '--reason', 'half of the list', *half).strip()
                 for half in (ids[:8], ids[8:])]
        both = [world.start('run', plan, '--rate', '8/3s', '--progress', 'none') for plan in plans]
        for process in both:
            _, err = process.communicate(timeout=60)
            assert process.returncode == 0, err
        form = '%Y-%m-%dT%H:%M:%S.%f%z'
        times = [datetime.datetime.strptime(request['time'].replace('Z', '+0000'), form).timestamp()
                 for request in world.sandbox.requests()]
        assert len(times) >= 16 + 6
        most = max(sum(1 for other in times if first <= other < first + 2.3) for first in times)
        assert most <= 8, '%d requests within the window' % most


def taken_over():
    """A process that goes on after another one took its batch sends nothing any more."""
    with World('--runs', '12', '--latency', '100') as world:
        runner = world.start('run', world.plan(), *FLAGS)
        wait_for(world, 3)
        runner.send_signal(signal.SIGSTOP)
        batch = world.lines('history')[0]['batch']
        os.unlink(os.path.join(world.journal, 'batch-%s.lock' % batch))
        status, _, err = world.call('resume', batch, '--stop-after', '2', *FLAGS)
        assert status == 10, 'exit %d: %s' % (status, err)
        sent = len(world.sandbox.mutations())
        runner.send_signal(signal.SIGCONT)
        _, err = runner.communicate(timeout=30)
        assert runner.returncode == 11, 'exit %d: %s' % (runner.returncode, err)
        assert len(world.sandbox.mutations()) == sent, 'something was sent with an old epoch'
        world.expect(0, 'resume', batch, *FLAGS)
        assert world.status(batch)['counts']['archived'] == 12
        world.compare()
        world.expect(0, 'verify')


if __name__ == '__main__':
    main([('second runner', second_runner), ('unknown names', unknown_names),
          ('consent', consent), ('interrupted', interrupted), ('output full', output_full),
          ('secret', secret)] + [('race %d' % number, race) for number in range(4)] +
         [('same runs', same_runs),
          ('same runs, one in doubt', lambda: same_runs('--fault', 'hang-after@n=2')),
          ('resolve while running', resolve_while_running), ('stopped holder', stopped_holder),
          ('cancelled', lambda: cancelled(9)),
          ('cancelled with one in doubt', lambda: cancelled(
              13, '--fault', 'hang-after@n=3', '--fault', '500@all,on=run', '--fault',
              '500@all,on=list')),
          ('cancelled at the end', cancelled_at_the_end), ('many questions', many_questions),
          ('shared windows', shared_windows), ('taken over', taken_over)], workers=6)
