import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/** A picture as TensorBoard shows it: an encoded PNG or JPEG. */
export type EventImage = { width: number; height: number; encoded: Uint8Array };

export type EventContent =
  | { kind: 'fileVersion' }
  /** Values of one moment, by tag. Those that are not finite are kept: TensorBoard marks them. */
  | { kind: 'scalars'; values: Readonly<Record<string, number>> }
  | { kind: 'images'; images: Readonly<Record<string, EventImage>> }
  /** The run starts (again) here: TensorBoard forgets what earlier files say of this step and later ones. */
  | { kind: 'sessionStart' };

export type EventHead = {
  /** Seconds since 1970. */
  wallTime: number;
  step: number;
};

/** TensorBoard reads files whose first event says this version. */
const FILE_VERSION = 'brain.Event:2';
/** SessionLog.SessionStatus.START */
const START = 1;
/** Summary.Image.colorspace */
const RGB = 3;

/*
 * Field numbers of tensorflow/core/util/event.proto (Event, SessionLog) and tensorflow/core/framework/summary.proto
 * (Summary, Summary.Value, Summary.Image).
 */
const EVENT = { wallTime: 1, step: 2, fileVersion: 3, summary: 5, sessionLog: 7 } as const;
const SESSION_LOG = { status: 1 } as const;
const SUMMARY = { value: 1 } as const;
const VALUE = { tag: 1, simpleValue: 2, image: 4 } as const;
const IMAGE = { height: 1, width: 2, colorspace: 3, encoded: 4 } as const;

/** An `Event` message in protocol-buffer form, fields in the order of their numbers as other writers have them. */
export function eventMessage({ wallTime, step }: EventHead, content: EventContent): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(EVENT.wallTime, WireType.Bit64).double(wallTime);
  // A field that has its default value is not written in proto3.
  if (step !== 0) writer.tag(EVENT.step, WireType.Varint).int64(step);
  if (content.kind === 'fileVersion') writer.tag(EVENT.fileVersion, WireType.LengthDelimited).string(FILE_VERSION);
  else if (content.kind === 'sessionStart')
    message(writer, EVENT.sessionLog, () => writer.tag(SESSION_LOG.status, WireType.Varint).int32(START));
  else
    message(writer, EVENT.summary, () => {
      if (content.kind === 'scalars')
        for (const [tag, value] of Object.entries(content.values))
          summaryValue(writer, tag, () => writer.tag(VALUE.simpleValue, WireType.Bit32).float(clipped(value)));
      else
        for (const [tag, image] of Object.entries(content.images))
          summaryValue(writer, tag, () => message(writer, VALUE.image, () => picture(writer, image)));
    });
  return writer.finish();
}

function message(writer: BinaryWriter, field: number, fields: () => void): void {
  writer.tag(field, WireType.LengthDelimited).fork();
  fields();
  writer.join();
}

const summaryValue = (writer: BinaryWriter, tag: string, value: () => void) =>
  message(writer, SUMMARY.value, () => {
    writer.tag(VALUE.tag, WireType.LengthDelimited).string(tag);
    value();
  });

function picture(writer: BinaryWriter, { width, height, encoded }: EventImage): void {
  writer.tag(IMAGE.height, WireType.Varint).int32(height);
  writer.tag(IMAGE.width, WireType.Varint).int32(width);
  writer.tag(IMAGE.colorspace, WireType.Varint).int32(RGB);
  writer.tag(IMAGE.encoded, WireType.LengthDelimited).bytes(encoded);
}

/** The format holds float32: what is larger becomes infinite, as a cast would have it; the writer refuses it otherwise. */
const clipped = (value: number): number => Math.fround(value);
