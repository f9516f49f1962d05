// The starting page, live. The server decides what comes next: whenever the start is over, the page is loaded again.
const box = document.querySelector('[data-progress]');
const list = box.querySelector('.steps');
const bar = box.querySelector('progress');
const clock = box.querySelector('[data-clock]');
const place = box.querySelector('[data-place]');
const lost = box.querySelector('[data-lost]');
const typical = Number(box.dataset.typical) || 0;
const began = Date.now() - Number(box.dataset.elapsed);
let percent = Number(box.dataset.percent);
let stream;
let at = 0;
let over = false;

const icon = (kind) => box.querySelector(`template[data-${kind}]`).content.cloneNode(true);
const length = (seconds) =>
  seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min${seconds % 60 ? ` ${seconds % 60} s` : ''}`;

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
    item.className = 'done';
    item.firstElementChild.replaceWith(icon('done'));
  }
  const item = document.createElement('li');
  const text = document.createElement('span');
  text.textContent = message;
  item.append(icon('current'), text);
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
  place.querySelector('span').textContent = box.dataset.placeText.replace('{place}', waiting.place);
  if (stream.readyState === EventSource.CLOSED) connect();
}

setInterval(() => {
  const elapsed = Date.now() - began;
  clock.textContent = length(Math.round(elapsed / 1000));
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
