# SPDX-License-Identifier: Apache-2.0
"""kill -9 of a living runner at random moments; each resume must find everything.

After each kill: the counts add up, the journal verifies, and the server's log fits the entries,
so that nothing was sent unintended and nothing twice without a probe between. MUN_KILLS in the
environment says how many kills must have hit, all cases together.
"""
import datetime
import os
import random
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'cases'))
from harness import MUNIMENT, World, conserved, main  # noqa: E402

KILLS = int(os.environ.get('MUN_KILLS', '240'))
# concurrency: runs in a batch, so that it lasts long enough to be killed some times
CONFIGURATIONS = {1: 60, 8: 200, 64: 400}
FAULTS = ('500-after@p=0.01', 'close-before@p=0.003', 'close-after@p=0.01', 'html200@p=0.003')
FLAGS = ('--rate', 'none', '--settle', '50ms', '--attempts', '100', '--progress', 'none')
WORDS = {'archive': ('archived', 'already_archived'), 'restore': ('restored', 'already_active')}
FAIL_POINTS = (b'MUN_FAIL', b'before_t1', b'after_t2')


def world_for(op, runs, seed):
    args = ['--runs', str(runs), '--seed', str(seed), '--latency', '2']
    if op == 'restore':
        args += ['--archived', str(runs)]
    for fault in FAULTS:
        args += ['--fault', fault]
    return World(*args)


def epoch_of(world, plan):
    """How many processes have begun to work on the batch; the counts must add up."""
    batch = world.status(plan)['batch']
    if batch is None:
        return 0, None
    state = world.status(batch)
    assert conserved(state['counts']), state['counts']
    return state['epoch'], state


def check(world):
    world.expect(0, 'verify')
    world.compare()


def one_batch(op, concurrency, moments, wanted):
    """Kills and resumes until the batch is over or enough have hit; how many have."""
    runs = CONFIGURATIONS[concurrency]
    flags = (*FLAGS, '--concurrency', str(concurrency))
    span = 0.05 + runs * 0.004 / concurrency
    hits, epoch, late = 0, 0, 0
    with world_for(op, runs, moments.randrange(10 ** 9)) as world:
        plan = world.plan(op)
        while hits < wanted:
            process = world.start('run', plan, *flags)
            time.sleep(late + moments.uniform(0, span))
            process.kill()
            process.communicate()
            before = epoch
            epoch, state = epoch_of(world, plan)
            if process.returncode != -signal.SIGKILL:
                break
            hit = epoch > before and state['state'] == 'interrupted'
            hits += hit
            late += 0 if hit else 0.01  # a busy machine takes longer to begin
            check(world)
        status, _, err = world.call('run', plan, *flags, timeout=100)
        assert status == 0, 'exit %d: %s' % (status, err[-400:])
        counts = epoch_of(world, plan)[1]['counts']
        assert sum(counts[word] for word in WORDS[op]) == counts['total'] == runs, counts
        check(world)
    return hits


def survive(op, concurrency, wanted):
    moments = random.Random('%s %d' % (op, concurrency))
    hits, batches = 0, 0
    while hits < wanted:
        batches += 1
        assert batches <= wanted, 'only %d kills have hit a runner' % hits
        hits += one_batch(op, concurrency, moments, wanted - hits)


def moment(text):
    return datetime.datetime.fromisoformat(text.replace('Z', '+00:00')).timestamp()


def crowded(times, most, span):
    return any(times[i + most] - times[i] < span for i in range(len(times) - most))


def windows(op, concurrency):
    """Killed and resumed again and again: the rate windows live in the journal, not in a process."""
    runs, most, span = 18, 8, 2.0
    flags = ('--rate', '%d/%ds' % (most, span), '--settle', '50ms', '--progress', 'none',
             '--concurrency', str(concurrency))
    moments = random.Random(concurrency)
    with World('--runs', str(runs), '--archived', str(runs if op == 'restore' else 0)) as world:
        plan = world.plan(op)
        killed = 0
        for _ in range(15):
            process = world.start('run', plan, *flags)
            time.sleep(moments.uniform(0.02, 0.6))
            process.kill()
            process.communicate()
            killed += process.returncode == -signal.SIGKILL
        assert killed > 10, 'only %d were still running' % killed
        world.expect(0, 'run', plan, *flags)
        times = [moment(request['time']) for request in world.sandbox.requests()]
        assert len(times) > 3 * most, 'only %d requests' % len(times)
        # They were so far apart when they were admitted; a busy machine sends some a little later.
        assert not crowded(sorted(times), most, 0.75 * span), 'too many at the server'
        admitted = [entry['uptime_ms'] / 1000 for entry in world.lines('log')
                    if entry['kind'] == 'request']
        assert not crowded(admitted, most, span), 'too many were admitted'
        check(world)


def without_fail_points():
    """The places where test builds let the program die are not in the one that is shipped."""
    with open(MUNIMENT, 'rb') as file:
        program = file.read()
    assert not [name for name in FAIL_POINTS if name in program], 'fail-points are compiled in'


def cases():
    found = [('no fail-points', without_fail_points)]
    share = -(-KILLS // (2 * len(CONFIGURATIONS)))
    for op, concurrency in (('archive', 1), ('restore', 8)):
        found.append(('%s, %d at a time, within the windows' % (op, concurrency),
                      lambda op=op, n=concurrency: windows(op, n)))
    for op in WORDS:
        for concurrency in CONFIGURATIONS:
            found.append(('%s, %d at a time, %d kills' % (op, concurrency, share),
                          lambda op=op, n=concurrency: survive(op, n, share)))
    return found


if __name__ == '__main__':
    main(cases(), 6)
