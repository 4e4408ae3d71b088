# SPDX-License-Identifier: Apache-2.0
"""Journals that are damaged, missing, of another version, copied, lost in mid-run."""
import json
import os
import resource
import shutil
import subprocess
import time

from harness import ORG, World, main

FLAGS = ('--rate', 'none', '--settle', '300ms', '--progress', 'none')
FIELDS = ['result', 'size', 'root', 'key', 'signed', 'anchored', 'unanchored', 'withheld',
          'first_bad', 'bad', 'checked', 'not_checked', 'findings']


def data_file(world):
    return os.path.join(world.journal, 'data.mdb')


def patch(world, old, new, name=None):
    """Every copy of some bytes in the data file: LMDB keeps older pages beside the current ones."""
    path = name or data_file(world)
    with open(path, 'r+b') as file:
        data = file.read()
        assert old in data, 'nothing to patch'
        assert len(old) == len(new)
        file.seek(0)
        file.write(data.replace(old, new))


def format_row(version, reader, writer):
    return b'format' + b''.join(n.to_bytes(4, 'big') for n in (version, reader, writer))


def archived(world):
    plan = world.plan()
    world.expect(0, 'run', plan, *FLAGS)
    return plan


def verdict(world, status, *args):
    report = json.loads(world.expect(status, 'verify', *args, '-o', 'json'))
    assert list(report) == FIELDS, list(report)
    return report


def fields():
    with World('--runs', '3') as world:
        archived(world)
        report = verdict(world, 0)
        assert report['result'] == 'findings'
        assert report['size'] == len(world.lines('log'))
        assert len(report['root']) == 64
        assert report['key'] is None and report['signed'] is None and report['anchored'] == []
        assert report['unanchored'] == {'from': 0, 'count': report['size'],
                                        'longest_delay_s': None}
        assert report['withheld'] == 0 and report['first_bad'] is None and report['bad'] == 0
        said = ' '.join(finding['what'] for finding in report['findings'])
        assert 'unsigned' in said and 'nothing anchored' in said
        assert all(not finding['bad'] for finding in report['findings'])
        assert any('did not record' in what for what in report['not_checked'])
        assert any('hashed again' in what for what in report['checked'])
        verdict(world, 15, '--strict')
        assert 'verified with findings' in world.expect(0, 'verify')
        world.expect(0, 'journal', 'check')


def damaged_entry():
    with World('--runs', '4') as world:
        archived(world)
        entries = world.expect(0, 'log', '-o', 'jsonl').splitlines()
        bad = [line for line in entries if '"verdict":"archived"' in line][1]
        seq = json.loads(bad)['seq']
        patch(world, bad.encode(), ('[' + bad[1:]).encode())
        report = verdict(world, 15)
        assert report['result'] == 'failed' and report['first_bad'] == seq and report['bad'] == 1
        assert any('tables' in what for what in report['not_checked'])
        out = world.expect(15, 'verify')
        assert 'first bad entry #%d, 1 bad in all' % seq in out
        status, out, err = world.call('history', '-o', 'json')
        rows = json.loads(out)
        assert status == 12 and len(rows) == 4, (status, out, err)
        assert [row['duration_ms'] is None for row in rows].count(True) == 1
        assert '#%d' % seq in err and 'muniment verify' in err, err
        status, out, err = world.call('log', '-o', 'jsonl')
        assert status == 12 and out.splitlines() == [line for line in entries if line != bad]
        assert '#%d' % seq in err, err
        run = json.loads(bad)['run']
        status, out, err = world.call('show', run, '-o', 'json')
        assert status == 12 and len(json.loads(out)['attempts']) == 1, (status, out, err)
        status, out, err = world.call('show', run)
        assert status == 12 and run in out and '#%d' % seq in err, (status, out, err)
        status, out, err = world.call('show', '#%d' % seq)
        assert status == 12 and out == '[' + bad[1:] + '\n', (status, out, err)
        world.expect(15, 'journal', 'check')
        world.expect(12, 'journal', 'rebuild')  # no repair by itself


def damaged_plan():
    """The rows of the table are whole, whatever happened to what is beside them."""
    with World('--runs', '3') as world:
        archived(world)
        stored = [line for line in world.expect(0, 'log', '-o', 'jsonl').splitlines()
                  if '"kind":"plan.stored"' in line][0]
        batch = json.loads(world.lines('history')[0] and json.dumps(world.lines('history')[0]))
        patch(world, stored.encode(), ('[' + stored[1:]).encode())
        for output in ('json', 'jsonl', 'csv', 'table'):
            status, out, err = world.call('history', '-o', output)
            assert status == 12 and '#%d' % json.loads(stored)['seq'] in err, (status, err)
            if output == 'json':
                rows = json.loads(out)
                assert len(rows) == 3 and all(row['reason'] is None for row in rows)
        status, out, err = world.call('items', batch['batch'], '-o', 'ids')
        assert status == 12 and len(out.split()) == 3, (status, out, err)
        status, out, err = world.call('items', batch['batch'], '-o', 'json')
        assert status == 12 and len(json.loads(out)) == 3, (status, out, err)


def missing():
    with World('--runs', '1') as world:
        for command in (('verify',), ('history',), ('log',), ('journal', 'check'),
                        ('journal', 'info'), ('verify', world.folder + '/none')):
            status, _, err = world.call(*command)
            assert status == 12 and 'there is no journal' in err, (command, status, err)
        assert not os.path.exists(world.journal)


def newer_format():
    with World('--runs', '2') as world:
        archived(world)
        sent = len(world.sandbox.mutations())
        plan = world.plan(reason='a second time for the same runs')
        patch(world, format_row(1, 1, 1), format_row(2, 1, 2))
        assert len(world.lines('history')) == 2
        verdict(world, 0)
        for command in (('run', plan, *FLAGS), ('journal', 'rebuild'), ('cancel', plan,
                        '--reason', 'it is of a newer version')):
            status, _, err = world.call(*command)
            assert status == 12 and 'format 2 is needed to write it' in err, (command, err)
        assert len(world.sandbox.mutations()) == sent
        patch(world, format_row(2, 1, 2), format_row(2, 2, 2))
        for command in (('verify',), ('history',), ('run', plan, *FLAGS)):
            status, _, err = world.call(*command)
            assert status == 12 and 'format 2 is needed to read it' in err, (command, err)


def older_format():
    with World('--runs', '2') as world:
        archived(world)
        patch(world, format_row(1, 1, 1), format_row(0, 0, 0))
        assert len(world.lines('history')) == 2
        verdict(world, 0)
        status, _, err = world.call('plan', '--org', ORG, '--base-url', world.sandbox.url, '--from',
                                    world.sandbox.ids_file, '--reason', 'for an older journal')
        assert status == 12 and 'muniment journal rebuild' in err, err
        world.expect(0, 'journal', 'rebuild')
        world.plan(reason='for a journal that was raised')
        verdict(world, 0)


def damaged_file():
    with World('--runs', '2') as world:
        archived(world)
        whole = world.folder + '/whole'
        shutil.copy(data_file(world), whole)
        for damage in ('cut', 'empty', 'text'):
            with open(data_file(world), 'r+b') as file:
                if damage == 'text':
                    file.write(b'this was a journal once ' * 1000)
                file.truncate({'cut': 5 * 4096, 'empty': 0, 'text': 24000}[damage])
            for command, status in (('verify', 15), ('history', 12)):
                got, _, err = world.call(command)
                assert got == status, (damage, command, got, err)
            shutil.copy(whole, data_file(world))
        world.expect(0, 'verify')


def edit_tables(world):
    """One archived_at wherever it stands outside of entries: rows of items and exchanges."""
    at = world.lines('history')[0]['archived_at'].encode()
    with open(data_file(world), 'r+b') as file:
        data = file.read()
        quoted = data.replace(b'"' + at, b'"' + b'#' * len(at))
        edited = quoted.replace(at, at.replace(b'2', b'3', 1))
        assert edited != quoted
        file.seek(0)
        file.write(edited.replace(b'"' + b'#' * len(at), b'"' + at))


def edited_tables():
    with World('--runs', '3') as world:
        archived(world)
        edit_tables(world)
        for command in (('journal', 'check'), ('verify',)):
            out = world.expect(15, *command)
            assert 'table item does not fit' in out and 'muniment journal rebuild' in out, out
        world.expect(0, 'journal', 'rebuild')
        world.expect(0, 'journal', 'check')
        verdict(world, 0)


def killed_rebuild():
    """The old tables or the new ones; and no scratch tables are left behind."""
    with World('--runs', '30') as world:
        archived(world)
        scratch = world.folder + '/scratch'
        os.mkdir(scratch)
        world.env['TMPDIR'] = scratch
        whole = world.folder + '/whole'
        edit_tables(world)
        shutil.copy(data_file(world), whole)
        statuses = set()
        for n in range(25):
            process = world.start('journal', 'rebuild')
            time.sleep(0.002 * n)
            process.kill()
            process.communicate()
            status, out, err = world.call('journal', 'check')
            assert status in (0, 15), (status, out, err)
            if status == 15:  # all that was wrong still is
                assert 'table item' in out and 'table exchange' in out, out
            else:
                shutil.copy(whole, data_file(world))
            statuses.add(status)
            left = sum(os.path.getsize(os.path.join(folder, name))
                       for folder, _, names in os.walk(scratch) for name in names)
            assert left < 1 << 18, '%d bytes of scratch tables are left' % left
        assert 15 in statuses
        world.expect(0, 'journal', 'rebuild')
        verdict(world, 0)


def copies_in_use():
    """Copies by hand while a batch runs may be torn: that is said, never anything worse."""
    with World('--runs', '40', '--latency', '25') as world:
        runner = world.start('run', world.plan(), *FLAGS)
        backup = world.folder + '/backup'
        torn = 0
        while runner.poll() is None and not world.sandbox.mutations():
            time.sleep(0.01)
        for n in range(12):
            copy = '%s/copy%d' % (world.folder, n)
            shutil.copytree(world.journal, copy, ignore=shutil.ignore_patterns('*.lock'))
            status, _, err = world.call('verify', copy)
            assert status in (0, 15), (status, err)
            torn += status == 15
            if n == 3:
                world.expect(0, 'journal', 'backup', backup)
        assert runner.wait(timeout=60) == 0, runner.stderr.read()
        verdict(world, 0)
        verdict(world, 0, backup)
        rows = world.lines('history', '--journal', backup)
        assert 0 < len(rows) <= 40, 'the copy has %d of 40 attempts' % len(rows)
        status, _, err = world.call('plan', '--journal', backup, '--org', ORG, '--base-url',
                                    world.sandbox.url, '--from', world.sandbox.ids_file,
                                    '--reason', 'into a backup copy')
        assert status == 12 and 'backup' in err, (status, err)
        world.expect(2, 'journal', 'backup', backup)


def backup_without_room():
    with World('--runs', '1') as world:
        archived(world)
        backup = world.folder + '/backup'
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (40960, 40960))
        status, _, err = world.call('journal', 'backup', backup, preexec_fn=limit)
        assert status == 1, (status, err)
        assert not os.path.exists(backup)


def lost_in_mid_run(name, lose):
    def case():
        with World('--runs', '40', '--latency', '40') as world:
            plan = world.plan()
            old = world.folder + '/old'
            shutil.copy(data_file(world), old)
            runner = world.start('run', plan, *FLAGS)
            end = time.monotonic() + 20
            while len(world.sandbox.mutations()) < 4:
                assert time.monotonic() < end, 'nothing is sent'
                time.sleep(0.01)
            lose(world, old)
            sent = len(world.sandbox.mutations())
            _, err = runner.communicate(timeout=30)
            assert runner.returncode == 12, (runner.returncode, err)
            assert 'data.mdb' in err or 'older copy' in err or 'replaced' in err, err
            # one may have been on the wire, one past its comparison
            assert len(world.sandbox.mutations()) <= sent + 2, 'it went on sending'
    return name, case


def lose_unlinked(world, _):
    os.unlink(data_file(world))


def lose_renamed(world, _):
    os.rename(data_file(world), world.folder + '/elsewhere')


def lose_replaced(world, old):
    os.rename(old, data_file(world))


def lose_copied_over(world, old):
    """As cp does it, but for the truncation: the file keeps its inode."""
    subprocess.run(['dd', 'if=' + old, 'of=' + data_file(world), 'conv=notrunc', 'bs=1M'],
                   check=True, stderr=subprocess.DEVNULL)


main([
    ('fields of verify', fields),
    ('damaged entry', damaged_entry),
    ('damaged plan', damaged_plan),
    ('missing', missing),
    ('newer format', newer_format),
    ('older format', older_format),
    ('damaged file', damaged_file),
    ('edited tables', edited_tables),
    ('killed rebuild', killed_rebuild),
    ('copies in use', copies_in_use),
    ('backup without room', backup_without_room),
    lost_in_mid_run('unlinked', lose_unlinked),
    lost_in_mid_run('renamed', lose_renamed),
    lost_in_mid_run('replaced', lose_replaced),
    lost_in_mid_run('copied over', lose_copied_over),
])
