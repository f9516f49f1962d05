import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Json } from '@atrium/sdk';

/** The side of the protocol that the machine of a test speaks: enough to prove itself and to answer HTTP. */
export interface TestMachine {
  readonly instanceId: string;
  readonly privateIp: string;
  readonly imds: string;
}

/** Sends one verb to the hub; throws what the hub refuses with. */
export type Ask = (verb: string, body: Json, peer: string) => Promise<Json>;

/** What a machine of a test runs. */
export interface TestAgent {
  /** Everything the hub has answered `hello` with. */
  readonly answers: { [key: string]: Json }[];
  /** Why it gave up, if it did. */
  readonly failure: unknown;
  stop(): Promise<void>;
}

/** The signed document of a machine, as its metadata service gives it. */
export async function identityOf(machine: TestMachine): Promise<{ document: string; pkcs7: string }> {
  const token = await fetch(`${machine.imds}/latest/api/token`, {
    method: 'PUT',
    headers: { 'x-aws-ec2-metadata-token-ttl-seconds': '21600' },
  }).then((answer) => answer.text());
  const read = async (path: string) => {
    const answer = await fetch(`${machine.imds}/latest/dynamic/instance-identity/${path}`, {
      headers: { 'x-aws-ec2-metadata-token': token },
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
    return answer.text();
  };
  return { document: await read('document'), pkcs7: await read('rsa2048') };
}

/** Boots: proves itself until it is believed, serves HTTP on its own address, and says so. */
export function startAgent(machine: TestMachine, ask: Ask, pauseMs: number): TestAgent {
  const answers: TestAgent['answers'] = [];
  const over = new AbortController();
  let server: Server | undefined;
  let failure: unknown;
  const nonce = randomBytes(16).toString('hex');
  const bootId = randomBytes(8).toString('hex');
  const life = (async () => {
    while (!over.signal.aborted) {
      const identity = await identityOf(machine);
      const answer = await ask('hello', { ...identity, nonce, bootId, agent: 'test' }, machine.privateIp).catch(
        (): Json => ({ wait: 1 }),
      );
      if (typeof answer !== 'object' || answer === null || Array.isArray(answer)) throw new Error('no answer');
      if (typeof answer.wait === 'number') {
        await delay(pauseMs, undefined, { signal: over.signal });
        continue;
      }
      answers.push(answer);
      const made = createServer((_, response) => response.end('{}'));
      server = made;
      await new Promise<void>((resolve, reject) => {
        made.once('error', reject).listen(answer.port as number, machine.privateIp, resolve);
      });
      await ask('step', { session: answer.session!, percent: 95, message: 'up' }, machine.privateIp);
      return;
    }
  })().catch((error: unknown) => {
    if (!over.signal.aborted) failure = error;
  });
  return {
    answers,
    get failure() {
      return failure;
    },
    async stop() {
      over.abort();
      await life;
      server?.closeAllConnections();
      await new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()));
    },
  };
}
