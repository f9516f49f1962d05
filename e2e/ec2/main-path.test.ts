import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Ec2Sim } from '@atrium/ec2-sim';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { readablePython } from '../../tools/ec2-sim/src/runner/readable-python.ts';
import { freePort } from '../../tools/free-port.ts';
import { testChromium } from '../../tools/test-machine.ts';
import { cloudConfig, startCloud } from '../lib/cloud.ts';
import { createFirstAdmin, firstAdminLink, shoot, startChromium, type TestChromium, testCli } from '../lib/hub.ts';
import { newNotebook, runCell, saveNotebook } from '../lib/lab.ts';

const PASSWORD = 'quiet lanterns over the river';
/** A machine, its agent and JupyterLab, on a computer that does something else, too. */
const START = 120_000;
/** Seconds; long enough for JupyterLab's page to be loaded meanwhile on a computer that does something else, too. */
const IDLE = 60;

describe.skipIf(!testChromium() || !readablePython())('a person and their machine', { timeout: 300_000 }, () => {
  let sim: Ec2Sim;
  let cli: ReturnType<typeof testCli>;
  let up: Awaited<ReturnType<ReturnType<typeof testCli>['up']>>;
  let browser: TestChromium;
  let ada: Page;

  beforeAll(async () => {
    sim = await startCloud();
    const port = await freePort();
    const config = cloudConfig(sim, { port, python: readablePython()!, idle: `${IDLE}s` });
    cli = testCli(config, sim.env('manager'));
    up = await cli.up();
    browser = await startChromium();
    ada = (await browser.person()).page;
    ada.setDefaultTimeout(100_000);
  });
  afterEach(async ({ task }) => {
    if (task.result?.state !== 'fail') return;
    console.error(readFileSync(join(cli.places.logDir, 'hub.log'), 'utf8').slice(-6_000));
    await shoot(ada, 'failed-ec2');
  });
  afterAll(async () => {
    await browser?.[Symbol.asyncDispose]();
    await cli?.run(['down', '--servers']);
    await cli?.[Symbol.asyncDispose]();
    await sim?.[Symbol.asyncDispose]();
  });

  const ofRole = (role: string) => (one: { tags: ReadonlyMap<string, string> }) => one.tags.get('atrium:role') === role;
  const machines = () => [...sim.world.instances.values()].filter(ofRole('worker'));
  const homes = () => [...sim.world.volumes.values()].filter(ofRole('home'));
  const alive = () => machines().filter(({ state }) => !['terminated', 'shutting-down'].includes(state));

  const start = async () => {
    await ada.goto(`${up.url}hub/spawn`);
    const begin = ada.getByRole('button', { name: /^Start/ });
    await begin.click();
    await ada.getByRole('heading', { name: 'Starting your server' }).waitFor();
  };

  /** JupyterLab would show what was open before. */
  const freshNotebook = async () => {
    await ada.goto(`${up.url}user/ada/lab?reset`);
    await newNotebook(ada);
  };

  test('the choice shows what each kind is and costs, and why one is not to be had', async () => {
    await createFirstAdmin(ada, await firstAdminLink(up), 'Ada', PASSWORD);
    await ada.goto(`${up.url}hub/spawn`);
    await shoot(ada, 'ec2-01-choice');
    const text = await ada.locator('main').innerText();
    expect(text).toContain('2 vCPU');
    expect(text).toContain('0.0208');
    expect(await ada.getByRole('radio', { name: /Large/ }).isDisabled()).toBe(true);
  });

  test('the first start makes one machine and one home; a cell runs', async () => {
    await start();
    await shoot(ada, 'ec2-02-starting');
    await ada.waitForURL(/\/user\/ada\/lab/, { timeout: START });
    await newNotebook(ada);

    expect(await runCell(ada, '1 + 1')).toBe('2');
    expect(await runCell(ada, 'open("kept.txt", "w").write("still here"); print("written")')).toBe('written');
    await saveNotebook(ada);
    await shoot(ada, 'ec2-03-lab');
    expect(machines()).toHaveLength(1);
    expect(homes()).toHaveLength(1);
  });

  test('idle stops the machine, and the next start starts the same one', async () => {
    await ada.goto(`${up.url}hub/home`);
    await expect.poll(() => machines()[0]?.state, { timeout: (IDLE + 90) * 1000, interval: 500 }).toBe('stopped');
    await ada.goto(`${up.url}hub/home`);
    await shoot(ada, 'ec2-04-stopped');

    await start();
    await ada.waitForURL(/\/user\/ada\/lab/, { timeout: START });
    await freshNotebook();
    expect(await runCell(ada, 'print(open("kept.txt").read())')).toBe('still here');
    expect(machines()).toHaveLength(1);
    expect(machines()[0]?.boots).toBe(2);
  });

  test('after somebody terminated it by hand a new one comes, with the same home', async () => {
    const [first] = machines();
    await sim.byHand.terminate(first!.id);
    await expect.poll(() => first!.state, { timeout: 20_000 }).toBe('terminated');
    // Whoever opens their server meets either the page that it is gone or a start; both lead on.
    await expect
      .poll(async () => (await ada.goto(`${up.url}hub/home`)) && (await ada.locator('main').innerText()), {
        timeout: 90_000,
        interval: 1_000,
      })
      .not.toMatch(/Running/);

    await start();
    await ada.waitForURL(/\/user\/ada\/lab/, { timeout: START });
    await freshNotebook();
    expect(await runCell(ada, 'print(open("kept.txt").read())')).toBe('still here');
    expect(alive()).toHaveLength(1);
    expect(alive()[0]?.id).not.toBe(first!.id);
    expect(homes()).toHaveLength(1);
  });

  test('what it cost is on a page, and nothing was asked of AWS that it does not know', async () => {
    await ada.goto(`${up.url}hub/usage`);
    await shoot(ada, 'ec2-05-usage');
    expect(await ada.locator('main').innerText()).toMatch(/\$\d/);
    expect(sim.violations).toEqual([]);
  });
});
