import { AcmeProblem } from '../client/problem.ts';

const NO_CREDENTIALS = /CredentialsProviderError|TokenProviderError/;
const BAD_CREDENTIALS =
  /^(InvalidClientTokenId|UnrecognizedClientException|SignatureDoesNotMatch|ExpiredToken|ExpiredTokenException|InvalidSignatureException)$/;
const DENIED = /^(AccessDenied|AccessDeniedException)$/;
const UNREACHABLE = /^(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH)$/;
const MAX_CHARS = 500;

/** What AWS refused, or why it was not asked, as a sentence for whoever set it up. @param zoneId of the configuration */
export function route53Problem(cause: Error, zoneId: string | undefined): AcmeProblem {
  // Somebody else's words: one line, and not without end.
  const said = cause.message.replace(/\s+/g, ' ').slice(0, MAX_CHARS);
  return new AcmeProblem(textOf(cause, said, zoneId), { cause });
}

function textOf(cause: Error & { code?: string }, said: string, zoneId: string | undefined): string {
  const { name, code = '' } = cause;
  if (NO_CREDENTIALS.test(name)) {
    return `No AWS credentials were found for Route 53: give the machine a role, or the hub AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile. (${said})`;
  }
  if (DENIED.test(name)) return `AWS does not allow the hub what Route 53 needs: ${said}`;
  if (BAD_CREDENTIALS.test(name)) return `AWS does not take the credentials for Route 53: ${said}`;
  if (name === 'NoSuchHostedZone' && zoneId !== undefined) {
    return `There is no zone ${zoneId} in Route 53: look at tls.acme.dns.route53.zoneId.`;
  }
  if (name === 'InvalidChangeBatch') return `Route 53 does not take the record: ${said}`;
  if (UNREACHABLE.test(code) || name === 'TimeoutError') return `Route 53 cannot be reached: ${said}`;
  return `Route 53: ${said} (${name})`;
}
