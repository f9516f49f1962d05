import { HubError } from '@atrium/sdk';
import Fastify from 'fastify';
import { expect, test } from 'vitest';
import { takeFileForms } from './multipart.ts';

/** Sends a form to a route that answers with its fields: each as text, files by their names. */
async function send(parts: readonly (readonly [string, string | File])[]): Promise<[number, unknown]> {
  const app = Fastify();
  takeFileForms(app);
  app.setErrorHandler((error, _, reply) =>
    reply.code(error instanceof HubError ? error.status : 500).send({ message: (error as Error).message }),
  );
  app.post('/', async ({ body }) =>
    Object.fromEntries(
      Object.entries(body as Record<string, string | (string | { filename: string })[]>).map(([name, value]) => [
        name,
        typeof value === 'string' ? value : value.map((one) => (typeof one === 'string' ? one : `<${one.filename}>`)),
      ]),
    ),
  );
  const form = new FormData();
  for (const [name, value] of parts) form.append(name, value);
  const sent = new Response(form);
  const reply = await app.inject({
    method: 'POST',
    url: '/',
    headers: { 'content-type': sent.headers.get('content-type') ?? '' },
    payload: Buffer.from(await sent.arrayBuffer()),
  });
  return [reply.statusCode, reply.json()];
}

const [one, two] = [new File(['1'], 'one.txt'), new File(['2'], 'two.txt')];

test('files are listed under their input’s name, and texts of one name too', async () => {
  const sent = await send([
    ['data', one],
    ['course', 'a'],
    ['data', two],
    ['course', 'b'],
    ['other_file', 'text'],
    ['data', 'text of a file input'],
  ]);

  expect(sent).toEqual([
    200,
    {
      course: ['a', 'b'],
      data: 'text of a file input',
      data_file: ['<one.txt>', '<two.txt>'],
      other_file: 'text',
    },
  ]);
});

test.each([
  ['the text first', [['data_file', 'text'] as const, ['data', one] as const]],
  ['the file first', [['data', one] as const, ['data_file', 'text'] as const]],
  ['an empty text', [['data', one] as const, ['data_file', ''] as const]],
])('a text is never among the files: a field that is called as they are is refused, %s', async (_, parts) => {
  expect(await send(parts)).toEqual([400, { message: expect.stringContaining('both called data_file') }]);
});

test('a name that every object has is a name as any other', async () => {
  expect(
    await send([
      ['constructor', 'x'],
      ['toString', one],
    ]),
  ).toEqual([200, { constructor: 'x', toString_file: ['<one.txt>'] }]);
});
