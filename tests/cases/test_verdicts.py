# SPDX-License-Identifier: Apache-2.0
"""What one answer means: each fault on a batch of six, for both operations."""
import collections
import json

from harness import World, conserved, main

RUNS = 6
FLAGS = ('--rate', 'none', '--settle', '300ms', '--attempts', '3', '--progress', 'none')
OTHER_ORG = '0123456789abcdef0123456789abcdef'

# name, faults, exit status, done, other counts, verdicts beside "done", more options.
ALL_DONE = {}
ROWS = [
    ('200', (), 0, 6, ALL_DONE, {}, ()),
    ('204', ('204@n=3',), 0, 6, ALL_DONE, {}, ()),
    ('empty200', ('empty200@n=3',), 0, 6, ALL_DONE, {}, ()),
    ('html200', ('html200@n=3',), 0, 6, ALL_DONE, {'no_effect': 1}, ()),
    ('other-id', ('other-id@n=3',), 14, 2, {'in_doubt': 1, 'pending': 3}, None, ()),
    ('302', ('302@n=3',), 14, 2, {'in_doubt': 1, 'pending': 3}, None, ()),
    ('400', ('400@n=3',), 9, 5, {'failed': 1}, {'rejected': 1}, ()),
    ('422', ('422@n=3',), 9, 5, {'failed': 1}, {'rejected': 1}, ()),
    ('422 first', ('422@n=1',), 7, 0, {'failed': 1, 'pending': 5}, {'rejected': 1}, ()),
    ('410', ('410@n=3',), 9, 5, {'failed': 1}, {'not_found': 1}, ()),
    ('405', ('405@n=3',), 9, 5, {'failed': 1}, {'rejected': 1}, ()),
    ('405 first', ('405@n=1',), 7, 0, {'failed': 1, 'pending': 5}, {'rejected': 1}, ()),
    ('401', ('401@n=3+',), 3, 2, {'pending': 4}, {'auth_lost': 1}, ()),
    ('401-run', ('401-run@n=3',), 9, 5, {'failed': 1}, {'denied': 1}, ()),
    ('402', ('402@n=3',), 4, 2, {'pending': 4}, {'plan_limit': 1}, ()),
    ('403', ('403@n=3',), 9, 5, {'failed': 1}, {'denied': 1}, ()),
    ('403 three', ('403@n=3+',), 3, 2, {'failed': 3, 'pending': 1}, {'denied': 3}, ()),
    ('html403', ('html403@n=3',), 0, 6, ALL_DONE, {'blocked': 1}, ()),
    ('404-resource', ('404-resource@n=3',), 9, 5, {'failed': 1}, {'not_found': 1}, ()),
    ('404-resource all', ('404-resource@all',), 14, 0, {'failed': 5, 'pending': 1},
     {'not_found': 5}, ()),
    ('404-endpoint', ('404-endpoint@n=3',), 14, 2, {'pending': 4}, {'config_error': 1}, ()),
    ('429', ('429:1@n=3',), 0, 6, ALL_DONE, {'rate_limited': 1}, ()),
    ('429 long', ('429:9999@n=3',), 6, 2, {'pending': 4}, {'rate_limited': 1},
     ('--max-wait', '2s')),
    ('500-after', ('500-after@n=3',), 0, 6, ALL_DONE, {}, ()),
    ('rst-after', ('rst-after@n=3',), 0, 6, ALL_DONE, {}, ()),
    ('close-before', ('close-before@n=3',), 0, 6, ALL_DONE, {'no_effect': 1}, ()),
    ('close-before first', ('close-before@n=1',), 0, 6, ALL_DONE, {'no_effect': 1}, ()),
    ('close-after', ('close-after@n=3',), 0, 6, ALL_DONE, {}, ()),
]
for code in ('408', '409', '423', '425', '500', '502', '503', '504'):
    ROWS.append((code, (code + '@n=3',), 0, 6, ALL_DONE, {'no_effect': 1}, ()))
for kind in ('cut-headers', 'cut-body'):
    ROWS.append((kind + ' effect', (kind + '@n=3,effect=yes',), 0, 6, ALL_DONE, {}, ()))
    ROWS.append((kind + ' none', (kind + '@n=3,effect=no',), 0, 6, ALL_DONE, {'no_effect': 1}, ()))
ARCHIVE_ROWS = [
    ('archived-null effect', ('archived-null@n=3,effect=yes',), 0, 6, ALL_DONE, {}, ()),
    ('archived-null none', ('archived-null@n=3,effect=no',), 0, 6, ALL_DONE, {'no_effect': 1}, ()),
]


def world_for(op, faults=()):
    args = ['--runs', str(RUNS)]
    if op == 'restore':
        args += ['--archived', str(RUNS)]
    for fault in faults:
        args += ['--fault', fault]
    return World(*args)


def check_counts(result, op, done, others):
    word = 'archived' if op == 'archive' else 'restored'
    want = {'total': RUNS, word: done, **others}
    got = {name: value for name, value in result['counts'].items() if value}
    assert got == {name: value for name, value in want.items() if value}, \
        'counts %s, not %s' % (got, want)
    assert conserved(result['counts'])


def check_row(op, row):
    _, faults, status, done, others, verdicts, options = row
    with world_for(op, faults) as world:
        plan = world.plan(op)
        got, out, err = world.call('run', plan, '-o', 'json', *FLAGS, *options)
        assert got == status, 'exit %d, not %d: %s' % (got, status, err[-500:])
        result = json.loads(out)
        assert result['exit'] == status and result['op'] == op
        check_counts(result, op, done, others)
        again = world.status(result['batch'])
        assert again['counts'] == result['counts'] and again['state'] == result['state']
        if verdicts is not None:
            seen = collections.Counter(each['verdict'] for each in world.lines('history'))
            want = dict(verdicts)
            if done:
                want['archived' if op == 'archive' else 'restored'] = done
            assert seen == want, 'verdicts %s, not %s' % (dict(seen), want)
        world.expect(0, 'verify')
        world.compare()


def refused(op):
    with world_for(op) as world:
        plan = world.plan(op, url='http://127.0.0.1:1')
        world.expect(14, 'run', plan, *FLAGS, '--max-wait', '2s')
        assert world.status(plan)['state'] == 'stored'
        assert not world.lines('history')
        world.expect(0, 'verify')


def wrong_org(op):
    with world_for(op) as world:
        plan = world.plan(op, org=OTHER_ORG)
        got, _, err = world.call('run', plan, '-o', 'json', *FLAGS)
        assert got == 14, 'exit %d, not 14: %s' % (got, err)
        assert 'Harborline' in err, 'the organizations of the token are not named: %s' % err
        assert not world.sandbox.mutations()
        world.expect(0, 'verify')


def cases():
    found = []
    for op in ('archive', 'restore'):
        rows = ROWS + (ARCHIVE_ROWS if op == 'archive' else [])
        for row in rows:
            found.append(('%s %s' % (op, row[0]), lambda op=op, row=row: check_row(op, row)))
        found.append((op + ' refused port', lambda op=op: refused(op)))
        found.append((op + ' wrong org', lambda op=op: wrong_org(op)))
    return found


if __name__ == '__main__':
    main(cases(), 6)
