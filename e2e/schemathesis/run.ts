import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { schemathesisPackages, testPython } from '../../tools/test-machine.ts';
import type { Role, World } from './world.ts';

const HERE = fileURLToPath(new URL('.', import.meta.url));

export interface Fuzzed {
  /** 0 when no answer was other than described. */
  code: number | null;
  /** What schemathesis said. */
  out: string;
  /** By operation and status. */
  answers: Record<string, Record<string, number>>;
}

export interface FuzzOptions {
  role: Role;
  seed: number;
  /** Random cases of each operation, beside those at the borders of its schema. */
  cases: number;
  /** More of schemathesis' own options. */
  more?: readonly string[];
}

export const totalOf = (answers: Fuzzed['answers']): number =>
  Object.values(answers)
    .flatMap((by) => Object.values(by))
    .reduce((sum, each) => sum + each, 0);

/** Whether this machine has what `fuzz` needs. */
export const canFuzz = (): boolean => testPython() !== undefined && schemathesisPackages() !== undefined;

/** Asks the hub of `world` in one role everything that schemathesis can think of. */
export async function fuzz({ up, tokens, keptUsers, keptTokens }: World, options: FuzzOptions): Promise<Fuzzed> {
  const { role, seed, cases, more = [] } = options;
  const dir = mkdtempSync(join(tmpdir(), 'atrium-fuzz-'));
  const api = new URL('hub/api', up.url).href;
  const args = [
    '-m',
    'schemathesis.cli',
    '--config-file',
    join(HERE, 'schemathesis.toml'),
    'run',
    `${api}/openapi.json`,
  ];
  const child = spawn(
    join(testPython() ?? '', 'bin', 'python'),
    [...args, `--seed=${seed}`, `--max-examples=${cases}`, '--workers=1', ...more],
    {
      cwd: dir,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        HOME: dir,
        PYTHONPATH: `${schemathesisPackages()}:${HERE}`,
        PYTHONDONTWRITEBYTECODE: '1',
        SCHEMATHESIS_HOOKS: 'hooks',
        ATRIUM_API: api,
        ATRIUM_TOKEN: tokens[role],
        ATRIUM_KEPT_USERS: keptUsers.join(','),
        ATRIUM_KEPT_TOKENS: keptTokens.join(','),
        ATRIUM_ANSWERS: join(dir, 'answers.json'),
      },
    },
  );
  let out = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (out += text));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  try {
    const answers = JSON.parse(readFileSync(join(dir, 'answers.json'), 'utf8')) as Fuzzed['answers'];
    return { code, out, answers };
  } catch (cause) {
    throw new Error(`schemathesis did not run: ${out}`, { cause });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
