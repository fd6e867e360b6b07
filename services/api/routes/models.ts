import type { ModelsAnswer } from '@facepass/contracts/http';
import { servedModel } from '@facepass/indexing/faces';
import type { RequestHandler } from 'express';
import type { Context } from '../context.ts';
import { sessionsByModel } from '../db/inventory.ts';

/** GET /api/v1/models: the models that are served and those that sessions are of, with what they hold. */
export function models(context: Context): RequestHandler {
  return async (_request, response) => {
    const held = await sessionsByModel(context.pool);
    const served = context.models.map(({ modelId }) => modelId);
    const others = held.map(({ model_id }) => model_id).filter((model) => !servedModel(context, model));
    response.json({
      models: [...served, ...others].map((model) => {
        const { sessions = 0, photos = 0, faces = 0 } = held.find(({ model_id }) => model_id === model) ?? {};
        const counts = { session_count: sessions, photo_count: photos, face_count: faces };
        return { model, served: served.includes(model), default: model === context.modelId, ...counts };
      }),
    } satisfies ModelsAnswer);
  };
}
