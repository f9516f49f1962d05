import type { CertificateNews } from '@atrium/hub';
import { askerFor } from '../cli/ask.ts';
import { defineCommand } from '../cli/command.ts';

export const certificate = defineCommand({
  name: 'certificate',
  usage: 'atrium certificate [--renew]',
  summary: 'Say how it stands with the certificate that the hub fetches (tls.acme)',
  details:
    'With --renew a running hub fetches another one now: also when the last attempt failed, which else puts off the next.',
  options: { renew: { type: 'boolean', summary: 'Fetch another one now' } },
  async run({ values }) {
    const renew = values.renew ?? false;
    const news = await askerFor(values).ask<CertificateNews>('certificate', { renew });
    return { json: { ...news, renew }, text: newsText(news, renew) };
  },
});

function newsText(
  { domains, directory, notAfter, renewAt, problem, attempts, nextAt }: CertificateNews,
  renew: boolean,
): string {
  const at = (ms: number) => new Date(ms).toISOString().replace('T', ' ').slice(0, 16);
  const lines = [`For ${domains.join(', ')}, from ${directory}`];
  if (notAfter === null) lines.push('There is none yet: browsers get a self-signed one.');
  else
    lines.push(
      `The present one ends at ${at(notAfter)} UTC${renew || renewAt === null ? '.' : `, and is renewed at ${at(renewAt)} UTC.`}`,
    );
  if (problem !== null) lines.push(`Failed ${attempts} ${attempts === 1 ? 'time' : 'times'} in a row: ${problem}`);
  if (renew) lines.push('Another one is fetched now; atrium certificate says what comes of it.');
  else if (nextAt !== null)
    lines.push(`The next attempt is at ${at(nextAt)} UTC; atrium certificate --renew makes one now.`);
  return lines.join('\n');
}
