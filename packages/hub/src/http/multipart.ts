import { type FormFile, formFile, HubError } from '@atrium/sdk';
import type { FastifyInstance, FastifyRequest } from 'fastify';

type Fields = Record<string, string | string[] | FormFile[]>;

/** What a form of an ordinary page never has. */
const MOST_PARTS = 200;

/**
 * Lets the routes of `app` take forms with files: fields as of any form, and each file input as `<name>_file`, a list
 * (contract §5.3). The body as a whole is limited as every other.
 */
export function takeFileForms(app: FastifyInstance): void {
  app.addContentTypeParser(
    'multipart/form-data',
    { parseAs: 'buffer' },
    async (request: FastifyRequest, body: Buffer) => readForm(body, request.headers['content-type'] ?? ''),
  );
}

async function readForm(body: Buffer, type: string): Promise<Fields> {
  const form = await new Response(new Uint8Array(body), { headers: { 'content-type': type } })
    .formData()
    .catch((cause: unknown) => {
      throw new HubError('bad_request', 'The form cannot be read: it is not what its content type says.', { cause });
    });
  const parts = [...form];
  if (parts.length > MOST_PARTS) throw new HubError('bad_request', `A form may have ${MOST_PARTS} fields.`);
  const untouched = emptyInputs(body);
  const fields: Fields = Object.create(null);
  // Apart from the texts: a text field may be called `<name>_file` as well, and text is no file.
  const files = new Map<string, FormFile[]>();
  for (const [name, value] of parts) {
    if (typeof value !== 'string') {
      const bytes = new Uint8Array(await value.arrayBuffer());
      // A file input that nobody touched; some browsers send it as a file without a name.
      if (value.name === '' && bytes.length === 0) continue;
      const file = formFile({ name: value.name, type: value.type, bytes });
      files.set(`${name}_file`, [...(files.get(`${name}_file`) ?? []), file]);
    } else if (value !== '' || !untouched.has(name)) {
      const before = fields[name];
      fields[name] = before === undefined ? value : [...([before].flat() as string[]), value];
    }
  }
  for (const [name, list] of files) {
    if (name in fields)
      throw new HubError('bad_request', `The form has a field and a file that are both called ${name}.`);
    fields[name] = list;
  }
  return fields;
}

/** Names of file inputs without a file: read as a form they look like empty text. */
function emptyInputs(body: Buffer): Set<string> {
  const heads = body
    .toString('latin1')
    .matchAll(/\r\ncontent-disposition: *form-data; *name="([^"\r\n]*)"; *filename=""\r\n/gi);
  return new Set([...heads].map(([, name = '']) => Buffer.from(name, 'latin1').toString()));
}
