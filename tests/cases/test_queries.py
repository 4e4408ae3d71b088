#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Filters of history, log and items: each one finds what it names, and refuses what it cannot."""
import os
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness  # noqa: E402
from harness import ORG, World  # noqa: E402

FAST = ('--rate', 'none', '--settle', '100ms', '--progress', 'none')


def prepared(world):
    """Three runs: archived, rejected with 422, and one whose lost answer a probe settled."""
    plan = world.expect(0, 'plan', '-q', '--org', ORG, '--base-url', world.sandbox.url, '--from',
                        world.sandbox.ids_file, '--reason', 'a case of the tests',
                        '--ticket', 'T-1', '--operator', 'Bob', '--label', 'k=v').strip()
    world.expect(9, 'run', plan, *FAST)
    batch = world.lines('history')[0]['batch']
    return plan, batch


def with_history(function):
    def case():
        with World('--runs', '3', '--fault', '422@n=2', '--fault', '500-after@n=3') as world:
            plan, batch = prepared(world)
            function(world, plan, batch, world.sandbox.ids)
    return case


def refusals(world, plan, batch, ids):
    words = [
        (2, ('history', ids[0]), '--run'), (2, ('log', ids[0]), '--run'),
        (2, ('log', 'extra'), 'options only'),
        (2, ('history', '--run', 'xx'), 'no run id'), (2, ('history', '--org', 'xx'), 'no org'),
        (2, ('history', '--plan', batch), 'names a batch'),
        (2, ('history', '--batch', plan), 'names a plan'),
        (5, ('history', '--plan', 'p-eeeeee'), 'no plan'),
        (5, ('log', '--batch', 'b-eeeeee'), 'no batch'),
        (2, ('resume', ids[0]), 'names a run'), (2, ('items', ids[0]), 'muniment show'),
        (2, ('status', '#5'), 'names an entry'), (2, ('cancel', ids[0], '--reason', 'x' * 9),
                                                  'names a run'),
        (2, ('history', '--since', '2026-11-24T00:00:00'), 'no zone'),
        (2, ('history', '--http', '4'), 'no 4'), (2, ('history', '--verdict', 'x'), 'no x'),
        (2, ('log', '-o', 'jsonl', '--fields', 'seq'), '--fields'),
    ]
    for status, command, text in words:
        got, out, err = world.call(*command)
        assert got == status, '%s: exit %d: %s' % (command, got, err)
        assert not out and text in err, '%s: %r lacks %r' % (command, err, text)


def found(world, plan, batch, ids):
    url = 'https://go.tallyfy.com/%s/processes/%s' % (ORG, ids[0].upper())
    me = world.lines('history')[0]['operator']
    wanted = {
        ('--run', ids[0]): 1, ('--run', ids[0].upper()): 1, ('--run', url): 1,
        ('--run', ids[0][:8]): 1, ('--org', ORG.upper()): 3, ('--batch', batch[:8]): 3,
        ('--plan', plan[:8]): 3, ('--ticket', 'T-1'): 3, ('--operator', 'Bob'): 3,
        ('--operator', me): 3, ('--label', 'k=v'): 3, ('--label', 'k=w'): 0,
        ('--http', '422'): 1, ('--http', '4xx,5xx'): 2, ('--http', '200'): 1,
        ('--state', 'failed'): 1, ('--state', 'archived'): 2, ('--verdict', 'rejected'): 1,
        ('--kind', 'request'): 3, ('--kind', 'response'): 3, ('--kind', 'decision'): 0,
        ('--identity', world.lines('history')[0]['identity']): 3, ('--identity', '1'): 0,
        ('--since', '1h', '--limit', '2'): 2, ('--until', '1h'): 0, ('--reason', 'the tests'): 3,
    }
    for filters, rows in wanted.items():
        for command in (('history',), ('items', batch)):
            got = len(world.lines(*command, *filters))
            assert got == rows, '%s %s: %d rows, not %d' % (command[0], filters, got, rows)
    requests = [e for e in world.lines('log', '--state', 'failed') if e['kind'] == 'request']
    assert {e['run'] for e in requests} == {ids[1]}, requests


def tickets_of_rows(_):
    """The answer belongs to the ticket of its row as the request does."""
    with World('--runs', '2') as world:
        rows = os.path.join(world.folder, 'rows.csv')
        with open(rows, 'w', encoding='utf-8') as file:
            file.write('id,ticket\n%s,\n%s,ROW-7\n' % tuple(world.sandbox.ids))
        plan = world.expect(0, 'plan', '-q', '--org', ORG, '--base-url', world.sandbox.url,
                            '--from', rows, '--reason', 'a case of the tests', '--ticket',
                            'ALL').strip()
        world.expect(0, 'run', plan, *FAST)
        kinds = [e['kind'] for e in world.lines('log', '--ticket', 'ROW-7') if 'item' in e]
        assert kinds == ['request', 'response'], kinds
        items = {e['item'] for e in world.lines('log', '--ticket', 'ALL') if 'item' in e}
        assert items == {0}, items


def claims(world, plan, batch, ids):
    assert {row['claimed'] for row in world.lines('history')} == {'Bob'}


def decided(_):
    with World('--runs', '1', '--fault', 'close-before@all,on=mutate', '--fault',
               '500@all,on=run') as world:
        plan = world.plan()
        world.expect(13, 'run', plan, *FAST, '--attempts', '1')
        batch = world.lines('history')[0]['batch']
        world.expect(0, 'resolve', batch, '--assume', 'not-archived', '--reason', 'seen by me')
        assert world.lines('items', batch)[0]['evidence'] == 'decision'
        assert len(world.lines('history', '--kind', 'decision')) == 1


def cancelled_by(_):
    """The runner that sees the mark writes down who cancelled, and why."""
    with World('--runs', '8', '--latency', '300') as world:
        plan = world.plan()
        runner = world.start('run', plan, *FAST)
        batch = None
        while batch is None:
            time.sleep(0.1)
            rows = world.lines('status') if os.path.exists(world.journal) else []
            batch = next((row['id'] for row in rows if row['id'].startswith('b-')), None)
        world.call('cancel', batch, '--reason', 'no longer wanted', '--operator', 'Eve')
        runner.communicate(timeout=60)
        entries = world.lines('log', '--kind', 'item.cancelled')
        assert entries and all(e['reason'] == 'no longer wanted' for e in entries), entries
        assert all(e['operator']['claimed'] == 'Eve' for e in entries), entries


def terminated(_):
    with World('--runs', '40', '--latency', '200') as world:
        plan = world.plan()
        runner = world.start('run', plan, *FAST)
        while not world.sandbox.mutations():
            time.sleep(0.05)
        runner.send_signal(signal.SIGTERM)
        runner.communicate(timeout=60)
        assert runner.returncode == -signal.SIGTERM, runner.returncode
        batch = world.lines('history')[0]['batch']
        status = world.status(batch)
        assert status['exit'] == 143 and status['state'] == 'interrupted', status


def untouched_backup(world, plan, batch, ids):
    copy = os.path.join(world.folder, 'copy')
    world.expect(0, 'journal', 'backup', copy)
    before = {name: os.stat(os.path.join(copy, name)).st_mtime_ns for name in os.listdir(copy)}
    assert set(before) == {'data.mdb'}, before
    for command in ('history', 'log', 'verify'):
        world.expect(0, command, '--journal', copy)
    after = {name: os.stat(os.path.join(copy, name)).st_mtime_ns for name in os.listdir(copy)}
    assert before == after, (before, after)


if __name__ == '__main__':
    sys.exit(harness.run_cases([
        ('refusals', with_history(refusals)), ('found', with_history(found)),
        ('claims', with_history(claims)), ('tickets of rows', lambda: tickets_of_rows(None)),
        ('decided', lambda: decided(None)), ('cancelled by', lambda: cancelled_by(None)),
        ('terminated', lambda: terminated(None)),
        ('untouched backup', with_history(untouched_backup)),
    ]))
