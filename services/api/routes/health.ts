import type { HealthAnswer } from '@facepass/contracts/http';
import { judgeSchema } from '@facepass/indexing/db/schema';
import { exposition } from '@facepass/runtime/exposition';
import type { RequestHandler } from 'express';
import { messageOf } from '@facepass/runtime/errors';
import type { Context } from '../context.ts';
import { recordSchema, type Faults } from '../metrics.ts';

/**
 * What is wrong with the things the API needs; empty where nothing is. However many ask, from wherever, one look at a
 * time is under way: /health is public, and ten a second held every connection of a slow database.
 */
async function dependencyFaults(context: Context): Promise<Faults> {
  const [database, inference] = await Promise.all([
    databaseFaults(context),
    shared(context.inference, () => context.inference.checkHealth()),
  ]);
  return { ...database, ...(inference !== null && { inference }) };
}

/** By the thing that is looked at. */
const underWay = new WeakMap<object, Promise<unknown>>();

/** Joins the look at `subject` that is under way, or begins one. */
function shared<Result>(subject: object, look: () => Promise<Result>): Promise<Result> {
  const begun = underWay.get(subject) as Promise<Result> | undefined;
  if (begun) return begun;
  const begins = look().finally(() => underWay.delete(subject));
  underWay.set(subject, begins);
  return begins;
}

async function databaseFaults(context: Context): Promise<Faults> {
  const { pool, models, config, metrics } = context;
  using limit = lookLimit();
  const look = () =>
    judgeSchema(pool, {
      embeddingSizes: models.map(({ pack }) => pack.embedding_size),
      allowedPgvectorVersion: config.database.allowedPgvectorVersion,
    });
  try {
    const judgement = await Promise.race([shared(pool, look), limit.over]);
    recordSchema(metrics, judgement);
    return judgement.fault ? { schema: judgement.fault.reason } : {};
  } catch (error) {
    return { database: messageOf(error) };
  }
}

/**
 * A database may take a connection and then say nothing: a probe gets its answer before it gives up, after 3 s in the
 * chart.
 */
function lookLimit(): Disposable & { over: Promise<never> } {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new Error(`the database has said nothing for ${LONGEST_LOOK_MS} ms`)),
    LONGEST_LOOK_MS,
  );
  return { over: promise, [Symbol.dispose]: () => clearTimeout(timer) };
}

const LONGEST_LOOK_MS = 2500;

/** Why the process should get no requests; empty where it may. /readyz and the metrics tell it. */
export async function readinessFaults(context: Context): Promise<Faults> {
  return context.draining ? { draining: 'stopping' } : dependencyFaults(context);
}

/** Why the process should get no requests, in words, or null. */
export async function readinessOf(context: Context): Promise<string | null> {
  return Object.values(await readinessFaults(context)).join('; ') || null;
}

/** GET /health */
export function health(context: Context): RequestHandler {
  return async (_request, response) => {
    const { database, schema, inference } = await dependencyFaults(context);
    const healthy = !database && !schema && !inference;
    const answer: HealthAnswer = {
      status: healthy ? 'healthy' : 'unhealthy',
      database: database ?? schema ?? 'connected',
      face_recognition_model: inference ?? context.modelId,
      version: context.version,
      uptime_seconds: Math.round(process.uptime()),
    };
    response.status(healthy ? 200 : 503).json(answer);
  };
}

/** GET /readyz */
export function readyz(context: Context): RequestHandler {
  return async (_request, response) => {
    const reason = await readinessOf(context);
    response
      .status(reason === null ? 200 : 503)
      .type('text/plain')
      .send(`${reason ?? 'ok'}\n`);
  };
}

/** GET /livez */
export const livez: RequestHandler = (_request, response) => void response.type('text/plain').send('ok\n');

/** GET /metrics, for clients that look for them beside the calls; the chart's route does not expose them. */
export function metrics(context: Context): RequestHandler {
  return async (request, response) => {
    const { contentType, body } = await exposition(context.metrics.registry, request.get('accept'));
    response.type(contentType).send(body);
  };
}
