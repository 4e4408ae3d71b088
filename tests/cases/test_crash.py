# SPDX-License-Identifier: Apache-2.0
"""The program dies (kill -9) at a chosen point: what the server saw, what resume makes of it."""
import collections
import contextlib
import datetime
import json
import os
import signal
import sys
import time

from harness import ORG, TOKEN, World, conserved, main

RUNS = 3
SETTLE_MS = 500
FLAGS = ('--rate', 'none', '--settle', '%dms' % SETTLE_MS, '--progress', 'none')
VERB = {'archive': 'DELETE', 'restore': 'PUT'}
DONE = {'archive': 'archived', 'restore': 'restored'}
ASKED = ('GET', 'GET')  # at once, and when --settle has passed
ONCE = [('', 'response')]  # one attempt, of which the server's own answer told the outcome


def world_for(op, runs=RUNS, *args):
    return World('--runs', str(runs), '--archived', str(runs if op == 'restore' else 0), *args)


@contextlib.contextmanager
def failing(world, spec):
    world.env['MUN_FAIL'] = spec
    try:
        yield
    finally:
        del world.env['MUN_FAIL']


def die(world, spec, *args):
    with failing(world, spec):
        status, _, err = world.call(*args)
    assert status == -signal.SIGKILL, '%s at %s: exit %d, not killed: %s' % (
        ' '.join(args), spec, status, err[-400:])


def seen(world, since=0):
    """What the server got from then on: run -> methods in order."""
    found = collections.defaultdict(list)
    for request in world.sandbox.requests()[since:]:
        parts = request['path'].split('/')
        if len(parts) > 4 and parts[3] == 'runs':
            found[parts[4]].append(request['method'])
    return found


def attempts(world):
    """run -> (verdict, evidence) of each attempt, oldest first."""
    found = collections.defaultdict(list)
    for row in world.lines('history'):
        found[row['run']].append((row['attempt'], row['verdict'], row['evidence']))
    return {run: [row[1:] for row in sorted(rows)] for run, rows in found.items()}


def stand(world, plan):
    """How the batch stands for those who ask while nobody runs it."""
    batch = world.status(world.status(plan)['batch'])
    assert conserved(batch['counts']), batch['counts']
    return batch


def check_counts(batch, **want):
    got = {name: value for name, value in batch['counts'].items() if value and name != 'total'}
    assert got == {name: value for name, value in want.items() if value}, \
        'counts %s, not %s' % (got, want)


def finish(world, op, plan, want):
    """Resume; want: one (methods, attempts) a run, in the list's order; DONE is put for ''."""
    mark = len(world.sandbox.requests())
    world.expect(0, 'resume', *FLAGS)
    batch = stand(world, plan)
    assert batch['state'] == 'done', batch['state']
    check_counts(batch, **{DONE[op]: len(world.sandbox.ids)})
    sent = seen(world, mark)
    told = attempts(world)
    for run, (methods, rows) in zip(world.sandbox.ids, want):
        methods = [VERB[op] if method == 'SEND' else method for method in methods]
        rows = [(verdict or DONE[op], evidence) for verdict, evidence in rows]
        # A first probe that a busy machine sends late needs no second.
        assert sent[run] == methods or ['GET', *sent[run]] == methods == [*ASKED, VERB[op]], \
            'resume sent %s, not %s' % (sent[run], methods)
        assert told[run] == rows, 'history says %s, not %s' % (told[run], rows)
    world.expect(0, 'verify')
    world.compare()


def moment(text):
    return datetime.datetime.fromisoformat(text.replace('Z', '+00:00'))


def wait_for(world, count):
    end = time.monotonic() + 60
    while len(world.sandbox.mutations()) < count:
        assert time.monotonic() < end, 'nothing is sent'
        time.sleep(0.01)


def kill_at(world, count, *args):
    """kill -9 when the server has so many mutating requests, while it still works on the last."""
    process = world.start(*args)
    wait_for(world, count)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL


# ---- crash windows ----

def before_intent(op):
    """Not committed, so never intended: pending, and simply sent."""
    with world_for(op) as world:
        plan = world.plan(op)
        die(world, 'before_t1', 'run', plan, *FLAGS)
        assert not world.sandbox.mutations(), 'sent without an entry'
        assert not world.lines('history')
        batch = stand(world, plan)
        assert batch['state'] == 'interrupted' and batch['action'] == 'resume', batch
        check_counts(batch, pending=RUNS)
        finish(world, op, plan, [(['SEND'], ONCE)] * RUNS)


def before_second_intent(op):
    """The commit that dies would also have held the first outcome."""
    with world_for(op) as world:
        plan = world.plan(op)
        die(world, 'before_t1:2', 'run', plan, *FLAGS)
        assert len(world.sandbox.mutations()) == 1
        check_counts(stand(world, plan), in_doubt=1, pending=RUNS - 1)
        finish(world, op, plan,
               [(['GET'], [('', 'probe')]), (['SEND'], ONCE), (['SEND'], ONCE)])


def after_intent(op):
    """Cannot be told from "sent": probed at once, and again when --settle has passed."""
    with world_for(op) as world:
        plan = world.plan(op)
        die(world, 'after_t1', 'run', plan, *FLAGS)
        assert not world.sandbox.mutations()
        batch = stand(world, plan)
        check_counts(batch, in_doubt=1, pending=RUNS - 1)
        assert batch['state'] == 'interrupted' and batch['oldest_in_doubt'], batch
        assert attempts(world) == {world.sandbox.ids[0]: [('in_doubt', None)]}
        finish(world, op, plan, [([*ASKED, 'SEND'], [('no_effect', 'probe'), *ONCE]),
                                 (['SEND'], ONCE), (['SEND'], ONCE)])
        began = next(entry for entry in world.lines('log') if entry['kind'] == 'batch.resumed')
        first = world.sandbox.ids[0]
        assert seen(world)[first] == [*ASKED, VERB[op]]
        times = [moment(request['time']) for request in world.sandbox.requests()
                 if first in request['path']]
        settle = datetime.timedelta(milliseconds=SETTLE_MS)
        assert times[1] - moment(began['time']) >= settle, 'the second probe came before --settle'
        assert times[0] - moment(began['time']) < settle, 'the first probe did not come at once'


def waiting(op):
    """The effect is there, the answer never came."""
    with world_for(op, RUNS, '--fault', 'hang-after@n=2') as world:
        plan = world.plan(op)
        kill_at(world, 2, 'run', plan, *FLAGS)
        check_counts(stand(world, plan), **{DONE[op]: 1}, in_doubt=1, pending=RUNS - 2)
        finish(world, op, plan,
               [([], ONCE), (['GET'], [('', 'probe')]), (['SEND'], ONCE)])
        if op == 'archive':
            row = next(row for row in world.lines('history') if row['evidence'] == 'probe')
            assert row['archived_at'] and row['response_seq'] is None and row['settled_seq']


def waiting_in_vain(op):
    """The request came, its effect never does."""
    with world_for(op, RUNS, '--fault', 'hang@n=2') as world:
        plan = world.plan(op)
        kill_at(world, 2, 'run', plan, *FLAGS)
        finish(world, op, plan, [([], ONCE), ([*ASKED, 'SEND'],
                                              [('no_effect', 'probe'), *ONCE]), (['SEND'], ONCE)])


def before_outcome(op):
    """The answer had come: evidence is the probe's all the same, never "response"."""
    with world_for(op) as world:
        plan = world.plan(op)
        die(world, 'before_t2:2', 'run', plan, *FLAGS)
        assert len(world.sandbox.mutations()) == 2
        check_counts(stand(world, plan), **{DONE[op]: 1}, in_doubt=1, pending=RUNS - 2)
        finish(world, op, plan,
               [([], ONCE), (['GET'], [('', 'probe')]), (['SEND'], ONCE)])


def after_outcome(op):
    """The outcome is there, whole; with it the next intent was committed, and not sent."""
    with world_for(op) as world:
        plan = world.plan(op)
        die(world, 'after_t2:2', 'run', plan, *FLAGS)
        assert len(world.sandbox.mutations()) == 2
        check_counts(stand(world, plan), **{DONE[op]: 2}, in_doubt=1)
        finish(world, op, plan, [([], ONCE), ([], ONCE), ([*ASKED, 'SEND'],
                                                          [('no_effect', 'probe'), *ONCE])])


def every(op, point, first=1, step=1):
    """Dies at each passage through a point of the commits of a run, one item of which is probed."""
    count = first
    while True:
        with world_for(op, RUNS, '--fault', '500-after@n=2') as world:
            plan = world.plan(op)
            with failing(world, '%s:%d' % (point, count)):
                status, _, err = world.call('run', plan, *FLAGS, '--concurrency', '2')
            if status == 0:
                break
            assert status == -signal.SIGKILL, '%s:%d: exit %d: %s' % (point, count, status, err)
            world.expect(0, 'verify')
            out = world.expect(0, 'run', plan, *FLAGS, '-o', 'json')
            check_counts(json.loads(out), **{DONE[op]: RUNS})
            world.compare()
        count += step
    assert count > 12, 'only %d passages' % count


def in_flight(op, runs, spec, sent, *args):
    """64 at once: each is asked about before any new request for it."""
    with world_for(op, runs, *args) as world:
        plan = world.plan(op)
        die(world, spec, 'run', plan, *FLAGS, '--concurrency', '64')
        assert len(world.sandbox.mutations()) == sent
        check_counts(stand(world, plan), **{DONE[op]: 1}, in_doubt=64, pending=runs - 65)
        how = (['GET'], [('', 'probe')]) if sent > 1 else \
            ([*ASKED, 'SEND'], [('no_effect', 'probe'), *ONCE])
        finish(world, op, plan, [([], ONCE)] + [how] * 64 + [(['SEND'], ONCE)] * (runs - 65))


def all_hang(op, *args):
    """64 at the server, which works on all of them; killed from outside."""
    runs = 70
    with world_for(op, runs, '--fault', 'hang-after@n=2-65', *args) as world:
        plan = world.plan(op)
        kill_at(world, 65, 'run', plan, *FLAGS, '--concurrency', '64')
        check_counts(stand(world, plan), **{DONE[op]: 1}, in_doubt=64, pending=runs - 65)
        finish(world, op, plan, [([], ONCE)] + [(['GET'], [('', 'probe')])] * 64 +
               [(['SEND'], ONCE)] * (runs - 65))


def in_probe(op, point):
    """A probe changes nothing: it is asked again, the item is as much in doubt as before."""
    with world_for(op, RUNS, '--fault', 'close-after@n=2') as world:
        plan = world.plan(op)
        die(world, point, 'run', plan, *FLAGS)
        done = point.startswith('after_t2')  # its answer was committed: it holds
        check_counts(stand(world, plan), **{DONE[op]: 2 if done else 1},
                     in_doubt=1 if done else 1, pending=RUNS - 3 if done else RUNS - 2)
        again = stand(world, plan)
        if not done:
            die(world, point, 'resume', *FLAGS)
            assert stand(world, plan)['counts'] == again['counts']
        last = ([*ASKED, 'SEND'], [('no_effect', 'probe'), *ONCE])
        finish(world, op, plan, [([], ONCE), ([] if done else ['GET'], [('', 'probe')]),
                                 last if done else (['SEND'], ONCE)])


def in_resolve(op, point):
    with world_for(op, RUNS, '--fault', 'hang-after@n=1') as world:
        plan = world.plan(op)
        kill_at(world, 1, 'run', plan, *FLAGS)
        batch = stand(world, plan)
        check_counts(batch, in_doubt=1, pending=RUNS - 1)
        die(world, point, 'resolve', batch['batch'])
        done = point.startswith('after_t2')
        check_counts(stand(world, plan), **{DONE[op]: int(done)}, in_doubt=int(not done),
                     pending=RUNS - 1)
        world.expect(0, 'resolve', batch['batch'])
        check_counts(stand(world, plan), **{DONE[op]: 1}, pending=RUNS - 1)
        assert len(world.sandbox.mutations()) == 1, 'resolve has sent something'
        finish(world, op, plan, [([], [('', 'probe')])] + [(['SEND'], ONCE)] * (RUNS - 1))


# ---- crash loops ----

def crash_loop(world, plan, limit, *flags):
    """Runs it again and again with the same poison; how often it died before it went on."""
    deaths = 0
    while True:
        with failing(world, 'parse'):
            status, _, err = world.call('run', plan, *FLAGS, '--attempts', str(limit), *flags)
        if status != -signal.SIGKILL:
            assert status == 13, 'exit %d, not 13: %s' % (status, err[-400:])
            return deaths
        deaths += 1
        assert deaths <= 9 * limit, 'it dies for ever'
        stand(world, plan)


def check_unresolved(world, op, plan, count, runs):
    batch = stand(world, plan)
    assert batch['state'] == 'done_in_doubt' and batch['action'] == 'resolve', batch['state']
    check_counts(batch, **{DONE[op]: RUNS - len(runs)}, in_doubt=len(runs))
    left = world.expect(0, 'items', batch['batch'], '--state', 'in_doubt', '-o', 'ids').split()
    assert left == runs, left
    got = seen(world)
    for run in runs:
        assert got[run].count(VERB[op]) == count, got[run]
    world.expect(0, 'verify')
    world.compare()


def poison_answer(op):
    """Answers that kill whoever reads them: --attempts of each run, then the batch goes on."""
    limit = 3
    with world_for(op, RUNS, '--fault', 'html200@n=2-%d' % (2 * limit + 1)) as world:
        plan = world.plan(op)
        assert crash_loop(world, plan, limit) == 2 * limit
        check_unresolved(world, op, plan, limit, world.sandbox.ids[1:])


def poison_probe(op):
    limit = 3
    with world_for(op, RUNS, '--fault', 'close-before@n=1', '--fault',
                   'html200@n=1-%d,on=run' % limit) as world:
        plan = world.plan(op)
        assert crash_loop(world, plan, limit) == limit
        check_unresolved(world, op, plan, 1, world.sandbox.ids[:1])


# ---- what is stored beside requests ----

def storing_plan(op, runs, spec):
    """The plan is there whole or not at all, and the same command gives the same id."""
    with world_for(op, runs) as world:
        verb = ['plan'] if op == 'archive' else ['restore', '--dry-run']
        command = (*verb, '-q', '--org', ORG, '--base-url', world.sandbox.url, '--from',
                   world.sandbox.ids_file, '--reason', 'a case of the tests')
        kept = world.env['MUNIMENT_JOURNAL']
        world.env['MUNIMENT_JOURNAL'] = os.path.join(world.folder, 'undisturbed')
        want = world.expect(0, *command).strip()
        world.env['MUNIMENT_JOURNAL'] = kept
        if not spec.startswith('commit'):  # those count the commits that make the journal, too
            world.expect(0, 'plan', '-q', '--org', ORG, '--base-url', 'http://127.0.0.1:1',
                         '0' * 32, '--reason', 'another plan, which stays as it is')
        with failing(world, spec):
            status, out, err = world.call(*command)
        if status == 0:
            assert spec.startswith('commit'), '%s was not passed' % spec
            return False
        assert status == -signal.SIGKILL, '%s: exit %d: %s' % (spec, status, err[-400:])
        assert not out, 'an id is printed before its plan is stored'
        status, out, _ = world.call('status', want, '-o', 'json')
        assert status in (0, 5, 12), 'status after %s: exit %d' % (spec, status)
        assert status != 12 or spec.startswith('commit')
        assert world.expect(0, *command).strip() == want
        world.expect(0, 'verify')
        world.expect(0, 'run', want, *FLAGS, '--concurrency', '64')
        check_counts(stand(world, want), **{DONE[op]: runs})
        world.expect(0, 'verify')
        world.compare()
        return True


def storing_plan_commits(op, point):
    count = 1
    while storing_plan(op, RUNS, '%s:%d' % (point, count)):
        count += 1
    assert count > 3, 'only %d commits in a plan' % count


def rebuild(op, point, count):
    """The tables are the old ones or the new ones, which are the same."""
    with world_for(op, 6, '--fault', '500@n=2', '--fault', 'hang@n=5') as world:
        plan = world.plan(op)
        kill_at(world, 5, 'run', plan, *FLAGS)
        before = (world.lines('history'), world.lines('log'), stand(world, plan))
        size = len(before[1])
        spec = '%s:%d' % (point, count or size)
        die(world, spec, 'journal', 'rebuild')
        assert (world.lines('history'), world.lines('log'), stand(world, plan)) == before
        world.expect(0, 'journal', 'check')
        world.expect(0, 'verify')
        world.expect(0, 'journal', 'rebuild')
        assert (world.lines('history'), world.lines('log'), stand(world, plan)) == before
        world.expect(0, 'resume', *FLAGS)
        check_counts(stand(world, plan), **{DONE[op]: 6})
        world.expect(0, 'journal', 'check')
        world.compare()


def write_secret(world, name, data):
    path = os.path.join(world.folder, name)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), 'wb') as file:
        file.write(data)
    return path


def vault_world():
    world = World('--runs', '1')
    world.env.pop('TALLYFY_API_TOKEN')
    keys = [write_secret(world, name, os.urandom(48)) for name in ('old', 'new')]
    return world, keys, write_secret(world, 'token', TOKEN.encode())


def add_token(world, name, key, token):
    return ('token', 'add', name, '--org', ORG, '--base-url', world.sandbox.url, '--key-file',
            key, '--token-file', token)


def opens(world, name, key):
    status, _, err = world.call('token', 'test', name, '--key-file', key)
    assert status in (0, 3), 'token test: exit %d: %s' % (status, err[-300:])
    return status == 0


def token_names(world):
    return sorted(row['name'] for row in world.lines('token', 'list'))


def token_add(spec, names):
    """The token is there and opens, or is not there; those before it are untouched."""
    world, (key, _), token = vault_world()
    with world:
        for name in names:
            world.expect(0, *add_token(world, name, key, token))
        with failing(world, spec):
            status, _, err = world.call(*add_token(world, 'last', key, token))
        if status == 0:
            return False
        assert status == -signal.SIGKILL, '%s: exit %d: %s' % (spec, status, err[-300:])
        there = token_names(world)
        assert there in (names, names + ['last']), there
        for name in there:
            assert opens(world, name, key), '%s cannot be opened' % name
        if 'last' not in there:
            world.expect(0, *add_token(world, 'last', key, token))
        assert opens(world, 'last', key) and token_names(world) == names + ['last']
        return True


def token_add_commits(point, names):
    count = 1
    while token_add('%s:%d' % (point, count), names):
        count += 1
    assert count > 2, 'only %d commits' % count


def token_rekey(spec):
    """Every token opens with the old key, or every one with the new key."""
    world, (old, new), token = vault_world()
    names = ['first', 'second']
    with world:
        for name in names:
            world.expect(0, *add_token(world, name, old, token))
        command = ('token', 'rekey', '--key-file', old, '--new-key-file', new)
        with failing(world, spec):
            status, _, err = world.call(*command)
        if status == 0:
            return False
        assert status == -signal.SIGKILL, '%s: exit %d: %s' % (spec, status, err[-300:])
        assert token_names(world) == names
        with_old = [opens(world, name, old) for name in names]
        with_new = [opens(world, name, new) for name in names]
        assert (all(with_old) and not any(with_new)) or (all(with_new) and not any(with_old)), \
            'a mixture: %s %s' % (with_old, with_new)
        if all(with_old):
            world.expect(0, *command)
        assert all(opens(world, name, new) for name in names)
        return True


def token_rekey_commits(point):
    count = 1
    while token_rekey('%s:%d' % (point, count)):
        count += 1
    assert count > 1, 'no commit'


def must(function, *args):
    assert function(*args), '%s was not passed' % (args,)


def cases():
    found = []

    def add(name, function, *args):
        found.append((name, lambda: function(*args)))

    for op in ('archive', 'restore'):
        for function in (before_intent, before_second_intent, after_intent, waiting,
                         waiting_in_vain, before_outcome, after_outcome, poison_answer,
                         poison_probe):
            add('%s %s' % (op, function.__name__), function, op)
        for point in ('commit', 'committed'):
            add('%s plan dies at every %s' % (op, point), storing_plan_commits, op, point)
        add(op + ' 64 intended', in_flight, op, 70, 'after_t1:2', 1)
        add(op + ' 64 answered', in_flight, op, 70, 'before_t2:2', 65, '--latency', '300')
        add(op + ' 64 hang', all_hang, op)
        for point in ('before_t1_probe', 'after_t1_probe', 'before_t2_probe', 'after_t2_probe'):
            add('%s run dies %s' % (op, point), in_probe, op, point)
            add('%s resolve dies %s' % (op, point), in_resolve, op, point)
        for row in (1, 2, RUNS):
            add('%s plan dies at row %d' % (op, row), must, storing_plan, op, RUNS,
                'plan_row:%d' % row)
    for op, point, count in (('archive', 'rebuild', 1), ('restore', 'rebuild', 7),
                             ('archive', 'rebuild', 0), ('restore', 'commit', 2),
                             ('archive', 'committed', 2)):
        add('%s rebuild dies %s:%d' % (op, point, count), rebuild, op, point, count)
    # Between two writes of one commit, too: its effect is there whole or not at all.
    for op, point, first, step in (('archive', 'commit', 1, 1), ('restore', 'committed', 1, 1),
                                   ('archive', 'sync', 1, 1), ('restore', 'sync', 1, 1),
                                   ('archive', 'write', 1, 3), ('restore', 'write', 2, 3)):
        add('%s dies at every %s' % (op, point), every, op, point, first, step)
    add('plan of two chunks', must, storing_plan, 'archive', 4200, 'plan_row:4097')
    for point in ('commit', 'committed'):
        add('first token add dies at every ' + point, token_add_commits, point, [])
        add('token add dies at every ' + point, token_add_commits, point, ['before', 'first'])
        add('rekey dies at every ' + point, token_rekey_commits, point)
    add('token add dies before it writes', must, token_add, 'vault', ['before', 'first'])
    for count in (1, 2):
        add('rekey dies at token %d' % count, must, token_rekey, 'vault:%d' % count)
    return found


if __name__ == '__main__':
    wanted = sys.argv[1:]
    main([case for case in cases() if not wanted or any(word in case[0] for word in wanted)])
