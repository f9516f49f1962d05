import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { scaledClock } from '../clock.ts';
import type { CapacityRule } from '../ec2/capacity.ts';
import { INSTANCE_TYPES } from '../ec2/instance-types.ts';
import type { Fault } from '../faults.ts';
import type { Ec2SimOptions } from '../sim.ts';

export const HELP = `node --conditions=atrium-source tools/ec2-sim/src/main.ts [options]

An EC2 that behaves, in one process, for one account and region. Prints the environment with which the aws command and every
AWS SDK reach it, and runs until it is told to end (Ctrl-C).

  --port N               listen on this port of 127.0.0.1 (default: any free one)
  --region NAME          default us-east-1
  --zones A,B            default the region's a and b
  --speed N              so many simulated seconds in a real one (default 1)
  --who NAME             name of the caller in the call log (default operator)
  --quota CODE=N         value of a quota, e.g. L-1216C47A=32; may be given several times
  --no-capacity TYPE[@ZONE]  AWS has none of this type (in this zone); may be given several times
  --no-buckets           nothing is throttled
  --faults FILE          JSON: a list of faults as in the README
  --policy FILE          IAM policy that all callers without a role have
  --log                  print each call on the error output
  --json                 print the environment as JSON instead of shell lines
  --help
`;

/** What the command line says. */
export interface Settings {
  help: boolean;
  json: boolean;
  log: boolean;
  who: string;
  sim: Ec2SimOptions;
  faults: Fault[];
}

/** A command line that says nothing sensible; the message is for the person who wrote it. */
export class UsageError extends Error {}

const text = { type: 'string' as const };
const flag = { type: 'boolean' as const, default: false };
const many = { type: 'string' as const, multiple: true as const, default: [] as string[] };

/** Reads the command line. @throws UsageError */
export function settingsOf(args: readonly string[]): Settings {
  const { values } = parsed(args);
  const speed = number('--speed', values.speed ?? '1');
  if (!(speed > 0)) throw new UsageError('--speed takes a number above 0');
  return {
    help: values.help,
    json: values.json,
    log: values.log,
    who: values.who ?? 'operator',
    faults: values.faults === undefined ? [] : faultsIn(values.faults),
    sim: {
      ...(values.port === undefined ? {} : { port: portOf(values.port) }),
      ...(values.region === undefined ? {} : { region: regionOf(values.region) }),
      ...(values.zones === undefined ? {} : { zones: values.zones.split(',').map((zone) => zone.trim()) }),
      // The command names them at its end.
      unknown: 'note',
      clock: scaledClock(speed),
      quotas: Object.fromEntries(values.quota.map(quotaOf)),
      capacity: values['no-capacity'].map(noCapacityOf),
      buckets: !values['no-buckets'],
      ...(values.policy === undefined ? {} : { policy: fileText('--policy', values.policy) }),
    },
  };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        port: text,
        region: text,
        zones: text,
        speed: text,
        who: text,
        quota: many,
        'no-capacity': many,
        'no-buckets': flag,
        faults: text,
        policy: text,
        log: flag,
        json: flag,
        help: flag,
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function number(name: string, value: string): number {
  if (value.trim() === '' || !Number.isFinite(Number(value))) throw new UsageError(`${name} takes a number`);
  return Number(value);
}

function portOf(value: string): number {
  const port = number('--port', value);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new UsageError('--port takes a port, 0 for any');
  return port;
}

function regionOf(value: string): string {
  if (!/^[a-z]{2}(-[a-z]+)+-\d$/.test(value)) throw new UsageError(`--region: ${value} is not the name of a region`);
  return value;
}

function quotaOf(value: string): [string, number] {
  const [code = '', amount = ''] = value.split('=');
  if (code === '') throw new UsageError('--quota takes CODE=NUMBER');
  return [code, number(`--quota ${code}`, amount)];
}

function noCapacityOf(value: string): CapacityRule {
  const [type = '', zone] = value.split('@');
  if (!Object.hasOwn(INSTANCE_TYPES, type)) throw new UsageError(`--no-capacity: no such type is simulated: ${type}`);
  return { type, ...(zone ? { zone } : {}), available: 0 };
}

function faultsIn(file: string): Fault[] {
  let read: unknown;
  try {
    read = JSON.parse(fileText('--faults', file));
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`--faults: ${file} is not JSON`);
  }
  if (!Array.isArray(read) || read.some((line) => typeof (line as Fault | null)?.action !== 'string'))
    throw new UsageError(`--faults: ${file} is not a list of faults, each with an action`);
  return read as Fault[];
}

function fileText(name: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    throw new UsageError(`${name}: cannot read ${file}`);
  }
}
