import fc from 'fast-check';
import { formCall, jsonCall, send, type Answer, type Call, type Manner } from './client.ts';
import type { FaultLog } from './faults.ts';
import type { Keys } from './keys.ts';
import { now, type SessionModel, type Write } from './model.ts';
import type { Picture } from './pictures.ts';

/** What the operations are done to, and what is known of it. */
export interface World {
  /** Of the APIs. */
  ports: number[];
  keys: Keys;
  pictures: Picture[];
  sessions: Sessions;
  faults: FaultLog;
  /** What was answered, by operation and answer. */
  tally: Map<string, number>;
}

/** The sessions by their place; a short-lived one is followed by another when its time is over. */
export interface Sessions {
  at(place: number): SessionModel;
}

const KINDS = ['index', 'search', 'status', 'batch', 'erase photo', 'erase session', 'former key', 'rotate'] as const;

export interface Operation {
  kind: (typeof KINDS)[number];
  session: number;
  photo: number;
  picture: number;
  /** Further photos of a batch, with their pictures. */
  more: [photo: number, picture: number][];
  api: number;
  manner: Manner;
  /** Sent twice, the second time before the first is answered. */
  twice: boolean;
}

export const SESSIONS = 12;
const PHOTOS = 10;

/** An operation drawn at random. */
export function operationOf(pictures: number, apis: number): fc.Arbitrary<Operation> {
  const photo = fc.nat({ max: PHOTOS - 1 });
  const picture = fc.nat({ max: pictures - 1 });
  const share = fc.oneof(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true }));
  const stays: fc.Arbitrary<Manner> = fc.constant({ kind: 'plain' });
  const stalls = fc.record({ kind: fc.constant('stall' as const), share, ms: fc.integer({ min: 50, max: 3000 }) });
  const leaves = fc.record({ kind: fc.constant('drop' as const), share, ms: fc.integer({ min: 0, max: 500 }) });
  const weighted = (weights: Record<Operation['kind'], number>) =>
    fc.oneof(...Object.entries(weights).map(([kind, weight]) => ({ weight, arbitrary: fc.constant(kind) })));
  return fc.record({
    kind: weighted(WEIGHTS) as fc.Arbitrary<Operation['kind']>,
    session: fc.nat({ max: SESSIONS - 1 }),
    photo,
    picture,
    more: fc.array(fc.tuple(photo, picture), { minLength: 1, maxLength: 4 }),
    api: fc.nat({ max: apis - 1 }),
    manner: fc.oneof(
      { weight: 8, arbitrary: stays },
      { weight: 1, arbitrary: stalls },
      { weight: 1, arbitrary: leaves },
    ),
    twice: fc.integer({ min: 0, max: 19 }).map((n) => n === 0),
  });
}

const WEIGHTS: Record<Operation['kind'], number> = {
  index: 300,
  search: 300,
  status: 150,
  batch: 60,
  'erase photo': 100,
  'erase session': 50,
  'former key': 38,
  rotate: 2,
};

/** Does an operation. @returns what the model does not allow, one sentence each */
export async function perform(world: World, operation: Operation): Promise<string[]> {
  const times = operation.twice ? 2 : 1;
  const objections = await Promise.all(
    Array.from({ length: times }, () => OPERATIONS[operation.kind](world, operation)),
  );
  return objections.flat();
}

const OPERATIONS: Record<Operation['kind'], (world: World, operation: Operation) => Promise<string[]>> = {
  index,
  search,
  status,
  batch,
  'erase photo': erasePhoto,
  'erase session': eraseSession,
  'former key': formerKey,
  async rotate({ keys }) {
    keys.rotate();
    return [];
  },
};

async function index(world: World, operation: Operation): Promise<string[]> {
  const session = world.sessions.at(operation.session);
  const [photoId, picture] = [idOf(operation.photo), world.pictures[operation.picture]!];
  const fields = { session_id: session.id, photo_id: photoId, ...expiryOf(session) };
  const call = formCall('/api/v1/index', fields, picture.bytes, { 'X-API-Key': world.keys.current });
  const write = session.begin(photoId, picture.problem === null ? operation.picture : null);
  if (picture.problem !== null) session.end(write, 'refused');
  const done = await answered(world, operation, call);
  const { answer } = done;
  if (answer.status === 200 && picture.problem === null) {
    session.end(write, 'done');
    return answer.body.faces_detected === picture.faces ? [] : [done.objection(`${picture.faces} faces were indexed`)];
  }
  session.end(write, mayHaveActed(answer) ? 'unknown' : 'refused');
  return done.unless(
    (answer.status === 400 && answer.body.code === picture.problem) || mayRefuseWrite(session, write, answer),
  );
}

async function batch(world: World, operation: Operation): Promise<string[]> {
  const session = world.sessions.at(operation.session);
  const chosen = new Map([[operation.photo, operation.picture], ...operation.more]);
  const photos = [...chosen].map(([photo, picture]) => ({ photo_id: idOf(photo), s3_key: `${picture}.jpg`, picture }));
  const json = {
    session_id: session.id,
    photos: photos.map(({ photo_id, s3_key }) => ({ photo_id, s3_key })),
    ...expiryOf(session),
  };
  const call = jsonCall('POST', '/api/v1/index/batch', json, { 'X-API-Key': world.keys.current });
  const writes = photos.map(({ photo_id, picture }) => {
    const write = session.begin(photo_id, world.pictures[picture]!.problem === null ? picture : null);
    if (world.pictures[picture]!.problem !== null) session.end(write, 'refused');
    return write;
  });
  const done = await answered(world, operation, call);
  const { answer } = done;
  if (answer.status !== 200) {
    for (const write of writes) session.end(write, mayHaveActed(answer) ? 'unknown' : 'refused');
    return done.unless(mayRefuseWrite(session, writes[0]!, answer));
  }
  const errors = new Map<string, string>(answer.body.errors.map(({ photo_id, code }) => [photo_id, code]));
  return photos.flatMap(({ photo_id, picture }, n) => {
    const [code, { problem }] = [errors.get(photo_id), world.pictures[picture]!];
    if (code === undefined) {
      session.end(writes[n]!, 'done');
      return problem === null ? [] : [done.objection(`photo ${photo_id} has ${problem}`)];
    }
    session.end(writes[n]!, TRANSIENT.test(code) ? 'unknown' : 'refused');
    const expected =
      code === problem ||
      OVERLOADED.has(code) ||
      (code === 'session_erased' && session.erases(photo_id, writes[n]!.began, now())) ||
      (TRANSIENT.test(code) && world.faults.touches(done.began, now()));
    return expected ? [] : [done.objection(`photo ${photo_id} with ${code}`)];
  });
}

async function search(world: World, operation: Operation): Promise<string[]> {
  const session = world.sessions.at(operation.session);
  const selfie = world.pictures[operation.picture]!;
  if (selfie.problem !== null) return status(world, operation);
  const call = formCall('/api/v1/search', { session_id: session.id, limit: '1000' }, selfie.bytes);
  const done = await answered(world, operation, call);
  const { answer, began } = done;
  const photos = photosOf(session).map((id) => [id, session.possible(id, began, now())] as const);
  if (answer.status === 404) return done.unless(photos.every(([, held]) => held.has(null)));
  if (answer.status !== 200) return done.unless(false);
  if (photos.every(([, held]) => held.size === 1 && held.has(null)))
    return [done.objection('the session holds nothing')];
  const found = new Map<string, number>(answer.body.matches.map(({ photo_id, similarity }) => [photo_id, similarity]));
  const wrong = photos.filter(([id, held]) => {
    const similarity = found.get(id);
    return ![...held].some((picture) => {
      const expected = picture === null ? undefined : selfie.similarTo.get(picture);
      return similarity === undefined || expected === undefined
        ? similarity === expected
        : Math.abs(similarity - expected) < 0.0002;
    });
  });
  const strange = [...found.keys()].filter((id) => !photos.some(([known]) => known === id));
  return [...wrong.map(([id, held]) => `${id}: ${found.get(id)}, may hold ${[...held]}`), ...strange].map((what) =>
    done.objection(what),
  );
}

async function status(world: World, operation: Operation): Promise<string[]> {
  const session = world.sessions.at(operation.session);
  const done = await answered(world, operation, jsonCall('GET', `/api/v1/search/status/${session.id}`, undefined));
  const { answer, began } = done;
  if (answer.status !== 200) return done.unless(false);
  const held = photosOf(session).map((id) => [...session.possible(id, began, now())]);
  const between = (count: number, of: (held: number | null) => number) =>
    count >= sum(held.map((one) => Math.min(...one.map(of)))) &&
    count <= sum(held.map((one) => Math.max(...one.map(of))));
  const { photo_count, face_count, indexed } = answer.body;
  const fits =
    indexed === photo_count > 0 &&
    between(photo_count, (picture) => (picture === null ? 0 : 1)) &&
    between(face_count, (picture) => (picture === null ? 0 : world.pictures[picture]!.faces));
  return fits ? [] : [done.objection(`may hold ${JSON.stringify(held)}`)];
}

async function erasePhoto(world: World, operation: Operation): Promise<string[]> {
  const session = world.sessions.at(operation.session);
  const photoId = idOf(operation.photo);
  return erase(world, operation, session, `/api/v1/index/${session.id}/photos/${photoId}`, photoId);
}

async function eraseSession(world: World, operation: Operation): Promise<string[]> {
  const session = world.sessions.at(operation.session);
  return erase(world, operation, session, `/api/v1/index/${session.id}`, null);
}

async function erase(
  world: World,
  operation: Operation,
  session: SessionModel,
  path: string,
  photoId: string | null,
): Promise<string[]> {
  const write = session.begin(photoId, null);
  const call = jsonCall('DELETE', path, undefined, { 'X-API-Key': world.keys.current });
  const done = await answered(world, operation, call);
  const { answer, began } = done;
  const photos = (photoId === null ? photosOf(session) : [photoId]).map((id) => session.stored(id, began, now()));
  if (answer.status === 200) {
    session.end(write, 'done');
    const most = sum(
      photos.map((held) => Math.max(...[...held].map((n) => (n === null ? 0 : world.pictures[n]!.faces)))),
    );
    const removed = answer.body.embeddings_removed;
    return removed <= most ? [] : [done.objection(`at most ${most} faces were there`)];
  }
  if (answer.status === 404) {
    session.end(write, 'nothing');
    const isOver = session.expiresAt !== null && now() > session.expiresAt;
    return done.unless(isOver || photos.every((held) => held.has(null)));
  }
  session.end(write, mayHaveActed(answer) ? 'unknown' : 'refused');
  return done.unless(false);
}

/** A call with the key that was valid before: refused, and nothing is done. */
async function formerKey(world: World, operation: Operation): Promise<string[]> {
  const session = world.sessions.at(operation.session);
  const photoId = idOf(operation.photo);
  const write = session.begin(photoId, null);
  const call = jsonCall('DELETE', `/api/v1/index/${session.id}/photos/${photoId}`, undefined, {
    'X-API-Key': world.keys.former,
  });
  const changing = world.keys.isChanging(now());
  const done = await answered(world, operation, call);
  const { answer } = done;
  const outcome = answer.status === 200 ? 'done' : answer.status === 404 ? 'nothing' : 'unknown';
  session.end(write, answer.status === 401 ? 'refused' : outcome);
  const late = changing || world.faults.touches(done.began, now());
  return done.unless(answer.status === 401 || (late && (answer.status === 200 || answer.status === 404)));
}

/** A call and its answer, counted. */
async function answered(world: World, operation: Operation, call: Call) {
  const began = now();
  const changing = world.keys.isChanging(began);
  const answer = await send(world.ports[operation.api]!, call, operation.manner);
  const told = answer.lost?.reason ?? `${answer.status} ${answer.body.code ?? ''}`.trim();
  const line = `${operation.kind}: ${told}`;
  world.tally.set(line, (world.tally.get(line) ?? 0) + 1);
  const objection = (why: string) =>
    `${call.method} ${call.path} (${operation.kind}, ${JSON.stringify(operation.manner)}) of ${new Date(began).toISOString()} was answered ${told} after ${Math.round(now() - began)} ms: ${why}. ${JSON.stringify(answer.body).slice(0, 600)}`;
  const excused = () => {
    const broken = world.faults.touches(began, now());
    if (answer.lost) return answer.lost.byChoice || broken;
    if (answer.status === 503) return OVERLOADED.has(answer.body.code) || broken;
    if (answer.status === 408) return broken || operation.manner.kind !== 'plain';
    return answer.status === 401 && (changing || broken);
  };
  return {
    began,
    answer,
    objection,
    unless: (expected: boolean) => (expected || excused() ? [] : [objection('the model allows no such answer')]),
  };
}

/** Refusals that load explains, whatever is broken. */
const OVERLOADED = new Set(['overloaded', 'inference_overloaded']);
/** Codes of a batch's photo that say nothing of the photo. */
const TRANSIENT = /^(database_unavailable|inference_.*|overloaded|s3_unavailable|stopping)$/;

/** Whether a call that was not answered 2xx may have done its work all the same, or may still do it. */
function mayHaveActed({ status }: Answer): boolean {
  return status === 0 || status >= 500;
}

/** 409 is for calls that an erasure overtook; a time that is over meanwhile lies no longer in the future. */
function mayRefuseWrite(session: SessionModel, write: Write, answer: Answer): boolean {
  if (answer.status === 409) return session.erases(write.photoId!, write.began, now());
  return answer.body.code === 'invalid_parameter' && session.expiresAt !== null && now() > session.expiresAt;
}

function expiryOf({ expiresAt }: SessionModel): { expires_at?: string } {
  return expiresAt === null ? {} : { expires_at: new Date(expiresAt).toISOString() };
}

function photosOf(session: SessionModel): string[] {
  return session.photoIds();
}

function idOf(photo: number): string {
  return `photo-${photo}`;
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
