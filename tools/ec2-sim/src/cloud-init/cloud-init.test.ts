import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { parseUserData } from './parse.ts';
import { writeFiles } from './write-files.ts';

test('files are written with content, permissions and encoding', () => {
  const root = mkdtempSync(join(tmpdir(), 'cloud-init-'));
  const zipped = gzipSync('packed\n').toString('base64');
  const { files, commands } = parseUserData(`#cloud-config
write_files:
  - path: /etc/atrium/agent.json
    owner: "root:root"
    permissions: "0600"
    content: |
      {"hub": "https://10.0.0.5/hub/"}
  - {path: /opt/zipped, encoding: gz+b64, content: "${zipped}"}
  - {path: /opt/b64, encoding: b64, content: aGkK}
  - {path: /opt/b64, append: true, content: "more\\n"}
runcmd:
  - [systemctl, start, atrium-agent.path]
  - echo "$HOME"
`);
  const notes: string[] = [];
  writeFiles(root, files, (text) => notes.push(text));

  expect(JSON.parse(readFileSync(join(root, 'etc/atrium/agent.json'), 'utf8')).hub).toContain('/hub/');
  expect(statSync(join(root, 'etc/atrium/agent.json')).mode & 0o777).toBe(0o600);
  expect(readFileSync(join(root, 'opt/zipped'), 'utf8')).toBe('packed\n');
  expect(readFileSync(join(root, 'opt/b64'), 'utf8')).toBe('hi\nmore\n');
  expect(commands).toEqual([['systemctl', 'start', 'atrium-agent.path'], 'echo "$HOME"']);
  expect(notes).toEqual([]);
  rmSync(root, { recursive: true });
});

test('a script is user data, too', () => {
  const { files, commands } = parseUserData('#!/bin/sh\necho hi\n');
  expect(files[0]).toMatchObject({ path: commands[0]?.[0], mode: 0o755 });
});

test.each([
  ['echo hi\n', 'neither'],
  ['#cloud-config\npackages: [nginx]\n', 'packages'],
  ['#cloud-config\nwrite_files: [{path: etc/x}]\n', 'absolute'],
  ['#cloud-config\nwrite_files: [{path: /../x}]\n', 'absolute'],
  ['#cloud-config\nwrite_files: [{path: /x, permissions: 0644}]\n', 'quoted'],
  ['#cloud-config\nwrite_files: [{path: /x, mode: "0644"}]\n', 'mode'],
  ['#cloud-config\nwrite_files: [{path: /x, encoding: rot13}]\n', 'rot13'],
  ['#cloud-config\nruncmd: echo\n', 'lists'],
])('what cannot be carried out is refused: %j', (text, words) => {
  expect(() => parseUserData(text)).toThrow(words);
});
