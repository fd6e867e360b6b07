/** The part of an OpenAPI 3.1 document that is compared. */
export interface OpenApiDocument {
  info: { version: string };
  paths: Record<string, Record<string, Operation>>;
  components?: { schemas?: Record<string, Schema> };
}

interface Operation {
  parameters?: { name: string; in: string; required?: boolean; schema?: Schema }[];
  requestBody?: { required?: boolean; content: Record<string, { schema?: Schema }> };
  responses: Record<string, { content?: Record<string, { schema?: Schema }> }>;
}

interface Schema {
  $ref?: string;
  type?: string | string[];
  properties?: Record<string, Schema>;
  required?: string[];
  enum?: unknown[];
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
}

/**
 * What a client written for `before` can no longer rely on in `after`, one sentence each: calls, content types, answers
 * and their fields that are gone or may be absent now; fields of a request that became required, changed their type or
 * take fewer values.
 */
export function breakingChanges(before: OpenApiDocument, after: OpenApiDocument): string[] {
  return Object.entries(before.paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, old]) => {
      const name = `${method.toUpperCase()} ${path}`;
      const now = after.paths[path]?.[method];
      if (!now) return [`${name} is gone`];
      return [...requestChanges(name, old, now, before, after), ...answerChanges(name, old, now, before, after)];
    }),
  );
}

function requestChanges(
  name: string,
  old: Operation,
  now: Operation,
  before: OpenApiDocument,
  after: OpenApiDocument,
): string[] {
  const changes = (now.parameters ?? []).flatMap((parameter) => {
    const earlier = old.parameters?.find(
      (candidate) => candidate.name === parameter.name && candidate.in === parameter.in,
    );
    return parameter.required && !earlier?.required ? [`${name}: parameter ${parameter.name} became required`] : [];
  });
  for (const parameter of old.parameters ?? [])
    if (!now.parameters?.some((candidate) => candidate.name === parameter.name && candidate.in === parameter.in))
      changes.push(`${name}: parameter ${parameter.name} is gone`);
  for (const [type, { schema }] of Object.entries(old.requestBody?.content ?? {})) {
    const body = now.requestBody?.content[type];
    if (!body) changes.push(`${name}: no longer takes ${type}`);
    else if (schema && body.schema)
      changes.push(...schemaChanges(`${name} (${type})`, schema, body.schema, { before, after, sent: true, depth: 0 }));
  }
  return changes;
}

function answerChanges(
  name: string,
  old: Operation,
  now: Operation,
  before: OpenApiDocument,
  after: OpenApiDocument,
): string[] {
  return Object.entries(old.responses).flatMap(([status, { content = {} }]) => {
    if (!status.startsWith('2')) return [];
    return Object.entries(content).flatMap(([type, { schema }]) => {
      const answer = now.responses[status]?.content?.[type];
      if (!answer) return [`${name}: no longer answers ${status} with ${type}`];
      return schema && answer.schema
        ? schemaChanges(`${name} ${status}`, schema, answer.schema, { before, after, sent: false, depth: 0 })
        : [];
    });
  });
}

interface Comparison {
  before: OpenApiDocument;
  after: OpenApiDocument;
  /** Clients send it (fewer values may be taken) rather than read it (fewer fields may be there). */
  sent: boolean;
  depth: number;
}

/** Deeper than any schema of ours; a recursive one ends here. */
const DEEPEST = 20;

function schemaChanges(where: string, oldSchema: Schema, nowSchema: Schema, comparison: Comparison): string[] {
  const old = resolve(oldSchema, comparison.before);
  const now = resolve(nowSchema, comparison.after);
  if (comparison.depth > DEEPEST) return [];
  const deeper = { ...comparison, depth: comparison.depth + 1 };
  const changes = typeChanges(where, old, now, comparison.sent);
  for (const [field, earlier] of Object.entries(old.properties ?? {})) {
    const later = now.properties?.[field];
    if (!later) changes.push(`${where}: ${field} is gone`);
    else changes.push(...schemaChanges(`${where}: ${field}`, earlier, later, deeper));
  }
  const [strict, lax] = comparison.sent ? [now, old] : [old, now];
  for (const field of strict.required ?? [])
    if (!lax.required?.includes(field) && now.properties?.[field])
      changes.push(`${where}: ${field} ${comparison.sent ? 'became required' : 'may be absent now'}`);
  if (old.items && now.items) changes.push(...schemaChanges(`${where}[]`, old.items, now.items, deeper));
  return changes;
}

function typeChanges(where: string, old: Schema, now: Schema, sent: boolean): string[] {
  const [narrow, wide] = sent ? [old, now] : [now, old];
  const lost = typesOf(narrow).filter(
    (type) =>
      typesOf(wide).length > 0 &&
      !typesOf(wide).includes(type) &&
      !(type === 'integer' && typesOf(wide).includes('number')),
  );
  const changes = lost.map((type) => (sent ? `${where} no longer takes ${type}` : `${where} may be ${type} now`));
  const values = sent
    ? old.enum?.filter((value) => now.enum && !now.enum.includes(value))
    : now.enum?.filter((value) => old.enum && !old.enum.includes(value));
  for (const value of values ?? [])
    changes.push(sent ? `${where} no longer takes ${value}` : `${where} may be ${value} now`);
  return changes;
}

function typesOf(schema: Schema): string[] {
  if (schema.type) return [schema.type].flat();
  return [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].flatMap((choice) =>
    choice.$ref ? ['object'] : typesOf(choice),
  );
}

function resolve(schema: Schema, document: OpenApiDocument): Schema {
  const name = schema.$ref?.replace('#/components/schemas/', '');
  return name ? (document.components?.schemas?.[name] ?? {}) : schema;
}
