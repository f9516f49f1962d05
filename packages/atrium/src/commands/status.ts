import type { CertificateFacts } from '@atrium/proxy';
import type { WarmReport } from '@atrium/sdk';
import { askRunning } from '../cli/ask.ts';
import { defineCommand } from '../cli/command.ts';
import { findDataDir, placesOf } from '../files/data-dir.ts';
import { notRunningText, readState } from '../up/state.ts';
import { warmLines } from '../up/warm-words.ts';
import { certificateText } from '../up/words.ts';

interface HubStatus {
  users: number;
  admins: number;
  servers: { queued: number; starting: number; ready: number; stopping: number };
  database: string;
  authenticator: string;
  spawner: { id: string; isolation: string; limits: string[] };
  onlyFirstAdmin: boolean;
  warnings: string[];
  warm: WarmReport | null;
  certificates: CertificateFacts[];
}

export const status = defineCommand({
  name: 'status',
  usage: 'atrium status',
  summary: 'Say whether Atrium runs, and what on it',
  details: 'Exit status 0 when it runs and its hub answers, 1 otherwise.',
  options: {},
  async run({ values }) {
    const { dataDir, ...places } = placesOf(findDataDir(values['data-dir']));
    const state = readState({ dataDir, ...places });
    if (!state) {
      return { json: { running: false, dataDir }, text: notRunningText({ dataDir, ...places }), exitCode: 1 };
    }
    const answer = await askRunning({ dataDir, ...places }, 'status', {});
    const { url, pid, hubPid, proxyPid, startedAt, version } = state;
    const json = { running: true, dataDir, url, pid, hubPid, proxyPid, startedAt, version };
    if (!answer.ok) {
      const text = `The proxy runs at ${url}, but the hub says: ${answer.message}`;
      return { json: { ...json, hub: null, problem: answer.message }, text, exitCode: 1 };
    }
    const hub = answer.value as HubStatus;
    const { ready, starting, queued, stopping } = hub.servers;
    const text = [
      `Atrium ${version} runs at ${url} since ${new Date(startedAt).toLocaleString('en-GB')} (process ${pid}).`,
      `Users: ${hub.users}, of them administrators: ${hub.admins}`,
      `Servers: ${ready} running, ${starting} starting, ${queued} waiting, ${stopping} stopping`,
      `Data: ${dataDir} (${hub.database}). Sign-in: ${hub.authenticator}. Servers by: ${hub.spawner.id}, isolation: ${hub.spawner.isolation}`,
      ...hub.certificates.map((each) => `Certificate: ${certificateText(each, Date.now())}`),
      ...warmLines(hub.warm),
      ...hub.warnings.map((warning) => `Warning: ${warning}`),
    ].join('\n');
    return { json: { ...json, hub }, text };
  },
});
