import type { FastifyPluginAsync } from 'fastify';
import { comingLessons } from '../calendar/calendar.service.ts';
import type { AppContext } from '../context.ts';
import { answer, viewerOf } from './answer.ts';
import { ownerWithScope } from './servers-of.ts';
import { t } from './strings.ts';
import { calendarPage } from './templates/calendar.ts';

/** What the calendar does next, for administrators. */
export const calendarRoutes: FastifyPluginAsync<{ ctx: AppContext }> = async (app, { ctx }) => {
  app.get(`${ctx.urls.hub}admin/calendar`, { config: { page: true } }, async (request, reply) => {
    await ownerWithScope(ctx, viewerOf(request), ['admin-ui'], { user: undefined, server: '' });
    const body = calendarPage({
      now: ctx.clock.now(),
      configured: ctx.config.calendar.length > 0,
      lessons: await comingLessons(ctx),
    });
    return answer(ctx, request, reply, { title: t.calendar.title, current: 'admin', wide: true }, body);
  });
};
