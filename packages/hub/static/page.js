// Makes pages that work without it a little better. Each part looks for its own attribute and does nothing without.
const all = (selector) => document.querySelectorAll(selector);

for (const button of all('[data-theme-switch]')) {
  const root = document.documentElement;
  const system = matchMedia('(prefers-color-scheme: dark)');
  const isDark = () => (root.dataset.theme ?? (system.matches ? 'dark' : 'light')) === 'dark';
  const label = () => {
    button.textContent = isDark() ? button.dataset.light : button.dataset.dark;
  };
  button.hidden = false;
  button.addEventListener('click', () => {
    root.dataset.theme = isDark() ? 'light' : 'dark';
    try {
      localStorage.setItem('atrium-theme', root.dataset.theme);
    } catch {
      // It lasts for this page, then.
    }
    label();
  });
  system.addEventListener('change', label);
  label();
}

for (const field of all('[data-password]')) {
  const input = field.querySelector('input');
  const button = field.querySelector('[data-reveal]');
  const caps = field.querySelector('[data-caps]');
  const show = (shown) => {
    input.type = shown ? 'text' : 'password';
    button.setAttribute('aria-pressed', String(shown));
    button.textContent = shown ? button.dataset.hide : button.dataset.show;
  };
  button.hidden = false;
  button.addEventListener('click', () => {
    show(input.type === 'password');
    input.focus();
  });
  // A password manager only recognises a password field, and nobody wants it left readable.
  input.form?.addEventListener('submit', () => show(false));
  for (const type of ['keydown', 'keyup', 'blur']) {
    input.addEventListener(type, (event) => {
      const on = event.getModifierState?.('CapsLock') ?? false;
      caps.textContent = on ? caps.dataset.text : '';
    });
  }
}

for (const button of all('[data-copy]')) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  const label = button.textContent;
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = button.dataset.done;
    setTimeout(() => {
      button.textContent = label;
    }, 2000);
  });
}

const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'long', timeStyle: 'short' });
for (const time of all('time[datetime]')) {
  const text = exact.format(new Date(time.dateTime));
  if ('exact' in time.dataset) time.textContent = text;
  else time.title = text;
}

for (const menu of all('details.menu')) {
  const close = (event) => {
    if (event.type === 'keydown' ? event.key === 'Escape' : !menu.contains(event.target)) menu.open = false;
  };
  document.addEventListener('click', close);
  document.addEventListener('keydown', close);
}

for (const form of all('form[data-confirm]')) {
  form.addEventListener('submit', (event) => {
    if (!confirm(form.dataset.confirm)) event.preventDefault();
  });
}

// A page that was left open tells the truth when it is looked at again, and keeps up while something is under way;
// never while somebody is typing into it.
const live = document.querySelector('[data-live]');
if (live) {
  const loaded = Date.now();
  let typed = false;
  document.addEventListener('input', () => {
    typed = true;
  });
  const refresh = () => {
    const reading = live.querySelector('details[open]');
    if (!typed && !reading && document.visibilityState === 'visible') location.reload();
  };
  document.addEventListener('visibilitychange', () => {
    if (Date.now() - loaded > 15_000) refresh();
  });
  if (Number(live.dataset.live) > 0) setInterval(refresh, Number(live.dataset.live) * 1000);
}

for (const note of all('[data-announcement]')) {
  // Timers of browsers end at 24 days; a page that stays open for longer is loaded anew before that.
  const left = Number(note.dataset.until) - Date.now();
  if (left < 2 ** 31) setTimeout(() => note.remove(), Math.max(0, left));
  const button = note.querySelector('[data-put-away]');
  if (!button) continue;
  button.hidden = false;
  button.addEventListener('click', () => {
    const name = 'atrium-put-away=';
    const before = document.cookie.split('; ').find((one) => one.startsWith(name));
    // The newest ones: a cookie that only grew would be refused some day.
    const ids = [...(before?.slice(name.length).split('.') ?? []), note.dataset.announcement].slice(-50);
    const secure = location.protocol === 'https:' ? '; Secure' : '';
    // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is not in every browser
    document.cookie = `${name}${ids.join('.')}; Path=${button.dataset.putAway}; Max-Age=31536000; SameSite=Lax${secure}`;
    note.remove();
    document.querySelector('main')?.focus();
  });
}
