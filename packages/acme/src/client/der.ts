/* As much of DER (X.690) as a certificate request and a challenge's certificate need. */

export function der(tag: number, ...content: Buffer[]): Buffer {
  const body = Buffer.concat(content);
  const { length } = body;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), body]);
  const bytes = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Buffer.concat([Buffer.from([tag, 0x80 | bytes.length, ...bytes]), body]);
}

export const sequence = (...content: Buffer[]): Buffer => der(0x30, ...content);
export const set = (...content: Buffer[]): Buffer => der(0x31, ...content);
export const octets = (...content: Buffer[]): Buffer => der(0x04, ...content);
/** No unused bits. */
export const bits = (content: Buffer): Buffer => der(0x03, Buffer.from([0]), content);
export const utf8 = (text: string): Buffer => der(0x0c, Buffer.from(text));
export const yes: Buffer = der(0x01, Buffer.from([0xff]));
/** `[number]`, constructed. */
export const context = (number: number, ...content: Buffer[]): Buffer => der(0xa0 | number, ...content);

/** Never negative. */
export function integer(value: Buffer): Buffer {
  return der(0x02, value[0]! & 0x80 ? Buffer.concat([Buffer.from([0]), value]) : value);
}

/** `1.2.840.10045.4.3.2` */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const part of rest) {
    const seven = [part & 0x7f];
    for (let left = part >>> 7; left > 0; left >>>= 7) seven.unshift((left & 0x7f) | 0x80);
    bytes.push(...seven);
  }
  return der(0x06, Buffer.from(bytes));
}

/** Years up to 2049, as RFC 5280 writes them. */
export function time(ms: number): Buffer {
  return der(
    0x17,
    Buffer.from(
      `${new Date(ms)
        .toISOString()
        .replace(/[-:T]|\.\d+/g, '')
        .slice(2)}`,
    ),
  );
}

export const ECDSA_SHA256: Buffer = sequence(oid('1.2.840.10045.4.3.2'));
const SUBJECT_ALT_NAME = oid('2.5.29.17');

/** The extension that says for which host names it is. */
export function altNames(names: readonly string[]): Buffer {
  return sequence(SUBJECT_ALT_NAME, octets(sequence(...names.map((name) => der(0x82, Buffer.from(name, 'latin1'))))));
}

export function pem(label: string, content: Buffer): string {
  const lines = content.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
