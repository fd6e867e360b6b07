import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

export { BinaryWriter, WireType };

/** The fields of a message by number: bytes, or integers; numbers of 32 bits as their bits. */
export type Fields = Map<number, (Uint8Array | bigint | number)[]>;

/** The fields of a message. @throws Error when the bytes are no message. */
export function fieldsOf(message: Uint8Array): Fields {
  const reader = new BinaryReader(message);
  const fields: Fields = new Map();
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    const values = fields.get(field) ?? [];
    fields.set(field, values);
    if (wireType === WireType.LengthDelimited) values.push(reader.bytes());
    else if (wireType === WireType.Varint) values.push(BigInt(reader.int64()));
    else if (wireType === WireType.Bit32) values.push(reader.fixed32());
    else reader.skip(wireType, field);
  }
  return fields;
}

/** The messages, bytes or texts in a field. */
export function messages(fields: Fields, field: number): Uint8Array[] {
  return (fields.get(field) ?? []).filter((value) => value instanceof Uint8Array);
}

/** The text in a field; empty where there is none. */
export function text(fields: Fields, field: number): string {
  return decoded(messages(fields, field)[0] ?? new Uint8Array(0));
}

/** Bytes as text. */
export function decoded(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8');
}

/** The number of 32 bits that a field holds. */
export function float32(bits: Uint8Array | bigint | number | undefined): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, Number(bits ?? 0));
  return view.getFloat32(0);
}

/** Repeated integers, packed or one by one. */
export function integersOf(fields: Fields, field: number): number[] {
  return (fields.get(field) ?? []).flatMap((value) => {
    if (!(value instanceof Uint8Array)) return [Number(value)];
    const reader = new BinaryReader(value);
    const integers: number[] = [];
    while (reader.pos < reader.len) integers.push(Number(reader.int64()));
    return integers;
  });
}
