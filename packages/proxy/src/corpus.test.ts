import { describe, expect, test } from 'vitest';
import { openClient, type Rig, rawServer, route, startRig } from './test-kit.ts';
import { readCorpus } from './testing/corpus.ts';
import { judge } from './testing/fuzz/fuzz.ts';
import { readWithLlhttp } from './testing/llhttp.ts';
import { haproxyHop, hasHaproxy, hasNginx, type NextHop, nginxHop, nodeHop } from './testing/next-hops.ts';
import { expectedOf, type Outcome, sendCase, sendSlowly } from './testing/through.ts';

const REQUESTS = readCorpus('requests');
const RESPONSES = readCorpus('responses');

test('whatever we accept, llhttp reads in the same way, of the bytes and of what is passed on', () => {
  for (const { name, bytes } of REQUESTS) {
    const text = bytes.toString('latin1');
    expect.soft(judge({ kind: 'requests', text, asked: 'GET', ended: false }).problem, name).toBe('');
  }
  for (const { name, bytes, asked } of RESPONSES) {
    for (const ended of [false, true]) {
      const text = bytes.toString('latin1');
      expect.soft(judge({ kind: 'responses', text, asked, ended }).problem, name).toBe('');
    }
  }
});

const HOPS: { name: string; there: boolean; start: () => Promise<NextHop> }[] = [
  { name: 'node', there: true, start: nodeHop },
  { name: 'nginx', there: hasNginx, start: nginxHop },
  { name: 'haproxy', there: hasHaproxy, start: haproxyHop },
];

/** The next hop behind the route, and a hub that knows no page. */
function rigBefore({ address }: NextHop): Promise<Rig> {
  const routes = [{ path: '/n', target: address, serverId: 'n' }];
  return startRig({ routes, page: (_request, reply) => void reply.writeHead(404).end() });
}

describe.each(HOPS)('with $name as next hop', ({ name: hopName, there, start }) => {
  test.skipIf(!there)('every request is read as we read it, or refused and cut off', async () => {
    await using hop = await start();
    await using rig = await rigBefore(hop);
    let whole = 0;
    let others = 0;

    for (const one of REQUESTS) {
      const { others: mayBe, ...expected } = expectedOf(one, hopName);
      const got: Outcome = await sendCase(rig, hop, one);
      expect.soft(got, one.name).toEqual(expected);
      whole += got.whole.length;
      others += mayBe;
    }

    const ours = hop.read().filter((line) => !/ \/n\/(?:probe|sentinel) /.test(line));
    const read = hopName === 'node' ? ours.length - (hop.whole.length - whole) : ours.length;
    expect(read, ours.join('\n')).toBeGreaterThanOrEqual(whole);
    expect(read, ours.join('\n')).toBeLessThanOrEqual(whole + others);
  });
});

test('every request comes to the same when each of its bytes comes alone', { timeout: 300_000 }, async () => {
  await using hop = await nodeHop();
  await using rig = await rigBefore(hop);
  const cases = REQUESTS.filter(({ bytes, gets }) => bytes.length < 250 && !gets.includes('waits'));

  for (const one of cases) {
    using client = await openClient(rig.proxy.address.port);
    const { others: _, ...expected } = expectedOf(one, 'node');
    expect.soft(await sendSlowly(client, hop, one), one.name).toEqual(expected);
  }
});

test('every answer reaches the client as one answer, and what is behind it reaches nobody', async () => {
  let answer: Buffer = Buffer.alloc(0);
  await using server = await rawServer((socket) => void socket.once('data', () => socket.end(answer)));
  await using sound = await nodeHop();
  await using rig = await startRig({
    routes: [route('/n', server), { path: '/sound', target: sound.address, serverId: 'sound' }],
  });

  for (const { name, gets, asked, bytes } of RESPONSES) {
    answer = bytes;
    const next = `${asked} /sound HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;
    const received = await rig.exchange(`${asked} /n HTTP/1.1\r\nHost: x\r\n\r\n${next}`);

    const { messages, error } = readWithLlhttp(Buffer.from(received, 'latin1'), 'response', { asked, ended: true });
    const complete = messages.filter((message) => message.complete).map(({ status }) => String(status));
    const statuses = gets.filter((word) => /^[0-9]/.test(word));
    if (gets[0] === 'cut') expect.soft(complete, name).toEqual([]);
    else
      expect
        .soft({ complete, error }, name)
        .toEqual({ complete: gets.includes('ends') ? statuses : [...statuses, '202'], error: '' });
    expect.soft(received, name).not.toContain('evil');
  }
});
