import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from 'node:crypto';

export const base64url = (data: string | Buffer): string => Buffer.from(data).toString('base64url');

/** A new ECDSA key on P-256, for accounts and certificates alike. */
export function newKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
}

export const toPem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }) as string;
export const fromPem = (pem: string): KeyObject => createPrivateKey(pem);

/** The public half, in the order that RFC 7638 hashes. */
export function jwkOf(key: KeyObject): { crv: string; kty: string; x: string; y: string } {
  const { crv, kty, x, y } = createPublicKey(key).export({ format: 'jwk' }) as Record<string, string>;
  return { crv: crv!, kty: kty!, x: x!, y: y! };
}

/** RFC 7638. */
export function thumbprint(key: KeyObject): string {
  return createHash('sha256')
    .update(JSON.stringify(jwkOf(key)))
    .digest('base64url');
}

/** A signed request (RFC 7515, flattened). `payload` undefined is POST-as-GET (RFC 8555 §6.3). */
export function signed(
  key: KeyObject,
  header: { nonce: string; url: string; kid?: string },
  payload: object | undefined,
): string {
  const { kid, ...common } = header;
  const head = base64url(
    JSON.stringify({ alg: 'ES256', ...common, ...(kid === undefined ? { jwk: jwkOf(key) } : { kid }) }),
  );
  const body = payload === undefined ? '' : base64url(JSON.stringify(payload));
  const signature = sign('sha256', Buffer.from(`${head}.${body}`), { key, dsaEncoding: 'ieee-p1363' });
  return JSON.stringify({ protected: head, payload: body, signature: base64url(signature) });
}

/** Binds an ACME account to one that the authority gave out elsewhere (RFC 8555 §7.3.4). @param hmacKey base64url */
export function externalBinding(key: KeyObject, url: string, kid: string, hmacKey: string): object {
  const head = base64url(JSON.stringify({ alg: 'HS256', kid, url }));
  const body = base64url(JSON.stringify(jwkOf(key)));
  const mac = createHmac('sha256', Buffer.from(hmacKey, 'base64url')).update(`${head}.${body}`).digest('base64url');
  return { protected: head, payload: body, signature: mac };
}
