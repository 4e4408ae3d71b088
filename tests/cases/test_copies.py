# SPDX-License-Identifier: Apache-2.0
"""Older copies, forks and lost marks: what a journal's high-water mark shows, and adopting."""
import fcntl
import json
import os
import re
import shutil
import time

from harness import ORG, World, conserved, main

FLAGS = ('--rate', 'none', '--settle', '300ms', '--progress', 'none')
RUNS = 12
REASON = ('--reason', 'a backup was restored')


def copy(world, name, source=None):
    target = os.path.join(world.folder, name)
    shutil.copytree(source or world.journal, target)
    return target


def put_back(world, saved):
    shutil.rmtree(world.journal)
    shutil.copytree(saved, world.journal)


def mark_file(world):
    folder = world.env['XDG_STATE_HOME'] + '/muniment'
    names = [name for name in os.listdir(folder) if not name.endswith('.lock')]
    assert len(names) == 1, names
    return os.path.join(folder, names[0])


def mark(world):
    with open(mark_file(world), encoding='utf-8') as file:
        return dict(line.split(' ', 1) for line in file.read().splitlines())


def begun(world, done=4):
    """A batch of which some items are done, and its plan."""
    plan = world.plan()
    world.expect(10, 'run', plan, *FLAGS, '--stop-after', str(done))
    return plan


def size(world, journal=None):
    where = ('--journal', journal) if journal else ()
    return json.loads(world.expect(0, 'journal', 'info', '-o', 'json', *where))['size']


def sent_twice(world):
    runs = [request['path'] for request in world.sandbox.mutations()]
    return len(runs) - len(set(runs))


def starts(world):
    return [entry for entry in world.lines('log') if entry['kind'].startswith('batch.')
            and 'all_in_doubt' in entry]


def probed_first(world, since):
    """Each run that was sent from then on was asked about before, from then on."""
    asked = set()
    for request in world.sandbox.requests()[since:]:
        if request['mutate']:
            assert request['path'] in asked, 'sent without asking first: %s' % request['path']
        else:
            asked.add(request['path'])


def mark_follows():
    with World('--runs', str(RUNS)) as world:
        begun(world)
        now = mark(world)
        assert int(now['size']) == size(world) and now['since'] == '0', now
        assert now['path'] == os.path.realpath(world.journal)
        world.expect(0, 'resume', *FLAGS)
        assert int(mark(world)['size']) == size(world)
        before = mark(world)
        for args in (('status',), ('history',), ('log',), ('verify',)):
            world.expect(0, *args)
        assert mark(world) == before
        assert all(not entry['all_in_doubt'] for entry in starts(world))


def restored_backup():
    with World('--runs', str(RUNS)) as world:
        begun(world)
        saved = copy(world, 'saved')
        world.expect(10, 'resume', *FLAGS, '--stop-after', '4')
        seen = len(world.sandbox.requests())
        put_back(world, saved)
        for args in (('status',), ('history',), ('items', starts(world)[0]['batch'])):
            status, _, err = world.call(*args)
            assert status == 0 and 'older copy' in err, (args, status, err)
        status, out, err = world.call('verify')
        assert status == 15, (status, out, err)
        for args in (('resume', *FLAGS), ('plan', '--org', '0' * 32, '--reason', 'some reason',
                                          '0' * 32)):
            status, _, err = world.call(*args)
            assert status == 12 and 'adopt' in err, (args, status, err)
        assert len(world.sandbox.requests()) == seen
        adopt(world)


def adopt(world):
    before = len(world.sandbox.requests())
    old_size = size(world)
    world.expect(2, 'journal', 'adopt')
    status, _, err = world.call('journal', 'adopt', *REASON)
    assert status == 0, err
    plan = re.search(r'muniment run (p-[0-9a-f]+)', err).group(1)
    aside = re.search(r'former journal is (\S+)', err).group(1)
    assert re.fullmatch(re.escape(world.folder) + r'/journal-[0-9a-f]{8}', aside), aside
    first, stored = world.lines('log')[:2]
    assert first['previous']['size'] == old_size and first['previous']['reason'] == REASON[1]
    assert first['previous']['mark'] > old_size and len(first['previous']['root']) == 64
    assert stored['kind'] == 'plan.stored' and stored['adopted'].startswith('b-')
    shown = json.loads(world.expect(0, 'show', plan, '-o', 'json'))
    assert shown['expires'] is None, shown
    world.expect(0, 'run', plan, *FLAGS)
    counts = world.status(plan)['counts']
    assert conserved(counts) and counts['archived'] + counts['already_archived'] == RUNS - 4, counts
    assert counts['already_archived'] == 4, counts
    probed_first(world, before)
    assert sent_twice(world) == 0
    assert starts(world)[0]['all_in_doubt'] is True
    world.expect(0, 'verify')
    world.expect(0, 'journal', 'check')
    assert len(world.lines('history', '--journal', aside)) == 4
    world.expect(0, 'verify', aside)
    world.expect(12, 'cancel', stored['adopted'], '--reason', 'it is retired', '--journal', aside)


def adopted_but_not_run():
    """Until it is probed, an adopted item counts as an attempt that may have been made."""
    with World('--runs', '3') as world:
        begun(world, 1)
        saved = copy(world, 'saved')
        still_open = world.sandbox.ids[1:]
        world.expect(0, 'resume', *FLAGS)
        put_back(world, saved)
        world.expect(0, 'journal', 'adopt', *REASON)
        plan = world.lines('status')[0]['id']
        for discard in (False, True):
            seen = len(world.sandbox.requests())
            if discard:
                world.expect(0, 'cancel', plan, '--reason', 'discarded for a test')
            other = world.expect(0, 'plan', '-q', '--org', ORG, '--base-url', world.sandbox.url,
                                 '--reason', 'another plan of them', *still_open).strip()
            world.expect(0, 'run', other, *FLAGS)
            probed_first(world, seen)
            assert sent_twice(world) == 0
            world.expect(0, 'verify')
            world.expect(0, 'journal', 'check')


def without_a_mark():
    with World('--runs', str(RUNS)) as world:
        begun(world)
        seen = len(world.sandbox.requests())
        shutil.rmtree(world.env['XDG_STATE_HOME'])
        status, out, err = world.call('verify', '-o', 'json')
        assert status == 0 and any('mark' in what for what in json.loads(out)['not_checked']), out
        shutil.rmtree(world.env['XDG_STATE_HOME'], ignore_errors=True)
        status, _, err = world.call('resume', *FLAGS)
        assert status == 0 and 'high-water mark' in err, (status, err)
        assert [entry['all_in_doubt'] for entry in starts(world)] == [False, True]
        probed_first(world, seen)
        assert sent_twice(world) == 0
        assert int(mark(world)['since']) > 0
        world.expect(0, 'verify')
        world.expect(0, 'journal', 'check')


def doubt_outlives_a_stop():
    """What was put in doubt stays so until it is asked about, over further epochs."""
    with World('--runs', str(RUNS), '--latency', '100') as world:
        plan = begun(world)
        shutil.rmtree(world.env['XDG_STATE_HOME'])
        seen = len(world.sandbox.requests())
        world.expect(13, 'resume', *FLAGS, '--stop-at', '700ms')
        counts = world.status(plan)['counts']
        assert conserved(counts) and counts['in_doubt'] > 0, counts
        states = {row['state'] for row in world.lines('items', starts(world)[0]['batch'])}
        assert 'in_doubt' in states, states
        world.expect(0, 'resume', *FLAGS)
        probed_first(world, seen)
        assert [entry['all_in_doubt'] for entry in starts(world)] == [False, True, False]
        world.expect(0, 'verify')
        world.expect(0, 'journal', 'check')


def doubt_is_resolved_and_cancelled():
    with World('--runs', '6', '--latency', '100') as world:
        plan = begun(world, 2)
        batch = starts(world)[0]['batch']
        shutil.rmtree(world.env['XDG_STATE_HOME'])
        sent = len(world.sandbox.mutations())
        world.expect(0, 'resolve', batch, '--reason', 'a mark was lost')
        assert len(world.sandbox.mutations()) == sent
        counts = world.status(plan)['counts']
        assert counts['in_doubt'] == 0 and counts['pending'] == 4, counts
        shutil.rmtree(world.env['XDG_STATE_HOME'])
        world.expect(13, 'resume', *FLAGS, '--stop-at', '700ms')
        in_doubt = world.status(plan)['counts']['in_doubt']
        assert in_doubt > 0
        world.expect(13, 'cancel', batch, '--reason', 'cancelled for a test')
        counts = world.status(plan)['counts']
        assert counts['in_doubt'] == in_doubt and counts['pending'] == 0, counts
        world.expect(0, 'resolve', batch, '--reason', 'a mark was lost')
        counts = world.status(plan)['counts']
        assert counts['in_doubt'] == 0 and conserved(counts), counts
        world.expect(0, 'verify')
        world.expect(0, 'journal', 'check')


def copies_that_go_on():
    with World('--runs', str(RUNS)) as world:
        begun(world)
        other = copy(world, 'other')
        world.expect(10, 'resume', *FLAGS, '--stop-after', '2')
        # on the same machine: behind what was seen, wherever it stands
        world.expect(12, 'resume', *FLAGS, '--journal', other)
        status, out, _ = world.call('verify', other, '-o', 'json')
        found = [row['what'] for row in json.loads(out)['findings']]
        assert status == 0 and any('older copy' in what for what in found), (status, found)
        # with a state of its own, as on another machine: it forks, and each shows the other
        here = world.env['XDG_STATE_HOME']
        world.env['XDG_STATE_HOME'] = os.path.join(world.folder, 'elsewhere')
        seen = len(world.sandbox.requests())
        world.expect(0, 'resume', *FLAGS, '--journal', other)
        probed_first(world, seen)
        assert sent_twice(world) == 0
        world.env['XDG_STATE_HOME'] = here
        assert world.call('verify', other)[0] == 15
        world.expect(12, 'plan', '--org', '0' * 32, '--reason', 'some reason', '0' * 32,
                     '--journal', other)


def adopted_twice():
    """What one journal adopted and never asked about is not forgotten by the next one."""
    with World('--runs', '4') as world:
        begun(world, 1)
        saved = copy(world, 'saved')
        world.expect(0, 'resume', *FLAGS)
        put_back(world, saved)
        world.expect(0, 'journal', 'adopt', *REASON)
        first = world.lines('log')[1]
        world.expect(0, 'journal', 'adopt', *REASON)
        again = world.lines('log')[1]
        for name in ('items', 'list_sha256', 'adopted', 'reason', 'plan'):
            assert again[name] == first[name], (name, first, again)
        seen = len(world.sandbox.requests())
        world.expect(0, 'run', again['plan'], *FLAGS)
        probed_first(world, seen)
        assert sent_twice(world) == 0
        world.expect(0, 'verify')
        world.expect(0, 'journal', 'adopt', *REASON)
        assert len(world.lines('log')) == 1, 'nothing is open any more'


def killed_while_adopting():
    """Nothing can be sent from the next journal before no copy of the former one goes on."""
    with World('--runs', str(RUNS)) as world:
        begun(world)
        saved = copy(world, 'saved')
        with open(mark_file(world) + '.lock', 'w', encoding='utf-8') as lock:
            fcntl.lockf(lock, fcntl.LOCK_EX)  # whoever writes the mark waits
            process = world.start('journal', 'adopt', *REASON)
            time.sleep(1)
            assert process.poll() is None
            process.kill()
            process.communicate()
        for plan in [entry['plan'] for entry in world.lines('log')
                     if entry['kind'] == 'plan.stored' and entry['adopted']]:
            world.expect(0, 'run', plan, *FLAGS)
        world.call('resume', *FLAGS, '--journal', saved)
        assert sent_twice(world) == 0
        status, _, err = world.call('journal', 'adopt', *REASON)
        assert status == 0, err


def killed_after_it_was_copied():
    """A start is marked before anything is sent: no copy of before it goes on, however it ended."""
    with World('--runs', '40', '--latency', '50') as world:
        begun(world, 2)
        saved = copy(world, 'saved')
        killed(world, 8)
        seen = len(world.sandbox.mutations())
        world.expect(12, 'resume', *FLAGS, '--journal', saved)
        put_back(world, saved)
        world.expect(12, 'resume', *FLAGS)
        assert len(world.sandbox.mutations()) == seen


def killed(world, sent, meanwhile=None):
    """A runner that is killed; `meanwhile` is done when it has sent half of that."""
    first = len(world.sandbox.mutations())
    process = world.start('resume', *FLAGS)
    while len(world.sandbox.mutations()) < first + sent:
        if meanwhile and len(world.sandbox.mutations()) >= first + sent // 2:
            meanwhile()
            meanwhile = None
        time.sleep(0.01)
    process.kill()
    process.communicate()


def copied_while_it_ran():
    """Entries that no mark speaks of, at another place: others may follow them where it was."""
    with World('--runs', '40', '--latency', '50') as world:
        begun(world, 2)
        killed(world, 12, lambda: copy(world, 'saved'))
        seen = len(world.sandbox.requests())
        world.env['MUNIMENT_JOURNAL'] = os.path.join(world.folder, 'saved')
        world.expect(0, 'plan', '--org', '0' * 32, '--reason', 'some reason', '0' * 32)
        world.expect(0, 'resume', *FLAGS)
        probed_first(world, seen)
        assert sent_twice(world) == 0
        assert starts(world)[-1]['all_in_doubt'] is True
        world.expect(0, 'verify')


def moved():
    with World('--runs', '4') as world:
        begun(world, 2)
        place = os.path.join(world.folder, 'moved')
        os.rename(world.journal, place)
        world.env['MUNIMENT_JOURNAL'] = world.journal = place
        world.expect(0, 'resume', *FLAGS)
        assert mark(world)['path'] == os.path.realpath(place)
        assert all(not entry['all_in_doubt'] for entry in starts(world))


def odd_marks():
    with World('--runs', '6') as world:
        begun(world, 1)
        path = mark_file(world)
        with open(path, encoding='utf-8') as file:
            good = file.read()
        for bad in ('', good[:-1], good + 'more\n', good.replace('size ', 'size 0'),
                    good.replace('root ', 'root z'), good.replace('origin ', 'origin x')):
            with open(path, 'w', encoding='utf-8') as file:
                file.write(bad)
            status, _, err = world.call('resume', *FLAGS, '--stop-after', '1')
            assert status == 12 and 'mark' in err, (bad, status, err)
            world.expect(0, 'status')
        os.unlink(path)
        os.mkdir(path)
        assert world.call('resume', *FLAGS, '--stop-after', '1')[0] in (10, 12)
        os.rmdir(path)
        # no place for one: said, and each item is asked about
        with open(os.path.join(world.folder, 'file'), 'w', encoding='utf-8'):
            pass
        world.env['XDG_STATE_HOME'] = os.path.join(world.folder, 'file')
        status, _, err = world.call('resume', *FLAGS)
        assert status == 0 and 'no high-water mark is kept' in err, (status, err)
        assert starts(world)[-1]['all_in_doubt'] is True


CASES = [(function.__name__, function) for function in (
    mark_follows, restored_backup, adopted_but_not_run, without_a_mark, doubt_outlives_a_stop,
    doubt_is_resolved_and_cancelled, copies_that_go_on, adopted_twice,
    killed_while_adopting, killed_after_it_was_copied, copied_while_it_ran, moved, odd_marks)]

if __name__ == '__main__':
    main(CASES)
