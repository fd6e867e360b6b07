import type { HealthAnswer } from '@facepass/contracts/http';
import { exposition } from '@facepass/runtime/exposition';
import type { RequestHandler } from 'express';
import type { Context } from '../context.ts';
import { judgeSchema } from '../db/schema.ts';
import { recordSchema } from '../events.ts';

/** What is wrong with each thing the API needs; null where nothing is. */
export async function checkDependencies(context: Context): Promise<{ database: string | null; inference: string | null }> {
  const [database, inference] = await Promise.all([checkDatabase(context), context.inference.checkHealth()]);
  return { database, inference };
}

async function checkDatabase({ pool, pack, metrics }: Context): Promise<string | null> {
  try {
    const judgement = await judgeSchema(pool, pack.embedding_size);
    recordSchema(metrics, judgement);
    return judgement.fault?.reason ?? null;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Why the process should get no requests, or null. */
export async function readinessOf(context: Context): Promise<string | null> {
  if (context.draining) return 'stopping';
  const { database, inference } = await checkDependencies(context);
  return [database, inference].filter(Boolean).join('; ') || null;
}

/** GET /health */
export function health(context: Context): RequestHandler {
  return async (_request, response) => {
    const { database, inference } = await checkDependencies(context);
    const healthy = database === null && inference === null;
    const answer: HealthAnswer = {
      status: healthy ? 'healthy' : 'unhealthy',
      database: database ?? 'connected',
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
    response.status(reason === null ? 200 : 503).type('text/plain').send(`${reason ?? 'ok'}\n`);
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
