// A process of its own, so that what it measures is the hub and not the driver.
import { request } from 'node:http';
import { setPriority } from 'node:os';
import { setInterval as every } from 'node:timers/promises';

/** What one look at `/hub/health` came to. */
export interface HealthAnswer {
  /** ms from the call to the whole answer. */
  ms: number;
  ok: boolean;
}

const EVERY_MS = 50;
const TIMEOUT_MS = 60_000;

/** On a new connection each time, as the probes of machines and clusters are. */
function probe(url: string): Promise<HealthAnswer> {
  const began = performance.now();
  return new Promise((resolve) => {
    const done = (ok: boolean) => resolve({ ms: performance.now() - began, ok });
    const sent = request(url, { agent: false, timeout: TIMEOUT_MS }, (reply) => {
      reply.resume().on('end', () => done(reply.statusCode === 200));
    });
    sent.on('timeout', () => sent.destroy(new Error('no answer')));
    sent.on('error', () => done(false));
    sent.end();
  });
}

async function main(url: string): Promise<void> {
  try {
    setPriority(-20);
  } catch {
    // Not root: then its own waiting for the core is part of what it measures.
  }
  const answers: Promise<HealthAnswer>[] = [];
  const stop = new AbortController();
  process.once('message', () => stop.abort());
  process.once('disconnect', () => stop.abort());
  try {
    // Looks go on while earlier ones wait: a hub that stalls is seen stalling by everyone who asks meanwhile.
    for await (const _ of every(EVERY_MS, undefined, { signal: stop.signal })) answers.push(probe(url));
  } catch {
    // Told to stop.
  }
  process.send?.(await Promise.all(answers));
}

await main(process.argv[2] ?? '');
process.disconnect?.();
