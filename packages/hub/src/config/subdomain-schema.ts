import { isIP } from 'node:net';
import { z } from 'zod';

/** A label and its dot have to fit before it, in the 253 characters of a host name. */
const LONGEST = 253 - 64;

/** What is wrong with it as the address that everybody's own host lies under; undefined when nothing is. */
function problemOf(text: string): string | undefined {
  if (!/^https?:\/\//i.test(text)) return 'Write it with its scheme, like https://hub.example.org';
  const url = URL.parse(text);
  if (!url) return 'This is not an address; write it like https://hub.example.org';
  if (url.username || url.password) return 'An address of people’s browsers has no name and no password in it';
  if (url.pathname !== '/' || url.search || url.hash) return 'Write scheme, host and port only; the path is basePath';
  const name = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(name)) return 'An IP address has no hosts below it; write a name, like https://hub.example.org';
  // What browsers take for a whole registry: they keep no cookie for it.
  if (!name.includes('.')) return `Browsers keep no cookies for everything below ${name}; write a name with a dot`;
  if (!/^[a-z0-9.-]+$/.test(name) || name.endsWith('.') || name.length > LONGEST)
    return 'This cannot have hosts below it; write a plain host name, without * and without a dot at its end';
  return undefined;
}

export const SubdomainHost = z
  .string()
  .check((context) => {
    const problem = problemOf(context.value);
    if (problem !== undefined) context.issues.push({ code: 'custom', message: problem, input: context.value });
  })
  .optional();

interface Addresses {
  publicUrl?: string | undefined;
  subdomainHost?: string | undefined;
  basePath: string;
}

/** What the two addresses say against each other. */
export function addressProblems({ publicUrl, subdomainHost }: Addresses): string[] {
  if (publicUrl === undefined || subdomainHost === undefined) return [];
  const [hub, root] = [new URL(publicUrl).origin, new URL(subdomainHost).origin];
  if (hub === root) return [];
  return [`subdomainHost: The hub itself is at ${root} then, but publicUrl says ${hub}; leave publicUrl out`];
}

/** With hosts for everybody, the hub's own address is known, too. */
export function withPublicUrl<T extends Addresses>(config: T): T {
  const { publicUrl, subdomainHost, basePath } = config;
  if (publicUrl !== undefined || subdomainHost === undefined) return config;
  return { ...config, publicUrl: new URL(basePath, subdomainHost).href };
}
