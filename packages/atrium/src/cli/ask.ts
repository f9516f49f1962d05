import { request } from 'node:http';
import { findDataDir, type Places, placesOf } from '../files/data-dir.ts';
import { findConfigFile } from '../files/find-config.ts';
import { prepareDirs } from '../files/prepare.ts';
import { startChild } from '../process/child.ts';
import type { HubArguments, VerbAnswer } from '../process/messages.ts';
import { apiUrlOf } from '../up/api-address.ts';
import { hubChild } from '../up/hub-child.ts';
import { lockDataDir } from '../up/lock.ts';
import { rootHelper } from '../up/root-helper.ts';
import { readState } from '../up/state.ts';
import { CommandError, type GlobalValues } from './command.ts';

export interface Asker {
  readonly places: Places;
  /** What the hub answers, whether one runs or not. */
  ask<T>(verb: string, input?: object): Promise<T>;
}

/** Where a command's data directory is, and a way to the hub behind it. */
export function askerFor(values: GlobalValues): Asker {
  const places = placesOf(findDataDir(values['data-dir']));
  return {
    places,
    async ask<T>(verb: string, input: object = {}) {
      const answer = readState(places)
        ? await askRunning(places, verb, input)
        : await askOffline(places, values.config, verb, input);
      if (answer.ok) return answer.value as T;
      throw Object.assign(new CommandError(answer.message), answer.code ? { code: answer.code } : {});
    },
  };
}

/** Through the control socket. A hub that restarts at this moment is waited for. */
export async function askRunning(places: Places, verb: string, input: object): Promise<VerbAnswer> {
  const WAIT_MS = 15_000;
  for (const until = Date.now() + WAIT_MS; ; ) {
    try {
      return await post(places.controlSocket, `/command/${verb}`, { input });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EACCES') {
        throw new CommandError(`The control socket of ${places.dataDir} belongs to another account. Try with sudo.`);
      }
      const mayCome = code === 'ECONNREFUSED' || code === 'ENOENT';
      if (!mayCome || Date.now() > until) {
        throw new CommandError(
          `The hub does not answer (${code ?? (error as Error).message}). What it says: atrium doctor`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

function post(socketPath: string, path: string, body: object): Promise<VerbAnswer> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    const sent = request({ socketPath, path, method: 'POST', headers }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('error', reject);
      response.on('end', () => {
        try {
          const answer = JSON.parse(text) as { value?: unknown; message?: string; code?: string };
          if (response.statusCode === 200) return resolve({ ok: true, value: answer.value });
          resolve({ ok: false, message: answer.message ?? text, ...(answer.code ? { code: answer.code } : {}) });
        } catch (error) {
          reject(error);
        }
      });
    });
    sent.on('error', reject);
    sent.end(JSON.stringify(body));
  });
}

/** No hub runs: one is opened for this question alone, as the account and with the helper a running one would have. */
async function askOffline(
  places: Places,
  config: string | undefined,
  verb: string,
  input: object,
): Promise<VerbAnswer> {
  const configFile = findConfigFile(config, places.dataDir);
  const { account } = prepareDirs(places, configFile);
  using _lock = await lockDataDir(places);
  const args: HubArguments = {
    dataDir: places.dataDir,
    runDir: places.runDir,
    flags: {},
    mode: 'offline',
    ...(configFile ? { configFile } : {}),
  };
  const helper = account && (await rootHelper(places, account));
  const hub = await hubChild(startChild('hub-process', args, { account, cacheDir: places.cacheDir }), { helper });
  try {
    const apiUrl = apiUrlOf(places.apiAddressFile, hub.settings.basePath);
    await hub.go({ apiUrl, linkUntil: 0, ...(account ? { root: account } : {}) });
    return await hub.verb(verb, input);
  } finally {
    await hub.stop();
  }
}
