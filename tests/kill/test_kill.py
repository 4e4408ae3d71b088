# SPDX-License-Identifier: Apache-2.0
"""kill -9 at random moments; each resume must find everything and send nothing twice."""
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'cases'))
from harness import World, conserved, main  # noqa: E402

KILLS = 50
RUNS = 1500
FAULTS = ('500-after@p=0.02', 'close-before@p=0.02', 'close-after@p=0.02', 'html200@p=0.02')
FLAGS = ('--rate', 'none', '--settle', '100ms', '--attempts', '30', '--progress', 'none')


def survive(seed, concurrency, op):
    moments = random.Random(seed)
    args = ['--runs', str(RUNS), '--seed', str(seed), '--latency', '2']
    if op == 'restore':
        args += ['--archived', str(RUNS)]
    for fault in FAULTS:
        args += ['--fault', fault]
    flags = (*FLAGS, '--concurrency', str(concurrency))
    with World(*args) as world:
        plan = world.plan(op)
        killed = 0
        for _ in range(KILLS):
            process = world.start('run', plan, *flags)
            time.sleep(moments.uniform(0.005, 0.25))
            killed += process.poll() is None
            process.kill()
            process.communicate()
            batch = world.status(plan)['batch']
            if batch is not None:
                counts = world.status(batch)['counts']
                assert conserved(counts), counts
        status, _, err = world.call('run', plan, *flags, timeout=100)
        assert status == 0, 'exit %d: %s' % (status, err[-400:])
        counts = world.status(world.status(plan)['batch'])['counts']
        word, already = (('archived', 'already_archived') if op == 'archive' else
                         ('restored', 'already_active'))
        assert counts[word] + counts[already] == counts['total'] == RUNS, counts
        world.expect(0, 'verify')
        world.compare()
        assert killed > KILLS // 2, 'only %d were still running' % killed


if __name__ == '__main__':
    main([('archive, one at a time', lambda: survive(11, 1, 'archive')),
          ('archive, eight at a time', lambda: survive(12, 8, 'archive')),
          ('restore, one at a time', lambda: survive(13, 1, 'restore')),
          ('restore, eight at a time', lambda: survive(14, 8, 'restore'))])
