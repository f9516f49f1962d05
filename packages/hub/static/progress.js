// The starting page, live. The server decides what comes next: whenever the start is over, the page is loaded again.
const box = document.querySelector('[data-progress]');
const list = box.querySelector('.steps');
const bar = box.querySelector('progress');
const clock = box.querySelector('[data-clock]');
const place = box.querySelector('[data-place]');
const lost = box.querySelector('[data-lost]');
const typical = Number(box.dataset.typical) || 0;
const began = Date.now() - Number(box.dataset.elapsed);
const usual = JSON.parse(box.dataset.steps);
let percent = Number(box.dataset.percent);
let stream;
let at = 0;
let over = false;

const icon = (kind) => box.querySelector(`template[data-${kind}]`).content.cloneNode(true);
const length = (seconds) =>
  seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min${seconds % 60 ? ` ${seconds % 60} s` : ''}`;

// How long the step at hand has gone on, when it is long enough to wonder.
const times = new WeakMap();
for (const item of list.children) {
  const note = item.querySelector('small');
  times.set(item, { note, at: Date.now() - Number(note.dataset.began), usual: Number(note.dataset.usual) || 0 });
}
function showTime(item, current) {
  const { note, at, usual } = times.get(item);
  const ms = Date.now() - at;
  const text = length(Math.round(ms / 1000));
  if (current && usual)
    note.textContent = box.dataset.usually.replace('{time}', text).replace('{usual}', length(Math.round(usual / 1000)));
  else note.textContent = ms < 5000 ? '' : text;
}

function again() {
  if (over) return;
  over = true;
  stream?.close();
  location.reload();
}

// The stream tells the whole story from the start whenever it is opened, so steps that stand here already are skipped.
function step(message) {
  const known = list.children[at++];
  if (known?.querySelector('span').textContent === message) return;
  for (const item of list.children) {
    if (item.classList.contains('done')) continue;
    showTime(item, false);
    item.className = 'done';
    item.firstElementChild.replaceWith(icon('done'));
  }
  const item = document.createElement('li');
  const text = document.createElement('span');
  text.textContent = message;
  const note = document.createElement('small');
  note.className = 'muted';
  times.set(item, { note, at: Date.now(), usual: usual[message.replace(/\b\w*\d\w*\b/g, '#')] ?? 0 });
  item.append(icon('current'), text, ' ', note);
  list.append(item);
}

function connect() {
  at = 0;
  stream = new EventSource(box.dataset.progress);
  stream.onopen = () => {
    at = 0;
    lost.hidden = true;
  };
  stream.onmessage = ({ data }) => {
    const event = JSON.parse(data);
    if (event.ready || event.failed) return again();
    // This page says its place with the time it may take; `look` asks for both.
    if (event.place !== undefined) return;
    if (event.progress > 0) place.hidden = true;
    percent = Math.max(percent, event.progress);
    step(event.message);
  };
  stream.onerror = () => {
    lost.textContent = box.dataset.lostText;
    lost.hidden = false;
    if (stream.readyState === EventSource.CLOSED) setTimeout(look, 1000);
  };
}

// The place in the queue, and the truth after the line was cut.
async function look() {
  if (over) return;
  const response = await fetch(location.href, {
    headers: { accept: 'application/json', 'x-xsrftoken': box.dataset.xsrf },
    redirect: 'manual',
  }).catch(() => undefined);
  // Nobody there, or somebody who knows nothing of us: the hub comes back.
  if (!response || response.status >= 500) {
    if (stream.readyState === EventSource.CLOSED) setTimeout(look, 3000);
    return;
  }
  const waiting = response.ok ? await response.json().catch(() => undefined) : undefined;
  if (waiting?.state !== 'queued' && waiting?.state !== 'starting') return again();
  place.hidden = waiting.place === null;
  place.querySelector('span').textContent = waiting.placeText;
  if (stream.readyState === EventSource.CLOSED) connect();
}

setInterval(() => {
  const elapsed = Date.now() - began;
  clock.textContent = length(Math.round(elapsed / 1000));
  if (list.lastElementChild) showTime(list.lastElementChild, true);
  bar.value = Math.max(percent, typical ? Math.min(90, (elapsed / typical) * 80) : 0);
}, 1000);
setInterval(() => {
  if (!place.hidden && document.visibilityState === 'visible') void look();
}, 5000);
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') void look();
});
// The stream says so at once when a start is cancelled; the form itself leads to the next page.
box.addEventListener('submit', () => {
  over = true;
  stream.close();
});
addEventListener('pageshow', ({ persisted }) => {
  if (persisted) location.reload();
});
connect();
