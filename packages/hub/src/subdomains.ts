import { createHash } from 'node:crypto';
import { domainToASCII, domainToUnicode } from 'node:url';

/** The longest label of a host name. */
const LONGEST = 63;
/** Of a service's label, so that nobody's name can be one: names with two hyphens in a row are never used as they are. */
const SERVICE_SUFFIX = '--service';

/** The first label of a person's own host (contract §5.5). Two people never have the same: `users/addresses.service.ts` sees to it. */
export function userLabel(name: string): string {
  return labelOf(name, LONGEST);
}

/** The label of a name that has none of its own, which another such name may have, too; undefined for all others. */
export function madeUpLabel(name: string): string | undefined {
  const label = userLabel(name);
  // With two hyphens, so that it is no name used as it is; an international one begins with others.
  return label.startsWith('u-') && label.includes('--') ? label : undefined;
}

/** What names with the same made-up label have in common, found without the cost of a hash. */
export function labelStub(name: string): string {
  const letters = name.toLowerCase().replace(/[^a-z0-9]/g, '');
  return letters.slice(0, 8) || 'x';
}

/** The first label of a service's own host. */
export function serviceLabel(name: string): string {
  return labelOf(name, LONGEST - SERVICE_SUFFIX.length) + SERVICE_SUFFIX;
}

function labelOf(name: string, longest: number): string {
  // Made-up labels all have two hyphens, and so no name that has them is one.
  if (name.includes('--')) return hashed(name);
  if (isPlain(name, longest)) return name;
  const international = idnaOf(name);
  return international !== undefined && international.length <= longest ? international : hashed(name);
}

/** Only lower case: host names know no other, and `Ada` must not share one with `ada`. */
function isPlain(name: string, longest: number): boolean {
  return name.length <= longest && /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/.test(name) && !/^[0-9]+$/.test(name);
}

const LETTERS = /^[a-z0-9\p{Ll}\p{Lo}\p{Lm}\p{Mn}\p{Mc}\p{Nd}-]+$/u;
/** Letters that IDNA 2008 does not allow, or only beside certain others (RFC 5892 §2.6, §2.7, appendix A). */
const NOT_ALLOWED =
  /[\u0640\u07fa\u302e\u302f\u3031-\u3035\u303b\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff\u0660-\u0669\u06f0-\u06f9]/;

/** The IDNA form (RFC 5891) of a name that needs one and has one; stricter than browsers, which would also lower its case. */
function idnaOf(name: string): string | undefined {
  if (!LETTERS.test(name) || NOT_ALLOWED.test(name) || /^[-\p{M}]|-$/u.test(name)) return undefined;
  const ascii = domainToASCII(name);
  return ascii.startsWith('xn--') && domainToUnicode(ascii) === name ? ascii : undefined;
}

/**
 * For any name: a hint to the reader, and what tells it from others by chance. 28 bits, as JupyterHub's, are too few against
 * somebody who looks for a name with the label of another.
 */
function hashed(name: string): string {
  return `u-${labelStub(name)}--${createHash('sha256').update(name).digest('hex').slice(0, 7)}`;
}
