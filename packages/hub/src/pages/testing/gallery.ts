import type { AppContext } from '../../context.ts';
import { makeUrls } from '../../urls.ts';
import type { Html } from '../html.ts';
import { type PageContext, type PageOptions, page } from '../layout.ts';
import type { ServerView } from '../server-view.ts';
import { acceptPage } from '../templates/accept-share.ts';
import { adminPage, deletePersonPage } from '../templates/admin.ts';
import { choosePage } from '../templates/choose.ts';
import { consentPage } from '../templates/consent.ts';
import { errorPage } from '../templates/error.ts';
import { homePage } from '../templates/home.ts';
import { loginPage } from '../templates/login.ts';
import { loggedOutPage, notAllowedPage } from '../templates/not-allowed.ts';
import { changePasswordPage, firstAdminPage, linkGonePage, resetPage } from '../templates/set-password.ts';
import { type ShareModel, sharePage } from '../templates/share.ts';
import { signUpDonePage, signUpPage } from '../templates/sign-up.ts';
import { logPage, notRunningPage, spawnFailedPage, spawnPendingPage, stoppingPage } from '../templates/spawn.ts';
import { tokensPage } from '../templates/tokens.ts';
import { auditPages } from './gallery-audit.ts';
import { moneyPages, someUse, stays } from './gallery-money.ts';

/** Text that would be markup if a template forgot to escape it. */
export const HOSTILE = `<script>alert("1")</script>&'"`;

/** Every page with made-up contents, for tests and for looking at: nothing here needs a database. */
export function gallery({ brand = 'Physics 101', text = 'thesis' } = {}): Map<string, string> {
  const branding = { name: brand, helpUrl: 'https://help.example/', contact: 'help@physics.example' };
  const ctx: PageContext = {
    config: { branding } as AppContext['config'],
    urls: makeUrls('/'),
    authenticator: { accounts: {} } as AppContext['authenticator'],
  };
  const now = Date.UTC(2026, 10, 21, 12);
  const xsrf = 'xsrf-token';
  const requester = { user: { name: 'ada', admin: true } };
  const view = (change: Partial<ServerView> = {}): ServerView => ({
    name: '',
    label: 'your server',
    icon: 'stopped',
    state: 'Not running',
    since: null,
    running: false,
    pending: null,
    url: '/user/ada/',
    pendingUrl: '/hub/spawn-pending/ada',
    why: '',
    endedAt: null,
    note: '',
    lastActivity: null,
    stopAfter: null,
    ...change,
  });
  const running = view({
    icon: 'running',
    state: 'Running',
    running: true,
    since: now - 7_500_000,
    lastActivity: now - 60_000,
    stay: stays(now).ending,
  });
  const idle = { why: 'It stopped by itself after 1 h without activity.', endedAt: now - 50_000_000 };
  const named = [
    view({ name: 'thesis', label: text, ...idle, lastActivity: now - 53_000_000 }),
    view({
      name: 'gpu',
      label: 'gpu',
      icon: 'queued',
      state: 'Waiting in the queue',
      pending: 'spawn',
      since: now - 9_000,
    }),
    view({ ...running, name: 'kept', label: 'kept', stay: stays(now).kept }),
    view({ ...running, name: 'long', label: text, stay: stays(now).free }),
    view({ name: 'old', label: 'old', icon: 'problem', state: 'Could not start', why: text, endedAt: now - 90_000 }),
  ];
  const target = { action: '/hub/home/start', fields: { user: 'ada', server: '', next: `/user/ada/lab?${text}` } };
  const home = { ctx, xsrf, now, name: 'ada', named, limit: 10, idle: { hub: 3600, own: 900, choices: [900, 1800] } };
  const share: ShareModel = {
    ctx,
    xsrf,
    now,
    fields: { user: 'ada', server: text },
    label: text,
    mayShare: true,
    shares: [
      { kind: 'user', name: text, words: ['open and use running servers', text], since: now - 90_000 },
      { kind: 'group', name: text, words: ['open and use running servers'], since: now - 900_000 },
    ],
    links: [{ id: 'sc_1', number: 1, ends: now + 90_000, used: 2 }],
    lifetimes: [3600, 86_400, 604_800],
    fresh: `https://hub.example.org/hub/accept-share?code=${text}`,
    done: { text, undo: { kind: 'user', name: text, scopes: 'access:servers' } },
  };
  const words = ['start and stop servers (only ada)', 'read names'];
  const token = { id: 'a1', note: text, words, created: now - 9e8, lastUsed: now - 3e6, expiresAt: now + 9e8 };
  const waiting = {
    state: 'queued' as const,
    place: 3,
    turnInMs: 200_000,
    elapsedMs: 9_000,
    typicalMs: 14_000,
    percent: 30,
    steps: [
      { message: 'Server requested', ms: 8_000, typicalMs: null },
      { message: text, ms: 61_000, typicalMs: 50_000 },
    ],
  };
  const failure = {
    code: 'disk_full',
    message: `Your home folder is full. ${text}`,
    advice: 'Delete files you do not need.',
    log: ['Traceback:', text],
    at: now,
  };
  const person = { stopAfter: null, admin: false, blocked: false, lastActivity: now - 4e6, other: true };

  const pages: Record<string, [Omit<PageOptions, 'requester'> & { anonymous?: true }, Html]> = {
    login: [
      { title: 'Sign in', anonymous: true },
      loginPage({ ctx, next: `/user/ada/?a=${text}`, xsrf, signUp: 'approval' }),
    ],
    'login-refused': [
      { title: 'Sign in', anonymous: true },
      loginPage({ ctx, next: '', xsrf, username: text, error: 'Name or password is wrong.', signUp: 'off' }),
    ],
    'login-locked': [
      { title: 'Sign in', anonymous: true },
      loginPage({ ctx, next: '', xsrf, username: text, locked: { until: now + 125_000, now }, signUp: 'off' }),
    ],
    'sign-up': [
      { title: 'Sign up', anonymous: true },
      signUpPage({ ctx, xsrf, mode: 'approval', error: text, username: text }),
    ],
    'sign-up-done': [{ title: 'Sign up', anonymous: true }, signUpDonePage({ ctx, mode: 'approval', name: text })],
    'first-admin': [
      { title: 'Welcome', anonymous: true },
      firstAdminPage({ ctx, xsrf, path: '/hub/first-admin?token=x', error: text }),
    ],
    reset: [{ title: 'Reset', anonymous: true }, resetPage({ ctx, xsrf, path: '/hub/reset?token=x', name: text })],
    'link-gone': [{ title: 'Link', anonymous: true }, linkGonePage({ ctx, kind: 'reset' })],
    'change-password': [{ title: 'Change password' }, changePasswordPage({ ctx, xsrf, name: text, done: true })],
    'not-allowed': [
      { title: 'Not allowed', anonymous: true },
      notAllowedPage({
        ctx,
        name: text,
        message: text,
        rules: [{ rule: 'allowedUsers', outcome: 'silent', detail: text }],
      }),
    ],
    'signed-out': [{ title: 'Signed out', anonymous: true }, loggedOutPage({ ctx })],
    consent: [
      { title: 'Consent' },
      consentPage({
        ctx,
        xsrf,
        name: 'ada',
        clientName: text,
        scopesInWords: words,
        scopes: ['servers!user=ada'],
        target: `/services/${text}`,
        action: '/hub/api/oauth2/authorize?x=1',
      }),
    ],
    error: [
      { title: 'Error' },
      errorPage({ ctx, status: 500, code: 'internal', message: text, requestId: '0123456789abcdef' }),
    ],
    home: [
      { title: 'Home', current: 'home' },
      homePage({ ...home, main: running, usage: someUse(now), storage: true, choose: true, done: 'Saved.' }),
    ],
    'home-shared': [
      { title: 'Home', current: 'home' },
      homePage({
        ...home,
        main: running,
        share: true,
        shared: [
          { owner: text, server: '', label: '', icon: 'running', url: '/user/x/', group: null },
          { owner: 'bob', server: 'thesis', label: text, icon: 'stopped', url: '/user/bob/thesis/', group: text },
        ],
      }),
    ],
    share: [{ title: 'Share' }, sharePage(share)],
    'share-refused': [
      { title: 'Share' },
      sharePage({ ...share, shares: [], error: text, given: { name: text, kind: 'group' } }),
    ],
    'share-seen': [{ title: 'Share' }, sharePage({ ...share, mayShare: false, done: undefined, fresh: undefined })],
    'accept-share': [
      { title: 'Shared server' },
      acceptPage({
        ctx,
        xsrf,
        name: 'ada',
        owner: text,
        label: text,
        words,
        running: false,
        action: '/hub/accept-share?code=x',
        next: `/user/ada/lab?${text}`,
      }),
    ],
    'home-first': [{ title: 'Home', current: 'home' }, homePage({ ...home, named: [], main: undefined })],
    'home-refused': [
      { title: 'Home', current: 'home' },
      homePage({ ...home, main: view(idle), error: text, newName: text }),
    ],
    choose: [
      { title: 'Start' },
      choosePage({
        ctx,
        xsrf,
        label: text,
        choices: {
          all: [
            { id: 'small', title: 'Small', description: text, facts: ['2 vCPU', '4 GiB'], perHour: 0.0416 },
            { id: 'big', title: text, facts: ['8 vCPU', '32 GiB'], perHour: 1.5, warning: text },
            { id: 'gpu', title: 'GPU', facts: [text], perHour: null, unavailable: text },
          ],
          fields: [
            { name: 'course', label: text, kind: 'text', hint: text, value: text, required: true },
            { name: 'image', label: 'Image', kind: 'choice', choices: [{ value: text, title: text }] },
            { name: 'data', label: 'Data', kind: 'file', hint: 'A small table.' },
          ],
          chosen: 'big',
          mustAsk: true,
          remembered: true,
        },
        action: '/hub/spawn/ada',
        next: `/user/ada/lab?${text}`,
        error: text,
      }),
    ],
    starting: [
      { title: 'Starting', refresh: 3, scripts: ['progress.js'] },
      spawnPendingPage({
        ctx,
        xsrf,
        view: view({ label: text }),
        waiting,
        usualSteps: new Map([[text, 50_000]]),
        progressUrl: '/hub/api/none',
        stop: target,
        logUrl: '/hub/server-log/ada',
      }),
    ],
    stopping: [{ title: 'Stopping', refresh: 2 }, stoppingPage({ ctx, view: view({ label: text }) })],
    failed: [
      { title: 'Failed' },
      spawnFailedPage({
        ctx,
        xsrf,
        view: view({ label: text }),
        failure,
        start: target,
        showLog: true,
        requestId: '0123456789abcdef',
      }),
    ],
    'not-running': [
      { title: 'Not running' },
      notRunningPage({ ctx, xsrf, view: view({ ...idle, note: text }), own: true, start: target }),
    ],
    log: [
      { title: 'Output', wide: true },
      logPage({ ctx, view: view({ label: text }), lines: ['one', text], backUrl: '/hub/home' }),
    ],
    tokens: [
      { title: 'Tokens', current: 'token' },
      tokensPage({
        ctx,
        xsrf,
        now,
        tokens: [token, { ...token, id: 'a2', note: '', words: [], lastUsed: null, expiresAt: null }],
        applications: [{ id: 'a3', name: text, words, lastUsed: null }],
        lifetimes: [86_400, null],
        fresh: { text: '0123456789abcdef0123456789abcdef', note: text },
      }),
    ],
    admin: [
      { title: 'Administration', current: 'admin', wide: true },
      adminPage({
        ctx,
        xsrf,
        now,
        total: 120,
        offset: 50,
        limit: 50,
        running: 2,
        accounts: true,
        idle: { hub: 3600, choices: [900, 0] },
        people: [
          { ...person, name: 'ada', admin: true, servers: [running, named[0]!], other: false },
          { ...person, name: text, blocked: true, lastActivity: null, servers: [] },
          { ...person, name: 'emmy', servers: [view({ ...idle })] },
        ],
        filter: { q: text, state: 'active' },
        waiting: [{ name: text, created: now - 3e6 }],
        warnings: [text],
        alerts: [
          { message: text, firstAt: now - 9e6, lastAt: now - 6e4 },
          { message: 'A machine without a server.', firstAt: now - 6e4, lastAt: now - 6e4 },
        ],
        done: 'Done.',
        link: { name: text, url: 'https://hub.example/hub/reset?token=x', expiresAt: now + 9e7 },
      }),
    ],
    ...moneyPages(ctx, { xsrf, now, text }),
    ...auditPages(ctx, { now, text }),
    'admin-delete': [
      { title: 'Delete', current: 'admin' },
      deletePersonPage({ ctx, xsrf, name: text, home: 'delete-home' }),
    ],
  };
  return new Map(
    Object.entries(pages).map(([name, [{ anonymous, ...options }, body]]) => [
      name,
      page(ctx, { ...options, requester: anonymous ? null : requester }, body),
    ]),
  );
}
