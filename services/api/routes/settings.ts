import type { SettingsAnswer } from '@facepass/contracts/http';
import type { RequestHandler } from 'express';
import type { Context } from '../context.ts';

/** GET /api/v1/settings: what a client must know before its first call. */
export function settings({ config, version, models }: Context): RequestHandler {
  const answer: SettingsAnswer = {
    version,
    search_access: config.search.access,
    photo_url_template: config.photoUrlTemplate ?? null,
    max_image_bytes: config.upload.maxImageBytes,
    max_image_side: config.upload.maxImageSide,
    default_threshold: config.search.threshold,
    models: models.map(({ modelId }) => modelId),
  };
  return (_request, response) => void response.json(answer);
}
