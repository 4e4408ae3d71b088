# SPDX-License-Identifier: Apache-2.0
"""Each commit of a small batch fails in turn: nothing unintended is sent, no outcome gets lost."""
import json
import sys

from harness import World, conserved, main

RUNS = 3
FLAGS = ('--rate', 'none', '--settle', '200ms', '--progress', 'none')
WORDS = {'archive': ('archived', 'already_archived'), 'restore': ('restored', 'already_active')}


def world_for(op, *args):
    return World('--runs', str(RUNS), '--archived', str(RUNS if op == 'restore' else 0), *args)


def lost_outcomes(err):
    """The entries that could only be printed: one line of JSON each."""
    return [json.loads(line)['unrecorded_outcome'] for line in err.splitlines()
            if line.startswith('{')]


def check_lost(world, before, err):
    """What was answered and is in no entry was printed, for each mutating request."""
    answered = {entry['request'] for entry in before if entry['kind'] == 'response'}
    open_requests = {entry['seq']: entry for entry in before
                     if entry['kind'] == 'request' and entry['seq'] not in answered}
    printed = {entry['request']: entry for entry in lost_outcomes(err)}
    for seq, entry in printed.items():
        assert entry['kind'] == 'response' and entry['verdict'], entry
        assert seq in open_requests, 'printed, and recorded too: %s' % entry
        assert entry['run'] == open_requests[seq]['run']
        assert world.env['TALLYFY_API_TOKEN'] not in json.dumps(entry)
    return len(printed)


def check_finished(world, op, err, result):
    """Without the fault the batch completes; what was printed came true."""
    counts = result['counts']
    assert sum(counts[word] for word in WORDS[op]) == RUNS == counts['total'], counts
    rows = {row['request_seq']: row for row in world.lines('history')}
    for entry in lost_outcomes(err):
        if entry['verdict'] in WORDS[op]:
            assert rows[entry['request']]['verdict'] == entry['verdict']
            assert rows[entry['request']]['evidence'] == 'probe'
    world.expect(0, 'verify')
    world.compare()


def fail_at(op, spec, flags, faults):
    """One run with the fault, one without: how many outcomes were printed; None: it went well."""
    with world_for(op, *faults) as world:
        plan = world.plan(op)
        world.env['MUN_FAIL'] = spec
        status, out, err = world.call('run', plan, *FLAGS, *flags, '-o', 'json')
        del world.env['MUN_FAIL']
        if status == 0:
            check_finished(world, op, '', json.loads(out))
            return None
        assert status == 12, '%s: exit %d, not 12: %s' % (spec, status, err[-500:])
        before = world.lines('log')
        intended = {entry['run'] for entry in before
                    if entry['kind'] == 'request' and entry['purpose'] == op}
        assert len(world.sandbox.mutations()) <= len(intended), 'sent without an entry'
        lost = check_lost(world, before, err)
        started = [entry['batch'] for entry in before if entry['kind'] == 'batch.started']
        for batch in started:
            counts = world.status(batch)['counts']
            assert conserved(counts) and counts['pending'] >= RUNS - len(intended), counts
        out = world.expect(0, 'run', plan, *FLAGS, '-o', 'json')
        check_finished(world, op, err, json.loads(out))
        return lost


def every(op, point, error, flags=(), faults=(), step=1):
    """error ends with + where the fault stays, as on a full disk."""
    name, onwards = error.rstrip('+'), '+' if error.endswith('+') else ''
    count, failed, well, printed = 1, 0, 0, 0
    # One full commit may do no harm: the last outcome fits, without its body, and nothing follows.
    while well < (3 if error == 'ENOSPC' else 1):
        lost = fail_at(op, '%s:%d%s=%s' % (point, count, onwards, name), flags, faults)
        count += step
        failed += lost is not None
        well = well + 1 if lost is None else 0
        printed += lost or 0
    assert failed > 10, 'only %d failures' % failed
    assert printed > 0 or error == 'ENOSPC', 'no outcome was printed'


def cases():
    found = []
    probed = ('--fault', '500-after@n=2')

    def add(op, point, error, *args):
        found.append((' '.join((op, point, error)), lambda: every(op, point, error, *args)))

    add('archive', 'commit', 'ENOSPC+')
    add('archive', 'commit', 'ENOSPC')
    add('archive', 'commit', 'EIO', (), probed)
    add('restore', 'commit', 'EIO+')
    add('restore', 'commit', 'ENOSPC+', ('--concurrency', '3'), probed)
    # What LMDB itself makes of it: it may refuse every later transaction of this process.
    add('archive', 'sync', 'EIO+')
    add('archive', 'write', 'EIO', (), probed, 3)
    add('restore', 'write', 'ENOSPC+', (), probed, 3)
    return found


if __name__ == '__main__':
    wanted = sys.argv[1:]
    main([case for case in cases() if not wanted or any(word in case[0] for word in wanted)])
