import { styleText } from 'node:util';
import type { Connection } from '../connection.ts';
import { examineDatabase } from '../doctor/database.ts';
import type { Finding } from '../doctor/finding.ts';
import { examineKeysFile, examinePort, examineState } from '../doctor/host.ts';
import { examineInference } from '../doctor/inference.ts';
import { examineModels } from '../doctor/models.ts';
import { examineRedis } from '../doctor/redis.ts';
import { examineService } from '../doctor/service.ts';
import { readSettings, type Settings } from '../doctor/settings.ts';
import { examineTimeouts } from '../doctor/timeouts.ts';
import { EXIT, type ExitCode } from '../failures.ts';

export interface DoctorOptions {
  json?: boolean;
  /** File with the variables of the services. */
  envFile?: string;
}

/**
 * `facepass doctor`: checks the service from outside and, if the environment or `--env-file` has the services' variables,
 * what the services need on this host. Each fault comes with a fix.
 */
export async function examine(options: DoctorOptions, connection: Connection): Promise<ExitCode> {
  const settings = readSettings(process.env, options.envFile);
  const { findings: ofService, away } = await examineService(connection);
  const ofHost = 'what' in settings ? [settings] : await examineHost(settings, away);
  const findings = [examineState(process.env), ...ofService, ...ofHost];
  if (options.json) console.log(JSON.stringify(findings));
  else for (const finding of findings) console.log(textOf(finding));
  return findings.some(({ fault }) => fault) ? EXIT.incomplete : EXIT.done;
}

/** Checks what the services need, as far as the settings name it. */
async function examineHost(settings: Settings, away: boolean): Promise<Finding[]> {
  const { DATABASE_URL, POSTGRES_HOST, REDIS_URL, INFERENCE_ADDRESS, API_KEYS_FILE, HOST, PORT, METRICS_PORT } =
    settings;
  const withWeights = Boolean(
    settings.MODEL_PACKS ?? settings.MODEL_PACK ?? settings.MODELS_DIRECTORY ?? settings.MODEL_WEIGHTS_DIRECTORY,
  );
  const names = settings.MODEL_PACKS ?? [settings.MODEL_PACK ?? 'sface'];
  const examined = await Promise.all(names.map((name) => examineModels(settings, name, withWeights)));
  const dimensions = examined.flatMap(({ pack }) => pack?.dimension ?? []);
  const ports = Object.entries({ PORT, METRICS_PORT }).filter(
    (entry): entry is [string, number] => away && Boolean(entry[1]),
  );
  return [
    ...examineTimeouts(settings),
    ...examined.flatMap(({ findings }) => findings),
    ...(DATABASE_URL || POSTGRES_HOST ? await examineDatabase(settings, dimensions) : []),
    ...(REDIS_URL ? [await examineRedis(REDIS_URL)] : []),
    ...(INFERENCE_ADDRESS
      ? await Promise.all(
          examined.map(({ pack }) => examineInference(settings, INFERENCE_ADDRESS, pack?.modelId ?? null)),
        )
      : []),
    ...(API_KEYS_FILE ? [examineKeysFile(API_KEYS_FILE)] : []),
    ...(await Promise.all(ports.map(([name, port]) => examinePort(name, port, HOST)))),
  ];
}

function textOf({ what, fault, mend }: Finding): string {
  if (!fault) return `${styleText('green', 'ok')}     ${what}`;
  return `${styleText('red', 'fault')}  ${what}: ${fault}\n       ${mend}`;
}
