import type { CertificateFacts } from '@atrium/proxy';
import { askRunning } from '../cli/ask.ts';
import { defineCommand } from '../cli/command.ts';
import { findDataDir, placesOf } from '../files/data-dir.ts';
import { notRunningText, readState } from '../up/state.ts';
import { certificateText } from '../up/words.ts';

/** What the hub knows of one proxy; what an earlier release does not tell is left out. */
interface ProxyStatus {
  proxy?: string;
  pid?: number;
  version?: string | null;
  startedAt?: number;
  routes: number;
  routeVersion: number | null;
  behind: number | null;
  hubSilentMs?: number;
  connections: number;
  upgraded: number;
  requests: number;
  requestsPerSecond: number | null;
  refused: number;
  reasons?: Record<string, number>;
  problems: Record<string, number>;
  tooMany?: number;
  bytes?: { in: number; out: number };
  upstreams?: { made: number; reused: number; idle: number };
  accessLinesLost?: number;
  tls?: { handshakes: number; failed: number; certificates: CertificateFacts[] };
}

interface ProxiesStatus {
  routeVersion: number;
  following: number;
  proxies: ProxyStatus[];
}

export const proxyStatus = defineCommand({
  name: 'proxy status',
  usage: 'atrium proxy status',
  summary: 'Say how each proxy is: its table of routes, connections, requests and certificates',
  details:
    'The proxies tell the hub every ten seconds, so the figures are that old. Exit status 0 when every proxy has told its ' +
    'figures lately and has the newest routes, 1 otherwise.',
  options: {},
  async run({ values }) {
    const places = placesOf(findDataDir(values['data-dir']));
    if (!readState(places)) {
      return { json: { running: false, proxies: [] }, text: notRunningText(places), exitCode: 1 };
    }
    const answer = await askRunning(places, 'proxies', {});
    if (!answer.ok) {
      const text = `The hub, which the proxies tell of themselves, says: ${answer.message}`;
      return { json: { running: true, proxies: [], problem: answer.message }, text, exitCode: 1 };
    }
    const status = answer.value as ProxiesStatus;
    const { proxies, following } = status;
    const silent = Math.max(0, following - proxies.length);
    const isWell = proxies.length > 0 && silent === 0 && proxies.every(({ behind }) => behind === 0);
    const json = { running: true, well: isWell, ...status };
    return { json, text: textOf(status, silent, Date.now()), exitCode: isWell ? 0 : 1 };
  },
});

function textOf({ proxies, following }: ProxiesStatus, silent: number, now: number): string {
  if (proxies.length === 0 && following === 0)
    return 'No proxy is connected to the hub: nobody hears of servers that start or stop.';
  const unheard =
    silent > 0
      ? [`${silent} ${silent === 1 ? 'proxy follows' : 'proxies follow'} the routes and told no figures yet.`]
      : [];
  return [...proxies.map((each) => proxyText(each, now)), ...unheard].join('\n');
}

function proxyText(proxy: ProxyStatus, now: number): string {
  const { version, pid, startedAt, reasons, upstreams, bytes, tls, tooMany = 0, accessLinesLost = 0 } = proxy;
  const since = startedAt === undefined ? '' : `, up for ${spanText(now - startedAt)}`;
  const rate = proxy.requestsPerSecond === null ? '' : `, ${proxy.requestsPerSecond.toFixed(1)} a second`;
  const why = Object.entries(reasons ?? {}).map(([reason, n]) => `${reason}: ${n}`);
  const problems = Object.entries(proxy.problems).map(([status, n]) => `${status}: ${n}`);
  const lines = [
    `Routes: ${proxy.routes}, ${tableText(proxy)}`,
    `Open: ${proxy.connections} connections and ${proxy.upgraded} websockets`,
    `Requests: ${proxy.requests}${rate}; refused: ${proxy.refused}${why.length > 0 ? ` (${why.join(', ')})` : ''}`,
    ...(problems.length > 0 ? [`Answers of its own, by status: ${problems.join(', ')}`] : []),
    ...(tooMany > 0 ? [`Connections cut off because their address has too many: ${tooMany}`] : []),
    ...(bytes ? [`Bytes: ${sizeText(bytes.in)} from clients, ${sizeText(bytes.out)} to them`] : []),
    ...(upstreams
      ? [`Connections to servers: ${upstreams.made} made, ${upstreams.reused} used again, ${upstreams.idle} kept`]
      : []),
    ...(accessLinesLost > 0 ? [`Lines that the access log had no room for: ${accessLinesLost}`] : []),
    ...(tls ? [`TLS handshakes: ${tls.handshakes}, failed: ${tls.failed}`] : []),
    ...(tls?.certificates.map((each) => `Certificate: ${certificateText(each, now)}`) ?? []),
  ];
  const title = `Proxy ${proxy.proxy ?? ''}${version ? ` ${version}` : ''}${pid === undefined ? '' : ` (process ${pid})`}${since}`;
  return [title, ...lines.map((line) => `  ${line}`)].join('\n');
}

function tableText({ routeVersion, behind, hubSilentMs = 0 }: ProxyStatus): string {
  if (routeVersion === null || behind === null) return 'none heard from a hub yet';
  const lag = behind === 0 ? 'as new as the hub’s' : `${behind} ${behind === 1 ? 'change' : 'changes'} behind the hub`;
  const silence = hubSilentMs > 0 ? `; heard no hub for ${spanText(hubSilentMs)}` : '';
  return `version ${routeVersion}, ${lag}${silence}`;
}

/** `3 days 4 h`, `5 min` */
function spanText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  const days = Math.floor(hours / 24);
  return `${days} ${days === 1 ? 'day' : 'days'} ${hours % 24} h`;
}

function sizeText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let [value, unit] = [bytes, 0];
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
