import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import type { TestCli, Up } from '../../packages/atrium/src/testing/cli.ts';
import { type TestBrowser, testBrowser } from '../../packages/hub/src/testing/browser.ts';
import { nbgraderPackages, testPython } from '../../tools/test-machine.ts';
import { administrator, apiClient } from '../lib/api-client.ts';
import { testCli } from '../lib/hub.ts';

const SOON = { timeout: 90_000, interval: 300 };
const PASSWORD = 'quiet lanterns over the river';
const SERVICE_TOKEN = 'the-token-of-course101-of-nbgrader';
const python = testPython() ?? '';
const packages = nbgraderPackages() ?? '';

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => probe.once('listening', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** Where nbgrader finds itself and `alembic`. */
const NBGRADER = {
  PATH: `${join(python, 'bin')}:${process.env.PATH}`,
  PYTHONPATH: packages,
};

/** As nbgrader's own guide to JupyterHub has it: a managed service for each course, whose people are a group. */
const config = (port: number, courses: string, jupyter: string) => `
import { defineConfig, processSpawner, secret } from 'atrium';
const nbgrader = ${JSON.stringify({ ...NBGRADER, JUPYTER_CONFIG_PATH: `${jupyter}:${join(packages, 'etc', 'jupyter')}` })};
export default defineConfig({
  port: 0,
  spawner: processSpawner({ python: ${JSON.stringify(python)}, environment: nbgrader, readOnlyPaths: ${JSON.stringify([packages, jupyter])} }),
  access: { allowExistingUsers: true },
  groups: { 'formgrade-course101': { users: ['iris'] } },
  services: [{
    name: 'course101',
    url: 'http://127.0.0.1:${port}',
    command: [${JSON.stringify(join(python, 'bin', 'jupyterhub-singleuser'))}, '--allow-root', '--group=formgrade-course101'],
    cwd: ${JSON.stringify(courses)},
    apiToken: secret.env('COURSE_TOKEN'),
    environment: { ...nbgrader, HOME: ${JSON.stringify(courses)}, JUPYTERHUB_USER: 'grader-course101' },
    oauthNoConfirm: true,
    timeout: '2m',
  }],
  roles: [
    { name: 'server', scopes: ['inherit'] },
    { name: 'formgraders', groups: ['formgrade-course101'], scopes: ['access:services!service=course101', 'list:services', 'read:services!service=course101'] },
    { name: 'course101', services: ['course101'], scopes: ['admin:groups', 'list:services', 'read:users:groups'] },
  ],
});
`;

const EVERYWHERE = `
c = get_config()
c.Authenticator.plugin_class = 'nbgrader.auth.JupyterHubAuthPlugin'
`;
const IN_COURSE = `${EVERYWHERE}c.CourseDirectory.course_id = 'course101'\n`;

async function addPerson(cli: TestCli, name: string): Promise<void> {
  const added = await cli.run(['user', 'add', name, '--password-stdin'], PASSWORD);
  if (added.code !== 0) throw new Error(added.err);
}

async function signIn(up: Up, name: string): Promise<TestBrowser> {
  const browser = testBrowser(new URL(up.url).origin);
  expect((await browser.submit('/hub/login', { username: name, password: PASSWORD })).status).toBe(302);
  return browser;
}

test.skipIf(python === '' || packages === '')(
  'nbgrader grades as a managed service of a group, lists courses, and keeps their students in groups',
  { timeout: 400_000 },
  async () => {
    const port = await freePort();
    await using cli = testCli(undefined, { COURSE_TOKEN: SERVICE_TOKEN });
    const course = join(cli.dir, 'course101');
    mkdirSync(course);
    // As root, services run as another account.
    chmodSync(course, 0o777);
    writeFileSync(join(course, 'nbgrader_config.py'), IN_COURSE);
    const jupyter = join(cli.dir, 'jupyter');
    mkdirSync(jupyter);
    writeFileSync(join(jupyter, 'nbgrader_config.py'), EVERYWHERE);
    writeFileSync(join(cli.dir, 'atrium.config.ts'), config(port, course, jupyter));
    const root = await administrator(cli);
    for (const name of ['iris', 'bob']) await addPerson(cli, name);
    const up = await cli.up();
    const api = apiClient(up, root);
    const students = async () => {
      const reply = await api('GET', '/groups/nbgrader-course101');
      return reply.status === 200 ? ((await reply.json()) as { users: string[] }).users : reply.status;
    };
    const formgrader = '/services/course101/formgrader';
    const started = api('POST', '/users/iris/server');

    // The formgrader is a notebook server of the group: its people get in, others do not.
    await expect
      .poll(async () => (await fetch(new URL('services/course101/api', up.url), { redirect: 'manual' })).status, SOON)
      .toBe(200);
    const iris = await signIn(up, 'iris');
    const page = await iris.follow(`${formgrader}/manage_students`);
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('course101')]);
    expect((await (await signIn(up, 'bob')).follow(`${formgrader}/manage_students`)).status).toBe(403);

    // A student whom she adds there is in the course's own book.
    const xsrf = [...iris.cookies.values()].find(({ name, path }) => name === '_xsrf' && path.startsWith('/services/'));
    const added = await iris.fetch(`${formgrader}/api/student/bob`, {
      method: 'PUT',
      headers: { 'x-xsrftoken': xsrf?.value ?? '', 'content-type': 'application/json' },
      body: JSON.stringify({ first_name: 'Bob' }),
    });
    expect([added.status, await added.text()]).toEqual([200, expect.stringContaining('"id": "bob"')]);

    // Her own server lists her courses: her groups, and the services with those names.
    expect([201, 202]).toContain((await started).status);
    await expect
      .poll(async () => (await (await api('GET', '/users/iris')).json()) as object, SOON)
      .toMatchObject({
        server: '/user/iris/',
      });
    const reply = await iris.follow('/user/iris/formgraders');
    const listed = await reply.text();
    expect(reply.status, listed).toBe(200);
    expect(JSON.parse(listed)).toEqual({
      success: true,
      value: expect.arrayContaining([
        {
          course_id: 'course101',
          kind: 'jupyterhub',
          url: expect.stringMatching(/\/services\/course101\/lab\?formgrader=true$/),
        },
      ]),
    });

    // nbgrader's command keeps students in the course's group, which it makes: a POST without a body, then lists of people.
    const inCourse = (...args: string[]) =>
      promisify(execFile)(join(python, 'bin', 'python'), args, {
        cwd: course,
        env: {
          ...NBGRADER,
          HOME: course,
          JUPYTERHUB_API_URL: new URL('hub/api', up.url).href,
          JUPYTERHUB_API_TOKEN: SERVICE_TOKEN,
          JUPYTERHUB_USER: 'grader-course101',
        },
      });
    const nbgrader = (...args: string[]) => inCourse('-m', 'nbgrader', 'db', 'student', ...args);
    expect(await students()).toBe(404);
    for (const name of ['bob', 'iris', 'bob']) await nbgrader('add', name);
    expect(await students()).toEqual(['bob', 'iris']);
    await nbgrader('remove', 'iris');
    expect(await students()).toEqual(['bob']);
    // And asks for the courses of one student by their groups.
    const courses =
      "from nbgrader.auth import JupyterHubAuthPlugin; print(JupyterHubAuthPlugin().get_student_courses('bob'))";
    expect((await inCourse('-c', courses)).stdout.trim()).toBe("['course101']");
  },
);
