# SPDX-License-Identifier: Apache-2.0
"""What commands that execute print: rows, objects, four things at each end, and exit statuses."""
import base64
import datetime
import hashlib
import json
import os
import pty
import re
import select
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.parse

from harness import MUNIMENT, ORG, SANDBOX, World, conserved, main

FLAGS = ('--rate', 'none', '--settle', '300ms', '--progress', 'none')
FIELDS = ['time', 'org', 'run', 'name', 'op', 'batch', 'item', 'attempt', 'verdict', 'evidence',
          'http', 'archived_at', 'duration_ms', 'operator', 'claimed', 'identity', 'reason',
          'ticket', 'token', 'request_seq', 'response_seq', 'settled_seq']
OBJECT = ['batch', 'plan', 'op', 'org', 'state', 'counts', 'started', 'ended', 'exit', 'action',
          'next_command', 'next_at', 'reason']


def utc(text):
    return datetime.datetime.strptime(text, '%Y-%m-%dT%H:%M:%S.%fZ').replace(
        tzinfo=datetime.timezone.utc).timestamp()


def run_object(world, *args, status):
    """The only object on stdout and what stderr says."""
    got, out, err = world.call(*args, '-o', 'json', *FLAGS)
    assert got == status, 'exit %d, not %d: %s' % (got, status, err)
    assert out.count('\n') == 1, 'not one line: %r' % out
    found = json.loads(out)
    assert list(found)[:len(OBJECT)] == OBJECT, list(found)
    assert conserved(found['counts'])
    return found, err


def wait_mutations(world, count):
    end = time.monotonic() + 20
    while len(world.sandbox.mutations()) < count:
        assert time.monotonic() < end, 'nothing is sent'
        time.sleep(0.02)


def killed(world, *args, after=2):
    """A run that is killed with kill -9; the name of its batch."""
    process = world.start('run', *args, *FLAGS)
    wait_mutations(world, after)
    process.kill()
    process.communicate()
    return [row['id'] for row in json.loads(world.expect(0, 'status', '-o', 'json'))
            if row['kind'] == 'batch'][-1]


def jsonl_streams():
    with World('--runs', '6', '--fault', '500@n=2', '--fault', '429:1@n=5', '--latency',
               '200') as world:
        process = world.start('run', world.plan(), '-o', 'jsonl', *FLAGS)
        first = json.loads(process.stdout.readline())
        assert process.poll() is None, 'the first row comes when all is over'
        rest, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        rows = [first] + [json.loads(line) for line in rest.splitlines()]
        last = rows.pop()
        assert last['counts']['archived'] == 6 and last['exit'] == 0
        assert all(list(row) == FIELDS for row in rows)
        history = world.lines('history')
        # The name comes from the newest answer, which a later attempt may have brought.
        for row in rows + history:
            row['name'] = None
        rows.sort(key=lambda row: row['request_seq'])
        assert rows == history, (rows, history)
        assert {row['verdict'] for row in history} == {'archived', 'no_effect', 'rate_limited'}
        world.compare()


def jsonl_with_fields():
    with World('--runs', '2') as world:
        out = world.expect(0, 'run', world.plan(), '-o', 'ndjson', '--fields', 'verdict,run',
                           *FLAGS).splitlines()
        assert [list(json.loads(line)) for line in out[:2]] == [['verdict', 'run']] * 2
        assert json.loads(out[2])['state'] == 'done'


def unknown_field_before_anything():
    with World('--runs', '2') as world:
        world.expect(2, 'run', world.plan(), '-o', 'jsonl', '--fields', 'nope', *FLAGS)
        assert not world.sandbox.requests() if os.path.exists(world.sandbox.log_file) else True


def reader_leaves():
    with World('--runs', '20', '--latency', '20') as world:
        process = world.start('run', world.plan(), '-o', 'jsonl', *FLAGS)
        process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()
        assert process.wait(60) == 0, err
        assert err.count('cannot be written') == 1, err
        assert world.status(world.lines('history')[0]['batch'])['counts']['archived'] == 20
        world.compare()


def full_disk():
    for options, faults, status in ((('-o', 'jsonl'), (), 1), (('-o', 'json'), (), 1), ((), (), 1),
                                    (('-o', 'jsonl'), ('--fault', '422@n=3'), 9),
                                    (('-o', 'jsonl'), ('--fault', '402@n=3'), 4)):
        with World('--runs', '5', *faults) as world, open('/dev/full', 'w') as full:
            got, _, err = world.call('run', world.plan(), *options, *FLAGS, stdout=full)
            assert got == status, '%s: exit %d, not %d: %s' % (options, got, status, err)
            assert err.count('cannot be written') == 1, err
            world.compare()


def queries_and_full_disk():
    with World('--runs', '3') as world, open('/dev/full', 'w') as full:
        world.expect(0, 'run', world.plan(), *FLAGS)
        for query in (('history',), ('status', '--all'), ('log', '-o', 'jsonl')):
            got, _, err = world.call(*query, stdout=full)
            assert got == 1 and err.count('cannot be written') == 1, (query, got, err)
        reader, writer = os.pipe()
        os.close(reader)
        got, _, err = world.call('history', '-o', 'jsonl', stdout=writer)
        os.close(writer)
        assert got == 141 and err == '', (got, err)


def object_at_each_end():
    with World('--runs', '6', '--fault', '422@n=2') as world:
        plan = world.plan()
        got, _ = run_object(world, 'run', plan, '--stop-after', '1', status=10)
        assert (got['state'], got['exit'], got['action']) == ('stopped', 10, 'resume')
        assert got['reason'] == 'stop_after' and got['ended'] is None
        batch = got['batch']
        world.env['TALLYFY_API_TOKEN'] = 'refused'
        got, err = run_object(world, 'resume', batch, status=3)
        assert (got['exit'], got['batch']) == (3, batch) and 'token' in err
        world.env['TALLYFY_API_TOKEN'] = 'sandbox-token'
        got, _ = run_object(world, 'resume', batch[:8], status=9)
        assert (got['state'], got['exit'], got['action']) == ('done_with_failures', 9, 'fix')
        assert got['ended'] is not None
        again, err = run_object(world, 'run', plan, status=9)
        assert again == got and 'executed already' in err
        again, _ = run_object(world, 'resume', batch, status=9)
        assert again == got
        shown = world.status(batch)
        assert shown == got


def only_the_error_before_a_batch():
    with World('--runs', '2') as world:
        plan = world.plan()
        world.env['TALLYFY_API_TOKEN'] = 'refused'
        got, out, err = world.call('run', plan, '-o', 'json', *FLAGS)
        assert (got, out) == (3, '') and err.startswith('muniment: '), (got, out, err)
        del world.env['TALLYFY_API_TOKEN']
        got, out, err = world.call('run', plan, '-o', 'json', *FLAGS)
        assert (got, out) == (3, '') and '--token-file' in err, (got, out, err)


def journal_breaks_in_mid_run():
    with World('--runs', '40', '--latency', '50') as world:
        process = world.start('run', world.plan(), '-o', 'json', *FLAGS)
        wait_mutations(world, 3)
        data = [name for name in os.listdir(world.journal) if name == 'data.mdb'][0]
        os.rename(os.path.join(world.journal, data), os.path.join(world.journal, 'aside'))
        out, err = process.communicate(timeout=60)
        assert process.returncode == 12, err
        assert 'data.mdb' in err, err
        for line in (r'batch b-\w+: interrupted: the journal cannot be used', r'done: \d+ archived',
                     r'not done: \d+ pending', 'uncertain: ', r'next: muniment resume b-\w+'):
            assert re.search('^' + line, err, re.M), (line, err)
        if out:
            assert json.loads(out)['exit'] == 12


def exit_six():
    with World('--runs', '4', '--fault', '429:900@n=2+') as world:
        plan = world.plan()
        began = time.time()
        got, err = run_object(world, 'run', plan, '--max-wait', '10s', status=6)
        assert (got['state'], got['action'], got['reason']) == ('halted', 'wait', 'rate_limited')
        assert abs(utc(got['next_at']) - began - 900) < 20, got['next_at']
        assert got['next_at'] in err and got['next_command'] == 'muniment resume ' + got['batch']
        shown = world.status(got['batch'])
        assert abs(utc(shown['next_at']) - utc(got['next_at'])) < 3
        assert (shown['state'], shown['action'], shown['exit']) == ('halted', 'wait', 6)
        table = world.expect(0, 'status', got['batch'])
        assert re.search(r'^request    20', table, re.M), table
        # The wait binds the next process as well, before it has asked anything.
        got, _ = run_object(world, 'resume', '--max-wait', '10s', status=6)
        assert (got['state'], got['exit']) == ('halted', 6)
        assert abs(utc(got['next_at']) - utc(shown['next_at'])) < 3


def another_holds_it():
    with World('--runs', '40', '--latency', '150') as world:
        plan = world.plan()
        first = world.start('run', plan, '-o', 'json', *FLAGS)
        wait_mutations(world, 1)
        got, out, err = world.call('run', plan, *FLAGS)
        assert got == 11 and out == '' and err.count('\n') == 1, (got, out, err)
        for word in ('pid %d,' % first.pid, '@' + socket.gethostname(), 'since 20',
                     'muniment run ' + plan, 'muniment cancel b-'):
            assert word in err, err
        running, err = run_object(world, 'resume', status=11)
        assert running['state'] == 'running' and 'pid %d,' % first.pid in running['held_by']
        assert (running['exit'], running['action']) == (11, 'wait')
        batch = running['batch']
        for args in (('resolve', batch), ('resolve', batch, '--assume', 'archived', '--reason',
                                          'a person has looked')):
            got, _, err = world.call(*args)
            assert got == 11 and 'pid %d,' % first.pid in err, (got, err)
        os.kill(first.pid, signal.SIGSTOP)
        time.sleep(0.1)
        table = world.expect(0, 'status', batch)
        assert re.search(r'^held by    pid %d,.*stopped' % first.pid, table, re.M), table
        assert world.status(batch)['holder_stopped'] is True
        got, _, err = world.call('run', plan, *FLAGS)
        assert got == 11 and 'stopped' in err, err
        os.kill(first.pid, signal.SIGCONT)
        assert world.status(batch)['holder_stopped'] is False
        _, err = first.communicate(timeout=60)
        assert first.returncode == 0, err
        assert world.status(batch)['held_by'] is None
        world.compare()


def stopped_while_it_writes():
    with World('--runs', '3000') as world:
        plan = world.plan()
        first = world.start('run', plan, '--concurrency', '16', *FLAGS)
        wait_mutations(world, 10)
        try:
            for _ in range(8):
                os.kill(first.pid, signal.SIGSTOP)
                for args in (('run', plan), ('resume',)):
                    got, _, err = world.call(*args, *FLAGS, timeout=20)
                    assert got == 11 and 'pid %d,' % first.pid in err, (args, got, err)
                os.kill(first.pid, signal.SIGCONT)
                time.sleep(0.03)
        finally:
            os.kill(first.pid, signal.SIGCONT)
            first.terminate()
            first.communicate(timeout=30)


def last_lines(err):
    return [re.sub(r'[bp]-[0-9a-f]{20}', lambda found: found.group()[:1] + '-ID', line)
            for line in err.splitlines()]


def four_things():
    url = r'http://127.0.0.1:1'
    cases = (
        ('done', (), (), 0, [
            'batch b-ID: done', 'done: 4 archived', 'not done: nothing', 'uncertain: nothing',
            'next: nothing']),
        ('failures', ('--fault', '422@n=2'), (), 9, [
            'batch b-ID: done_with_failures', 'done: 3 archived', 'not done: 1 failed', 'uncertain: nothing',
            'next: muniment items b-ID --state failed -o ids | muniment archive --dry-run --org '
            + ORG + " --base-url URL --from - --reason 'again what failed in b-ID'"]),
        ('in doubt', ('--fault', 'close-before@n=2', '--fault', '500@all,on=run'),
         ('--attempts', '1'), 13, [
             'batch b-ID: done_in_doubt', 'done: 3 archived', 'not done: nothing', 'uncertain: 1 in doubt',
             'next: muniment resolve b-ID']),
        ('halted', ('--fault', '404-endpoint@n=2'), (), 14, [
            'batch b-ID: halted: the server does not know this path: wrong base URL?', 'done: 1 archived',
            'not done: 3 pending', 'uncertain: nothing', 'next: muniment resume b-ID']),
        ('stopped', (), ('--stop-after', '3'), 10, [
            'batch b-ID: stopped after the number of items given by --stop-after',
            'done: 3 archived', 'not done: 1 pending', 'uncertain: nothing',
            'next: muniment resume b-ID']),
        ('token', ('--fault', '401@n=2+'), (), 3, [
            'batch b-ID: halted: the token is no longer accepted', 'done: 1 archived', 'not done: 3 pending',
            'uncertain: nothing', 'first: muniment token add NAME --replace',
            'next: muniment resume b-ID']),
        ('redirect', ('--fault', '302@n=2'), (), 14, None),
    )
    for name, faults, options, status, want in cases:
        with World('--runs', '4', *faults) as world:
            got, _, err = world.call('run', world.plan(), *FLAGS, *options)
            assert got == status, '%s: exit %d, not %d: %s' % (name, got, status, err)
            lines = last_lines(err.replace(world.sandbox.url, 'URL'))
            if want is None:
                assert lines[0].startswith('batch b-ID: halted: ') and 'sign-in' not in lines[0], lines
                assert lines[3] == 'uncertain: 1 in doubt', lines
            else:
                assert lines == want, '%s: %s' % (name, lines)
    assert url


def four_things_of_others():
    why = ('--reason', 'the wrong list')
    with World('--runs', '4', '--archived', '4', '--fault', 'close-before@n=2', '--fault',
               '500@all,on=run') as world:
        batch = run_object(world, 'run', world.plan('restore'), '--attempts', '1',
                           status=13)[0]['batch']
        err = world.call('resolve', batch, '--assume', 'not-active', *why)[2]
        assert last_lines(err) == ['batch b-ID: interrupted', 'done: 3 restored', 'not done: 1 pending',
                                   'uncertain: nothing', 'next: muniment resume b-ID'], err
        err = world.call('cancel', batch, *why)[2]
        assert last_lines(err) == ['batch b-ID: cancelled', 'done: 3 restored', 'not done: 1 cancelled',
                                   'uncertain: nothing', 'next: nothing'], err
        err = world.call('resume', batch)[2]
        assert last_lines(err) == ['this plan was executed already; nothing was sent',
                                   'batch b-ID: cancelled', 'done: 3 restored', 'not done: 1 cancelled',
                                   'uncertain: nothing', 'next: nothing'], err
    with World('--runs', '40', '--latency', '50') as world:
        process = world.start('run', world.plan(), *FLAGS)
        wait_mutations(world, 3)
        batch = json.loads(world.expect(0, 'status', '-o', 'json'))[-1]['id']
        err = world.call('cancel', batch, *why)[2]
        assert last_lines(err)[0].startswith('a process works on the batch'), err
        assert last_lines(err)[-1] == 'next: wait for that process', err
        _, err = process.communicate(timeout=30)
        assert process.returncode == 9 and last_lines(err)[0] == 'batch b-ID: cancelled', err
        assert last_lines(err)[3:] == ['uncertain: nothing', 'next: nothing'], err
        world.compare()


def next_commands_work():
    with World('--runs', '3', '--fault', '422@n=2') as world:
        del world.env['MUNIMENT_JOURNAL']
        journal = os.path.join(world.folder, "the journal's own")
        world.env['PATH'] = os.path.dirname(MUNIMENT) + ':' + world.env['PATH']
        where = ('--journal', journal)
        plan = world.expect(0, 'plan', '-q', *where, '--org', ORG, '--base-url',
                            world.sandbox.url, '--from', world.sandbox.ids_file, '--reason',
                            'a case of the tests').strip()
        got, _ = run_object(world, 'run', plan, *where, '--stop-after', '1', status=10)
        for status in (9, 0, 0):
            done = subprocess.run(['sh', '-c', got['next_command'] + ' -o json'], env=world.env,
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                  check=False)
            assert done.returncode == status, (got['next_command'], done.stderr)
            got = json.loads(done.stdout)
            if 'batch' not in got or got['batch'] is None:
                break
        assert got['items'] == 1 and got['base_url'] == world.sandbox.url, got
        assert shlex.quote(journal)


def executable_is_named():
    with World('--runs', '2') as world:
        world.expect(0, 'run', world.plan(), *FLAGS)
        with open(MUNIMENT, 'rb') as file:
            want = hashlib.sha256(file.read()).hexdigest()
        tools = [entry['tool'] for entry in world.lines('log')
                 if entry['kind'] in ('journal.created', 'batch.started')]
        assert [tool['sha256'] for tool in tools] == [want, want], tools


def consumed_plan():
    with World('--runs', '3') as world:
        plan = world.plan()
        assert world.status(plan)['counts'] is None
        world.expect(0, 'run', plan, *FLAGS)
        shown = world.status(plan)
        assert shown['state'] == 'consumed' and shown['counts']['archived'] == 3
        table = world.expect(0, 'status', plan)
        assert 'consumed by ' + shown['batch'] in table and '3 archived' in table, table
        listed = json.loads(world.expect(0, 'status', '-o', 'json'))
        assert listed == []
        listed = json.loads(world.expect(0, 'status', '--all', '-o', 'json'))
        assert [row['kind'] for row in listed] == ['plan', 'batch'], listed


def windows_and_next_request():
    with World('--runs', '5') as world:
        batch = json.loads(world.expect(10, 'run', world.plan(), '--rate', '9/m,50/h', '-o',
                                        'json', '--stop-after', '1', *FLAGS[2:]))['batch']
        shown = world.status(batch)
        assert [(each['limit'], each['period_ms']) for each in shown['windows']] == \
            [(9, 60000), (50, 3600000)], shown['windows']
        used = len(world.sandbox.requests())
        assert [each['used'] for each in shown['windows']] == [used, used], (used, shown)
        assert shown['next_at'] is None
        table = world.expect(0, 'status', batch)
        assert 'rate       used %d of 9/m, %d of 50/h\n' % (used, used) in table, table
        assert 'request    may go now\n' in table


def resume_takes_over():
    with World('--runs', '6') as world:
        options = ('--rate', '40/s', '--settle', '700ms', '--attempts', '4', '--concurrency', '3',
                   '--bodies', 'none', '--timeout', '9s', '--max-wait', '5m', '--keep-going')
        got = json.loads(world.expect(10, 'run', world.plan(), '-o', 'json', '--stop-after', '2',
                                      '--progress', 'none', *options))
        world.expect(10, 'resume', '--stop-after', '1', '--concurrency', '2')
        world.expect(0, 'resume')
        starts = [entry for entry in world.lines('log')
                  if entry['kind'] in ('batch.started', 'batch.resumed')]
        assert [entry['limits'] for entry in starts] == ['40/s'] * 3, starts
        common = {'settle_ms': 700, 'attempts': 4, 'bodies': 'none', 'timeout_ms': 9000,
                  'max_wait_ms': 300000}
        assert starts[0]['options'] == {**common, 'concurrency': 3, 'keep_going': True,
                                        'stop_after': 2}
        assert starts[1]['options'] == {**common, 'concurrency': 2, 'stop_after': 1}
        assert starts[2]['options'] == {**common, 'concurrency': 2}
        bodies = [entry['body']['commit'] for entry in world.lines('log')
                  if entry['kind'] == 'response' and entry.get('batch') and entry['body']]
        assert bodies and not any(bodies), 'a resume kept bodies that the run did not want'
        assert world.status(got['batch'])['counts']['archived'] == 6


def cancel_of_a_dead_runner():
    with World('--runs', '6', '--fault', 'hang@n=3') as world:
        plan = world.plan()
        batch = killed(world, plan, after=3)
        got, out, err = world.call('cancel', batch, '--reason', 'the wrong list', '-o', 'json')
        assert got == 13, (got, err)
        shown = json.loads(out)
        assert shown['state'] == 'cancelled' and shown['exit'] == 13
        assert shown['counts']['in_doubt'] == 1 and shown['counts']['pending'] == 0
        ended = [entry for entry in world.lines('log') if entry['kind'] == 'batch.ended'][-1]
        assert ended['counts']['in_doubt'] == 1 and ended['counts']['pending'] == 0
        assert shown['next_command'] == 'muniment resolve ' + batch
        world.expect(2, 'cancel', batch, '--reason', 'the wrong list')
        world.expect(2, 'cancel', plan, '--reason', 'the wrong list')
        got, _ = run_object(world, 'run', plan, status=13)
        assert got['state'] == 'cancelled'
        world.expect(2, 'resolve', batch, '--assume', 'active', '--reason', 'a person has looked')
        out = world.expect(0, 'resolve', batch, '--assume', 'not-archived', '--reason',
                           'a person has looked', '-o', 'json')
        assert json.loads(out)['counts']['cancelled'] == 4, out
        assert json.loads(out)['exit'] == 9
        world.expect(0, 'verify')
        world.compare()


def decisions():
    with World('--runs', '5', '--fault', 'close-before@n=2-3', '--fault', '500@all,on=run',
               '--fault', '500@all,on=list') as world:
        got, _ = run_object(world, 'run', world.plan(), '--attempts', '1', status=13)
        batch = got['batch']
        runs = [row['run'] for row in world.lines('items', batch, '--state', 'in_doubt')]
        assert len(runs) == 2
        why = ('--reason', 'a person has looked')
        world.expect(2, 'resolve', batch, '--assume', 'archived', *why)
        world.expect(2, 'resolve', batch, runs[0], '--assume', 'archived')
        done = [row['run'] for row in world.lines('items', batch, '--state', 'archived')]
        world.expect(2, 'resolve', batch, runs[0], done[0], '--assume', 'archived', *why)
        world.expect(2, 'resolve', batch, 'no-run', '--assume', 'archived', *why)
        world.expect(5, 'resolve', batch, '0' * 32)
        assert not [entry for entry in world.lines('log') if entry['kind'] == 'decision']
        world.expect(5, 'resolve', batch, '0' * 32, '--assume', 'archived', *why)
        out = world.expect(13, 'resolve', batch, runs[0], '--assume', 'archived', *why, '-o',
                           'json')
        assert json.loads(out)['counts']['in_doubt'] == 1 and json.loads(out)['exit'] == 13
        # The only one that is left needs no name.
        out = world.expect(0, 'resolve', batch, '--assume', 'not-archived', *why, '-o', 'json')
        assert json.loads(out)['state'] == 'interrupted', out
        assert json.loads(out)['counts']['pending'] == 1
        row = [row for row in world.lines('history') if row['run'] == runs[0]][0]
        assert (row['verdict'], row['evidence']) == ('archived', 'decision')
        world.expect(0, 'verify')


def resume_finds_it():
    with World('--runs', '4') as world:
        got, _, err = world.call('resume')
        assert got == 12, (got, err)
        plan = world.plan()
        got, _, err = world.call('resume')
        assert (got, err) == (0, 'no batch is open\n'), (got, err)
        world.expect(10, 'run', plan, '--stop-after', '1', *FLAGS)
        other = world.plan(reason='another case of the tests')
        world.expect(10, 'run', other, '--stop-after', '1', *FLAGS)
        got, _, err = world.call('resume', *FLAGS)
        assert got == 2 and err.count('  muniment resume b-') == 2, err
        found = json.loads(world.expect(0, 'resume', '--all', '-o', 'json', *FLAGS))
        assert [each['plan'] for each in found] == [plan, other], 'not the oldest first'
        assert all(each['state'] == 'done' for each in found)
        world.compare()
        assert json.loads(world.expect(0, 'resume', '--all', '-o', 'json', *FLAGS)) == []


def resume_all_goes_on():
    with World('--runs', '30', '--latency', '100') as world:
        first = world.start('run', world.plan(), *FLAGS)
        wait_mutations(world, 1)
        other = world.expect(0, 'plan', '-q', '--org', ORG, '--base-url', world.sandbox.url,
                             '--reason', 'another case of the tests',
                             *world.sandbox.ids[-4:]).strip()
        world.expect(10, 'run', other, '--stop-after', '1', *FLAGS)
        got, out, err = world.call('resume', '--all', '-o', 'json', '--stop-after', '1', *FLAGS)
        found = json.loads(out)
        assert got == 10, (got, err)
        assert [each['exit'] for each in found] == [11, 10], found
        assert 'pid %d,' % first.pid in err, err
        first.send_signal(signal.SIGTERM)
        first.communicate(timeout=30)
        assert first.returncode == -signal.SIGTERM


def who_may_be_abbreviated():
    with World('--runs', '3') as world:
        plan = world.plan()
        assert 'full id' in world.call('run', plan[:10], *FLAGS)[2]
        got = json.loads(world.expect(10, 'run', plan, '--stop-after', '1', '-o', 'json', *FLAGS))
        batch = got['batch']
        for args, word in ((('run', batch), 'muniment resume ' + batch),
                           (('resume', plan), 'muniment run'), (('resolve', plan), 'plan'),
                           (('items', plan), 'plan'), (('run', '0' * 32), 'plan'),
                           (('status', '0' * 32), 'batch'), (('resume', batch[:7]), 'id')):
            got, _, err = world.call(*args)
            assert got == 2 and word in err, (args, got, err)
        assert not world.sandbox.mutations()[1:]
        assert world.status(plan[:8])['plan'] == plan
        assert world.status(batch[:8])['batch'] == batch
        world.expect(2, 'resume', batch[:8], '--bodies', 'none')
        world.expect(2, 'resume', batch[:8], '--reason', 'nobody asked for one')
        world.expect(0, 'resolve', batch[:8])
        world.expect(0, 'cancel', batch[:8], '--reason', 'the wrong list')


def cancel_of_a_plan():
    with World('--runs', '2') as world:
        plan = world.plan()
        shown = json.loads(world.expect(0, 'cancel', plan, '--reason', 'the wrong list', '-o',
                                        'json'))
        assert shown['state'] == 'discarded'
        got, out, err = world.call('run', plan, *FLAGS)
        assert got == 2 and out == '' and 'discarded' in err, (got, err)
        again = re.search(r"muniment plan --org .*", err).group()
        again = again.replace('FILE', shlex.quote(world.sandbox.ids_file))
        done = subprocess.run(['sh', '-c', again + ' -q'], env={
            **world.env, 'PATH': os.path.dirname(MUNIMENT) + ':' + world.env['PATH']},
            capture_output=True, text=True, check=False)
        assert done.returncode == 0 and done.stdout.strip() not in ('', plan), done
        assert not os.path.exists(world.sandbox.log_file) or not world.sandbox.requests()


def interrupted_object():
    for number, why in ((signal.SIGINT, 'signal'), (signal.SIGTERM, 'terminated')):
        with World('--runs', '40', '--latency', '50') as world:
            process = world.start('run', world.plan(), '-o', 'json', *FLAGS)
            wait_mutations(world, 3)
            process.send_signal(number)
            out, err = process.communicate(timeout=30)
            assert process.returncode == -number, err
            shown = json.loads(out)
            assert (shown['state'], shown['exit']) == ('interrupted', 128 + number)
            assert shown['action'] == 'resume' and shown['reason'] == why
            assert 'next: muniment resume ' + shown['batch'] in err, err


class Terminal:
    """A command with a pseudo terminal as stdin and stderr; stdout is a pipe."""

    def __init__(self, world, *args):
        self.leader, follower = pty.openpty()
        self.seen = ''
        self.process = subprocess.Popen([MUNIMENT, *args], env={**world.env, 'TERM': 'xterm',
                                                                'LC_ALL': 'C.UTF-8'},
                                        stdin=follower, stdout=subprocess.PIPE, stderr=follower,
                                        start_new_session=True)
        os.close(follower)

    def until(self, text):
        end = time.monotonic() + 20
        while text is None or text not in self.seen:
            assert time.monotonic() < end, 'not seen: %r in %r' % (text, self.seen)
            if not select.select([self.leader], [], [], 0.5)[0]:
                continue
            try:
                part = os.read(self.leader, 65536)
            except OSError:
                part = b''
            if not part:
                assert text is None, 'not seen: %r in %r' % (text, self.seen)
                break
            self.seen += part.decode().replace('\r\n', '\n')
        return self.seen

    def type(self, text):
        os.write(self.leader, text.encode())

    def end(self):
        self.until(None)
        out = self.process.stdout.read().decode()
        self.process.stdout.close()
        status = self.process.wait(20)
        os.close(self.leader)
        return status, out, self.seen


def named_list(world, count):
    """A list with names, one of them hostile; its path."""
    path = os.path.join(world.folder, 'list.csv')
    with open(path, 'w', encoding='utf-8') as file:
        file.write('id,name\n')
        for number, run in enumerate(world.sandbox.ids[:count]):
            file.write('%s,Run %d%s\n' % (run, number, '\u202eevil' if number == 7 else ''))
    return path


def target(world, path):
    return ('--org', ORG, '--base-url', world.sandbox.url, '--from', path, '--reason',
            'a case of the tests')


def question_for_a_few():
    with World('--runs', '9') as world:
        done = json.loads(world.expect(0, 'archive', *world.sandbox.ids[1:3], '--yes',
                                       *target(world, '')[:4], '--reason', 'an earlier batch',
                                       '-o', 'json', *FLAGS))
        base = target(world, named_list(world, 9))
        asked = Terminal(world, 'archive', *base, *FLAGS)
        seen = asked.until('[y/N] ')
        ids = world.sandbox.ids
        assert '  %s  Run 0  (first)\n' % ids[0] in seen, seen
        assert '  %s  Run 7\\u{202e}evil\n' % ids[7] in seen and '\u202e' not in seen, seen
        assert '  ...\n  %s  Run 6\n' % ids[6] in seen, seen
        assert '  %s  Run 8  (last)\n' % ids[8] in seen and ids[4] not in seen, seen
        assert 'holds 2 of them as archived already: 2 by %s\n' % done['batch'] in seen, seen
        assert 'a restore does not undo all: favourites' in seen, seen
        assert re.search(r'Archive 9 runs in \S.* \(5f0c\u2026c35e\) at 127\.0\.0\.1:\d+ as user '
                         r'\d+ \(\w+\)\? \[y/N\] ', seen), seen
        sent = len(world.sandbox.mutations())
        asked.type('n\n')
        status, out, seen = asked.end()
        assert status == 2 and out == '', (status, out)
        plan = re.search('plan (p-[0-9a-f]{20}) stays stored', seen).group(1)
        assert len(world.sandbox.mutations()) == sent and world.status(plan)['state'] == 'stored'
        asked = Terminal(world, 'archive', *base, *FLAGS)
        asked.until('[y/N] ')
        asked.type('\x04')
        status, _, seen = asked.end()
        assert status == 2 and plan in seen, (status, seen)
        asked = Terminal(world, 'archive', *base, '-o', 'json', '--stop-after', '1', *FLAGS)
        asked.until('[y/N] ')
        asked.type('y\n')
        status, out, _ = asked.end()
        assert status == 10 and json.loads(out)['plan'] == plan, (status, out)
        # The same command again goes on with the batch, and asks again.
        asked = Terminal(world, 'archive', *base, *FLAGS)
        seen = asked.until('[y/N] ')
        assert 'is in batch %s, which is open' % json.loads(out)['batch'] in seen, seen
        asked.type('y\n')
        assert asked.end()[0] == 0
        assert world.status(plan)['counts']['archived'] == 7
        world.compare()


def question_for_many():
    with World('--runs', '26', '--archived', '26') as world:
        base = target(world, world.sandbox.ids_file)
        for answer, want in (('y', 2), ('25', 2), ('26', 0)):
            asked = Terminal(world, 'restore', *base, *FLAGS)
            seen = asked.until('number of runs: ')
            assert 'Restore 26 runs in ' in seen and 'a restore does not undo all' in seen, seen
            asked.type(answer + '\n')
            status, _, seen = asked.end()
            assert status == want, (answer, status, seen)
        world.compare()


def one_run_and_no_input():
    with World('--runs', '1') as world:
        asked = Terminal(world, 'archive', *target(world, world.sandbox.ids_file), *FLAGS)
        assert 'Archive 1 run in ' in asked.until('[y/N] ')
        asked.process.send_signal(signal.SIGINT)
        status, _, seen = asked.end()
        assert status == -signal.SIGINT and not world.sandbox.mutations(), (status, seen)
        asked = Terminal(world, 'archive', *target(world, world.sandbox.ids_file), '--no-input',
                         *FLAGS)
        status, _, seen = asked.end()
        assert status == 2 and '[y/N]' not in seen, (status, seen)
        assert '/me' not in [request['path'] for request in world.sandbox.requests()][3:]


def jwt(expires):
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip('=')
    return '%s.%s.%s' % (part({'alg': 'none'}), part({'exp': int(expires)}), 'c2lnbmF0dXJl')


def token_dies_early():
    token = jwt(time.time() + 120)
    with World('--runs', '20', '--token', token, token=token) as world:
        base = target(world, world.sandbox.ids_file)
        expires = datetime.datetime.fromtimestamp(int(time.time()), datetime.timezone.utc)
        said = r'the token expires at (20\S+Z), before the estimated end at (20\S+Z): use ' \
               r'another token, or --stop-at \1'
        slow = ('--rate', '12/h', '--progress', 'none')
        asked = Terminal(world, 'archive', *base, *slow)
        seen = asked.until('[y/N] ')
        found = re.search(said, seen)
        assert found and seen.index(found.group()) < seen.index('[y/N]'), seen
        assert utc(found.group(1)) < expires.timestamp() + 130 < utc(found.group(2))
        asked.type('n\n')
        asked.end()
        plan = world.plan()
        err = world.call('run', plan, *slow, '--stop-after', '1')[2]
        assert re.search(said, err), err
        err = world.call('resume', '--rate', 'none', '--stop-after', '1', '--progress', 'none')[2]
        assert 'expires' not in err, err
        err = world.call('resume', '--rate', '20/h', '--stop-at', '1s', '--progress', 'none')[2]
        assert 'expires' not in err and re.search(
            r'^stops at 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d{4}$', err, re.M), err
    token = jwt(time.time() - 5)
    with World('--runs', '2', '--token', token, token=token) as world:
        got, _, err = world.call('run', world.plan(), *FLAGS)
        assert got == 3 and 'expired at 20' in err, (got, err)
        assert not os.path.exists(world.sandbox.log_file) or not world.sandbox.requests()


def another_identity():
    with World('--runs', '4', '--token', 'sandbox-token', '--token', 'other-token') as world:
        batch = run_object(world, 'run', world.plan(), '--stop-after', '1', status=10)[0]['batch']
        world.env['TALLYFY_API_TOKEN'] = 'other-token'
        got, err = run_object(world, 'resume', status=2)
        assert got['batch'] == batch and got['exit'] == 2 and '--accept-identity' in err, err
        world.expect(2, 'resume', '--accept-identity-change', *FLAGS)
        sent = len(world.sandbox.mutations())
        assert sent == 1
        world.expect(0, 'resume', '--accept-identity-change', '--reason', 'she has left us',
                     *FLAGS)
        resumed = [entry for entry in world.lines('log') if entry['kind'] == 'batch.resumed'][-1]
        assert resumed['reason'] == 'she has left us'


class Proxy(threading.Thread):
    """A proxy for one host: it forwards what it gets, a connection at a time."""

    def __init__(self, url):
        super().__init__(daemon=True)
        self.to = urllib.parse.urlsplit(url)
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]

    def run(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        with client, socket.create_connection((self.to.hostname, self.to.port)) as server:
            if not self.open(client):
                return
            pairs = {client: server, server: client}
            while True:
                for ready in select.select(list(pairs), [], [])[0]:
                    data = ready.recv(65536)
                    if not data:
                        return
                    pairs[ready].sendall(data)

    @staticmethod
    def open(client):
        head = b''
        while b'\r\n\r\n' not in head:
            part = client.recv(4096)
            if not part:
                return False
            head += part
        client.sendall(b'HTTP/1.1 200 OK\r\n\r\n')
        return True


def certificates(folder, name):
    """An authority and a certificate for 127.0.0.1, made for this test alone."""
    path = {kind: os.path.join(folder, name + kind) for kind in ('.ca', '.key', '.crt', '.csr',
                                                                '.cakey', '.ext')}
    with open(path['.ext'], 'w', encoding='utf-8') as file:
        file.write('subjectAltName=IP:127.0.0.1\n')
    for command in (
            ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', path['.cakey'], '-out',
             path['.ca'], '-subj', '/CN=authority ' + name, '-days', '2'],
            ['req', '-newkey', 'rsa:2048', '-nodes', '-keyout', path['.key'], '-out',
             path['.csr'], '-subj', '/CN=127.0.0.1'],
            ['x509', '-req', '-in', path['.csr'], '-CA', path['.ca'], '-CAkey', path['.cakey'],
             '-CAcreateserial', '-out', path['.crt'], '-days', '2', '-extfile', path['.ext']]):
        subprocess.run(['openssl', *command], check=True, capture_output=True)
    return path


def proxy_and_issuer_change():
    if not shutil.which('openssl'):
        print('skipped: openssl is missing')
        return
    with tempfile.TemporaryDirectory() as folder:
        one, two = certificates(folder, 'one'), certificates(folder, 'two')
        with World('--runs', '6', '--tls', one['.crt'], one['.key']) as world:
            authorities = os.path.join(folder, 'both')
            with open(authorities, 'w', encoding='utf-8') as file:
                for path in (one['.ca'], two['.ca']):
                    with open(path, encoding='utf-8') as part:
                        file.write(part.read())
            plan = world.plan()
            got, _, err = world.call('run', plan, *FLAGS)
            assert got == 14 and 'certificate' in err, (got, err)
            got, _, err = world.call('run', plan, '--cacert', authorities, '--stop-after', '1',
                                     *FLAGS)
            assert got == 10 and 'proxy' not in err, (got, err)
            proxy = Proxy(world.sandbox.url)
            proxy.start()
            world.env['https_proxy'] = 'http://someone:secret@127.0.0.1:%d' % proxy.port
            got, _, err = world.call('resume', '--stop-after', '1', *FLAGS)
            assert got == 10 and 'the proxy has changed: 127.0.0.1' in err, (got, err)
            assert 'secret' not in err and 'issuer' not in err, err
            got, _, err = world.call('resume', '--stop-after', '1', *FLAGS)
            assert got == 10 and 'using the proxy 127.0.0.1' in err, (got, err)
            starts = [entry for entry in world.lines('log') if entry['kind'].startswith('batch.')
                      and 'proxy' in entry]
            assert [bool(entry['proxy']) for entry in starts] == [False, True, True], starts
            proxy.listener.close()
            del world.env['https_proxy']
            other_issuer(world, two)


def other_issuer(world, certificate):
    """The same address, with a certificate of the other authority."""
    port = urllib.parse.urlsplit(world.sandbox.url).port
    world.sandbox.process.kill()
    world.sandbox.process.wait()
    with subprocess.Popen([SANDBOX, '--port', str(port), '--runs', '6', '--die-with-stdin',
                           '--tls', certificate['.crt'], certificate['.key']],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        try:
            got, _, err = world.call('resume', '--stop-after', '1', *FLAGS)
            assert got == 10 and "issuer of the server's certificate has changed" in err, (got,
                                                                                           err)
            assert 'the proxy has changed: none' in err, err
            got, _, err = world.call('resume', *FLAGS)
            assert got == 0 and 'issuer' not in err, (got, err)
        finally:
            other.stdin.close()


def expired_plan():
    library = os.environ.get('MUN_CLOCK', '')
    if not library or subprocess.run([MUNIMENT, 'version'], env={'LD_PRELOAD': library},
                                     capture_output=True, check=False).returncode:
        print('skipped: MUN_CLOCK names no library, or the build is sanitized')
        return
    with World('--runs', '2') as world:
        plan = world.expect(0, 'plan', '-q', *target(world, world.sandbox.ids_file), '--ticket',
                            'OPS-1', '--label', 'wave=two words').strip()
        stored = world.status(plan)
        clock = os.path.join(world.folder, 'clock')
        with open(clock, 'w', encoding='utf-8') as file:
            file.write('%d 0 -\n' % (8 * 86400))
        world.env.update(LD_PRELOAD=library, MUN_FAKE_CLOCK=clock)
        assert world.status(plan)['state'] == 'expired'
        got, out, err = world.call('run', plan, *FLAGS)
        assert got == 2 and out == '' and 'expired at ' + stored['expires'] in err, (got, err)
        again = re.search(r"muniment plan .*", err).group()
        assert "--reason 'a case of the tests' --ticket OPS-1 --label 'wave=two words'" in again
        assert not os.path.exists(world.sandbox.log_file) or not world.sandbox.requests()


def colour():
    with World('--runs', '3', '--fault', '422@n=2') as world:
        batch = run_object(world, 'run', world.plan(), status=9)[0]['batch']
        plain = world.expect(0, 'items', batch)
        assert '\x1b' not in plain
        coloured = world.expect(0, 'items', batch, '--color', 'always')
        assert coloured.startswith('\x1b[1mitem\x1b[0m') and '\x1b[31mfailed\x1b[0m' in coloured
        assert re.sub('\x1b\\[[0-9]*m', '', coloured) == plain
        assert '\x1b' not in world.expect(0, 'items', batch, '--color', 'always', '-o', 'csv')
        for name, value, option, want in (('TERM', 'xterm', 'auto', True),
                                          ('TERM', 'dumb', 'auto', False),
                                          ('NO_COLOR', '1', 'auto', False),
                                          ('NO_COLOR', '', 'auto', True),
                                          ('NO_COLOR', '1', 'always', True),
                                          ('TERM', 'xterm', 'never', False)):
            leader, follower = pty.openpty()
            process = subprocess.Popen([MUNIMENT, 'items', batch, '--color', option],
                                       env={**world.env, 'TERM': 'xterm', name: value},
                                       stdin=subprocess.DEVNULL, stdout=follower)
            os.close(follower)
            assert process.wait(20) == 0
            seen = os.read(leader, 65536)
            os.close(leader)
            assert (b'\x1b[1m' in seen) == want, (name, value, option, seen)


def chosen_fields():
    with World('--runs', '3') as world:
        plan = world.plan()
        out = world.expect(0, 'status', plan, '-o', 'json', '--fields', 'eta_s,plan,labels')
        assert list(json.loads(out).items()) == [('eta_s', 0), ('plan', plan), ('labels', {})], out
        world.expect(2, 'run', plan, '-o', 'json', '--fields', 'state,nope', *FLAGS)
        assert world.status(plan)['state'] == 'stored'
        out = world.expect(0, 'run', plan, '-o', 'json', '--fields', 'counts,state', *FLAGS)
        assert list(json.loads(out)) == ['counts', 'state'], out
        batch = world.status(plan)['batch']
        world.expect(2, 'status', batch, '-o', 'csv')
        world.expect(2, 'run', plan, '-o', 'csv')
        world.expect(2, 'cancel', batch, '-o', 'jsonl', '--reason', 'the wrong list')
        rows = world.expect(0, 'history', '-o', 'csv', '--fields', 'run,verdict').splitlines()
        assert rows[0] == 'run,verdict' and len(rows) == 4


def plan_object():
    with World('--runs', '3') as world:
        ids = world.sandbox.ids
        base = ('--org', ORG, '--base-url', world.sandbox.url, '--reason', 'a case of the tests')
        shown = json.loads(world.expect(0, 'plan', *ids, ids[0], *base, '--json'))
        assert list(shown)[:8] == ['plan', 'op', 'org', 'base_url', 'items', 'duplicates',
                                   'eta_s', 'expires'], shown
        assert (shown['items'], shown['duplicates'], shown['eta_s']) == (3, 1, 0)
        assert abs(utc(shown['expires']) - time.time() - 7 * 86400) < 60
        again = world.expect(0, 'plan', '-q', *ids, ids[0], *base).strip()
        assert again == shown['plan']
        shown = json.loads(world.expect(0, 'restore', *ids, '--dry-run', '--rate', '1/h', *base,
                                        '--json'))
        assert (shown['op'], shown['eta_s']) == ('restore', 7200), shown


def words_that_are_no_text():
    with World('--runs', '1') as world:
        base = ('plan', *world.sandbox.ids, '--org', ORG, '--reason', 'a case of the tests')
        for bad in (b'a\xffb', b'a\nb', b'x' * 600):
            for option in (b'--operator=' + bad, b'--label=k=' + bad, b'--ticket=' + bad):
                got, _, err = world.call(*base, option)
                assert got == 2 and 'muniment: --' in err, (option, got, err)
        world.env['SUDO_USER'] = os.fsdecode(b'a\xffb')
        world.expect(0, *base)


def race_for_a_batch():
    with World('--runs', '200', '--latency', '30') as world:
        batch = run_object(world, 'run', world.plan(), '--stop-after', '1', status=10)[0]['batch']
        for _ in range(15):
            racers = [world.start('resume', batch, '--stop-after', '1', *FLAGS) for _ in range(4)]
            said = [(racer, racer.communicate(timeout=60)[1]) for racer in racers]
            pids = ['pid %d,' % racer.pid for racer in racers]
            assert any(racer.returncode == 10 for racer in racers), said
            for racer, err in said:
                assert racer.returncode in (10, 11), (racer.returncode, err)
                if racer.returncode == 11:
                    assert err.count('\n') == 1 and any(pid in err for pid in pids), err
                    assert 'pid %d,' % racer.pid not in err, err
        world.compare()


def verbose_and_quiet():
    with World('--runs', '3') as world:
        plan = world.plan()
        _, _, err = world.call('run', plan, '-v', '--stop-after', '1', *FLAGS)
        assert 'muniment: journal ' + world.journal in err and ', epoch 1, at http' in err, err
        assert 'sandbox-token' not in err
        got, _, err = world.call('resume', '-q', *FLAGS)
        assert (got, err) == (0, ''), (got, err)


def consent_by_id():
    with World('--runs', '26') as world:
        base = target(world, world.sandbox.ids_file)
        plan = world.plan()
        for args in (('--confirm', plan[:12]), ('--confirm', 'p-' + '0' * 20), ('--yes',), ()):
            got, out, err = world.call('archive', *base, *args, *FLAGS)
            assert got == 2 and out == '' and 'muniment run ' + plan in err, (args, got, err)
        world.expect(2, 'run', plan, '--confirm', 'p-' + '0' * 20, *FLAGS)
        world.expect(2, 'run', plan, '--yes', *FLAGS)
        assert not os.path.exists(world.sandbox.log_file) or not world.sandbox.requests()
        with open(world.sandbox.ids_file, 'a', encoding='utf-8') as file:
            file.write('0' * 32 + '\n')
        world.expect(2, 'archive', *base, '--confirm', plan, *FLAGS)
        world.expect(0, 'run', plan, '--confirm', plan, *FLAGS)
        world.compare()


def waiting_is_shown():
    with World('--runs', '9') as world:
        process = world.start('run', world.plan(), '--rate', '5/m', '--progress', 'none')
        wait_mutations(world, 2)
        end = time.monotonic() + 20
        shown = {'state': ''}
        while shown['state'] != 'waiting':
            assert time.monotonic() < end, shown
            time.sleep(0.1)
            batch = json.loads(world.expect(0, 'status', '-o', 'json'))[-1]
            shown = world.status(batch['id'])
        batch = json.loads(world.expect(0, 'status', '-o', 'json'))[-1]
        assert batch['state'] == 'waiting', batch
        assert (shown['reason'], shown['action'], shown['exit']) == ('quota', 'wait', None), shown
        assert shown['next_command'] is None and shown['windows'][0]['used'] == 5, shown
        assert 30 < utc(shown['next_at']) - time.time() < 61, shown
        table = world.expect(0, 'status', batch['id'])
        assert 'state      waiting: quota' in table and 'used 5 of 5/m\n' in table, table
        assert re.search(r'^request    20', table, re.M), table
        # With nothing in flight the first signal ends it at once.
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
        assert process.returncode == -signal.SIGTERM and time.monotonic() - began < 3
        shown = world.status(batch['id'])
        assert (shown['state'], shown['reason']) == ('interrupted', 'terminated'), shown


def summary_is_last():
    """--progress json: objects alone on stderr, the summary last, also when nothing is left to do."""
    with World('--runs', '4', '--fault', '422@n=2') as world:
        plan = world.plan()
        flags = (*FLAGS[:-1], 'json')
        for args, status in ((('run', plan, '--stop-after', '1'), 10), (('resume',), 9),
                             (('run', plan), 9)):
            got, out, err = world.call(*args, *flags)
            assert got == status, (args, got, err)
            lines = err.splitlines()
            last = json.loads(lines[-1])
            assert last['type'] == 'summary' and err.count('"summary"') == 1, err
            assert last['state'] == ('stopped' if got == 10 else 'done_with_failures'), last
            assert last['reason'] == ('stop_after' if got == 10 else None), last
            assert all(json.loads(line)['type'] for line in lines if 'executed already' not in
                       line), err
            assert 'next       muniment' in out, 'people read stdout'
        other = world.plan(reason='another case of the tests')
        world.expect(10, 'run', other, '--stop-after', '1', *FLAGS)
        got, _, err = world.call('cancel', world.status(other)['batch'], '--progress', 'json',
                                 '--reason', 'the wrong list')
        assert got == 0 and 'next: nothing' in err, 'cancel has no summary: ' + err


def empty_list():
    """--allow-empty stores nothing, and a program gets the object all the same."""
    with World('--runs', '1') as world:
        empty = os.path.join(world.folder, 'empty')
        with open(empty, 'w', encoding='utf-8'):
            pass
        base = ('--from', empty, '--allow-empty', '--base-url', world.sandbox.url)
        known = set(json.loads(world.expect(0, 'plan', world.sandbox.ids[0], '--org', ORG,
                                            '--reason', 'a case of the tests', '-o', 'json')))
        for verb, op, org in (('plan', 'archive', ORG), ('archive', 'archive', ORG),
                              ('restore', 'restore', None)):
            where = ('--org', org) if org else ()
            shown = json.loads(world.expect(0, verb, *base, *where, '-o', 'json'))
            assert set(shown) == known, (verb, shown)
            assert (shown['plan'], shown['op'], shown['org'], shown['base_url'], shown['items'],
                    shown['state'], shown['stored'], shown['expires'], shown['seq']) == \
                (None, op, org, world.sandbox.url, 0, None, None, None, None), shown
            assert world.expect(0, verb, *base, *where, '-q') == ''
            assert world.expect(0, verb, *base, *where) == ''


def fields_or_nothing():
    """--fields takes members of the object, or is refused before anything is done."""
    with World('--runs', '3') as world:
        plan = world.plan()
        why = ('--reason', 'the wrong list')
        for args in (('run', plan), ('status', plan), ('show', plan), ('verify',),
                     ('cancel', plan, *why), ('journal', 'info'), ('show', '#0'),
                     ('show', '#0', '-o', 'json'), ('verify', '-o', 'json', '--fields', 'nope'),
                     ('journal', 'info', '-o', 'json', '--fields', 'nope')):
            more = () if '--fields' in args else ('--fields', 'result,state')
            got, out, err = world.call(*args, *more)
            assert got == 2 and out == '' and '--fields' in err, (args, got, out, err)
        assert not world.sandbox.mutations() and world.status(plan)['state'] == 'stored'
        batch = run_object(world, 'run', plan, status=0)[0]['batch']
        for args, fields in ((('verify', '-o', 'json'), 'size,result'),
                             (('verify', '-o', 'jsonl'), 'bad'),
                             (('journal', 'check', '-o', 'json'), 'result'),
                             (('journal', 'info', '-o', 'json'), 'root,size'),
                             (('status', batch, '-o', 'jsonl'), 'exit,state'),
                             (('show', world.sandbox.ids[0], '-o', 'json'), 'run')):
            shown = json.loads(world.expect(0, *args, '--fields', fields))
            assert list(shown) == fields.split(','), (args, shown)


def rebuilt_object():
    with World('--runs', '2') as world:
        run_object(world, 'run', world.plan(), status=0)
        info = json.loads(world.expect(0, 'journal', 'info', '-o', 'json'))
        shown = json.loads(world.expect(0, 'journal', 'rebuild', '-o', 'json'))
        assert list(shown) == list(info), shown
        assert (shown['id'], shown['size'], shown['root']) == \
            (info['id'], info['size'], info['root']), (shown, info)
        assert world.expect(0, 'journal', 'rebuild') == ''


def no_place():
    with World('--runs', '1') as world:
        for option in ('--journal', '--vault'):
            got, _, err = world.call('status', option, '')
            assert got == 2 and option + ' is empty' in err, (got, err)
        got, _, err = world.call('verify', os.path.join(world.folder, 'nowhere'))
        assert got == 12 and 'nowhere' in err and 'hint' not in err, (got, err)
        got, _, err = world.call('status')
        assert got == 12 and 'hint: muniment plan' in err, (got, err)


def refused_leaves_no_lock():
    """A batch that never came to be leaves no lock file; one that did keeps its own."""
    def locks(world):
        return [name for name in os.listdir(world.journal) if name.startswith('batch-')]

    with World('--runs', '40', token='not-the-token') as world:
        plan = world.plan()
        for _ in range(3):
            world.expect(3, 'run', plan, *FLAGS)
            assert locks(world) == [], locks(world)
        world.env['TALLYFY_API_TOKEN'] = 'sandbox-token'
        racers = [world.start('run', plan, '--stop-after', '1', *FLAGS) for _ in range(6)]
        world.env['TALLYFY_API_TOKEN'] = 'not-the-token'
        racers += [world.start('run', plan, '--stop-after', '1', *FLAGS) for _ in range(6)]
        for racer in racers:
            _, err = racer.communicate(timeout=60)
            assert racer.returncode in (3, 10, 11), (racer.returncode, err)
        world.env['TALLYFY_API_TOKEN'] = 'sandbox-token'
        world.expect(0, 'run', plan, *FLAGS)
        assert len(locks(world)) == 1, locks(world)
        world.compare()


def how_long():
    """Less than a second is no number."""
    with World('--runs', '40') as world:
        base = target(world, world.sandbox.ids_file)
        err = world.call('plan', *base)[2]
        assert 'takes 15s at 10/5s,90/m,900/h; seconds at 600/m' in err, err


def questions():
    """Interrupted at one, nothing is in flight; a bad reason is asked for again."""
    with World('--runs', '3') as world:
        base = target(world, world.sandbox.ids_file)
        bare = base[:-2]
        asked = Terminal(world, 'archive', *bare, *FLAGS)
        asked.until('characters): ')
        asked.type('short\n')
        asked.until('the reason has 5 characters')
        asked.until('characters): ')
        asked.type('long enough for a reason\n')
        asked.until('[y/N] ')
        asked.process.send_signal(signal.SIGINT)
        status, _, seen = asked.end()
        assert status == -signal.SIGINT, (status, seen)
        assert 'stopping' not in seen, seen
        assert re.search(r'^muniment: not confirmed; nothing was sent', seen, re.M), seen
        assert not world.sandbox.mutations()
        done = run_object(world, 'archive', *base, '--yes', '--stop-after', '1', status=10)[0]
        asked = Terminal(world, 'archive', *base, *FLAGS)
        asked.until('[y/N] ')
        asked.type('n\n')
        status, _, seen = asked.end()
        assert status == 2 and 'batch %s stays open' % done['batch'] in seen, seen
        assert 'muniment resume ' + done['batch'] in seen and 'stays stored' not in seen, seen


CASES = [(function.__name__, function) for function in (
    jsonl_streams, jsonl_with_fields, unknown_field_before_anything, reader_leaves, full_disk,
    queries_and_full_disk, object_at_each_end, only_the_error_before_a_batch,
    journal_breaks_in_mid_run, exit_six, another_holds_it, stopped_while_it_writes, four_things,
    four_things_of_others, next_commands_work, executable_is_named, consumed_plan, windows_and_next_request, resume_takes_over,
    cancel_of_a_dead_runner, decisions, resume_finds_it, resume_all_goes_on,
    who_may_be_abbreviated, cancel_of_a_plan, interrupted_object, question_for_a_few,
    question_for_many, one_run_and_no_input, token_dies_early, another_identity,
    proxy_and_issuer_change, expired_plan, colour, chosen_fields, plan_object,
    words_that_are_no_text, race_for_a_batch, verbose_and_quiet, consent_by_id,
    waiting_is_shown, summary_is_last, empty_list, fields_or_nothing, rebuilt_object, no_place,
    refused_leaves_no_lock, how_long, questions)]

if __name__ == '__main__':
    main(CASES)
