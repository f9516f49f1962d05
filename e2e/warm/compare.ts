import type { Facts } from './probing.ts';
import type { Started } from './world.ts';

/** A fact that two processes do not share. */
export interface Difference {
  /** Where it was found: `server.sys.flags`. */
  key: string;
  /** Undefined where there is none. */
  one: unknown;
  other: unknown;
}

/** A difference between a cold and a warm server that is known and harmless. */
export interface Allowed {
  key: RegExp;
  /** Which difference of these values it is, where not any. */
  is?(cold: unknown, warm: unknown): boolean;
  cause: string;
  /** Why no program can depend on it. */
  harmless: string;
}

/** Facts by their path. A list is one fact: order and number count. */
export type Flat = Map<string, unknown>;

/** What no two starts of one server can have in common, in words of its own. Secrets are replaced wherever they stand. */
export function normalised(facts: Facts, { launch }: Started): Flat {
  const flat: Flat = new Map();
  flatten(facts, '', flat);
  const secrets = [...flat]
    .filter(([key, value]) => /^outside\.environ\..*TOKEN/.test(key) && typeof value === 'string' && value.length > 15)
    .map(([, value]) => String(value));
  const clean = (text: string): string => {
    let out = text.replaceAll(launch, '<launch>');
    for (const secret of new Set(secrets)) out = out.replaceAll(secret, '<token>');
    for (const [pattern, word] of ALWAYS) out = out.replaceAll(pattern, word);
    return out;
  };
  for (const [key, value] of flat) {
    if (NEVER_THE_SAME.some((pattern) => pattern.test(key))) flat.delete(key);
    else if (key.endsWith('.status') && typeof value === 'string') {
      flat.delete(key);
      for (const [name, text] of statusLines(value)) flat.set(`${key}.${name}`, clean(text));
    } else if (key.endsWith('.mountinfo')) flat.set(key, mountLines(clean(String(value))));
    else if (key.endsWith('.stat.flags')) flat.set(key, `0x${(Number(value) & LASTING_FLAGS).toString(16)}`);
    else flat.set(key, JSON.parse(clean(JSON.stringify(value))));
  }
  if (flat.get('outside.depth') === 1) {
    for (const key of flat.keys()) if (MACHINES_NUMBERS.test(key)) flat.delete(key);
  }
  // Which numbers are free when a file is opened depends on who is just connected: beyond the standard streams only
  // what is open counts, and in a kernel, whose threads come and go, not how often.
  for (const who of ['server', 'kernel']) {
    const open = [...flat].filter(([key]) => key.startsWith(`${who}.fd.`) && !/\.[012]$/.test(key));
    for (const [key] of open) flat.delete(key);
    const list = open.map(([, value]) => String(value)).filter((one) => !PASSING.test(one));
    flat.set(`${who}.fd`, (who === 'kernel' ? [...new Set(list)] : list).sort());
  }
  return flat;
}

/** What was drawn by lot, which must differ between any two processes. */
export const chancesOf = (facts: Facts): Flat => {
  const flat: Flat = new Map();
  flatten(facts, '', flat);
  return new Map([...flat].filter(([key]) => CHANCE.test(key)));
};

/** What the probe draws, and the server's key for cookies, which it draws for itself. */
const CHANCE = /\.chance\.|\.traits\.cookie_secret$/;

/** Drawn by lot (compared by themselves), times, and what was counted or measured. */
const NEVER_THE_SAME = [CHANCE, /^http\.\w+\.headers\.(date|etag|set-cookie|content-length|x-request-id)$/];
/** Flags of /proc/<pid>/stat that stay for life: forked without exec, used a privilege, addresses at random, affinity fixed. */
const LASTING_FLAGS = 0x0440_0140;
const ALWAYS: readonly [RegExp, string][] = [
  [/\b(mnt|pid|ipc|net|uts|user|cgroup|time|pid_for_children|time_for_children):\[\d+\]/g, '$1:[n]'],
  [/\/autogroup-\d+/g, '/autogroup-n'],
  [/\b(socket|pipe):\[\d+\]/g, '$1:[n]'],
  [/[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}/g, '<uuid>'],
  // Without a /tmp of one's own.
  [/\/tmp\/jupyter-\w{6,8}\b/g, '/tmp/jupyter-<random>'],
  // Named after an address in memory.
  [/(jupyter_events\.logger)\.\d+/g, '$1.<address>'],
  [/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?/g, '<time>'],
];

/** Open for a moment only: a database's journal, and pipes to a program that is being run. */
const PASSING = /-journal |^pipe:\[n\] 02000000$/;

/** Numbers of processes where there is no namespace of them: the machine's. */
const MACHINES_NUMBERS = /\.(processes|account\.(pid|parent)|JPY_PARENT_PID)$|\.status\.(Pid|PPid|Tgid|NS\w+)$/;

/** Of /proc/<pid>/status, without memory and counters. */
function statusLines(text: string): [string, string][] {
  return text
    .split('\n')
    .map((line): [string, string] => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()])
    .filter(([name]) => name !== '' && !/^(Vm|Rss|HugetlbPages|SigQ|.*ctxt_switches|State|Threads$)/.test(name));
}

/** Mounts without the numbers that the kernel gives out anew each time. */
function mountLines(text: string): string[] {
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => line.replace(/^\d+ \d+ \d+:\d+ /, '').replaceAll(/\b(master|shared|propagate_from):\d+/g, '$1:n'));
}

function flatten(value: unknown, key: string, into: Flat): void {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    into.set(key, value);
    return;
  }
  for (const [name, inner] of Object.entries(value)) flatten(inner, key === '' ? name : `${key}.${name}`, into);
}

/** Every fact that is not the same. Of lists only the elements that differ, where there are any. */
export function differences(one: Flat, other: Flat): Difference[] {
  const keys = new Set([...one.keys(), ...other.keys()]);
  return [...keys].sort().flatMap((key) => {
    const [a, b] = [one.get(key), other.get(key)];
    if (JSON.stringify(a) === JSON.stringify(b)) return [];
    if (!Array.isArray(a) || !Array.isArray(b)) return [{ key, one: a, other: b }];
    const [more, less] = [without(a, b), without(b, a)];
    const onlyOrder = more.length === 0 && less.length === 0;
    return [{ key, one: onlyOrder ? a : more, other: onlyOrder ? b : less }];
  });
}

/** Whether it is one of those that are known. */
export const isAllowed = (allowed: readonly Allowed[], { key, one, other }: Difference): boolean =>
  allowed.some((each) => each.key.test(key) && (each.is?.(one, other) ?? true));

function without(list: readonly unknown[], rest: readonly unknown[]): unknown[] {
  const known = new Set(rest.map((each) => JSON.stringify(each)));
  return list.filter((each) => !known.has(JSON.stringify(each)));
}
