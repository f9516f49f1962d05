import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import {
  type Announcement,
  type AnnouncementWords,
  changeAnnouncement,
  createAnnouncement,
  isShown,
  listAnnouncements,
  removeAnnouncement,
} from '../announcements/announcements.service.ts';
import type { AppContext } from '../context.ts';
import { actorName } from '../users/principal.ts';
import { AnnouncementModel } from './atrium-models.ts';
import { Empty, strictBody } from './models.ts';
import { requesterIn } from './requester-in.ts';
import { isoTime, isoTimeOrNull } from './times.ts';

const Level = z.enum(['info', 'warning']);
const When = z.iso.datetime({ offset: true });
const TextLine = z
  .string()
  .trim()
  .min(1, 'Write what is to be announced')
  .max(500, 'At most 500 characters')
  .refine((text) => !/[^\P{Cc}\n\t]/u.test(text), 'No control characters')
  .describe('Plain text.');

const Announcements = z.object({ items: z.array(AnnouncementModel) }).meta({ title: 'Announcements' });

const Shown = z
  .object({ items: z.array(AnnouncementModel.pick({ id: true, text: true, level: true, dismissible: true })) })
  .meta({ title: 'ShownAnnouncements' });

const CreateBody = strictBody({
  text: TextLine,
  level: Level.default('info'),
  starts_at: When.optional().describe('Now, when it is left out.'),
  ends_at: When.nullish(),
  dismissible: z.boolean().default(true),
});
const ChangeBody = strictBody({
  text: TextLine.optional(),
  level: Level.optional(),
  starts_at: When.optional(),
  ends_at: When.nullish().describe('null: until it is taken back.'),
  dismissible: z.boolean().optional(),
}).refine((body) => Object.keys(body).length > 0, 'Nothing to change');

const Params = z.object({ announcement: z.coerce.number().int().positive().max(Number.MAX_SAFE_INTEGER) });

/** What stands on every page for a time. Writing there is for those who may do anything with everybody's account. */
export const announcementRoutes: FastifyPluginAsyncZod<{ ctx: AppContext }> = async (app, { ctx }) => {
  const config = { scopes: ['admin:users'] };

  const present = (each: Announcement): z.output<typeof AnnouncementModel> => {
    const now = ctx.clock.now();
    const { id, text, level, dismissible, by } = each;
    return {
      id,
      text,
      level,
      starts_at: isoTime(each.startsAt),
      ends_at: isoTimeOrNull(each.endsAt),
      dismissible,
      state: isShown(each, now) ? 'shown' : now < each.startsAt ? 'scheduled' : 'over',
      by,
      created: isoTime(each.created),
    };
  };

  app.get('/atrium/announcements', {
    config,
    schema: { summary: 'All announcements, the newest first', response: { 200: Announcements } },
    handler: async () => ({ items: (await listAnnouncements(ctx.db)).map(present) }),
  });

  app.get('/atrium/announcements/current', {
    config: { scopes: [] },
    schema: { summary: 'What pages show now', response: { 200: Shown } },
    handler: async () => ({ items: [...ctx.announcements.shown(ctx.clock.now())] }),
  });

  app.post('/atrium/announcements', {
    config,
    schema: { summary: 'Announce something on every page', body: CreateBody, response: { 201: AnnouncementModel } },
    async handler(request, reply) {
      const { body } = request;
      const { text, level, dismissible } = body;
      const startsAt = body.starts_at === undefined ? ctx.clock.now() : Date.parse(body.starts_at);
      const endsAt = body.ends_at ? Date.parse(body.ends_at) : null;
      const by = actorName(requesterIn(request).principal);
      const made = await createAnnouncement(ctx, { text, level, startsAt, endsAt, dismissible }, by);
      return reply.code(201).send(present(made));
    },
  });

  app.patch('/atrium/announcements/:announcement(^\\d+$)', {
    config,
    schema: {
      summary: 'Change an announcement',
      params: Params,
      body: ChangeBody,
      response: { 200: AnnouncementModel },
    },
    async handler({ params, body }) {
      const change: Partial<AnnouncementWords> = {
        ...(body.text !== undefined && { text: body.text }),
        ...(body.level !== undefined && { level: body.level }),
        ...(body.starts_at !== undefined && { startsAt: Date.parse(body.starts_at) }),
        ...(body.ends_at !== undefined && { endsAt: body.ends_at === null ? null : Date.parse(body.ends_at) }),
        ...(body.dismissible !== undefined && { dismissible: body.dismissible }),
      };
      return present(await changeAnnouncement(ctx, params.announcement, change));
    },
  });

  app.delete('/atrium/announcements/:announcement(^\\d+$)', {
    config,
    schema: { summary: 'Take an announcement back', params: Params, response: { 204: Empty } },
    async handler({ params }, reply) {
      await removeAnnouncement(ctx, params.announcement);
      return reply.code(204).send();
    },
  });
};
