import type { LoadedConfig } from '@atrium/hub/config';
import { askerFor } from '../cli/ask.ts';
import { defineCommand } from '../cli/command.ts';
import { checkTls } from '../doctor/certificates.ts';
import { type Check, fail, ok } from '../doctor/check.ts';
import { checkAddress, checkHub } from '../doctor/hub.ts';
import { checkBackups, checkClock, checkDataDir, checkDisk, checkNode } from '../doctor/machine.ts';
import { checkPython } from '../doctor/python.ts';
import { readConfig } from '../files/config-file.ts';
import { findConfigFile } from '../files/find-config.ts';

const SIGNS = { ok: 'ok  ', warn: 'warn', fail: 'FAIL' } as const;

export const doctor = defineCommand({
  name: 'doctor',
  usage: 'atrium doctor',
  summary: 'Look for what is missing or risky on this machine, and say what to do',
  details: 'Exit status 1 when something must be mended before Atrium works.',
  options: {},
  async run({ values }) {
    const asker = askerFor(values);
    const { places } = asker;
    const checks: Check[] = [checkNode(), checkDataDir(places), checkDisk(places), checkClock(places)];
    const loaded = await configuration(findConfigFile(values.config, places.dataDir), checks);
    if (loaded) {
      checks.push(...(await checkPython(places, loaded)));
      checks.push(...(await checkAddress(places, loaded)));
      checks.push(...(await checkTls(places, loaded)));
      checks.push(...(await checkHub(asker)));
    }
    checks.push(checkBackups(places));
    const failed = checks.some(({ state }) => state === 'fail');
    return { json: { ok: !failed, checks }, text: checks.map(lineOf).join('\n'), exitCode: failed ? 1 : 0 };
  },
});

async function configuration(file: string | undefined, checks: Check[]): Promise<LoadedConfig | undefined> {
  try {
    const loaded = await readConfig(file, {});
    checks.push(ok('configuration', file ?? 'none; the defaults hold'));
    return loaded;
  } catch (error) {
    checks.push(fail('configuration', (error as Error).message, 'Correct it, then: atrium config check'));
    return undefined;
  }
}

function lineOf({ name, state, message, advice }: Check): string {
  const indent = `\n${' '.repeat(6)}`;
  const more = advice ? indent + advice.replaceAll('\n', indent) : '';
  return `${SIGNS[state]}  ${name}: ${message.replaceAll('\n', indent)}${more}`;
}
