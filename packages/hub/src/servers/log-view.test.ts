import { expect, test } from 'vitest';
import { withoutSecrets } from './log-view.service.ts';

test('a line is shown without what nobody else may know', () => {
  const token = '0123456789abcdef0123456789abcdef';
  const shown = (line: string) => withoutSecrets(line, token);

  expect(shown(`started with ${token}!`)).toBe('started with «hidden»!');
  expect(shown('GET /lab?token=abc123&x=1')).toBe('GET /lab?token=«hidden»&x=1');
  expect(shown('JUPYTERHUB_API_TOKEN=abc JUPYTERHUB_USER=ada')).toBe(
    'JUPYTERHUB_API_TOKEN=«hidden» JUPYTERHUB_USER=ada',
  );
  expect(shown('{"password": "hunter2", "user": "ada"}')).toBe('{"password": "«hidden»", "user": "ada"}');
  expect(shown('Authorization: Bearer abc.def')).toBe('Authorization: Bearer «hidden»');
  expect(shown('postgres://ada:hunter2@db/x')).toBe('postgres://ada:«hidden»@db/x');
  expect(shown('AKIAABCDEFGHIJKLMNOP')).toBe('«hidden»');
  expect(shown('\u001b[32m[I 12:00 ServerApp]\u001b[0m tokens are checked\u0007')).toBe(
    '[I 12:00 ServerApp] tokens are checked',
  );
});
