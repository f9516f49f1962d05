import { join } from 'node:path';
import { expect, test } from 'vitest';
import { testPython, testPython5 } from '../../tools/test-machine.ts';
import { eventually } from '../contract/client.ts';
import type { Kind } from '../contract/hub.ts';
import { startJupyterHub } from '../contract/jupyterhub.ts';
import { MAIN } from '../contract/variants.ts';
import { startGate } from '../contract/world.ts';
import { openKernel } from '../lib/kernel.ts';
import { OURS } from './both.ts';

const HUBS = [
  { kind: 'jupyterhub-5', version: '5.5', python: testPython5() },
  { kind: 'jupyterhub-6', version: '6.1', python: testPython() },
] as const satisfies { kind: Kind; version: string; python: string | undefined }[];

for (const { kind, version, python } of HUBS) {
  test.skipIf(!python)(`JupyterHub ${version} works unmodified with our proxy in the place of its own`, async () => {
    // Tests of a container run as root.
    const server = [join(python!, 'bin', 'jupyterhub-singleuser'), '--allow-root'];
    await using gate = await startGate();
    await using rig = await startJupyterHub(kind, python!, MAIN, gate, { proxy: [process.execPath, ...OURS], server });
    const { hub } = rig;
    const routes = async () => {
      const { url, token } = hub.proxyApi!;
      const answer = await fetch(`${url}/api/routes`, { headers: { authorization: `token ${token}` } });
      return (await answer.json()) as Record<string, { last_activity: string; user?: string }>;
    };

    const ada = await hub.person('ada');
    const browser = await hub.signIn(ada);
    await hub.start(ada);
    const before = (await routes())[`/user/${ada}`]!;
    expect(before.user).toBe(ada);

    // Signing in at the server goes from it to the hub and back.
    const lab = await browser.follow(`/user/${ada}/lab`);
    expect([lab.status, await lab.text()]).toEqual([200, expect.stringContaining('JupyterLab')]);

    const token = await hub.token(ada);
    {
      await using kernel = await openKernel(new URL(`/user/${ada}/`, hub.origin), token);
      expect(await kernel.run('6 * 7')).toBe('42');
      expect(Date.parse((await routes())[`/user/${ada}`]!.last_activity)).toBeGreaterThan(
        Date.parse(before.last_activity),
      );
    }

    // A server that is gone while its route is still there: the hub's own page says so.
    await fetch(`${hub.proxyApi!.url}/api/routes/gone`, {
      method: 'POST',
      headers: { authorization: `token ${hub.proxyApi!.token}` },
      body: JSON.stringify({ target: 'http://127.0.0.1:9' }),
    });
    const page = await hub.send('GET', '/gone');
    expect([page.status, page.text]).toEqual([503, expect.stringContaining('jupyterhub')]);

    expect((await hub.root('DELETE', hub.server(ada))).status).toBeLessThan(300);
    await eventually(routes, (left) => !Object.hasOwn(left, `/user/${ada}`));
    expect((await hub.send('GET', `/user/${ada}/api`)).headers.location).toMatch(/^\/hub\/user\//);
  });
}
