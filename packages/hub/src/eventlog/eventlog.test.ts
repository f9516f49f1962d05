import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { testPython } from '../../../../tools/test-machine.ts';
import { apiHub } from '../api/test-hub.ts';

const WAIT = 10_000;

/** What JupyterHub's own checks of a line say: the schema that comes with it, over the line without its capsule. */
const CHECK = `
import json, pathlib, sys
import jsonschema, jupyterhub, yaml
schema = yaml.safe_load((pathlib.Path(jupyterhub.__file__).parent / 'event-schemas/server-actions/v1.yaml').read_text())
for line in open(sys.argv[1]):
    event = json.loads(line)
    capsule = {key: event.pop(key) for key in list(event) if key.startswith('__')}
    jsonschema.validate(event, schema)
    assert capsule['__schema__'] == schema['$id'] and capsule['__schema_version__'] == schema['version'], capsule
    assert set(event) == {'action', 'username', 'servername'}, event
    print('ok')
`;

function folder(): Disposable & { path: string } {
  const path = mkdtempSync(join(tmpdir(), 'atrium-events-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

function actionsIn(file: string): unknown[] {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  return lines.map((line) => {
    const { action, username, servername } = JSON.parse(line) as Record<string, unknown>;
    return [action, username, servername];
  });
}

test('starts and stops that worked are lines of the event log, also after it was rotated', async () => {
  using dir = folder();
  const file = join(dir.path, 'events.jsonl');
  await using hub = await apiHub({ failFor: ['emmy'], config: { eventLog: { file } } });
  const ada = await hub.api({ name: 'ada' });
  const emmy = await hub.api({ name: 'emmy' });
  const has = (path: string, count: number) =>
    expect.poll(() => (existing(path) ? actionsIn(path).length : 0), { timeout: WAIT }).toBe(count);
  const existing = (path: string) => {
    try {
      return readFileSync(path).length > 0;
    } catch {
      return false;
    }
  };

  await emmy('POST', '/users/emmy/server');
  await ada('POST', '/users/ada/servers/thesis');
  await has(file, 1);
  await ada('DELETE', '/users/ada/servers/thesis');
  await has(file, 2);
  renameSync(file, `${file}.1`);
  await ada('POST', '/users/ada/server');
  await has(file, 1);

  expect(actionsIn(`${file}.1`)).toEqual([
    ['start', 'ada', 'thesis'],
    ['stop', 'ada', 'thesis'],
  ]);
  expect(actionsIn(file)).toEqual([['start', 'ada', '']]);
  const python = testPython();
  if (python !== undefined) {
    const out = execFileSync(join(python, 'bin/python'), ['-c', CHECK, `${file}.1`], { encoding: 'utf8' });
    expect(out).toBe('ok\nok\n');
  }
});

test('a file that cannot be written stops nobody', async () => {
  using dir = folder();
  await using hub = await apiHub({ config: { eventLog: { file: join(dir.path, 'missing', 'events.jsonl') } } });
  const ada = await hub.api({ name: 'ada' });

  expect((await ada('POST', '/users/ada/server')).status).toBe(201);
});
