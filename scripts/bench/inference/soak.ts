import { readFileSync } from 'node:fs';
import type { Service } from './service.ts';

/** Resident memory of the server in MB after 200 to 2,000 photos, and its highest so far at the end. */
export async function soak(service: Service, photosInPass: number): Promise<(string | number)[][]> {
  const rows: (string | number)[][] = [];
  let sent = 0;
  for (const mark of [200, 500, 1000, 1500, 2000]) {
    while (sent < mark) sent += (await service.round(Math.ceil(Math.min(200, mark - sent) / photosInPass))).photos;
    rows.push([String(sent), memoryMb(service.server.child.pid!, 'VmRSS')]);
  }
  return [...rows, ['highest', memoryMb(service.server.child.pid!, 'VmHWM')]];
}

/** Resident memory of the server now, and its highest so far. */
export function memoryRows({ server }: Service): (string | number)[][] {
  return [
    ['now', memoryMb(server.child.pid!, 'VmRSS')],
    ['highest', memoryMb(server.child.pid!, 'VmHWM')],
  ];
}

function memoryMb(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  return (
    Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
  );
}
