import { setTimeout as delay } from 'node:timers/promises';
import { now, SessionModel } from './model.ts';
import { SESSIONS, type Sessions } from './operations.ts';
import type { Picture } from './pictures.ts';
import { rowsOf } from './watch.ts';

/** Places whose sessions end by themselves. */
const SHORT_LIVED = 3;
/** The sweep comes every 3 s. */
const SWEPT_WITHIN_MS = 20_000;

/** Every session of the run, and what the model says of each. */
export class SessionModels implements Sessions {
  private readonly byPlace: SessionModel[] = [];
  /** Of those whose time is over, not compared yet. */
  private over: SessionModel[] = [];
  private begun = 0;

  at(place: number): SessionModel {
    const session = this.byPlace[place];
    if (session && (session.expiresAt === null || now() < session.expiresAt + STILL_ASKED_MS)) return session;
    if (session) this.over.push(session);
    return (this.byPlace[place] = this.begin(place));
  }

  private begin(place: number): SessionModel {
    if (place < SESSIONS - SHORT_LIVED) return new SessionModel(`session-${place}`);
    this.begun += 1;
    return new SessionModel(`short-${this.begun}`, Math.round(now()) + 5000 + ((this.begun * 7919) % 30_000));
  }

  /**
   * Compares what the database holds with what the model allows, while nothing is under way, and takes it as what is
   * known from now on.
   * @returns a sentence for each difference
   */
  async settle(databaseUrl: string, pictures: Picture[]): Promise<string[]> {
    await swept(databaseUrl);
    const at = now();
    const rows = await rowsOf<HeldRow>(databaseUrl, HELD);
    const bySession = Map.groupBy(rows, ({ session_id }) => session_id);
    const known = [...this.byPlace.filter((session) => session !== undefined), ...this.over];
    this.over = [];
    const objections = (await rowsOf<{ difference: string }>(databaseUrl, COUNTS)).map(({ difference }) => difference);
    for (const session of known) {
      const held = new Map<string, number>();
      for (const { photo_id, mark } of bySession.get(session.id) ?? [])
        held.set(
          photo_id,
          pictures.findIndex((picture) => picture.mark === mark),
        );
      for (const photoId of new Set([...session.photoIds(), ...held.keys()])) {
        const [found, possible] = [held.get(photoId) ?? null, session.possible(photoId, at, at)];
        if (!possible.has(found))
          objections.push(`${session.id} ${photoId} holds ${told(found)}, and may hold ${[...possible].map(told)}`);
      }
      session.settle(held);
      bySession.delete(session.id);
    }
    for (const session of bySession.keys()) objections.push(`${session} holds photos, and nobody knows it`);
    return objections;
  }
}

/** Calls go on for so long after a session's time. */
const STILL_ASKED_MS = 4000;

function told(held: number | null): string {
  return held === null ? 'nothing' : held < 0 ? 'faces of no picture' : `picture ${held}`;
}

async function swept(databaseUrl: string): Promise<void> {
  const giveUp = now() + SWEPT_WITHIN_MS;
  for (;;) {
    const overdue = await rowsOf<{ session_id: string }>(databaseUrl, OVERDUE);
    if (overdue.length === 0) return;
    if (now() > giveUp) throw new Error(`${overdue[0]!.session_id} is overdue, and no sweep erases it.`);
    await delay(100);
  }
}

type HeldRow = { session_id: string; photo_id: string; mark: string };

const OVERDUE = `select session_id from sessions where expires_at <= now()`;
const HELD = `
  select session_id, photo_id,
         string_agg(md5(embedding::text || box::text || face_index::text), ' ' order by face_index) as mark
    from faces group by session_id, photo_id`;
/** The row of a session counts its photos and faces. */
const COUNTS = `
  select format('%s counts %s photos and %s faces, and has %s and %s', coalesce(s.session_id, f.session_id),
                s.photo_count, s.face_count, f.photos, f.faces) as difference
    from sessions s
    full join (select session_id, count(distinct photo_id) as photos, count(*) as faces from faces group by 1) f
      using (session_id)
   where (coalesce(s.photo_count, 0), coalesce(s.face_count, 0)) <> (coalesce(f.photos, 0), coalesce(f.faces, 0))`;
