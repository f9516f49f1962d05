import { type ReactNode, useEffect, useRef } from 'react';
import { facts } from './lib/facts.ts';
import { type Place, pathTo, usePlace, ViewLink } from './lib/router.tsx';
import { Boundary } from './parts/boundary.tsx';
import { Empty } from './parts/notes.tsx';
import { Toasts } from './parts/toast.tsx';
import { t } from './strings/index.ts';
import { Announcements } from './views/announcements.tsx';
import { GroupView } from './views/group.tsx';
import { Groups } from './views/groups.tsx';
import { ImportView } from './views/import.tsx';
import { OverviewView } from './views/overview.tsx';
import { People } from './views/people.tsx';
import { PersonView } from './views/person.tsx';
import { Servers } from './views/servers.tsx';
import { Services } from './views/services.tsx';

const TABS = [
  ['', 'overview', ['overview']],
  ['people', 'people', ['people', 'person', 'import']],
  ['servers', 'servers', ['servers']],
  ['groups', 'groups', ['groups', 'group']],
  ['services', 'services', ['services']],
  ['announcements', 'announcements', ['announcements']],
] as const;

/** Pages of the hub that are not drawn here. */
const PAGES = [
  ['calendar', 'calendar'],
  ['usage', 'costs'],
  ['audit', 'audit'],
] as const;

function Tabs({ view }: { view: string }) {
  return (
    <nav className="tabs" aria-label={t.nav.label}>
      <ul>
        {TABS.map(([path, label, views]) => (
          <li key={label}>
            <ViewLink to={pathTo(path)} aria-current={(views as readonly string[]).includes(view) ? 'page' : undefined}>
              {t.nav[label]}
            </ViewLink>
          </li>
        ))}
        {PAGES.map(([path, label], at) => (
          <li key={label} className={at === 0 ? 'apart' : undefined}>
            <a href={pathTo(path)}>{t.nav[label]}</a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function viewOf({ view, name }: Place): { title: string; body: ReactNode } {
  switch (view) {
    case 'overview':
      return { title: t.nav.overview, body: <OverviewView /> };
    case 'people':
      return { title: t.people.title, body: <People /> };
    case 'person':
      return { title: name, body: <PersonView key={name} name={name} /> };
    case 'import':
      return { title: t.import.title, body: <ImportView /> };
    case 'groups':
      return { title: t.groups.title, body: <Groups /> };
    case 'group':
      return { title: name, body: <GroupView key={name} name={name} /> };
    case 'servers':
      return { title: t.servers.title, body: <Servers /> };
    case 'services':
      return { title: t.services.title, body: <Services /> };
    case 'announcements':
      return { title: t.announcements.title, body: <Announcements /> };
    default:
      return { title: t.unknown.title, body: <Empty title={t.unknown.title}>{t.unknown.text}</Empty> };
  }
}

export function App() {
  const place = usePlace();
  const { title, body } = viewOf(place);
  const heading = useRef<HTMLHeadingElement>(null);
  const first = useRef(true);
  const here = `${place.view} ${place.name}`;
  // biome-ignore lint/correctness/useExhaustiveDependencies: whenever the place is another one
  useEffect(() => {
    document.title = t.documentTitle(title, facts().brand);
    // The first view has the focus where the browser put it; any later one begins at its heading, as a new page would.
    if (!first.current) {
      scrollTo(0, 0);
      heading.current?.focus({ preventScroll: true });
    }
    first.current = false;
  }, [here]);
  return (
    <>
      <Tabs view={place.view} />
      <h1 ref={heading} tabIndex={-1}>
        {title}
      </h1>
      <Boundary key={here}>{body}</Boundary>
      <Toasts />
    </>
  );
}
