import type { ControlReply } from './control.ts';
import type { Units } from './units.ts';

const QUIET = new Set(['--quiet', '-q', '--no-block', '--no-pager', '--system']);

/** What `systemctl …` does in a machine. Verbs and options that we do not know fail, as a typing error would. */
export async function systemctl(
  units: Units,
  args: readonly string[],
  power: { off(): Promise<void> },
): Promise<ControlReply> {
  const now = args.includes('--now');
  const block = !args.includes('--no-block');
  const [verb, ...names] = args.filter((arg) => arg !== '--now' && !QUIET.has(arg));
  const unknownOption = names.find((name) => name.startsWith('-'));
  if (unknownOption !== undefined) return fail(`systemctl: unrecognized option '${unknownOption}'`);
  const full = names.map((name) => (/\.[a-z]+$/.test(name) ? name : `${name}.service`));
  const start = async (name: string) => {
    if (!units.isKnown(name)) throw new Error(`Unit ${name} not found.`);
    const started = units.start(name);
    if (block) await started;
    else started.catch(() => {});
  };
  switch (verb) {
    case 'daemon-reload':
    case 'reset-failed':
      return { code: 0 };
    case 'poweroff':
      // The answer goes out first: what asked is about to be ended.
      setImmediate(() => void power.off());
      return { code: 0 };
    case 'start':
      for (const name of full) await start(name);
      return { code: 0 };
    case 'stop':
      for (const name of full) await units.stop(name);
      return { code: 0 };
    case 'restart':
      for (const name of full) await units.stop(name);
      for (const name of full) await start(name);
      return { code: 0 };
    case 'try-restart':
      for (const name of full.filter((one) => units.isActive(one))) {
        await units.stop(name);
        await start(name);
      }
      return { code: 0 };
    case 'try-reload-or-restart':
      for (const name of full.filter((one) => units.isActive(one))) units.reload(name);
      return { code: 0 };
    case 'enable':
      for (const name of full) units.enable(name);
      if (now) for (const name of full) await start(name);
      return { code: 0 };
    case 'disable':
      for (const name of full) if (!units.isKnown(name)) return fail(`Unit ${name} does not exist.`);
      for (const name of full) {
        units.disable(name);
        if (now) await units.stop(name);
      }
      return { code: 0 };
    case 'is-active':
      return full.every((name) => units.isActive(name)) ? { code: 0, out: 'active\n' } : { code: 3, out: 'inactive\n' };
    default:
      return fail(`systemctl: the simulator does not know "${verb ?? ''}"`);
  }
}

const fail = (out: string): ControlReply => ({ code: 1, out: `${out}\n` });
