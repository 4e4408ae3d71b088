# SPDX-License-Identifier: Apache-2.0
"""What the program promises around a run: lists, reasons, settings, reports, kills, memory."""
import json
import os
import signal
import time

from harness import MUNIMENT, ORG, TOKEN, World, main
from terminal import Terminal

FAST = ('--rate', 'none', '--settle', '300ms', '--progress', 'none')
REASON = ('--reason', 'a case of the tests')
UNKNOWN_RUN = '%032x' % 7


def target(world):
    return ('--org', ORG, '--base-url', world.sandbox.url)


def until(true, what, seconds=20):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, 'not within %d s: %s' % (seconds, what)
        time.sleep(0.02)


def sent(world, count):
    until(lambda: len(world.sandbox.mutations()) >= count, '%d requests' % count)


def probed(world):
    """A run was asked for by its own address."""
    return os.path.exists(world.sandbox.log_file) and any(
        request['method'] == 'GET' and '/runs/' in request['path']
        for request in world.sandbox.requests())


def verdicts(world):
    return [row['verdict'] for row in world.lines('history')]


def write(world, name, data):
    path = os.path.join(world.folder, name)
    with open(path, 'wb') as file:
        file.write(data if isinstance(data, bytes) else data.encode())
    os.chmod(path, 0o600)
    return path


def list_is_stored():
    with World('--runs', '3') as world:
        plan = world.plan()
        os.unlink(world.sandbox.ids_file)
        world.expect(0, 'run', plan, *FAST)
        paths = sorted(request['path'].split('/')[-1] for request in world.sandbox.mutations())
        assert paths == sorted(world.sandbox.ids), paths


def archive_again():
    """After its batch ended the same command is a new plan that looks before it sends."""
    with World('--runs', '3') as world:
        again = ('archive', *target(world), '--from', world.sandbox.ids_file, *REASON, '--yes',
                 '-o', 'json', *FAST)
        first, second = (json.loads(world.expect(0, *again)) for _ in range(2))
        assert first['plan'] != second['plan']
        assert len(world.sandbox.mutations()) == 3, 'an archived run was archived again'
        items = world.lines('items', second['batch'])
        assert [item['verdict'] for item in items] == ['already_archived'] * 3, items


def reason_is_missing():
    with World('--runs', '2') as world:
        for verb in ('archive', 'restore'):
            world.expect(2, verb, *target(world), '--from', world.sandbox.ids_file, '--yes')
        plan = world.plan()
        world.expect(2, 'cancel', plan)
        world.expect(2, 'cancel', plan, '--reason', 'short')
        assert not world.sandbox.mutations()
        world.expect(0, 'run', plan, *FAST)


def restore_of_a_deleted_run():
    with World('--runs', '3', '--archived', '3') as world:
        write(world, 'ids', '\n'.join([*world.sandbox.ids, UNKNOWN_RUN]) + '\n')
        world.expect(9, 'run', world.plan('restore'), *FAST)
        rows = {row['run']: row['verdict'] for row in world.lines('history')}
        assert rows.pop(UNKNOWN_RUN) == 'not_found' and 'not_found' not in rows.values(), rows
    with World('--runs', '1', '--archived', '1') as world:
        write(world, 'ids', UNKNOWN_RUN + '\n')
        world.expect(5, 'run', world.plan('restore'), *FAST)


def formulas():
    """CSV defuses a formula of a list or ticket; --csv-raw shows it as it is."""
    with World('--runs', '1') as world:
        path = write(world, 'list.csv', 'id,name\n%s,=1+1\n' % world.sandbox.ids[0])
        plan = world.expect(0, 'plan', '-q', *target(world), *REASON, '--from', path).strip()
        world.expect(0, 'run', plan, '--bodies', 'none', *FAST)
        show = ('items', world.lines('history')[0]['batch'], '-o', 'csv', '--fields', 'name')
        assert world.expect(0, *show).split() == ['name', "'=1+1"]
        assert world.expect(0, *show, '--csv-raw').split() == ['name', '=1+1']


def target_is_fixed():
    """Neither options nor the environment lead a plan or batch to another place."""
    with World('--runs', '3') as world:
        plan = world.plan()
        others = (('--org', '0' * 32), ('--base-url', 'http://127.0.0.1:9'))
        for other in others:
            world.expect(2, 'run', plan, *other, *FAST)
        assert not world.sandbox.mutations()
        world.expect(10, 'run', plan, '--stop-after', '1', *FAST)
        for other in others:
            world.expect(2, 'resume', *other, *FAST)
        assert len(world.sandbox.mutations()) == 1
        world.env.update(MUNIMENT_ORG='0' * 32, MUNIMENT_BASE_URL='http://127.0.0.1:9',
                         TALLYFY_BASE_URL='http://127.0.0.1:9')
        world.expect(0, 'resume', *FAST)
        assert len(world.sandbox.mutations()) == 3
        log = world.lines('log')
        started, resumed = ([entry for entry in log if entry['kind'] == kind][-1]['tool']
                            for kind in ('batch.started', 'batch.resumed'))
        assert resumed == started and len(resumed['sha256']) == 64 and resumed['version'], resumed


def verify_beside_a_run():
    with World('--runs', '20', '--latency', '400') as world:
        runner = world.start('run', world.plan(), *FAST)
        sent(world, 3)
        report = json.loads(world.expect(0, 'verify', '-o', 'json'))
        runner.terminate()
        runner.communicate(timeout=30)
        found = report['findings']
        assert any(row['seq'] is not None for row in found), 'the request in flight is not named'
        assert not any(row['bad'] for row in found), found


def one_sigterm():
    """A request that hangs delays the end by its timeout and stays in doubt."""
    with World('--runs', '5', '--fault', 'hang-after@n=2') as world:
        runner = world.start('run', world.plan(), '--timeout', '2s', *FAST)
        sent(world, 2)
        began = time.monotonic()
        runner.terminate()
        _, err = runner.communicate(timeout=30)
        took = time.monotonic() - began
        assert runner.returncode == -signal.SIGTERM and took < 5, (runner.returncode, took)
        assert 'muniment resume' in err, err
        assert world.status(world.lines('history')[0]['batch'])['counts']['in_doubt'] == 1
        assert len(world.sandbox.mutations()) == 2


def three_writers():
    """Two runs and a `token add` at once write one chain without a gap."""
    with World('--runs', '60', '--latency', '10') as world:
        ids = world.sandbox.ids
        plans = [world.expect(0, 'plan', '-q', *target(world), *REASON, *half).strip()
                 for half in (ids[:30], ids[30:])]
        key, token = write(world, 'key', os.urandom(48)), write(world, 'token', TOKEN)
        runners = [world.start('run', plan, *FAST) for plan in plans]
        sent(world, 2)
        world.expect(0, 'token', 'add', 'acme', *target(world), '--key-file', key,
                     '--token-file', token, '--vault', os.path.join(world.folder, 'vault'))
        for runner in runners:
            _, err = runner.communicate(timeout=60)
            assert runner.returncode == 0, err
        log = world.lines('log')
        assert [entry['seq'] for entry in log] == list(range(len(log)))
        assert 'token.added' in {entry['kind'] for entry in log}
        world.expect(0, 'verify')
        world.compare()


def in_flight():
    """Pending while its runner lives, in doubt when it is dead."""
    with World('--runs', '4', '--fault', 'hang-after@n=2') as world:
        runner = world.start('run', world.plan(), *FAST)
        sent(world, 2)
        batch = world.lines('history')[0]['batch']
        alive = world.status(batch)['counts']
        runner.kill()
        runner.communicate()
        dead = world.status(batch)['counts']
        assert (alive['pending'], alive['in_doubt']) == (3, 0), alive
        assert (dead['pending'], dead['in_doubt']) == (2, 1), dead


def memory():
    """What a run holds does not grow with its list."""
    with World('--runs', '5000') as world:
        runner = world.start('run', world.plan(), '--concurrency', '64', *FAST)
        peak = 0
        while runner.poll() is None:
            try:
                with open('/proc/%d/status' % runner.pid, encoding='utf-8') as file:
                    held = [line.split()[1] for line in file if line.startswith('RssAnon')]
            except OSError:
                held = []
            peak = max([peak, *map(int, held)])
            time.sleep(0.05)
        _, err = runner.communicate()
        assert runner.returncode == 0, err
        assert len(world.sandbox.mutations()) == 5000
        assert 0 < peak < 32 * 1024 or 'ASAN_OPTIONS' in world.env, '%d KB' % peak


def list_on_stdin():
    """The question goes to the terminal while the list comes through a pipe."""
    for answer, status, count in (('y', 0, 2), ('n', 2, 0)):
        with World('--runs', '2') as world:
            line = 'cat "$1" | "$0" archive --org %s --base-url %s --from - --reason "%s" %s' % (
                *target(world)[1::2], REASON[1], ' '.join(FAST))
            with Terminal(['sh', '-c', line, MUNIMENT, world.sandbox.ids_file],
                          world.env) as terminal:
                terminal.wait_for(r'\[y/N\]')
                terminal.send(answer + '\n')
                assert terminal.finish() == status, terminal.text()
            assert len(world.sandbox.mutations()) == count


def killed_at_a_probe(fault, verdict):
    """The answer is not believed before the probe has answered, also over a kill."""
    with World('--runs', '4', '--fault', fault + '@n=2',
               '--fault', 'hang@n=1,on=run') as world:
        runner = world.start('run', world.plan(), *FAST)
        until(lambda: probed(world), 'a probe')
        runner.kill()
        runner.communicate()
        answers = [entry['verdict'] for entry in world.lines('log') if entry['kind'] == 'response']
        assert answers[-1] == 'unknown', answers
        assert verdicts(world) == ['archived', 'in_doubt']
        batch = world.lines('history')[0]['batch']
        assert world.status(batch)['counts']['in_doubt'] == 1
        world.expect(9, 'resume', *FAST)
        paths = [request['path'] for request in world.sandbox.mutations()]
        assert len(paths) == len(set(paths)) == 4, 'sent again: %s' % paths
        items = [item['verdict'] for item in world.lines('items', batch)]
        assert items.count(verdict) == 1, items
        world.expect(0, 'verify')


if __name__ == '__main__':
    main([('list is stored', list_is_stored), ('archive again', archive_again),
          ('reason is missing', reason_is_missing),
          ('restore of a deleted run', restore_of_a_deleted_run), ('formulas', formulas),
          ('target is fixed', target_is_fixed), ('verify beside a run', verify_beside_a_run),
          ('one SIGTERM', one_sigterm), ('three writers', three_writers),
          ('in flight', in_flight), ('memory', memory), ('list on stdin', list_on_stdin),
          ('killed at a probe, 400', lambda: killed_at_a_probe('400', 'rejected')),
          ('killed at a probe, 404',
           lambda: killed_at_a_probe('404-resource', 'not_found'))])
