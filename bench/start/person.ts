import { setTimeout as delay } from 'node:timers/promises';
import { openKernel } from '../../e2e/lib/kernel.ts';
import { Browser, NoAnswer } from '../hub/browser.ts';
import { type Door, signIn } from '../hub/person.ts';

/** Times of one start; ms. */
export interface Start {
  name: string;
  /** From asking for the server to its first answer through the proxy. */
  answerMs: number;
}

/** As browsers wait before they open an event stream again. */
const RECONNECT_MS = 3_000;
const LOOK_MS = 10;
const REST_MS = 3_000;

/** Somebody who has signed in and has no server. */
export async function signedIn(door: Door, name: string, signal: AbortSignal): Promise<Browser> {
  const browser = new Browser(door.origin, signal);
  await signIn(browser, door, name, `${door.hub}home`);
  return browser;
}

/** Asks for the own server, waits on its event stream, and asks the server itself until it answers. */
export async function startServer(browser: Browser, { hub }: Door, name: string): Promise<Start> {
  const began = performance.now();
  const asked = await browser.get(`${hub}spawn`);
  if (asked.status >= 400) throw new NoAnswer(`${name}: asking for a server gave ${asked.status}`);
  const xsrf = encodeURIComponent(browser.cookie('_xsrf', hub) ?? '');
  const stream = `${hub}api/users/${name}/server/progress?_xsrf=${xsrf}`;
  await untilReady(browser, stream, name);
  const page = `${hub.slice(0, hub.lastIndexOf('hub/'))}user/${name}/api`;
  // The proxy may hear of it a moment later.
  while ((await browser.get(page)).status !== 200) await delay(LOOK_MS);
  return { name, answerMs: performance.now() - began };
}

async function untilReady(browser: Browser, stream: string, name: string): Promise<void> {
  for (;;) {
    for await (const event of browser.events(stream)) {
      const { ready, failed, message } = event as { ready?: boolean; failed?: boolean; message?: string };
      if (failed) throw new NoAnswer(`${name}: the start failed: ${message}`);
      if (ready) return;
    }
    await delay(RECONNECT_MS);
  }
}

/** The way to a first printed result; ms. */
export interface FirstResult {
  /** From signing in, with a server and a kernel that did not run. */
  resultMs: number;
  /** Then, on the same server, from asking for another kernel to its first printed result. */
  kernelMs: number;
  /** Whether that kernel was forked. */
  warm: boolean;
}

/** Signs in, starts a server and two kernels, which all stay, and waits until a cell has printed something. */
export async function firstResult(door: Door, name: string, token: string, signal: AbortSignal): Promise<FirstResult> {
  const began = performance.now();
  using browser = await signedIn(door, name, signal);
  await startServer(browser, door, name);
  const base = door.hub.slice(0, door.hub.lastIndexOf('hub/'));
  const print = async () => {
    const kernel = await openKernel(new URL(`${base}user/${name}/`, door.origin), token);
    const printed = await kernel.run('print(6 * 7)');
    if (printed !== '42') throw new NoAnswer(`${name}: the cell printed ${printed}`);
    return kernel;
  };
  await using _first = await print();
  const resultMs = performance.now() - began;
  // A server goes on with its own start for a while after its first answer.
  await delay(REST_MS);
  const asked = performance.now();
  await using kernel = await print();
  const kernelMs = performance.now() - asked;
  const parent = await kernel.run('import os; print(open(f"/proc/{os.getppid()}/comm").read())');
  return { resultMs, kernelMs, warm: parent === 'atrium-kernels' };
}
