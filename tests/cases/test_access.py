# SPDX-License-Identifier: Apache-2.0
"""Tokens that die, are replaced, or belong to somebody else; organizations and roles."""
import json

from harness import ORG, World, main
from test_network import check
from wire import Api, Bench, counts, reply

FLAGS = ('--rate', 'none', '--progress', 'none', '-o', 'json')
OTHER_ORG = '0123456789abcdef0123456789abcdef'


def members(**users):
    """An answer function for tokens: each is a user, or dead when it is not named any more."""
    def answer(api, request):
        api.tokens.append(request.header('Authorization').split()[-1])
        user = users.get(api.tokens[-1])
        if user is None:
            return reply(401, {'message': 'Unauthenticated.'})
        if request.path == '/me':
            return reply(200, {'data': {'id': user}})
        if '/users/' in request.path:
            return reply(200, {'data': {'id': user, 'role': 'Admin', 'type': 'standard'}})
        if request.mutate and len(api.mutations()) == 2:
            users.pop('first', None)  # with the answer to this one
        return None
    return answer


def bench_of(**users):
    api = Api(answer=members(**users))
    api.tokens = []
    return Bench(api, token='first')


def revoked():
    """The first refusal halts, the item is pending; a new token of the same user goes on."""
    with bench_of(first=4711, second=4711) as bench:
        result, err = check(bench, bench.plan(), {'archived': 2, 'pending': 4}, status=3)
        assert result['reason'] == 'auth_lost' and result['next_command'] in err, err
        assert 'token add' in err and '--replace' in err, err
        assert len(bench.sandbox.mutations()) == 3
        last = bench.lines('history')[-1]
        assert last['verdict'] == 'auth_lost', last
        before = len(bench.sandbox.received)
        bench.expect(3, 'resume', result['batch'], *FLAGS)  # the dead one still
        assert len(bench.sandbox.mutations()) == 3 and len(bench.sandbox.received) == before + 1
        bench.env['TALLYFY_API_TOKEN'] = 'second'
        got, out, err = bench.call('resume', result['batch'], *FLAGS)
        assert got == 0, err
        assert counts(json.loads(out)) == {'archived': 6}
        assert len(bench.sandbox.mutations()) == 7
        starts = [entry for entry in bench.lines('log') if entry['kind'] in
                  ('batch.started', 'batch.resumed')]
        assert starts[0]['token'] != starts[-1]['token']
        assert {entry['identity']['id'] for entry in starts} == {'4711'}


def rotated_while_running():
    """The run keeps the token it began with, whatever the environment says by then."""
    with bench_of(first=4711, second=4711) as bench:
        path = bench.folder + '/token'
        with open(path, 'w', encoding='ascii') as file:
            file.write('first\n')
        del bench.env['TALLYFY_API_TOKEN']

        def answer(api, request):
            if request.mutate and len(api.mutations()) == 1:
                with open(path, 'w', encoding='ascii') as file:
                    file.write('second\n')
            return members(first=4711)(api, request) if len(api.mutations()) < 2 else \
                members(second=4711)(api, request)

        bench.sandbox.answer = answer
        plan = bench.plan()
        result, _ = bench.run(plan, '--token-file', path, status=3)
        assert set(bench.sandbox.tokens) == {'first'}
        bench.expect(0, 'resume', result['batch'], '--token-file', path, *FLAGS)
        assert bench.sandbox.tokens[-1] == 'second'
        assert len(bench.sandbox.mutations()) == 7


def another_user():
    with bench_of(first=4711, second=4712) as bench:
        result, _ = bench.run(bench.plan(), status=3)
        bench.env['TALLYFY_API_TOKEN'] = 'second'
        sent = len(bench.sandbox.mutations())
        got, _, err = bench.call('resume', result['batch'], *FLAGS)
        assert got == 2, 'exit %d: %s' % (got, err)
        assert '4711' in err and '4712' in err and '--accept-identity-change' in err, err
        got, _, err = bench.call('resume', result['batch'], '--accept-identity-change', *FLAGS)
        assert got == 2 and 'reason' in err, err
        assert len(bench.sandbox.mutations()) == sent
        bench.expect(0, 'resume', result['batch'], '--accept-identity-change', '--reason',
                     'Ada has left the company', *FLAGS)
        last = [entry for entry in bench.lines('log') if entry['kind'] == 'batch.resumed'][-1]
        assert last['reason'] == 'Ada has left the company', last
        assert last['identity']['id'] == '4712', last
        bench.expect(0, 'verify')


def no_user():
    """A token without a user: its fingerprint stands for it, another one is another identity."""
    def answer(api, request):
        if request.path == '/me':
            return reply(403, {'message': 'Forbidden', 'code': 'FORBIDDEN'})
        if request.mutate and len(api.mutations()) == 3:
            return reply(402, {'message': 'pay'})
        return None

    with Bench(Api(answer=answer)) as bench:
        result, err = check(bench, bench.plan(), {'archived': 2, 'pending': 4}, status=4)
        assert "vendor's plan" in err, err
        bench.env['TALLYFY_API_TOKEN'] = 'another'
        bench.expect(2, 'resume', result['batch'], *FLAGS)
        bench.env['TALLYFY_API_TOKEN'] = 'sandbox-token'
        bench.expect(0, 'resume', result['batch'], *FLAGS)
        start = [entry for entry in bench.lines('log') if entry['kind'] == 'batch.started'][0]
        assert start['identity'] is None


def other_organization():
    """A complete list without ours: nothing is sent, the ones that are there are named."""
    with World() as world:
        got, _, err = world.call('run', world.plan(org=OTHER_ORG), *FLAGS)
        assert got == 14 and 'Harborline' in err and 'Someone else' in err, err
        assert not world.sandbox.mutations()


def hostile_names():
    """What the server says of itself is shown, and does nothing to a terminal."""
    def answer(api, request):
        if request.path == '/me/organizations':
            name = 'Ac\x1b]52;c;AAAA\x07\u202eme\n'
            return reply(200, {'data': [{'id': OTHER_ORG, 'name': name}]})
        return None

    with Bench(Api(answer=answer)) as bench:
        got, _, err = bench.call('run', bench.plan(), *FLAGS)
        assert got == 14 and 'Ac' in err, err
        assert not set(err) & set('\x1b\x07\u202e'), repr(err)
        assert not bench.sandbox.mutations()


def five_not_found(orgs):
    """What the list of organizations leaves open, the first five items decide."""
    def answer(api, request):
        if request.path == '/me/organizations':
            return orgs
        if request.path.startswith('/organizations/'):
            if request.path.endswith('/runs'):
                return reply(200, {'data': [], 'meta': {'pagination': {
                    'total': 0, 'current_page': 1, 'total_pages': 1}}})
            return reply(404, {'message': 'Resource not found', 'code': 'RESOURCE_NOT_FOUND'})
        return None

    with Bench(Api(runs=9, answer=answer)) as bench:
        _, err = check(bench, bench.plan(), {'failed': 5, 'pending': 4}, status=14)
        assert 'wrong organization?' in err, err
        assert len(bench.sandbox.mutations()) == 5
        assert {row['verdict'] for row in bench.lines('history')} == {'not_found'}


def light_user():
    with World('--role', 'Light') as world:
        got, _, err = world.call('run', world.plan(), *FLAGS)
        assert got == 3 and 'Light' in err, err
        assert not world.sandbox.mutations()


def unknown_role():
    """The role cannot be asked for: the first refusal halts."""
    def answer(api, request):
        if request.mutate or '/users/' in request.path:
            return reply(403, {'message': 'This action is unauthorized.'})
        return None

    with Bench(Api(answer=answer)) as bench:
        _, err = check(bench, bench.plan(), {'failed': 1, 'pending': 5}, status=3)
        assert 'may not' in err, err
        assert len(bench.sandbox.mutations()) == 1


def wrong_base_url():
    """A web page, a redirect or an unknown path where the identity is asked for."""
    for said, word in ((reply(200, b'<p>hello', 'Content-Type: text/html'), '200'),
                       (reply(302, None, 'Location: https://portal.test/'), 'portal.test'),
                       (reply(404, {'code': 'ENDPOINT_NOT_FOUND'}), '404')):
        with Bench(Api(answer=lambda api, request, said=said: said)) as bench:
            plan = bench.plan()
            _, err = bench.run(plan, status=14)
            assert word in err and 'base URL' in err, err
            assert len(bench.sandbox.received) == 1
            assert bench.status(plan)['state'] == 'stored'


CASES = [
    ('revoked in mid-run', revoked),
    ('rotated while running', rotated_while_running),
    ('another user', another_user),
    ('no user', no_user),
    ('other organization', other_organization),
    ('five not found, list refused', lambda: five_not_found(
        reply(403, {'message': 'This action is unauthorized.'}))),
    ('five not found, list incomplete', lambda: five_not_found(
        reply(200, {'data': [{'id': OTHER_ORG, 'name': 'Acme'}], 'meta': {'pagination': {
            'total': 130, 'current_page': 1, 'total_pages': 2}}}))),
    ('five not found, ours in the list', lambda: five_not_found(
        reply(200, {'data': [{'id': ORG, 'name': 'Acme'}]}))),
    ('hostile names', hostile_names),
    ('Light user', light_user),
    ('unknown role', unknown_role),
    ('wrong base URL', wrong_base_url),
]

if __name__ == '__main__':
    main(CASES, 6)
