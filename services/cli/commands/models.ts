import { answerOf, type components } from '@facepass/client';
import { clientOf, type Connection } from '../connection.ts';
import { EXIT, type ExitCode } from '../failures.ts';

/**
 * `facepass models status`: the models that are served and those that sessions are of; the key needs the scope admin.
 * Incomplete where sessions are of a model that is not served: their searches and index calls are rejected.
 */
export async function showModels(options: { json?: boolean }, connection: Connection): Promise<ExitCode> {
  const { models } = answerOf(await clientOf(connection).GET('/api/v1/models'));
  for (const model of models) console.log(options.json ? JSON.stringify(model) : lineOf(model));
  return models.some(({ served, session_count }) => !served && session_count > 0) ? EXIT.incomplete : EXIT.done;
}

function lineOf({ model, served, default: isDefault, ...count }: components['schemas']['ModelSummary']): string {
  const holds = `${count.session_count} sessions, ${count.photo_count} photos, ${count.face_count} faces`;
  const state = isDefault ? 'served, for new sessions' : served ? 'served' : 'not served: its sessions answer 409';
  return `${model}: ${holds} (${state})`;
}
