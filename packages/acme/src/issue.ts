import type { Acme } from './acme.ts';
import { type DnsRecord, dnsRecord, presentRecords } from './challenges/dns-exec.ts';
import { presentInRoute53 } from './challenges/route53.ts';
import { AcmeClient, type Authorization, type Challenge, type Order } from './client/client.ts';
import { readIssued } from './client/issued.ts';
import { fromPem, newKey, toPem } from './client/jose.ts';
import { AcmeProblem, readProblem } from './client/problem.ts';
import { certificateId } from './client/renewal-info.ts';
import { certificateRequest, challengeCertificate } from './client/requests.ts';
import type { Issued } from './store.ts';

/** An account at the directory of the configuration, the one of before where its key is known. */
export async function openClient(
  { settings, store, words, clock }: Acme,
  ca: string | undefined,
  signal: AbortSignal,
): Promise<AcmeClient> {
  const { directory, email, eab } = settings;
  // Before the account is made: one whose key was lost could not be asked for anything any more.
  const known =
    (await store.findAccountKey(directory)) ??
    (await store.keepAccountKey({ directory, key: toPem(newKey()), now: clock.now() }));
  const client = await AcmeClient.open({ directory, ca, key: fromPem(known), words, clock, signal });
  await client.signUp({ email, ...(eab && { binding: { kid: eab.kid, hmacKey: eab.hmacKey.reveal() } }) });
  return client;
}

/**
 * Orders a certificate for all names of the configuration and stores it. May be cut off anywhere and begun again: an order
 * that is under way goes on.
 * @param replaces chain of the certificate that is renewed
 * @throws AcmeProblem
 */
export async function issue(
  acme: Acme,
  client: AcmeClient,
  { replaces, signal }: { replaces: string | undefined; signal: AbortSignal },
): Promise<Issued> {
  const { store, clock } = acme;
  const { domains, directory } = acme.settings;
  const { order, key } = await currentOrder(acme, client, replaces);
  if (order.status === 'pending') await prove(acme, client, order, signal);
  const ready = await client.proved(order.url);
  if (ready.status === 'ready') await client.finalize(ready, certificateRequest(domains, fromPem(key)));
  const done = await client.issued(order.url);
  if (done.status !== 'valid' || done.certificate === undefined) {
    await store.dropOrder(order.url);
    const said = readProblem(done.error);
    throw new AcmeProblem(`The order came to nothing: ${said?.text ?? 'no reason was given'}`, {
      kind: said?.kind ?? '',
    });
  }
  const { chain, certificate } = await fetched(client, done.certificate, key, domains).catch(async (error) => {
    // It went on with what was issued before, and that is still no good: the next attempt asks for another one.
    if (order.status === 'valid' && error instanceof AcmeProblem) await store.dropOrder(order.url);
    throw error;
  });
  const notBefore = Date.parse(certificate.validFrom);
  const notAfter = Date.parse(certificate.validTo);
  const renewAt = usualRenewal(notBefore, notAfter);
  const issued = { chain, key, directory, domains, notBefore, notAfter, renewAt };
  await store.putCertificate(issued, clock.now(), signal);
  return issued;
}

async function fetched(client: AcmeClient, url: string, key: string, domains: readonly string[]) {
  const chain = await client.download(url);
  return { chain, certificate: readIssued(chain, key, domains) };
}

/** When a third of the lifetime remains. */
export function usualRenewal(notBefore: number, notAfter: number): number {
  return notAfter - Math.floor((notAfter - notBefore) / 3);
}

async function currentOrder({ settings, store }: Acme, client: AcmeClient, replaces: string | undefined) {
  const { domains } = settings;
  const before = await store.readOrder();
  // One of another authority says nothing to this one.
  if (before && new URL(before.url).origin === new URL(client.directory.newOrder).origin) {
    const order = await client.order(before.url).catch((error: AcmeProblem) => {
      if (error.status >= 400 && error.status < 500) return undefined;
      throw error;
    });
    const names = order?.identifiers.map(({ value }) => value);
    const same = names !== undefined && [...names].sort().join() === [...domains].sort().join();
    if (order && same && order.status !== 'invalid') return { order, key: before.key };
  }
  const id = replaces === undefined || client.directory.renewalInfo === undefined ? undefined : certificateId(replaces);
  const order = await client.newOrder(domains, id);
  const key = toPem(newKey());
  await store.putOrder({ url: order.url, key });
  return { order, key };
}

interface Proof {
  authorization: Authorization;
  url: string;
  challenge: Challenge;
}

/** Shows the authority that all names lead here, or says which does not, and why. */
async function prove(acme: Acme, client: AcmeClient, order: Order, signal: AbortSignal): Promise<void> {
  const { kind } = acme;
  const proofs: Proof[] = [];
  for (const url of order.authorizations) {
    const authorization = await client.authorization(url);
    if (authorization.status === 'valid') continue;
    const challenge = authorization.challenges?.find(({ type }) => type === kind);
    if (authorization.status !== 'pending' || !challenge) await givenUp(acme, order, authorization);
    else proofs.push({ authorization, url, challenge });
  }
  if (proofs.length === 0) return;
  const nameOf = ({ authorization }: Proof) => authorization.identifier.value;
  await using _answers = await (acme.settings.dns
    ? presentInDns(
        acme,
        acme.settings.dns,
        proofs.map((each) => dnsRecord(nameOf(each), client.answerTo(each.challenge))),
        signal,
      )
    : acme.present(
        proofs.map((each) => answerOf(acme, client, nameOf(each), each.challenge)),
        signal,
      ));
  // A challenge that was begun by a process that died may be decided already.
  for (const { challenge } of proofs) if (challenge.status === 'pending') await client.ready(challenge);
  for (const proof of proofs) {
    const decided = await client.decided(proof.url);
    if (decided.status !== 'valid') await givenUp(acme, order, decided);
  }
}

function answerOf({ clock }: Acme, client: AcmeClient, domain: string, challenge: Challenge) {
  const answer = client.answerTo(challenge);
  if (challenge.type === 'http-01') return { kind: 'http-01' as const, domain, token: challenge.token, answer };
  const key = newKey();
  const chain = challengeCertificate(domain, answer, key, clock.now());
  return { kind: 'tls-alpn-01' as const, domain, chain, key: toPem(key) };
}

/** Everybody finds these records, until disposed. */
function presentInDns(
  { clock, log, words }: Acme,
  dns: NonNullable<Acme['settings']['dns']>,
  records: readonly DnsRecord[],
  signal: AbortSignal,
): Promise<AsyncDisposable> {
  const onLeft = (err: Error) => log.warn({ err }, 'a DNS record of an ACME challenge was not taken away');
  const io = { words, clock, signal, onLeft };
  return 'exec' in dns
    ? presentRecords({ ...dns, wait: dns.wait * 1000 }, records, io)
    : presentInRoute53({ ...dns.route53, wait: dns.wait * 1000 }, records, io);
}

/** The order is not asked about again. @throws AcmeProblem with the authority's own reason */
async function givenUp(
  { store, kind }: Acme,
  { url }: Order,
  { identifier, challenges, status }: Authorization,
): Promise<never> {
  await store.dropOrder(url);
  const said = challenges?.map(({ error }) => readProblem(error)).find((each) => each !== undefined);
  if (said) throw new AcmeProblem(`${identifier.value} was not proved by ${kind}: ${said.text}`, { kind: said.kind });
  const offered = challenges?.map(({ type }) => type).join(', ');
  throw new AcmeProblem(
    `${identifier.value} was not proved by ${kind}: the authority says "${status}" and offers ${offered || 'no way'}.`,
  );
}
