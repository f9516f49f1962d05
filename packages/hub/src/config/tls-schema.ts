import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { Acme, acmeProblems } from './acme-schema.ts';

const Path = z.string().refine(isAbsolute, 'Write a whole path, like /etc/ssl/hub.pem');

const CertificatePair = z.strictObject({
  cert: Path.describe('Certificate and chain, PEM.'),
  key: Path.describe('Its key, PEM.'),
});
const ByAcme = z.strictObject({ acme: Acme });

const FORMS =
  "Write { cert: '/path/fullchain.pem', key: '/path/privkey.pem' }, a list of such pairs, { acme: { email: '…', domains: ['…'] } }, or 'self-signed'";

export const Tls = z
  .union([z.literal('self-signed'), CertificatePair, z.array(CertificatePair).min(1), ByAcme], {
    // Of the alternatives Zod would only say that none fits; for an object it is known which one was meant.
    error: ({ input }) => {
      if (typeof input !== 'object' || input === null) return FORMS;
      const acme = 'acme' in input;
      const meant = Array.isArray(input) ? z.array(CertificatePair).min(1) : acme ? ByAcme : CertificatePair;
      const issue = meant.safeParse(input).error?.issues[0];
      if (!issue) return FORMS;
      const words = `${[...issue.path, ''].join(acme ? '.' : ': ').replace(/\.$/, ': ')}${issue.message}`;
      return acme ? words : `${words}. ${FORMS}`;
    },
  })
  .optional();

interface TlsSettings {
  tls?: z.output<typeof Tls>;
  port: number;
  redirectPort?: number | undefined;
  publicUrl?: string | undefined;
  subdomainHost?: string | undefined;
}

/** What the settings of encryption say against each other. */
export function tlsProblems({ tls, port, redirectPort, publicUrl, subdomainHost }: TlsSettings): string[] {
  const problems: string[] = [];
  if (redirectPort !== undefined && tls === undefined) {
    problems.push('redirectPort: There is nothing to lead to without tls; set tls, or leave it out');
  }
  if (redirectPort !== undefined && redirectPort !== 0 && redirectPort === port) {
    problems.push('redirectPort: It is the same as port; choose another one');
  }
  for (const [name, url] of Object.entries({ publicUrl, subdomainHost })) {
    if (tls !== undefined && url?.startsWith('http:')) problems.push(`${name}: With tls it begins with https://`);
  }
  if (typeof tls === 'object' && 'acme' in tls) problems.push(...acmeProblems(tls.acme));
  return problems;
}
