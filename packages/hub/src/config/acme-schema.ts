import { isAbsolute } from 'node:path';
import { DOMAIN, LETS_ENCRYPT, MAX_DOMAIN, MAX_DOMAINS, ZONE_ID } from '@atrium/acme';
import { Secret } from '@atrium/sdk';
import { z } from 'zod';
import { Duration } from './duration.ts';

const Domain = z
  .string()
  .toLowerCase()
  .max(MAX_DOMAIN)
  .regex(DOMAIN, 'Write a host name, like hub.example.org or *.hub.example.org');

const DnsByCommand = z.strictObject({
  exec: z
    .tuple([z.string().min(1)], z.string())
    .describe('Command that is run as `<command> present|cleanup <name> <value>` to set and take away a TXT record.'),
  wait: Duration.prefault('30s').describe('How long the record takes until everybody sees it.'),
});

const DnsByRoute53 = z.strictObject({
  route53: z
    .strictObject({
      zoneId: z
        .string()
        .regex(ZONE_ID, 'Write the id of a hosted zone, like Z0123456789ABCDEFGHIJ')
        .optional()
        .describe('Hosted zone of the names; without it, the one that is found by its name.'),
      region: z.string().min(1).optional().describe('Where requests are signed for: in China and GovCloud only.'),
    })
    .describe('Records are set in Route 53, with whatever AWS credentials the hub finds.'),
  wait: Duration.prefault('5m').describe('How long Route 53 may take to bring a record to all its name servers.'),
});

/** Certificates that the hub fetches by itself, and renews. */
export const Acme = z.strictObject({
  email: z
    .email({
      error: ({ input }) =>
        input === undefined ? 'Say to whom the authority may write when something is wrong' : 'Write a mail address',
    })
    .describe('Whom the authority writes to. Setting it agrees to its terms of service.'),
  domains: z
    .array(Domain)
    .min(1, 'Name at least one host')
    .max(MAX_DOMAINS, 'An authority takes a hundred at most')
    .describe('For which host names, all in one certificate.'),
  directory: z
    .url({ protocol: /^https$/, error: 'Write the https address of an ACME directory' })
    .default(LETS_ENCRYPT)
    .describe('Which authority; without it, Let’s Encrypt.'),
  ca: z
    .string()
    .refine(isAbsolute, 'Write a whole path, like /etc/ssl/our-root.pem')
    .optional()
    .describe('PEM file of whoever signed the directory’s own certificate, where that is an authority of your own.'),
  eab: z
    .strictObject({
      kid: z.string().min(1).describe('Key id.'),
      hmacKey: z.instanceof(Secret, { error: 'Use secret.env(…) or secret.file(…)' }).describe('HMAC key, base64url.'),
    })
    .optional()
    .describe('External account binding, which some authorities ask for.'),
  dns: z
    .union([DnsByCommand, DnsByRoute53], {
      error: ({ input }) => {
        const given = (typeof input === 'object' && input !== null ? input : {}) as object;
        const ways = ['exec' in given, 'route53' in given].filter(Boolean).length;
        if (ways !== 1)
          return ways === 0 ? 'Say how records are set: exec, or route53' : 'Set exec or route53, not both';
        const [issue] = ('exec' in given ? DnsByCommand : DnsByRoute53).safeParse(input).error?.issues ?? [];
        return issue && `${[...issue.path, ''].join('.').replace(/\.$/, ': ')}${issue.message}`;
      },
    })
    .optional()
    .describe('Proves the names by DNS, which names with `*.` need.'),
});

export type AcmeConfig = z.output<typeof Acme>;

/** What of it does not go together. */
export function acmeProblems({ domains, dns }: AcmeConfig): string[] {
  const wildcard = domains.find((name) => name.startsWith('*.'));
  if (wildcard === undefined || dns) return [];
  return [`tls.acme.domains: ${wildcard} can be proved by DNS only; set tls.acme.dns, or name each host`];
}
