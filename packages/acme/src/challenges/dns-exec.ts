import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import type { Clock } from '@atrium/sdk';
import { AcmeProblem } from '../client/problem.ts';
import type { Words } from '../settings.ts';

const TIMEOUT_MS = 5 * 60_000;

/** One TXT record (RFC 8555 §8.4). */
export interface DnsRecord {
  /** `_acme-challenge.hub.example.org` */
  name: string;
  value: string;
}

/** @param domain as in the order, without `*.` @param answer the key authorization */
export function dnsRecord(domain: string, answer: string): DnsRecord {
  return { name: `_acme-challenge.${domain}`, value: createHash('sha256').update(answer).digest('base64url') };
}

/**
 * Runs the operator's command, `<command> present|cleanup <name> <value>`, and waits for its end.
 * @throws AcmeProblem with the last words it wrote
 */
export function runHook(
  [file, ...args]: readonly [string, ...string[]],
  verb: 'present' | 'cleanup',
  { name, value }: DnsRecord,
  { words, signal }: { words: Pick<Words, 'dns'>; signal: AbortSignal },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const options = { timeout: TIMEOUT_MS, signal, maxBuffer: 1024 * 1024 };
    execFile(file, [...args, verb, name, value], options, (error, stdout, stderr) => {
      if (!error) return resolve();
      if (signal.aborted) return reject(signal.reason);
      const { code, killed } = error;
      const last = `${stdout}\n${stderr}`.trim().split('\n').at(-1)?.slice(0, 500) ?? '';
      const how = killed ? 'took longer than five minutes' : `ended with ${code}`;
      const problem =
        (code as unknown) === 'ENOENT' || (code as unknown) === 'EACCES'
          ? `cannot be run (${code})`
          : `${how}${last === '' ? '' : `: ${last}`}`;
      reject(new AcmeProblem(`The command of ${words.dns}, ${file} ${verb} ${name}, ${problem}`, { cause: error }));
    });
  });
}

/** Sets records, and takes them away again when disposed; a record that stays is told, and is no failure. */
export async function presentRecords(
  options: { exec: readonly [string, ...string[]]; wait: number },
  records: readonly DnsRecord[],
  io: { words: Pick<Words, 'dns'>; clock: Clock; signal: AbortSignal; onLeft(error: Error): void },
): Promise<AsyncDisposable> {
  const set: DnsRecord[] = [];
  const takeAway = async () => {
    // Also when the program ends: nobody else would do it.
    const patient = { ...io, signal: AbortSignal.timeout(TIMEOUT_MS) };
    for (const record of set.splice(0)) await runHook(options.exec, 'cleanup', record, patient).catch(io.onLeft);
  };
  try {
    for (const record of records) {
      set.push(record);
      await runHook(options.exec, 'present', record, io);
    }
    if (options.wait > 0) await io.clock.sleep(options.wait, io.signal);
    io.signal.throwIfAborted();
  } catch (error) {
    await takeAway();
    throw error;
  }
  return { [Symbol.asyncDispose]: takeAway };
}
