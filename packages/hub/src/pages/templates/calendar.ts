import { type ComingLesson, lessonName } from '../../calendar/calendar.service.ts';
import { type Html, html } from '../html.ts';
import { t } from '../strings.ts';
import { time } from '../times.ts';

export interface CalendarModel {
  now: number;
  /** The configuration has a calendar at all. */
  configured: boolean;
  lessons: readonly ComingLesson[];
}

/** The time on the wall of the lesson's own zone: what its teacher calls it. */
function local(at: number, timeZone: string): string {
  const format = { weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' } as const;
  return t.calendar.local(new Intl.DateTimeFormat('en-GB', { ...format, timeZone }).format(at), timeZone);
}

/** A time of the same lesson: the day is said only where it is another one. */
function wall(at: number, { start, rule: { timeZone } }: ComingLesson): Html {
  const parts = (format: Intl.DateTimeFormatOptions, time: number) =>
    new Intl.DateTimeFormat('en-GB', { ...format, timeZone }).format(time);
  const day = { weekday: 'short', day: 'numeric', month: 'short' } as const;
  const clock = parts({ hour: '2-digit', minute: '2-digit' }, at);
  const text = parts(day, at) === parts(day, start) ? clock : `${parts(day, at)}, ${clock}`;
  return html`<time datetime="${new Date(at).toISOString()}">${text}</time>`;
}

function row(lesson: ComingLesson, now: number): Html {
  const { rule, start, startServersAt, stopUnusedAt, people, started, found, refused } = lesson;
  const about = [
    rule.profile && t.calendar.profile(rule.profile),
    rule.server && t.calendar.server(rule.server),
    ...Object.entries(rule.spares).map(([profile, count]) => t.calendar.spares(count, profile)),
  ].filter(Boolean);
  return html`<tr><th scope="row">${lessonName(rule) || t.calendar.lesson}<br><span class="muted small">${t.calendar.people(people)}</span></th>
<td>${local(start, rule.timeZone)}<br><span class="muted small">${start <= now ? t.calendar.now : time(start, now)}</span></td>
<td class="small">${t.calendar.startsAt} ${wall(startServersAt, lesson)}<br>${stopUnusedAt === null ? t.calendar.neverStops : html`${t.calendar.stopsAt} ${wall(stopUnusedAt, lesson)}`}${
    startServersAt <= now && html`<br>${t.calendar.counts(started, found, refused)}`
  }${about.length > 0 && html`<br><span class="muted">${about.join(' · ')}</span>`}</td></tr>\n`;
}

/** What the calendar will do next, and what it did for the lesson that is on. */
export function calendarPage({ now, configured, lessons }: CalendarModel): Html {
  return html`<h1>${t.calendar.title}</h1>
<section class="card" aria-labelledby="coming"><h2 id="coming">${t.calendar.heading}</h2>
${
  lessons.length > 0
    ? html`<div class="scroll stacked"><table><thead><tr><th scope="col">${t.calendar.lesson}</th><th scope="col">${t.calendar.begins}</th><th scope="col">${t.calendar.servers}</th></tr></thead>
<tbody>${lessons.map((lesson) => row(lesson, now))}</tbody></table></div>`
    : html`<p class="muted">${configured ? t.calendar.empty : t.calendar.none}</p>`
}</section>`;
}
