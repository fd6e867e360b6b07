import { SCHEMA_VERSIONS } from '@facepass/contracts/database';
import { healthAnswer, type HealthAnswer } from '@facepass/contracts/http';
import type { Connection } from '../connection.ts';
import { reasonOf } from '../failures.ts';
import { BLANK_IMAGE } from './blank-image.ts';
import { mendOf, type Finding } from './finding.ts';

/** Checks the service from outside; `away` if nothing answers. */
export async function examineService(connection: Connection): Promise<{ findings: Finding[]; away: boolean }> {
  const answer = await call(connection, '/health');
  if (answer instanceof Error) {
    const mend =
      connection.source === 'the default'
        ? 'Run ./scripts/start, or set --url or FACEPASS_URL.'
        : `Start the service, or correct ${connection.source}.`;
    return {
      findings: [{ what: `service at ${connection.url} (from ${connection.source})`, fault: reasonOf(answer), mend }],
      away: true,
    };
  }
  const health = healthAnswer.safeParse(await answer.json().catch(() => null));
  if (!health.success) {
    const fault = `/health gave an answer that is not Facepass’s (HTTP ${answer.status})`;
    return {
      findings: [
        {
          what: `service at ${connection.url}`,
          fault,
          mend: 'Correct the address: another service or a proxy answers there.',
        },
      ],
      away: false,
    };
  }
  return {
    findings: [clockFinding(answer), ...healthFindings(answer, health.data), await examineIndexCall(connection)],
    away: false,
  };
}

/** Search tokens and S3 signatures fail if clocks differ. */
function clockFinding(answer: Response): Finding {
  const secondsApart = Math.abs(Date.parse(answer.headers.get('Date') ?? '') - Date.now()) / 1000;
  if (!(secondsApart > 60)) return { what: 'clock' };
  return {
    what: 'clock',
    fault: `this machine and the service are ${Math.round(secondsApart)} s apart`,
    mend: 'Synchronise both clocks with NTP.',
  };
}

function healthFindings(answer: Response, { database, face_recognition_model: model }: HealthAnswer): Finding[] {
  const reachable = database === 'connected';
  return [
    reachable
      ? { what: 'database of the service' }
      : { what: 'database of the service', fault: database, mend: databaseMend(database) },
    answer.ok || !reachable
      ? { what: `inference of the service (${model})` }
      : {
          what: 'inference of the service',
          fault: model,
          mend: 'Start the inference server, or correct INFERENCE_ADDRESS. Its log names missing or damaged model files.',
        },
  ];
}

function databaseMend(fault: string): string {
  const version = Number(/schema has version (\d+)/.exec(fault)?.[1]);
  if (version > SCHEMA_VERSIONS.most)
    return 'Run the newer release, or take the schema back with its migrator (docs/MIGRATION_GUIDE.md).';
  return (
    mendOf(fault, [
      [/schema|migrat/i, 'Run the migration: node services/migrator/main.ts up.'],
      [
        /dimension|model/i,
        'The database was created for another model. Set MODEL_PACK to that model, or use another database.',
      ],
      [/pgvector|extension|vector/i, 'Install or upgrade pgvector in the database (0.8.4 or newer).'],
    ]) ??
    'Start the database, or correct DATABASE_URL. On the service’s host, `facepass doctor --env-file FILE` names the cause.'
  );
}

/** Indexes an image without a face: a complete index call that stores nothing. */
async function examineIndexCall(connection: Connection): Promise<Finding> {
  const { apiKey } = connection;
  const what = 'API key and an index call';
  if (!apiKey)
    return {
      what: 'API key',
      fault: 'no key given',
      mend: 'Set --api-key or FACEPASS_API_KEY. Searches need no key if the service allows it.',
    };
  const body = new FormData();
  body.append('session_id', 'facepass-doctor');
  body.append('photo_id', 'blank');
  body.append('image', new Blob([BLANK_IMAGE]));
  const answer = await call(connection, '/api/v1/index', { method: 'POST', headers: { 'X-API-Key': apiKey }, body });
  if (answer instanceof Error) return { what, fault: reasonOf(answer), mend: 'Run `facepass doctor` again.' };
  const { code, detail } = (await answer.json().catch(() => ({}))) as { code?: string; detail?: string };
  if (code === 'no_face') return { what };
  const fault = `${detail ?? `HTTP ${answer.status}`}${code ? ` (${code})` : ''}`;
  return { what, fault, mend: MENDS[code ?? ''] ?? `See ${connection.url}/docs/errors/${code}.` };
}

const MENDS: Record<string, string> = {
  api_key_invalid:
    'Correct --api-key or FACEPASS_API_KEY, or add the key to the service: facepass keys create NAME, or API_KEYS.',
  scope_missing: 'Use a key with the scope `index`: facepass keys create NAME --scopes index, or API_KEYS.',
  rate_limited: 'Wait a minute, or raise RATE_LIMIT_WRITES_PER_MINUTE of the service.',
  inference_model_mismatch: 'Set the same MODEL_PACK, or MODEL_PACKS, for the API and the inference servers.',
  inference_overloaded: 'The inference servers are full: wait, or add more.',
  inference_unavailable: 'Start the inference server, or correct INFERENCE_ADDRESS of the service.',
  database_unavailable: 'Start the database, or correct DATABASE_URL of the service.',
};

async function call({ url }: Connection, path: string, init: RequestInit = {}): Promise<Response | Error> {
  try {
    return await fetch(url + path, { ...init, signal: AbortSignal.timeout(15_000) });
  } catch (error) {
    return error as Error;
  }
}
